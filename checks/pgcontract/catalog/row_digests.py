"""How many rows each table holds, and a digest of them."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, Cursor, sql
from psycopg.rows import tuple_row

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Rows

DIGEST_MAX_BYTES = 8 << 20
"""Above this size a table's rows are counted, but no digest is taken: it would cost more than all else together."""

# The alias must not be the name of a column, which would be digested in place of the row.
_COUNT = sql.SQL('select pg_catalog.count(*), {} from only {} as "pgcontract row"')
_DIGEST = sql.SQL('pg_catalog.md5(pg_catalog.sum(pg_catalog.hashtextextended("pgcontract row"::text, 0))::text)')
_NONE = sql.SQL("null")


def count_rows(connection: Connection[Any], tables: Cursor[tuple[Any, ...]]) -> tuple[Rows, ...]:
    """The tables of `rows.sql` that do hold rows; the counts are sent together."""
    counts = []
    for schema, table, name, size in tables.fetchall():
        query = _COUNT.format(_DIGEST if size <= DIGEST_MAX_BYTES else _NONE, identifier(QualifiedName.of(schema, table)))
        counts.append((name, connection.cursor(row_factory=tuple_row).execute(query, prepare=False)))
    counted = [(name, *cursor.fetchall()[0]) for name, cursor in counts]
    return tuple(Rows(name=name, rows=rows, digest=digest) for name, rows, digest in counted if rows)
