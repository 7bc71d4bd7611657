"""How the catalog is asked: in one snapshot, in one spelling, in as few round trips as can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

SETTINGS = {
    "search_path": "",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "64MB",
}
"""What the server's spelling depends on; and compiling or sharing out such queries costs more than it saves, as does spilling to disk."""

_SET = b"""
select s.name, pg_catalog.current_setting(s.name), pg_catalog.set_config(s.name, s.value, true)
from unnest(%s::pg_catalog.text[], %s::pg_catalog.text[]) as s (name, value)
"""


@contextmanager
def reading(connection: Connection[Any], *, transaction: bool) -> Iterator[None]:
    """A pipeline in which every query sees one snapshot and every name comes out with its schema.

    With `transaction=False` it is the caller's transaction, and what was set is put back; no savepoint is made, so
    after a refusal by the server the caller's transaction is lost.
    Raises ValueError where a transaction is open and none was expected, or the other way about.
    """
    status = connection.info.transaction_status
    if transaction and status is not TransactionStatus.IDLE:
        raise ValueError("the connection is inside a transaction: end it, or pass transaction=False to read there")
    if not transaction and status is TransactionStatus.IDLE and connection.autocommit:
        raise ValueError("the connection is in no transaction: begin one, or pass transaction=True")
    names, values = list(SETTINGS), list(SETTINGS.values())
    if transaction:
        with connection.pipeline(), connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            connection.execute(_SET, [names, values])
            yield
    else:
        with connection.pipeline():
            before = connection.cursor(row_factory=tuple_row).execute(_SET, [names, values])
            yield
            names, values = map(list, zip(*((name, value) for name, value, _ in before.fetchall()), strict=True))
            connection.execute(_SET, [names, values])


def ask(connection: Connection[Any], question: str, *parameters: Any) -> Cursor[tuple[Any, ...]]:
    """The query of `sql/<question>.sql`, sent; its plan is kept on the connection for the next time."""
    return connection.cursor(row_factory=tuple_row).execute(_text(question), parameters or None, prepare=True)


@cache
def _text(question: str) -> bytes:
    return (Path(__file__).parent / "sql" / f"{question}.sql").read_bytes()
