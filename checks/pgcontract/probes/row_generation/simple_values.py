"""The simplest value that a type suggests: 1, 'a', {}, true; what a row is begun with before values are derived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pgcontract.model.schema import Column, Schema

_SIMPLEST_BY_TYPE: Final = (
    (r".*\[\]$", "{}"),
    (r"(smallint|integer|bigint|numeric|real|double precision|money|oid)", "1"),
    (r"boolean", "true"),
    (r"(character|text|citext|name|\"char\")", "a"),
    (r"uuid", "00000000-0000-4000-8000-000000000001"),
    (r"jsonb?$", "{}"),
    (r"timestamp", "2026-01-01 00:00:00+00"),
    (r"date$", "2026-01-01"),
    (r"time", "00:00:00+00"),
    (r"interval", "1 hour"),
    (r"bytea", ""),
    (r"(inet|cidr)", "192.0.2.1"),
    (r".*(range|multirange)$", "empty"),
    (r"point", "(0,0)"),
    (r"bit", "0"),
    (r"xml", "<a/>"),
)


def needed_columns(schema: Schema, table: str) -> tuple[Column, ...]:
    """The columns that an INSERT must give: NOT NULL, and without default, identity or generation expression."""
    return tuple(
        column
        for column in schema.columns_of(table)
        if not (column.null or column.default is not None or column.identity or column.generated)
    )


def simplest_values(schema: Schema, columns: Iterable[Column]) -> Mapping[str, Any]:
    """The simplest value of each column, by bare name."""
    return {column.bare_name: simplest_value(schema, column.type) for column in columns}


def any_value(schema: Schema, column: Column) -> Any:
    """A value of the column's type, even for a column that may be null or has a default."""
    return simplest_value(schema, column.type)


def simplest_value(schema: Schema, type_name: str) -> Any:
    """The simplest value of a type: 1, 'a', {}, true ..."""
    for custom in schema.types:
        if custom.is_type(type_name):
            if custom.labels:
                return custom.labels[0]
            if custom.form == "domain" and custom.attributes:
                return simplest_value(schema, custom.attributes[0])
    return value_by_name(type_name)


def value_by_name(type_name: str) -> str:
    """The simplest value of a built-in type."""
    return next((value for pattern, value in _SIMPLEST_BY_TYPE if re.match(pattern, type_name)), "a")
