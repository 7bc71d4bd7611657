"""Rows beside the usual ones: each label and listed word, words in the other case, the longest, empty and repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.row_generation.row_maker import FEW, RowMaker, is_numbered
from pgcontract.probes.row_generation.target_tables import FilledColumn
from pgcontract.probes.row_generation.value_types import ValueType

_MAX_WORDS: Final = 12  # rows for the words of one column
_MAX_ALONE: Final = 6  # columns that are tried one by one where a row of all of them is refused
_LONG_TEXT: Final = 400
_MAX_LENGTH: Final = 2_000
_INTEGERS: Final = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**53}


def insert_variety(maker: RowMaker) -> int:
    """Insert what the few rows of `maker` do not show, after them: the number of rows that went in."""
    number = maker.first + FEW + 20
    inserted = 0
    for words in _words(maker):
        inserted += maker.insert_with(words, number)
        number += 1
    for values in (_other_case(maker), _longest(maker), _empty(maker)):
        if not values:
            continue
        number += 1
        if maker.insert_with(values, number):
            inserted += 1
            continue
        for name, value in list(values.items())[:_MAX_ALONE] if len(values) > 1 else ():
            number += 1
            inserted += maker.insert_with({name: value}, number)
    again = _again(maker)
    for _ in range(2 if again else 0):
        number += 1
        inserted += maker.insert_with(again, number)
    return inserted


def _again(maker: RowMaker) -> Mapping[str, str | None]:
    """The same values outside of keys, for two rows: whoever takes them for a key sees one repeated."""
    keys = {name for key in maker.table.keys for name in key.columns}
    names = [column.name for column in _free(maker) if column.name not in keys]
    return maker.planned_values(2, names) or {} if names else {}


def _words(maker: RowMaker) -> Iterator[Mapping[str, str]]:
    """Rows in which each label of an enum, and each word that a CHECK lists, stands that no row has yet."""
    choices: dict[str, list[str]] = {}
    for column in _free(maker):
        words = _labels(column.type)
        if column.type.typname == "bool":
            words = ("true", "false")
        elif not words and column.type.category == "S":
            own = [check for check in maker.table.checks if check.columns == (column.name,)]
            words = tuple(dict.fromkeys(text for check in own for text in literal_values(check.expression)))
        if words:
            there = _present(maker, column)
            missing = [word for word in words[:_MAX_WORDS] if word not in there]
            if missing:
                choices[column.name] = missing
    for place in range(max(map(len, choices.values()), default=0)):
        yield {name: words[place] for name, words in choices.items() if place < len(words)}


def _labels(type_: ValueType) -> tuple[str, ...]:
    return type_.labels if type_.form == "enum" else ()


def _present(maker: RowMaker, column: FilledColumn) -> set[str]:
    try:
        with maker.connection.transaction():
            query = sql.SQL("SELECT DISTINCT {}::text FROM {} LIMIT 100").format(
                identifier(column.name), sql.SQL(maker.table.name)
            )
            words = {str(word) for (word,) in maker.connection.execute(query).fetchall()}
    except psycopg.Error:
        return set()
    return {{"t": "true", "f": "false"}.get(word, word) for word in words} if column.type.typname == "bool" else words


def _other_case(maker: RowMaker) -> Mapping[str, str]:
    """The texts of the first row in the other case: whoever takes both for one sees two."""
    columns = [column.name for column in _free(maker) if column.type.category == "S" and column.type.form == "base"]
    sample = maker.promise.samples.get(maker.table.name, {})
    planned = maker.planned_values(1, columns) or {} if columns else {}
    texts = {name: str(sample.get(name) or planned.get(name) or "") for name in columns}
    return {name: text.swapcase() for name, text in texts.items() if text.swapcase() != text}


def _longest(maker: RowMaker) -> Mapping[str, str]:
    """The longest texts and largest numbers that the types take; no numbers in keys, which others are counted on from."""
    values = {}
    for column in _free(maker):
        type_ = column.type
        if type_.category == "S" and type_.form == "base":
            values[column.name] = "W" * min(type_.length or _LONG_TEXT, _MAX_LENGTH)
        elif type_.form == "array" and type_.parts[0].category == "S" and type_.parts[0].form == "base":
            values[column.name] = "{" + "W" * min(type_.parts[0].length or _LONG_TEXT, _MAX_LENGTH) + "}"
        elif type_.typname in _INTEGERS:
            values[column.name] = str(_INTEGERS[type_.typname])
        elif type_.typname == "numeric":
            precision, scale = (type_.modifier - 4 >> 16, type_.modifier - 4 & 0x7FF) if type_.modifier >= 4 else (18, 6)
            values[column.name] = "9" * max(precision - scale, 1) + ("." + "9" * scale if scale else "")
    keys = {name for key in maker.table.keys for name in key.columns}
    texts = {column.name for column in _free(maker) if column.type.category == "S" and not column.null}
    return {name: value for name, value in values.items() if name not in keys or name in texts}


def _empty(maker: RowMaker) -> Mapping[str, str]:
    values = {}
    for column in _free(maker):
        if column.type.category == "S" and column.type.form == "base":
            values[column.name] = ""
        elif column.type.form == "array":
            values[column.name] = "{}"
        elif column.type.category == "N":
            values[column.name] = "0"
    return values


def _free(maker: RowMaker) -> list[FilledColumn]:
    """The columns that take a value of their own: no sequence gives it, and no other table."""
    referring = {name for reference in maker.table.references for name in reference.columns}
    return [column for column in maker.table.columns if not is_numbered(column) and column.name not in referring]
