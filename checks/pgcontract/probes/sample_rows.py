"""One row for a table: the contract's sample, else the simplest row that its column types suggest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import sql

from pgcontract.model.schema import Column, Schema

_SIMPLEST_BY_TYPE = (
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


def insert_statement(table: str, row: Mapping[str, Any], *, rows: int = 1) -> sql.Composed:
    """INSERT of one row, or of several, to be sent with parameters; a row without values gets the defaults."""
    if not row:
        # Rows of no column: each gets every default. DEFAULT VALUES inserts only one.
        statement = sql.SQL("INSERT INTO {} SELECT FROM pg_catalog.generate_series(1, {})")
        return statement.format(escape_percent_signs(sql.SQL(table)), sql.Literal(rows))
    values = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(row)))
    return sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        escape_percent_signs(sql.SQL(table)),
        sql.SQL(", ").join(escape_percent_signs(sql.Identifier(name)) for name in row),
        sql.SQL(", ").join([values] * rows),
    )


def escape_percent_signs(part: sql.Composable) -> sql.SQL:
    """The part of a statement that is sent with parameters: a name's own `%` would be taken for one of them."""
    return sql.SQL(part.as_string().replace("%", "%%"))


def as_text(value: Any) -> Any:
    """A contract's value as the text that the server casts: documents and lists become JSON."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def describe_row(row: Mapping[str, Any]) -> str:
    """`email = 'a@b.co', first_name = 'Ann'`."""
    return ", ".join(f"{name} = {value!r}" for name, value in row.items())


def simplest_row(schema: Schema, table: str) -> dict[str, Any]:
    """A value for each column that is NOT NULL and has no default, identity or generation expression."""
    return {
        column.bare_name: simplest_value(schema, column.type)
        for column in schema.columns
        if column.table == table
        and not (column.null or column.default is not None or column.identity or column.generated)
    }


def any_value(schema: Schema, column: Column) -> Any:
    """A value of the column's type, even for a column that may be null or has a default."""
    needed = replace(column, null=False, default=None, identity=None, generated=None)
    return next(iter(simplest_row(replace(schema, columns=(needed,)), column.table).values()))


def simplest_value(schema: Schema, type_name: str) -> Any:
    """The simplest value of a type: 1, 'a', {}, true ..."""
    for custom in schema.types:
        if custom.is_type(type_name):
            if custom.labels:
                return custom.labels[0]
            if custom.form == "domain" and custom.attributes:
                return simplest_value(schema, custom.attributes[0])
    return next((value for pattern, value in _SIMPLEST_BY_TYPE if re.match(pattern, type_name)), "a")
