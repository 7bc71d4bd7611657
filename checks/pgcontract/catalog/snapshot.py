"""How the catalog is asked: in one snapshot, in one spelling, in as few round trips and plans as can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection, Cursor, sql
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
    "random_page_cost": "1.1",
}
"""What the server's spelling depends on; and what keeps it from compiling, sharing out, spilling or hashing whole
catalogs for queries that are done sooner without."""

_SET = b"""
select
    pg_catalog.array_agg(s.name), pg_catalog.array_agg(pg_catalog.current_setting(s.name)),
    pg_catalog.array_agg(pg_catalog.set_config(s.name, s.value, true)),
    array(select p.name from pg_catalog.pg_prepared_statements as p)
from unnest(%s::pg_catalog.text[], %s::pg_catalog.text[]) as s (name, value)
"""


class Session:
    """A connection set up for reading; questions are the files of `sql/`."""

    def __init__(self, connection: Connection[Any], prepared: frozenset[str]) -> None:
        self.connection = connection
        self._prepared = prepared

    def ask(self, question: str) -> Cursor[tuple[Any, ...]]:
        """The answer to `sql/<question>.sql`, on its way.

        Planning takes most of the time in a small database, so the server keeps the plan. psycopg's own prepared
        statements would not do: it forgets them all at every ROLLBACK, and the gate reads between two of them.
        """
        name = f"pgcontract.{question}"
        if name not in self._prepared:
            prepare = sql.SQL("prepare {} as ").format(sql.Identifier(name)).as_bytes(None) + _text(question)
            self.connection.execute(prepare, prepare=False)
        cursor = self.connection.cursor(row_factory=tuple_row)
        return cursor.execute(sql.SQL("execute {}").format(sql.Identifier(name)), prepare=False)

    def ask_about(self, question: str, schemas: list[str]) -> Cursor[tuple[Any, ...]]:
        """The answer to a question with one parameter, the quoted names of the schemas meant."""
        return self.connection.cursor(row_factory=tuple_row).execute(_text(question), [schemas], prepare=False)


@contextmanager
def reading(connection: Connection[Any], *, transaction: bool) -> Iterator[Session]:
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
    if transaction:
        with connection.pipeline(), connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only", prepare=False)
            _, _, prepared = _set(connection, [*SETTINGS], [*SETTINGS.values()])
            yield Session(connection, prepared)
    else:
        with connection.pipeline():
            names, before, prepared = _set(connection, [*SETTINGS], [*SETTINGS.values()])
            yield Session(connection, prepared)
            _set(connection, names, before)


def _set(connection: Connection[Any], names: list[str], values: list[str]) -> tuple[list[str], list[str], frozenset[str]]:
    """Set parameters until the transaction ends; their names, their values before, the statements prepared."""
    cursor = connection.cursor(row_factory=tuple_row).execute(_SET, [names, values], prepare=False)
    [(found, before, _, prepared)] = cursor.fetchall()
    return found, before, frozenset(prepared)


@cache
def _text(question: str) -> bytes:
    return (Path(__file__).parent / "sql" / f"{question}.sql").read_bytes()
