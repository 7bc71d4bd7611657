"""Values for a table's columns that its rules may turn on: as SQL that reads no row, the likeliest to matter first.

Another value than the row's, the type's simplest ones and null; and what the rules' texts compare with: strings, numbers
and one more and less, times so far from now, texts that a pattern matches or that are as long, documents, arrays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.errors import InputError
from pgcontract.model.schema import Column, Schema
from pgcontract.probes.boundary_values import texts_near_regex
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.simple_values import any_value, simplest_value
from pgcontract.probes.rows.alternative_values import other_values
from pgcontract.probes.rows.castable_values import castable_values
from pgcontract.probes.rows.probe_row import ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts
from pgcontract.values import dataclass

MAX_VALUES: Final = 160  # of one column; a message says how many there were
_TEXT: Final = re.compile(r"character|text|citext|name|\"char\"")
_NUMBER: Final = re.compile(r"smallint|integer|bigint|numeric|real|double precision|money")
_FRACTION: Final = re.compile(r"(numeric|real|double precision|money)(?:\(\d+,(\d+)\))?")
_TEMPORAL: Final = re.compile(r"timestamp|date")
_PART_OF_A_TIME: Final = re.compile(r"(?i)\b(?:extract|date_part|to_char)\b")
_MAX_LENGTH: Final = 300
_MAX_ELEMENTS: Final = 20
_TEXTS_OF_A_PATTERN: Final = 6
_SIMPLE_VALUES: Final = 3
_VALUES_OF_OTHERS: Final = 2  # of a column that no rule names: only one that looks at the whole row could see it


@dataclass(frozen=True, kw_only=True)
class ValuesToTry:
    """Distinct values of a column, at most 96 `of` so many; `simple` are the first ones, which no rule's text gave, and
    all there are unless the column `is_turning` some rule. `current` is what the row has, as text, if it is written."""

    column: Column
    values: tuple[sql.Composable, ...]
    of: int
    simple: tuple[sql.Composable, ...]
    is_turning: bool
    current: str | None = None


def values_to_try(
    context: Context, connection: psycopg.Connection, rules: RuleTexts, probe_row: ProbeRow, columns: Sequence[Column]
) -> tuple[ValuesToTry, ...]:
    """For each of the columns what is to be written in place of the probe row's value."""
    return tuple(_values_of(context, connection, rules, probe_row, column) for column in columns)


def _values_of(
    context: Context, connection: psycopg.Connection, rules: RuleTexts, probe_row: ProbeRow, column: Column
) -> ValuesToTry:
    schema = context.after
    current = probe_row.row.get(column.bare_name)
    texts = [] if current is None else [str(current)]
    simple = [str(any_value(schema, column)), *_simple_texts(schema, column, texts)]
    turning = rules.of_column(column.bare_name)
    is_turning = bool(turning.texts)
    candidates = [*simple, *rule_values(turning, schema, column, current)] if is_turning else simple
    literals = [unquoted(value) for value in other_values(context, column)]
    valid = castable_values(
        connection, column.type, dict.fromkeys(text for text in (*candidates, *literals) if text is not None)
    )
    given = set(texts)
    values: list[sql.Composable] = [sql.Literal(text) for text in valid if text not in given]
    first: list[sql.Composable] = [*([sql.NULL] if column.null else []), *values[:_SIMPLE_VALUES]]
    if _TEMPORAL.match(column.type):
        first = [*first[:2], sql.SQL("now()")]
        values += _times(connection, turning) if is_turning else []
    every = {value.as_string(): value for value in (*first, *(values if is_turning else ()))}
    kept = tuple(every.values())[: MAX_VALUES if is_turning else _VALUES_OF_OTHERS]
    return ValuesToTry(
        column=column,
        values=kept,
        of=len(every) if is_turning else len(kept),
        simple=tuple(first),
        is_turning=is_turning,
        current=None if current is None else str(current),
    )


def _simple_texts(schema: Schema, column: Column, current: Iterable[str]) -> Iterator[str]:
    for data_type in schema.types:
        if data_type.is_type(column.type):
            yield from data_type.labels
    if column.type == "boolean":
        yield from ("true", "false")
    elif _NUMBER.match(column.type):
        yield from ("0", "1", *(str(int(text) + 1) for text in current if re.fullmatch(r"-?\d+", text)))
    elif _TEXT.match(column.type):
        yield from (*(f"{text}a" for text in current), *(f"a{text}" for text in current), "b")
    elif column.type == "uuid":
        yield "00000000-0000-4000-8000-000000000002"
    elif column.type.startswith("json"):
        yield '{"another": 1}'


def rule_values(rules: RuleTexts, schema: Schema, column: Column, current: Any) -> Iterator[str]:
    """What the rules compare with, as texts; the server says which the type takes."""
    yield from rules.strings
    if column.type.endswith("[]"):
        yield from _arrays(rules, simplest_value(schema, column.type.removesuffix("[]")))
    elif _TEXT.match(column.type):
        yield ""
        yield from rules.numbers
        for pattern, is_regex in rules.patterns:
            yield from _matching_texts(pattern, is_regex=is_regex)
        base = str(current or any_value(schema, column)) or "a"
        for number in rules.numbers:
            if number.isdecimal() and int(number) <= _MAX_LENGTH:
                sizes = (int(number) - 1, int(number), int(number) + 1)
                yield from ((base * (size + 1))[:size] for size in sizes if size > 0)
    elif column.type.startswith("json"):
        yield from _documents(rules, current)
    else:
        fraction = _FRACTION.match(column.type)
        steps = [Decimal(1), *([Decimal(10) ** -int(fraction[2] or 1)] if fraction else [])]
        for value in map(Decimal, rules.numbers):
            yield from (
                f"{near:f}" for step in steps for near in (value, value + step, value - step, -value, -value - step)
            )
        yield from (f"[{text},{text}]" for text in (*rules.numbers, *rules.strings) if "range" in column.type)
        if column.type == "interval":
            yield from (f"{text} {margin}" for text in rules.strings for margin in ("-1 second", "1 second"))
        elif column.type.startswith("time"):
            yield from ("00:00", "23:59:59")
        yield from (text.partition("/")[0] for text in rules.strings if column.type == "inet")


def _arrays(rules: RuleTexts, element: Any) -> Iterator[str]:
    """Of one element that the texts name, of null, and with as many elements as a number says, one less and more."""
    for text in (*rules.strings, *rules.numbers):
        yield f"{{{json.dumps(text, ensure_ascii=False)}}}"
    yield "{NULL}"
    for number in rules.numbers:
        if number.isdecimal() and int(number) <= _MAX_ELEMENTS:
            yield from (
                f"{{{','.join([str(element)] * (int(number) + more))}}}" for more in (1, 0, -1) if int(number) + more
            )


def _matching_texts(pattern: str, *, is_regex: bool) -> Iterator[str]:
    if is_regex:
        try:
            yield from texts_near_regex(pattern, limit=_TEXTS_OF_A_PATTERN)
        except InputError:
            return
    else:
        yield pattern.replace("%", "").replace("_", "x")
        yield pattern.replace("%", "x").replace("_", "x")


def _documents(rules: RuleTexts, current: Any) -> Iterator[str]:
    base: Any = None
    with suppress(json.JSONDecodeError):
        base = json.loads(current) if isinstance(current, str) else current
    base = base if isinstance(base, Mapping) else {}
    near = [int(text) + step for text in rules.numbers[:_SIMPLE_VALUES] if text.isdecimal() for step in (0, 1, -1)]
    for path in rules.json_paths:
        for value in (True, False, None, 1, "", *rules.strings[:_TEXTS_OF_A_PATTERN], *near):
            *above, key = path
            document: Any = {key: value}
            for name in reversed(above):
                document = {name: document}
            yield json.dumps({**base, **document})
        yield json.dumps({name: value for name, value in base.items() if name != path[0]})


def _times(connection: psycopg.Connection, rules: RuleTexts) -> Iterator[sql.Composable]:
    """Before and after now by each interval that the texts name, a second less and more; a day before and after each
    moment in them; long ago; and where a part of a time decides, each day of a week."""
    for text in castable_values(connection, "interval", rules.strings):
        for sign in ("-", "+"):
            for margin in ("-1 second", "1 second"):
                yield sql.SQL("now() {} {}::interval + {}::interval").format(
                    sql.SQL(sign), sql.Literal(text), sql.Literal(margin)
                )
    for text in castable_values(connection, "timestamptz", rules.strings):
        for days in ("-1 day", "1 day"):
            yield sql.SQL("{}::timestamptz + {}::interval").format(sql.Literal(text), sql.Literal(days))
    yield sql.Literal("0044-03-15 BC")
    if any(_PART_OF_A_TIME.search(text) for text in rules.texts):
        yield from (sql.SQL("now() + {}::interval").format(sql.Literal(f"{days} days")) for days in range(1, 7))


def unquoted(value: sql.Composable) -> str | None:
    """The text of a literal; None of an expression."""
    text = value.as_string()
    is_literal = re.fullmatch(r"'(?:[^']|'')*'", text) is not None
    return text[1:-1].replace("''", "'") if is_literal else None
