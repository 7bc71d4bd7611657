"""Rows that a CHECK passes today and refuses on a later day, found by asking the server with the clock put on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.model.schema import Column, Constraint
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.context import Context
from pgcontract.result import Evidence
from pgcontract.values import dataclass

# Days from today on which the clock is read again.
_LATER: Final = (1, 2, 8, 32, 100, 366, 800, 3_700, 11_000)
_DAYS: Final = (0, 1, -1, 7, -7, 31, -31, 366, -366, 3_653, -3_653, -6_575, 7_305, -36_525)
_MAX_ROWS: Final = 6_000
_CONSTANTS: Final = {
    "current_date": "date",
    "current_timestamp": "timestamptz",
    "localtimestamp": "timestamp",
    "current_time": "timetz",
    "localtime": "time",
}
_CALLS: Final = {
    "now": "timestamptz",
    "clock_timestamp": "timestamptz",
    "statement_timestamp": "timestamptz",
    "transaction_timestamp": "timestamptz",
}
_MOMENTS: Final = ("date", "timestamp", "timestamptz")
_TYPE: Final = re.compile(r"(date|timestamp(?:tz)?|integer|smallint|bigint|numeric|boolean|text|character|uuid)\b")
_INTEGERS: Final = ("integer", "smallint", "bigint", "numeric")


@dataclass(frozen=True, kw_only=True)
class EndingRow:
    """A row by its columns in words (`expires = tomorrow`), and the day `later` on which it fails: `in 2 days`."""

    row: str
    later: str
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class _Value:
    sql: str
    words: str


def reads_clock(text: str) -> bool:
    """Whether an expression, or a function's body, reads the time."""
    return any(True for _ in _readings(tokens(text)))


def _readings(words: tuple[Token, ...]) -> Iterable[tuple[int, int, str]]:
    """Where the clock is read: offsets from and to, and the type of what is read; "" for the age of one time."""
    for number, token in enumerate(words):
        if token.kind is not TokenKind.WORD:
            cast = [word.text.lower() for word in words[number + 1 : number + 3]]
            if token.kind is TokenKind.STRING and token.text.lower() in ("'now'", "'today'") and cast == ["::", "text"]:
                yield token.offset, words[number + 2].offset + len("text"), "text"
            continue
        name = token.text.lower()
        following = [word.text for word in words[number + 1 : number + 3]]
        if name in _CONSTANTS:
            end = token.offset + len(token.text)
            if following[:1] == ["("] and len(words) > number + 3:
                end = words[number + 3].offset + 1
            yield token.offset, end, _CONSTANTS[name]
        elif name in _CALLS and following == ["(", ")"]:
            yield token.offset, words[number + 2].offset + 1, _CALLS[name]
        elif name == "age" and following[:1] == ["("] and (closing := _one_argument(words, number + 1)):
            yield token.offset, words[closing].offset + 1, ""


def _one_argument(words: tuple[Token, ...], opening: int) -> int | None:
    """The number of the parenthesis that closes one argument; None where there are two."""
    depth = 0
    for number in range(opening, len(words)):
        text = words[number].text
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return number
        if text == "," and depth == 1:
            return None
    return None


def first_ending_row(context: Context, constraint: Constraint) -> EndingRow | None:
    """The row that passes today and fails first, with as few days as there can be; None where none is found, or the
    expression cannot be asked outside of its table."""
    definition = constraint.definition or ""
    expression = definition.removeprefix("CHECK ").strip()
    columns = [column for column in context.after.columns if column.table == constraint.table]
    read = {token.name for token in tokens(expression) if token.kind in (TokenKind.WORD, TokenKind.QUOTED)}
    used = [column for column in columns if column.bare_name in read]
    if not columns:  # a domain's
        domain = next((each for each in context.after.types if each.name == constraint.table), None)
        type_name = domain.attributes[0] if domain and domain.attributes else ""
        used = [Column(name=f"{constraint.table}.value", table=constraint.table, position=1, type=type_name)]
        expression = re.sub(r"\bVALUE\b", "value", expression)
    grid = [_values(column, expression, _labels(context, column)) for column in used]
    size = 1
    for values in grid:
        size *= len(values)
    if not used or not size or size > _MAX_ROWS:
        return None
    rows = list(itertools.product(*grid))
    with context.sandbox.rolled_back(context.after_state) as connection:
        try:
            passing = _passing(connection, used, rows, _at(expression, 0))
            for days in _LATER:
                kept = set(_passing(connection, used, [rows[number] for number in passing], _at(expression, days)))
                failing = [number for place, number in enumerate(passing) if place not in kept]
                if failing:
                    shortest = min(failing, key=lambda number: sum("NULL" in value.words for value in rows[number]))
                    return _ending(used, rows[shortest], days, _at(expression, days))
        except psycopg.Error:
            return None
    return None


def _at(expression: str, days: int) -> str:
    """The expression with the clock put on by some days."""
    words = tokens(expression)
    for start, end, kind in sorted(_readings(words), reverse=True):
        if kind:
            later = f"((pg_catalog.now() + interval '{days} days')::{kind})"
        else:
            argument = expression[expression.index("(", start) + 1 : end - 1]
            later = f"pg_catalog.age((CURRENT_DATE + {days})::timestamp, ({argument})::timestamp)"
        expression = expression[:start] + later + expression[end:]
    return expression


def _passing(
    connection: psycopg.Connection, columns: list[Column], rows: list[tuple[_Value, ...]], expression: str
) -> list[int]:
    """The numbers of the rows that the expression does not refuse: NULL passes a CHECK."""
    if not rows:
        return []
    names = sql.SQL(", ").join(sql.SQL(column.quoted_name) for column in columns)
    types = [sql.SQL("{0}::{1} AS {0}").format(sql.SQL(column.quoted_name), sql.SQL(column.type)) for column in columns]
    listed = sql.SQL(", ").join(
        sql.SQL("({}, {})").format(sql.Literal(number), sql.SQL(", ").join(sql.SQL(value.sql) for value in row))
        for number, row in enumerate(rows)
    )
    query = sql.SQL(
        "SELECT pgcontract_row FROM (SELECT pgcontract_row, {} FROM (VALUES {}) AS v (pgcontract_row, {})) AS r "
        "WHERE ({}) IS NOT FALSE ORDER BY 1"
    ).format(sql.SQL(", ").join(types), listed, names, sql.SQL(expression))
    return [number for (number,) in connection.execute(query).fetchall()]


def _ending(columns: list[Column], row: tuple[_Value, ...], days: int, expression: str) -> EndingRow:
    shown = " and ".join(f"{column.quoted_name} = {value.words}" for column, value in zip(columns, row, strict=True))
    later = "tomorrow" if days == 1 else f"in {days} days"
    return EndingRow(
        row=shown,
        later=later,
        evidence=Evidence(title=f"The condition as it is asked {later}", text=expression, language="sql"),
    )


def _labels(context: Context, column: Column) -> tuple[str, ...]:
    """The first labels of its type, where that is an enum."""
    return next((each.labels[:6] for each in context.after.types if each.labels and each.is_type(column.type)), ())


def _values(column: Column, expression: str, labels: tuple[str, ...]) -> list[_Value]:
    """Values to try; none for a type that is not known here."""
    values: list[_Value] = []
    base = column.type.replace("timestamp with time zone", "timestamptz").replace(
        "timestamp without time zone", "timestamp"
    )
    match = _TYPE.match(base)
    if match is None:
        quoted = [sql.Literal(label).as_string() for label in labels]
        return [*(_Value(sql=f"{word}::text", words=word) for word in quoted), _Value(sql="NULL", words="NULL")]
    kind = match[1]
    strings = [token.text for token in tokens(expression) if token.kind is TokenKind.STRING]
    numbers = [token.text for token in tokens(expression) if token.kind is TokenKind.NUMBER]
    if kind in _MOMENTS:
        values += [
            _Value(sql=f"((pg_catalog.now() + interval '{days} days')::{kind})::text", words=_day(days)) for days in _DAYS
        ]
    elif kind in _INTEGERS:
        year = "extract(year from pg_catalog.now())::int"
        values += [_Value(sql=f"'{number}'", words=number) for number in dict.fromkeys(("0", "1", *numbers[:6]))]
        values += [
            _Value(sql=f"({year} + {more})::text", words=f"this year{f' {more:+}' if more else ''}")
            for more in (0, 1, -1, 5, -20)
        ]
    elif kind == "boolean":
        values += [_Value(sql=f"'{word}'", words=word) for word in ("true", "false")]
    elif kind in ("text", "character"):
        values += [_Value(sql=f"{text}::text", words=text) for text in dict.fromkeys((*strings[:6], "'a'"))]
    if column.null or not values:
        values.append(_Value(sql="NULL", words="NULL"))
    return values


def _day(days: int) -> str:
    named = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return named.get(days) or (f"in {days} days" if days > 0 else f"{-days} days ago")
