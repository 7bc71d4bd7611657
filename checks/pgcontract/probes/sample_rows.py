"""A row of values by column name as SQL, and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from psycopg import sql


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
