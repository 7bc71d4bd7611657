"""A table's rows as text with their place and version, to see whether anything touched them."""

from __future__ import annotations

import psycopg
from psycopg import sql


def table_text(connection: psycopg.Connection, table: str) -> tuple[str, ...]:
    """Each row's place (ctid), version (xmin) and text, in the order they lie in."""
    query = sql.SQL("SELECT pg_catalog.concat_ws(' ', t.ctid, t.xmin, t::text) FROM {} AS t ORDER BY t.ctid")
    return tuple(row[0] for row in connection.execute(query.format(sql.SQL(table))))
