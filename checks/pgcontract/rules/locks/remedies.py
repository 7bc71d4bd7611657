"""How the same is done without a lock that is held while all rows are read or written: SQL for the very names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pgcontract.catalog.live_tables import LiveColumn
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.probes.locks.work import (
    ColumnAdded,
    ColumnRequired,
    ColumnRetyped,
    ConstraintAdded,
    ConstraintValidated,
    IndexBuilt,
    PartitionJoined,
    TracedStatement,
    ViewFilled,
    Work,
)
from pgcontract.rules.locks.partitions import attach, foreign_key_of_partitions, index_of_partitions
from pgcontract.rules.locks.retyping import retyped
from pgcontract.rules.locks.steps import (
    IN_A_QUIET_HOUR,
    Remedy,
    batches,
    create_index,
    deferral,
    in_two,
    key_word,
    literal,
    name_of,
    require,
    suffixed,
)

_ATTACHES: Final = re.compile(r"\bATTACH\s+PARTITION\b", re.IGNORECASE)
_VALIDATES: Final = re.compile(r"\bVALIDATE\b", re.IGNORECASE)
_SERIAL: Final = re.compile(r"nextval\('(?P<sequence>(?:[^']|'')+)'::regclass\)")


def remedy_for(traced: TracedStatement, work: Work, *, major: int) -> Remedy:
    """The way around one piece of work, on a server of that major version."""
    joined = [each.change for each in traced.work if isinstance(each.change, PartitionJoined)]
    if traced.statement.words[:2] == ("ALTER", "TABLE") and _ATTACHES.search(traced.statement.text):
        return attach(traced, joined)
    match work.change:
        case ColumnRequired(column=column, new=True):
            first = _columns(work.table, [replace(column, not_null=False)])
            return Remedy(
                sentence="Fill it in batches, each committed, before it is NOT NULL; prove that by a CHECK that is "
                "NOT VALID and validated without the lock; SET NOT NULL then reads nothing.",
                steps=(f"{first[0]}\n-- Then fill it in batches, each committed.", *require(work.table, [column])),
            )
        case ColumnRequired(column=column):
            return Remedy(
                sentence="Prove it first by a CHECK that is NOT VALID and validated without the lock; SET NOT NULL then "
                "reads nothing.",
                steps=require(work.table, [column]),
            )
        case ConstraintAdded(constraint=constraint) if constraint.kind == "f" and work.partitions and major < 18:
            return Remedy(
                sentence="A partitioned table takes no foreign key NOT VALID: give it to each partition so, validate it "
                "there, and then add it to the table, which takes those over.",
                steps=foreign_key_of_partitions(work, constraint),
            )
        case ConstraintAdded(again=True):
            return Remedy(sentence="It is checked again as the type of a column in it changes, and goes with that.")
        case ConstraintAdded(constraint=constraint) as added:
            return Remedy(
                sentence="Add it NOT VALID, which holds for new rows at once, and validate it in a migration of its own.",
                steps=(*_columns(work.table, added.new), *in_two(work.table, constraint, replaces=added.replaces)),
            )
        case ConstraintValidated(constraint=constraint):
            return Remedy(
                sentence="Drop it and add it NOT VALID in its place, and validate it in a migration of its own.",
                steps=in_two(work.table, constraint, replaces=True),
            )
        case IndexBuilt() as built:
            return _index(traced, work, built)
        case ColumnAdded(column=column):
            return _added(work, column)
        case ColumnRetyped() as change:
            return retyped(traced, work, change, major=major)
        case PartitionJoined():
            return attach(traced, joined)
        case ViewFilled() as filled:
            return _refreshed(work.table, filled)
        case _:
            return _other(traced)


def _refreshed(view: str, filled: ViewFilled) -> Remedy:
    """The way around a REFRESH, which is refused CONCURRENTLY where the view holds no data."""
    concurrently = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view}"
    if not filled.was_filled:
        index = "" if filled.has_key else "give it a unique index without WHERE on columns that tell its rows apart, and "
        return Remedy(
            sentence="As the migrations leave it, it holds no data, so nobody can read it yet and CONCURRENTLY is "
            f"refused: leave it so. If production has filled it since, {index}{concurrently} lets others read."
        )
    sentence = "" if filled.is_filled else "Leave out WITH NO DATA. "
    if filled.has_key:
        return Remedy(sentence=f"{sentence}Refresh it CONCURRENTLY, which lets others read.", steps=(f"{concurrently};",))
    return Remedy(
        sentence=f"{sentence}Give it a unique index without WHERE on columns that tell its rows apart; {concurrently} "
        "then lets others read."
    )


def _other(traced: TracedStatement) -> Remedy:
    words = traced.statement.words
    match words:
        case ("ALTER", "DOMAIN", *_) if _VALIDATES.search(traced.statement.text):
            return Remedy(
                sentence="It blocks writes of each table with a column of the domain for as long as it reads: run it "
                "in a quiet hour, with SET lock_timeout = '2s'; in front."
            )
        case ("ALTER", "DOMAIN", *_):
            return Remedy(
                sentence="Add the constraint to the domain NOT VALID, which reads no table and holds for new values at "
                "once (CHECK (VALUE IS NOT NULL) for NOT NULL); VALIDATE CONSTRAINT blocks writes for as long as it "
                "reads, so run it in a quiet hour."
            )
        case ("CLUSTER", *_):
            return Remedy(
                sentence="Deploy it in a quiet hour, or let pg_repack do it, which locks the table for moments only."
            )
        case ("VACUUM", *_):
            return Remedy(
                sentence="VACUUM without FULL lets others work and keeps the space for new rows; where the disk must "
                "have it back, pg_repack locks the table for moments only."
            )
        case _:
            return Remedy(sentence=IN_A_QUIET_HOUR)


def _columns(table: str, columns: Iterable[LiveColumn]) -> tuple[str, ...]:
    """The columns that a constraint is of, added without it."""
    lines = []
    for column in columns:
        default = f" DEFAULT {column.default}" if column.default else ""
        if column.generated[:1] in ("s", "v"):
            kind = "STORED" if column.generated[0] == "s" else "VIRTUAL"
            default = f" GENERATED ALWAYS AS ({column.default}) {kind}"
        required = " NOT NULL" if column.not_null else ""
        # What else is printed of the script may begin with the same column.
        lines.append(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column.name} {column.type}{default}{required};")
    return ("\n".join(lines),) if lines else ()


def _index(traced: TracedStatement, work: Work, built: IndexBuilt) -> Remedy:
    if built.rebuilt and traced.statement.words[:1] == ("REINDEX",):
        return Remedy(
            sentence="REINDEX it CONCURRENTLY: writes go on meanwhile.",
            steps=(f"REINDEX INDEX CONCURRENTLY {built.index.name};",),
        )
    if built.rebuilt:
        return Remedy(sentence=IN_A_QUIET_HOUR)
    constraint = built.constraint
    if constraint is not None and constraint.kind == "x":
        return Remedy(
            sentence="No index of an exclusion constraint is built CONCURRENTLY: deploy it in a quiet hour, with "
            "SET lock_timeout = '2s'; in front."
        )
    if work.partitions and built.parts:
        return index_of_partitions(work.table, built)
    bare_index = QualifiedName.parse(built.index.name).quoted_name
    new = suffixed(bare_index, "_new")
    if constraint is None and built.replaces:
        schema = QualifiedName.parse(built.index.name).parent
        return Remedy(
            sentence="Build it CONCURRENTLY under another name, and drop the old one so, each alone in its file: writes "
            "go on meanwhile. Then give it the old one's name.",
            steps=(
                f"{create_index(built.index, name=new)};",
                f"DROP INDEX CONCURRENTLY {built.replaces};",
                f"ALTER INDEX {schema}.{new} RENAME TO {bare_index};",
            ),
        )
    if constraint is None:
        return Remedy(
            sentence="Build it CONCURRENTLY, alone in its file: writes go on meanwhile.",
            steps=(*_columns(work.table, built.new), f"{create_index(built.index)};"),
        )
    name = new if built.replaces else bare_index
    drop = f"DROP CONSTRAINT {built.replaces}, " if built.replaces else ""
    key = f"{key_word(constraint)} USING INDEX {name}{deferral(constraint.definition)}"
    takes = f"ALTER TABLE {work.table} {drop}ADD CONSTRAINT {constraint.name} {key};"
    first = (*_columns(work.table, built.new), *require(work.table, built.required))
    sentence = "Build its unique index CONCURRENTLY, alone in its file, and then make the constraint out of it."
    if built.required:
        sentence = (
            "Make its columns NOT NULL first; build its unique index CONCURRENTLY, alone in its file; then make the "
        )
        sentence += "key out of it."
    return Remedy(sentence=sentence, steps=(*first, f"{create_index(built.index, name=name)};", takes))


def _added(work: Work, column: LiveColumn) -> Remedy:
    table = work.table
    if column.generated.startswith("v"):
        name = name_of(table, column.name, "not_null")
        return Remedy(
            sentence="Add it without NOT NULL, give it that as NOT VALID, and validate it in a migration of its own.",
            steps=(
                f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type} "
                f"GENERATED ALWAYS AS ({column.default}) VIRTUAL;",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column.name} NOT VALID;",
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
            ),
        )
    if column.not_null and not column.default and not column.generated:
        return Remedy(
            sentence="Add it without NOT NULL; fill it in batches, each committed; then prove that by a CHECK, "
            "and SET NOT NULL reads nothing.",
            steps=(f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type};", *require(table, [column])),
        )
    if column.generated.startswith("s"):
        return Remedy(
            sentence="A stored generated column is written for every row under the lock: add a plain column that a "
            "trigger keeps, fill it in batches, or deploy it in a quiet hour."
        )
    if column.base is not None:
        return Remedy(
            sentence="The domain's conditions are checked as each row is written: give the column the type "
            f"{column.base}, and the conditions as a CHECK that is NOT VALID and validated in a migration of its own."
        )
    default, generated = column.default, column.generated
    if generated in ("a", "d"):
        sequence = name_of(table, column.name, "seq", qualified=True)
        default = f"nextval('{sequence}'::regclass)"
    elif match := _SERIAL.search(default):
        sequence = match["sequence"].replace("''", "'")
    else:
        sequence = ""
    first = [f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type};"]
    own = name_of(table, column.name, "seq", qualified=True)
    if sequence and QualifiedName.parse(sequence) == QualifiedName.parse(own):
        kind = f"AS {column.type} " if column.type in ("integer", "smallint") else ""
        first.append(f"CREATE SEQUENCE {sequence} {kind}OWNED BY {table}.{column.name};")
    if default:
        first.append(f"ALTER TABLE {table} ALTER COLUMN {column.name} SET DEFAULT {default};")
    steps = ["\n".join(first)]
    if default:
        condition = f"{column.name} IS NULL"
        steps.append(batches(table, f"{column.name} = {default}", condition, partitioned=bool(work.partitions)))
    if column.not_null:
        steps += require(table, [column])
    if generated in ("a", "d"):
        kind = "ALWAYS" if generated == "a" else "BY DEFAULT"
        path = QualifiedName.parse(sequence)
        old = QualifiedName.parse(f"{path.parent}.{suffixed(path.quoted_name, '_old')}")
        steps.append(
            f"ALTER TABLE {table} ALTER COLUMN {column.name} DROP DEFAULT;\n"
            f"ALTER SEQUENCE {sequence} OWNED BY NONE;\n"
            f"ALTER SEQUENCE {sequence} RENAME TO {old.quoted_name};\n"
            f"ALTER TABLE {table} ALTER COLUMN {column.name} ADD GENERATED {kind} AS IDENTITY;\n"
            f"SELECT setval(pg_get_serial_sequence('{literal(table)}', '{literal(unquote_identifier(column.name))}'), "
            f"nextval('{literal(str(old))}'));\n"
            f"DROP SEQUENCE {old};"
        )
    return Remedy(
        sentence="Add it without the default, give it the default for new rows, and fill the old ones in batches.",
        steps=tuple(steps),
    )
