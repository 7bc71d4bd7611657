"""A tool's table of what it has applied, read from an owner's database: in a transaction that can only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import InputError
from pgcontract.model.qualified_name import QualifiedName

_CONNECT_S = 10
# Of the transaction alone, which only reads: behind a pooler the session is somebody else's afterwards.
_LIMITS = "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '2s'"


def read_history_table(url: str, table: str, columns: Sequence[str], order: str) -> tuple[Mapping[str, str], ...]:
    """The rows as text, by column; of the columns those that the table has. Raises InputError, without the URL, where it
    cannot be read."""
    place = identifier(QualifiedName.parse(table))
    try:
        session = psycopg.connect(url, connect_timeout=_CONNECT_S, application_name="pgcontract", prepare_threshold=None)
        with closing(session):
            session.read_only = True
            session.execute(_LIMITS)
            there = session.execute(
                "SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass(%s) "
                "AND attnum > 0 AND NOT attisdropped",
                [place.as_string(session)],
            ).fetchall()
            has = {row[0] for row in there}
            if not has:
                raise InputError(
                    f"--history: this database has no table {table}, or this role may not see it; look whether the URL "
                    "is production's and has its search_path, or give the last migration with --applied ID"
                )
            wanted = [column for column in columns if column in has]
            query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(column)) for column in wanted),
                place,
                identifier(order) if order in has else sql.SQL("1"),
            )
            rows = session.execute(query).fetchall()
    except psycopg.Error as error:
        raise InputError(f"--history: {table} cannot be read: {_plain(error)}") from None
    return tuple({name: value or "" for name, value in zip(wanted, row, strict=True)} for row in rows)


def _plain(error: psycopg.Error) -> str:
    """The server's words without the connection's: libpq may quote the URL where it cannot read it."""
    if error.sqlstate is not None:
        return str(error.diag.message_primary)
    return "no connection came about; look whether the server is up, and the URL right"
