"""The way around a rewrite for another type: a column beside the old one, which then takes its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pgcontract.catalog.live_tables import LiveColumn
from pgcontract.model.identifiers import quote_identifier, unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.probes.locks.work import ColumnRetyped, TracedStatement, Work
from pgcontract.rules.locks.steps import (
    Remedy,
    batches,
    create_index,
    deferral,
    key_word,
    literal,
    name_of,
    require,
    suffixed,
)

_VARCHAR: Final = re.compile(r"character varying\((\d+)\)")
_SEQUENCE: Final = re.compile(r"nextval\('(?P<sequence>(?:[^']|'')+)'::regclass\)")
_NAMES_NOT_NULL: Final = 18
"""From this major version on NOT NULL is a constraint with a name."""
_TEXTS: Final = ("text", "character varying")
_BESIDE: Final = "add a column of the new type beside it, kept by a trigger and filled in batches; then swap the names."


def retyped(traced: TracedStatement, work: Work, change: ColumnRetyped, *, major: int) -> Remedy:
    """A CHECK where that says as much; else a new column, with the indexes and constraints of the old one."""
    table, before, after = work.table, change.before, change.after
    length = _VARCHAR.fullmatch(after.type)
    if length and before.type.partition("(")[0] in _TEXTS:
        name = name_of(table, after.name, "length")
        check = f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (length({after.name}) <= {length[1]}) NOT VALID;"
        return Remedy(
            sentence="A CHECK of the length refuses the same values, and can be validated without the lock.",
            steps=(check, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"),
        )
    if reason := _in_words(work, change):
        return Remedy(sentence=reason)
    new = suffixed(after.name, "_new")
    expression = _conversion(traced.statement, after.name) or f"{after.name}::{after.type}"
    function = name_of(table, after.name, "to_new", qualified=True)
    trigger = name_of(table, after.name, "to_new")
    lines = (
        f"ALTER TABLE {table} ADD COLUMN {new} {after.type};",
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$",
        "BEGIN",
        f"    NEW.{new} := (SELECT {expression} FROM (SELECT NEW.*) AS changed);",  # noqa: S608 - printed, never run
        "    RETURN NEW;",
        "END $$;",
        f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();",
    )
    missing = f"{new} IS DISTINCT FROM ({expression})"
    fill = batches(table, f"{new} = {expression}", missing, partitioned=bool(work.partitions))
    needed = require(table, [replace(after, name=new)]) if after.not_null else ()
    builds, takes = _dependents(table, new, change)
    swap = (
        f"DROP TRIGGER {trigger} ON {table};",
        f"DROP FUNCTION {function}();",
        *_sequence(table, new, after),
        f"ALTER TABLE {table} DROP COLUMN {after.name};",
        f"ALTER TABLE {table} RENAME COLUMN {new} TO {after.name};",
        *([f"ALTER TABLE {table} ALTER COLUMN {after.name} SET DEFAULT {after.default};"] if after.default else []),
        *_renamed_sequence(table, after),
        *(_renamed_not_null(table, after) if after.not_null and major >= _NAMES_NOT_NULL else ()),
        *takes,
    )
    return Remedy(
        sentence="Add a column of the new type beside it, kept by a trigger and filled in batches, with the indexes and "
        "constraints of the old one; then let it take the old one's place. Give it the comment and the grants of the old "
        "one too.",
        steps=("\n".join(lines), fill, *needed, *builds, "\n".join(swap)),
    )


def _in_words(work: Work, change: ColumnRetyped) -> str:
    """What to do where the steps depend on more than this table; empty where they are printed."""
    if change.after.base is not None:
        return (
            f"The domain's conditions are checked as each row is written: give the column the type {change.after.base}, "
            "and the conditions as a CHECK that is NOT VALID and validated in a migration of its own."
        )
    if change.pointed_at:
        return (
            "Foreign keys point at this table, and each column that points at this one needs the new type too. For "
            f"all of them: {_BESIDE}"
        )
    if change.inherited:
        return f"Child tables have the column too, and each needs the trigger: {_BESIDE}"
    if work.partitions and (change.indexes or change.constraints):
        return f"Make its indexes and constraints on each partition first: {_BESIDE}"
    if any(constraint.kind == "x" for constraint in change.constraints):
        return f"No index of an exclusion constraint is built CONCURRENTLY; with that one in a quiet hour, {_BESIDE}"
    return ""


def _dependents(table: str, new: str, change: ColumnRetyped) -> tuple[list[str], list[str]]:
    """Steps that make what the old column is part of for the new one, and statements that give it the old names."""
    builds, takes = [], []
    keys = {constraint.index: constraint for constraint in change.constraints if constraint.kind in "pu"}
    for oid, index in change.indexes:
        path = QualifiedName.parse(index.name)
        other = suffixed(path.quoted_name, "_new")
        moved = replace(index, definition=_moved(index.definition, change.after.name, new))
        builds.append(f"{create_index(moved, name=other)};")
        if key := keys.get(oid):
            made = f"{key_word(key)} USING INDEX {other}{deferral(key.definition)}"
            takes.append(f"ALTER TABLE {table} ADD CONSTRAINT {key.name} {made};")
        else:
            takes.append(f"ALTER INDEX {path.parent}.{other} RENAME TO {path.quoted_name};")
    for constraint in change.constraints:
        if constraint.kind in "cf":
            other = suffixed(constraint.name, "_new")
            definition = _moved(constraint.definition, change.after.name, new).removesuffix(" NOT VALID")
            builds.append(f"ALTER TABLE {table} ADD CONSTRAINT {other} {definition} NOT VALID;")
            if constraint.validated:
                builds.append(f"ALTER TABLE {table} VALIDATE CONSTRAINT {other};")
            takes.append(f"ALTER TABLE {table} RENAME CONSTRAINT {other} TO {constraint.name};")
    return builds, takes


def _moved(definition: str, column: str, new: str) -> str:
    """A definition that speaks of the other column: not where the name is a function's, a type's or another table's."""
    head, mark, rest = definition.partition(" REFERENCES ")
    # An index's own name and its table's stand before USING.
    start = head.find(" USING ") if head.startswith("CREATE ") else 0
    pieces, at = [], 0
    read = tokens(head)
    for number, token in enumerate(read):
        behind = read[number + 1].text if number + 1 < len(read) else ""
        before = read[number - 1].text if number else ""
        is_name = token.kind in (TokenKind.WORD, TokenKind.QUOTED) and token.offset >= start
        if is_name and quote_identifier(token.name) == column and behind not in ("(", ".") and before not in (".", "::"):
            pieces += [head[at : token.offset], new]
            at = token.offset + len(token.text)
    return "".join((*pieces, head[at:], mark, rest))


def _sequence(table: str, new: str, after: LiveColumn) -> Iterator[str]:
    """A serial column's sequence is not dropped with the old column; that of an identity column goes on in a new one."""
    if match := _SEQUENCE.search(after.default):
        sequence = match["sequence"].replace("''", "'")
        yield f"ALTER SEQUENCE {sequence} OWNED BY {table}.{new};"
    if after.generated in ("a", "d"):
        kind = "ALWAYS" if after.generated == "a" else "BY DEFAULT"
        other = name_of(table, new, "seq", qualified=True)
        old = f"pg_get_serial_sequence('{literal(table)}', '{literal(unquote_identifier(after.name))}')"
        yield f"ALTER TABLE {table} ALTER COLUMN {new} ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {other});"
        yield f"SELECT setval('{literal(other)}', nextval({old}));"


def _renamed_sequence(table: str, after: LiveColumn) -> Iterator[str]:
    if after.generated in ("a", "d"):
        other = name_of(table, suffixed(after.name, "_new"), "seq", qualified=True)
        yield f"ALTER SEQUENCE {other} RENAME TO {name_of(table, after.name, 'seq')};"


def _renamed_not_null(table: str, after: LiveColumn) -> Iterator[str]:
    new, old = (name_of(table, column, "not_null") for column in (suffixed(after.name, "_new"), after.name))
    yield f"ALTER TABLE {table} RENAME CONSTRAINT {new} TO {old};"


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
