"""A table's rows as text with their ctid and xmin, to see whether anything wrote to them."""

from __future__ import annotations

import psycopg
from psycopg import sql


def read_row_versions(connection: psycopg.Connection, table: str) -> tuple[str, ...]:
    """Each row's ctid, xmin and text, in physical order."""
    query = sql.SQL("SELECT pg_catalog.concat_ws(' ', t.ctid, t.xmin, t::text) FROM {} AS t ORDER BY t.ctid")
    return tuple(row[0] for row in connection.execute(query.format(sql.SQL(table))))
