"""What rows that stop a script have in common, in SQL: the condition, and the SELECT that counts them in production."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.model.foreign_key import read_foreign_key
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.schema import Column, Schema
from pgcontract.model.sql.lexer import tokens
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.values import dataclass

_CHECK: Final = lazy_pattern(r"CHECK \((?P<expression>.*)\)(?: NO INHERIT)?\Z", re.DOTALL)
_EXCLUSION: Final = lazy_pattern(r"EXCLUDE USING \w+ \((?P<rest>.*)\Z", re.DOTALL)
_DELETE: Final = lazy_pattern(r"DELETE\s+FROM\s+(?P<rest>(?:(?!\bUSING\b|\bRETURNING\b).)+)\Z", re.IGNORECASE | re.DOTALL)
_OF_HASH: Final = "satisfies_hash_partition("
_LENGTH: Final = lazy_pattern(r"character(?: varying)?\((?P<length>\d+)\)\Z")
_TEXTS: Final = ("text", "character", "citext", "name")
_RANGES: Final = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
_TO_TYPE: Final = lazy_pattern(
    r"\bALTER\s+(?:COLUMN\s+)?(?P<column>\"[^\"]+\"|\w+)\s+(?:SET\s+DATA\s+)?TYPE\b", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Offence:
    """`condition` is what such rows have, in words and SQL; `counting` counts them. `columns` are those that it reads.
    `is_example`: one value that was found to do it, beside which others may."""

    condition: str
    counting: str
    columns: frozenset[str] = frozenset()
    is_example: bool = False


def offences(
    refusal: Refusal, table: str, before: Schema, after: Schema, bounds: Mapping[str, str] | None = None
) -> Iterator[Offence]:
    """What the refusal says of rows of the table, the likeliest first; the server may not know all that they name.
    `bounds` is what holds afterwards for the rows of each partition, by its name, as SQL."""
    match refusal.sqlstate:
        case "23502" if refusal.column_name is not None:
            yield _where(table, f"{quote_identifier(refusal.column_name)} IS NULL", [refusal.column_name])
        case "23514":
            yield from _of_bounds(refusal, table, after, bounds or {})
            yield from _of_check(refusal, table, after)
            yield from _of_domain(table, before, after)
        case "23505":
            yield from _of_unique(refusal, table, after)
        case "23P01":
            yield from _of_exclusion(refusal, table, after)
        case "23503":
            yield from _of_foreign_key(refusal, table, after)
        case code if code.startswith("22") or code == "42846":
            yield from _of_cast(refusal, table, before, after)


def with_value(table: str, column: str, value: str | None) -> Offence:
    """Rows that have the value in the column."""
    name = quote_identifier(column)
    test = f"{name} IS NULL" if value is None else f"{name} = {sql.Literal(value).as_string()}"
    return replace(_where(table, test, [column]), is_example=value is not None)


def from_value(table: str, column: str, least: int) -> Offence:
    """Rows that have this number in the column, or a larger one."""
    return replace(_where(table, f"{quote_identifier(column)} >= {least}", [column]), is_example=True)


def count(connection: psycopg.Connection, offence: Offence) -> int | None:
    """How many rows the SELECT counts; None where the server does not take it."""
    try:
        with connection.transaction():
            row = connection.execute(offence.counting.rstrip(";").encode()).fetchone()
    except psycopg.Error:
        return None
    return int(row[0]) if row else 0


def _where(table: str, condition: str, columns: list[str], *, words: str | None = None) -> Offence:
    return Offence(
        condition=words or condition,
        counting=f"SELECT count(*) FROM {table} WHERE {condition};",  # noqa: S608 - names from the catalog
        columns=frozenset(columns),
    )


def _columns_in(text: str, schema: Schema, table: str) -> list[str]:
    return [
        column.bare_name
        for column in schema.columns_of(table)
        if re.search(rf"(?<!\w){re.escape(column.bare_name)}(?!\w)", text)
    ]


def _of_check(refusal: Refusal, table: str, after: Schema) -> Iterator[Offence]:
    for constraint in after.constraints:
        if constraint.form == "check" and constraint.bare_name == refusal.constraint and constraint.definition:
            match = _CHECK.match(constraint.definition)
            expression = match["expression"] if match else constraint.definition
            expression = _unwrapped(expression)
            if constraint.table == table:
                yield _where(table, f"NOT ({expression})", _columns_in(expression, after, table))


def _of_domain(table: str, before: Schema, after: Schema) -> Iterator[Offence]:
    """Columns of a domain that gets a CHECK."""
    known = {constraint.name for constraint in before.constraints}
    for constraint in after.constraints:
        match = _CHECK.match(constraint.definition or "")
        if constraint.form != "check" or constraint.name in known or match is None:
            continue
        domain = next((type_ for type_ in after.types if type_.name == constraint.table and type_.form == "domain"), None)
        for column in before.columns if domain is not None else ():
            if column.table == table and domain is not None and domain.is_type(column.type):
                expression = re.sub(r"\bVALUE\b", column.quoted_name, _unwrapped(match["expression"]))
                yield _where(table, f"NOT ({expression})", [column.bare_name])


def _of_bounds(refusal: Refusal, table: str, after: Schema, bounds: Mapping[str, str]) -> Iterator[Offence]:
    """Rows that a new partition does not take, or that a default partition must not hold beside it."""
    inside = bounds.get(table)
    # A hash of the key names the partitioned table by its number, which production has another of.
    if inside and refusal.constraint is None and _OF_HASH not in inside:
        is_default = refusal.message.startswith("updated partition constraint for default")
        words = "a key that another partition is for" if is_default else f"a key outside of the bounds of {table}"
        of_default = _unwrapped(inside).removeprefix("NOT ")
        condition = of_default if _unwrapped(of_default) not in (of_default, inside) else f"NOT {inside}"
        yield _where(table, condition, _columns_in(inside, after, table), words=words)


def _of_exclusion(refusal: Refusal, table: str, after: Schema) -> Iterator[Offence]:
    for constraint in after.constraints:
        match = _EXCLUSION.match(constraint.definition or "")
        if constraint.bare_name != refusal.constraint or constraint.table != table or match is None:
            continue
        elements, predicate = _elements(match["rest"])
        kept = ", ".join(f"({key}) AS k{number}" for number, (key, _) in enumerate(elements))
        test = " AND ".join(f"a.k{number} {operator} b.k{number}" for number, (_, operator) in enumerate(elements))
        where = f" WHERE {predicate}" if predicate else ""
        pairs = ", ".join(f"{key} {operator} {key}" for key, operator in elements)
        yield Offence(
            condition=f"keys that conflict, {pairs}" + (f" where {predicate}" if predicate else ""),
            counting=f"WITH kept AS (SELECT row_number() OVER () AS n, {kept} FROM {table}{where}) "  # noqa: S608
            f"SELECT count(*) FROM kept AS a WHERE EXISTS (SELECT FROM kept AS b WHERE b.n <> a.n AND {test});",
            columns=frozenset(_columns_in(match["rest"], after, table)),
        )


def _elements(text: str) -> tuple[list[tuple[str, str]], str]:
    """`room WITH =, during WITH &&) WHERE (open)`: each key with its operator, and the predicate."""
    depth, start, elements, end = 0, 0, [], len(text)
    for token in tokens(text):
        if token.text in (",", ")") and depth == 0:
            key, _, operator = text[start : token.offset].rpartition(" WITH ")
            elements.append((_key(key.strip()), operator.strip()))
            start = token.offset + 1
            if token.text == ")":
                end = token.offset + 1
                break
        depth += (token.text == "(") - (token.text == ")")
    where = text[end:].strip()
    predicate = where.removeprefix("WHERE ").split(" DEFERRABLE")[0] if where.startswith("WHERE ") else ""
    return elements, _unwrapped(predicate)


def _unwrapped(expression: str) -> str:
    """Without parentheses around the whole."""
    while expression.startswith("(") and expression.endswith(")"):
        depth = 0
        for place, character in enumerate(expression):
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth == 0 and place < len(expression) - 1:
                return expression
        expression = expression[1:-1]
    return expression


def _of_unique(refusal: Refusal, table: str, after: Schema) -> Iterator[Offence]:
    for index in after.indexes:
        if index.bare_name == refusal.constraint and index.table == table:
            keys = [_key(key) for key in index.keys]
            listed = ", ".join(keys)
            tests = [index.predicate] if index.predicate else []
            if not index.nulls_not_distinct:
                tests += [f"{key} IS NOT NULL" for key in keys if not _never_null(key, after, table)]
            where = f" WHERE {' AND '.join(tests)}" if tests else ""
            same = f"the same {listed}" + (f" where {index.predicate}" if index.predicate else "")
            yield Offence(
                condition=same,
                counting=f"SELECT count(*) FROM (SELECT 1 FROM {table}{where} GROUP BY {listed} "  # noqa: S608
                "HAVING count(*) > 1) AS repeated;",
                columns=frozenset(_columns_in(f"{listed} {index.predicate or ''}", after, table)),
            )


def _key(key: str) -> str:
    """The expression of an index's key without its operator class, order and nulls."""
    text = re.sub(r" (?:DESC|ASC)\b| NULLS (?:FIRST|LAST)\b", "", key)
    return re.sub(r" \w+_ops\b", "", text)


def _never_null(key: str, schema: Schema, table: str) -> bool:
    return any(
        column.table == table and quote_identifier(column.bare_name) == key and not column.null
        for column in schema.columns
    )


def _of_foreign_key(refusal: Refusal, table: str, after: Schema) -> Iterator[Offence]:
    for constraint in after.constraints:
        if constraint.form == "foreign key" and constraint.bare_name == refusal.constraint and constraint.table == table:
            key = read_foreign_key(constraint.definition)
            if key is None:
                continue
            own, parent = key.columns, key.parent
            pairs = " AND ".join(
                f"p.{there} = {table}.{column}" for column, there in zip(own, key.parent_columns, strict=True)
            )
            full = len(own) > 1 and " MATCH FULL" in key.rest
            filled = (
                f"({' OR '.join(f'{column} IS NOT NULL' for column in own)})"
                if full
                else " AND ".join(f"{column} IS NOT NULL" for column in own)
            )
            condition = f"{filled} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {pairs})"
            words = f"in {', '.join(own)} what {parent} does not have"
            yield _where(table, condition, _columns_in(" ".join(own), after, table), words=words)


def still_referenced(refusal: Refusal, after: Schema) -> Iterator[Offence]:
    """Rows that refer to what a DELETE takes away, counted by the DELETE's own condition."""
    match = _DELETE.match(refusal.statement or "")
    constraints = (each for each in after.constraints if each.form == "foreign key") if match else ()
    for constraint in constraints:
        key = read_foreign_key(constraint.definition)
        if match is not None and key is not None and constraint.bare_name == refusal.constraint:
            own = ", ".join(key.columns)
            chosen = f"SELECT {', '.join(key.parent_columns)} FROM {match['rest']}"  # noqa: S608 - a statement of the owner's
            words = f"in {own} what the statement takes away"
            yield _where(constraint.table, f"({own}) IN ({chosen})", [], words=words)


def _of_cast(refusal: Refusal, table: str, before: Schema, after: Schema) -> Iterator[Offence]:
    statement = refusal.statement or ""
    named = [match["column"].strip('"') for match in _TO_TYPE.finditer(statement)]
    old = {column.bare_name: column for column in before.columns_of(table)}
    new = {column.bare_name: column for column in after.columns_of(table)}
    for name in named:
        if name in old and name in new and old[name].type != new[name].type:
            yield from _of_new_type(table, old[name], new[name])


def _of_new_type(table: str, old: Column, new: Column) -> Iterator[Offence]:
    name = old.quoted_name
    if match := _LENGTH.search(new.type):
        words = f"in {name} more than {match['length']} characters"
        yield _where(table, f"length({name}::text) > {match['length']}", [old.bare_name], words=words)
    words = f"in {name} what is no {new.type}"
    if old.type.startswith(_TEXTS):
        valid = f"pg_input_is_valid({name}::text, {sql.Literal(new.type).as_string()})"
        yield _where(table, f"NOT {valid}", [old.bare_name], words=words)
        if new.type in _RANGES:  # before 16
            yield _where(table, f"{name}::text !~ '^\\s*[-+]?[0-9]+\\s*$'", [old.bare_name], words=words)
    elif new.type in _RANGES:
        most = _RANGES[new.type]
        yield _where(table, f"{name} NOT BETWEEN {-most - 1} AND {most}", [old.bare_name])
