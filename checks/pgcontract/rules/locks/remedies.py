"""How the same is done without a lock that is held while all rows are read or written: SQL for the very names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pgcontract.catalog.live_tables import LiveColumn, LiveConstraint, LiveIndex
from pgcontract.model.identifiers import (
    MAX_NAME_BYTES,
    generated_name,
    quote_identifier,
    truncate_name,
    unquote_identifier,
)
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import tokens
from pgcontract.probes.locks.work import (
    ColumnAdded,
    ColumnRequired,
    ColumnRetyped,
    ConstraintAdded,
    IndexBuilt,
    PartitionJoined,
    TracedStatement,
    Work,
)

_BATCH: Final = 10_000
_VARCHAR: Final = re.compile(r"character varying\((\d+)\)")
_TEXTS: Final = ("text", "character varying")
_CREATE_INDEX: Final = re.compile(r"^CREATE (UNIQUE )?INDEX ")
_SERIAL: Final = re.compile(r"nextval\('(?P<sequence>(?:[^']|'')+)'::regclass\)")
_IN_A_QUIET_HOUR: Final = (
    "There is no way around the lock: deploy it in a quiet hour, with SET lock_timeout = '2s'; in front."
)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What to do in a sentence, and the SQL of each step: a migration of its own each, in this order. `concurrent` is
    whether a step can run in no transaction."""

    sentence: str
    steps: tuple[str, ...] = ()

    @property
    def concurrent(self) -> bool:
        return any("CONCURRENTLY" in step for step in self.steps)


def remedy_for(traced: TracedStatement, work: Work, *, major: int) -> Remedy:
    """The way around one piece of work, on a server of that major version."""
    match work.change:
        case ColumnRequired(column=column):
            return Remedy(
                sentence="Prove it first by a CHECK that is NOT VALID and validated without the lock; SET NOT NULL then "
                "reads nothing.",
                steps=_require(work.table, [column]),
            )
        case ConstraintAdded(constraint=constraint) if constraint.kind == "f" and work.partitions and major < 18:
            return Remedy(
                sentence="A partitioned table takes no foreign key NOT VALID: give it to each partition so, validate it "
                "there, and then add it to the table, which takes those over.",
                steps=_foreign_key_of_partitions(work, constraint),
            )
        case ConstraintAdded(constraint=constraint) as added:
            return Remedy(
                sentence="Add it NOT VALID, which holds for new rows at once, and validate it in a migration of its own.",
                steps=(*_columns(work.table, added.new), *_in_two(work.table, constraint)),
            )
        case IndexBuilt() as built:
            return _index(traced, work, built)
        case ColumnAdded(column=column):
            return _added(work.table, column)
        case ColumnRetyped(before=before, after=after):
            return _retyped(traced, work.table, before, after)
        case PartitionJoined() as joined:
            return _partition(traced, work, joined)
        case _:
            return _other(traced, work)


def _other(traced: TracedStatement, work: Work) -> Remedy:
    words = traced.statement.words
    match words:
        case ("REFRESH", *_):
            return Remedy(
                sentence="Refresh it CONCURRENTLY, which asks for a unique index on it and lets others read.",
                steps=(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {work.table};",),
            )
        case ("ALTER", "DOMAIN", *_):
            return Remedy(
                sentence="Add the constraint to the domain NOT VALID, which reads no table and holds for new values at "
                "once; VALIDATE CONSTRAINT blocks writes for as long as it reads, so run it in a quiet hour."
            )
        case _:
            return Remedy(sentence=_IN_A_QUIET_HOUR)


def _partition(traced: TracedStatement, work: Work, joined: PartitionJoined) -> Remedy:
    """A CHECK that proves what ATTACH would read the rows for: of the new partition, else of the default one."""
    statement = f"{traced.statement.shown};"
    if work.table == joined.partition:
        table, check = work.table, joined.bounds
        sentence = "Prove first by a CHECK what the partition holds: ATTACH PARTITION then reads nothing."
    else:
        table = work.partitions[0] if work.partitions else work.table
        check = f"NOT {joined.bounds}"
        sentence = f"Prove first by a CHECK that {table} holds nothing of the new partition: it is then not read."
    name = _name(table, QualifiedName.parse(joined.partition).name, "bounds")
    return Remedy(
        sentence=sentence,
        steps=(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID;",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
            f"{statement}\nALTER TABLE {table} DROP CONSTRAINT {name};",
        ),
    )


def _require(table: str, columns: Iterable[LiveColumn]) -> tuple[str, ...]:
    """The columns made NOT NULL, the proof before it."""
    adds, validates, ends = [], [], []
    for column in columns:
        name = _name(table, column.name, "is_set")
        adds.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column.name} IS NOT NULL) NOT VALID;")
        validates.append(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};")
        ends.append(f"ALTER TABLE {table} ALTER COLUMN {column.name} SET NOT NULL;")
        ends.append(f"ALTER TABLE {table} DROP CONSTRAINT {name};")
    return _together(adds, validates, ends)


def _together(*steps: Sequence[str]) -> tuple[str, ...]:
    return tuple("\n".join(step) for step in steps if step)


def _in_two(table: str, constraint: LiveConstraint) -> tuple[str, ...]:
    definition = constraint.definition.removesuffix(" NOT VALID")
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {constraint.name} {definition} NOT VALID;",
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint.name};",
    )


def _columns(table: str, columns: Iterable[LiveColumn]) -> tuple[str, ...]:
    """The columns that a constraint is of, added without it."""
    lines = []
    for column in columns:
        default = f" DEFAULT {column.default}" if column.default else ""
        required = " NOT NULL" if column.not_null else ""
        lines.append(f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type}{default}{required};")
    return ("\n".join(lines),) if lines else ()


def _foreign_key_of_partitions(work: Work, constraint: LiveConstraint) -> tuple[str, ...]:
    adds, validates = [], []
    for partition in work.partitions:
        add, validate = _in_two(partition, constraint)
        adds.append(add)
        validates.append(validate)
    whole = f"ALTER TABLE {work.table} ADD CONSTRAINT {constraint.name} {constraint.definition};"
    return ("\n".join(adds), *validates, whole)


def _index(traced: TracedStatement, work: Work, built: IndexBuilt) -> Remedy:
    if built.rebuilt and traced.statement.words[:1] == ("REINDEX",):
        return Remedy(
            sentence="REINDEX it CONCURRENTLY: writes go on meanwhile.",
            steps=(f"REINDEX INDEX CONCURRENTLY {built.index.name};",),
        )
    if built.rebuilt:
        return Remedy(sentence=_IN_A_QUIET_HOUR)
    constraint = built.constraint
    if constraint is not None and constraint.kind == "x":
        return Remedy(
            sentence="No index of an exclusion constraint is built CONCURRENTLY: deploy it in a quiet hour, with "
            "SET lock_timeout = '2s'; in front."
        )
    if work.partitions and built.parts:
        return _index_of_partitions(work.table, built)
    if constraint is None:
        return Remedy(
            sentence="Build it CONCURRENTLY, alone in its file: writes go on meanwhile.",
            steps=(f"{_concurrently(built.index)};",),
        )
    word = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
    bare_index = QualifiedName.parse(built.index.name).quoted_name
    late = _deferral(constraint.definition)
    attach = f"ALTER TABLE {work.table} ADD CONSTRAINT {constraint.name} {word} USING INDEX {bare_index}{late};"
    first = (*_columns(work.table, built.new), *_require(work.table, built.required))
    sentence = "Build its unique index CONCURRENTLY, alone in its file, and then make the constraint out of it."
    if built.required:
        sentence = (
            "Make its columns NOT NULL first; build its unique index CONCURRENTLY, alone in its file; then make the "
        )
        sentence += "key out of it."
    return Remedy(sentence=sentence, steps=(*first, f"{_concurrently(built.index)};", attach))


def _index_of_partitions(table: str, built: IndexBuilt) -> Remedy:
    constraint = built.constraint
    if constraint is not None:
        word = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
        return Remedy(
            sentence="Build the unique index of each partition CONCURRENTLY, each alone in its file, and make its "
            f"constraint of it; ADD {word} on the partitioned table then takes those over.",
            steps=(
                *_require(table, built.required),
                *(f"{_concurrently(index)};" for _, index in built.parts),
                "\n".join(_using_index(name, index, word) for name, index in built.parts),
                f"ALTER TABLE {table} ADD CONSTRAINT {constraint.name} {constraint.definition};",
            ),
        )
    attaches = [f"ALTER INDEX {built.index.name} ATTACH PARTITION {index.name};" for _, index in built.parts]
    return Remedy(
        sentence="Make it on the partitioned table ONLY, build that of each partition CONCURRENTLY, each alone in its "
        "file, and attach them.",
        steps=(
            f"{built.index.definition};",
            *(f"{_concurrently(index)};" for _, index in built.parts),
            "\n".join(attaches),
        ),
    )


def _using_index(table: str, index: LiveIndex, word: str) -> str:
    name = QualifiedName.parse(index.name).quoted_name
    return f"ALTER TABLE {table} ADD CONSTRAINT {name} {word} USING INDEX {name};"


def _concurrently(index: LiveIndex) -> str:
    return _CREATE_INDEX.sub(lambda match: f"CREATE {match[1] or ''}INDEX CONCURRENTLY ", index.definition)


def _deferral(definition: str) -> str:
    found = re.search(r" DEFERRABLE(?: INITIALLY DEFERRED)?$", definition)
    return found[0] if found else ""


def _added(table: str, column: LiveColumn) -> Remedy:
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
        sequence = _name(table, column.name, "seq", qualified=True)
        default = f"nextval('{sequence}'::regclass)"
    elif match := _SERIAL.search(default):
        sequence = match["sequence"].replace("''", "'")
    else:
        sequence = ""
    first = [f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type};"]
    if sequence:
        first.append(f"CREATE SEQUENCE {sequence} OWNED BY {table}.{column.name};")
    if default:
        first.append(f"ALTER TABLE {table} ALTER COLUMN {column.name} SET DEFAULT {default};")
    steps = ["\n".join(first)]
    if default:
        steps.append(_batches(table, f"{column.name} = {default}", f"{column.name} IS NULL"))
    if column.not_null:
        steps += _require(table, [column])
    if generated in ("a", "d"):
        kind = "ALWAYS" if generated == "a" else "BY DEFAULT"
        steps.append(
            f"ALTER TABLE {table} ALTER COLUMN {column.name} DROP DEFAULT;\n"
            f"ALTER SEQUENCE {sequence} OWNED BY NONE;\n"
            f"ALTER TABLE {table} ALTER COLUMN {column.name} ADD GENERATED {kind} AS IDENTITY;\n"
            f"SELECT setval(pg_get_serial_sequence('{_literal(table)}', '{_literal(unquote_identifier(column.name))}'), "
            f"nextval('{_literal(sequence)}'));\n"
            f"DROP SEQUENCE {sequence};"
        )
    return Remedy(
        sentence="Add it without the default, give it the default for new rows, and fill the old ones in batches.",
        steps=tuple(steps),
    )


def _literal(text: str) -> str:
    return text.replace("'", "''")


def _batches(table: str, assignment: str, condition: str) -> str:
    lines = (
        "-- Again and again, each time committed, until it updates no row:",
        f"UPDATE {table} SET {assignment}",  # noqa: S608 - printed, never run
        f"WHERE ctid IN (SELECT ctid FROM {table} WHERE {condition} LIMIT {_BATCH});",  # noqa: S608 - the same
    )
    return "\n".join(lines)


def _retyped(traced: TracedStatement, table: str, before: LiveColumn, after: LiveColumn) -> Remedy:
    length = _VARCHAR.fullmatch(after.type)
    if length and before.type.partition("(")[0] in _TEXTS:
        name = _name(table, after.name, "length")
        check = f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (length({after.name}) <= {length[1]}) NOT VALID;"
        return Remedy(
            sentence="A CHECK of the length refuses the same values, and can be validated without the lock.",
            steps=(check, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"),
        )
    new, old = _suffixed(after.name, "_new"), _suffixed(after.name, "_old")
    expression = _conversion(traced.statement, after.name) or f"{after.name}::{after.type}"
    function = _name(table, after.name, "to_new", qualified=True)
    trigger = _name(table, after.name, "to_new")
    lines = (
        f"ALTER TABLE {table} ADD COLUMN {new} {after.type};",
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$",
        "BEGIN",
        f"    NEW.{new} := (SELECT {expression} FROM (SELECT NEW.*) AS changed);",  # noqa: S608 - printed, never run
        "    RETURN NEW;",
        "END $$;",
        f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();",
    )
    fill = _batches(table, f"{new} = {expression}", f"{new} IS DISTINCT FROM ({expression})")
    default = f"\nALTER TABLE {table} ALTER COLUMN {after.name} SET DEFAULT {after.default};" if after.default else ""
    swap = (
        f"DROP TRIGGER {trigger} ON {table};\nDROP FUNCTION {function}();\n"
        f"ALTER TABLE {table} RENAME COLUMN {after.name} TO {old};\n"
        f"ALTER TABLE {table} RENAME COLUMN {new} TO {after.name};{default}"
    )
    required = _require(table, [replace(after, name=new)]) if after.not_null else ()
    drop = f"ALTER TABLE {table} DROP COLUMN {old};"
    return Remedy(
        sentence="Add a column of the new type beside it, kept by a trigger and filled in batches; "
        "give it the indexes and constraints of the old one; then swap the names.",
        steps=("\n".join(lines), fill, *required, swap, drop),
    )


def _conversion(statement: Statement, column: str) -> str:
    """What the statement says behind USING of that column; empty where it says nothing."""
    found = tokens(statement.text)
    depth = 0
    is_ours, start, end = False, -1, len(statement.text)
    for number, token in enumerate(found):
        depth += (token.text in "([") - (token.text in ")]")
        word = token.upper
        if depth == 0 and token.text == ",":
            if start >= 0:
                end = token.offset
                break
            is_ours = False
        elif depth == 0 and word in ("TYPE", "DATA") and number and found[number - 1].name:
            is_ours = quote_identifier(found[number - 1].name) == column
        elif depth == 0 and word == "USING" and is_ours and start < 0:
            start = token.offset + len(token.text)
    return statement.text[start:end].strip() if start >= 0 else ""


def _name(table: str, column: str, label: str, *, qualified: bool = False) -> str:
    """A name for what belongs to a column, quoted where it must be; with the table's schema where it is asked for."""
    path = QualifiedName.parse(table)
    name = quote_identifier(generated_name(path.name, unquote_identifier(column), label))
    return f"{path.parent}.{name}" if qualified else name


def _suffixed(column: str, suffix: str) -> str:
    return quote_identifier(truncate_name(unquote_identifier(column), MAX_NAME_BYTES - len(suffix)) + suffix)
