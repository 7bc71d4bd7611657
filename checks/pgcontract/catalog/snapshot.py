"""Catalog queries in one snapshot, with fixed output settings, in as few round trips and plans as possible."""

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
    "enable_material": "off",
    "enable_memoize": "off",
}
"""What the server's spelling depends on; and what keeps it from compiling, sharing out, spilling or hashing whole
catalogs for queries that are done sooner without, and from keeping rows that are not asked for again: of a thousand
tables that took as long as all the rest."""

_SET_PARAMETERS = b"""
select
    pg_catalog.array_agg(s.name), pg_catalog.array_agg(pg_catalog.current_setting(s.name)),
    pg_catalog.array_agg(pg_catalog.set_config(s.name, s.value, true)),
    array(select p.name from pg_catalog.pg_prepared_statements as p)
from unnest(%s::pg_catalog.text[], %s::pg_catalog.text[]) as s (name, value)
"""


class CatalogSnapshot:
    """A connection set up for reading the catalog; its queries are the files of `sql/`."""

    def __init__(self, connection: Connection[Any], prepared: frozenset[str]) -> None:
        self.connection = connection
        self._prepared = prepared

    def run_query(self, query_name: str) -> Cursor[tuple[Any, ...]]:
        """A cursor on `sql/<query_name>.sql`, whose rows may still be in the pipeline.

        Planning takes most of the time in a small database, so the server keeps the plan. psycopg's own prepared
        statements would not do: it drops them all at every ROLLBACK, and catalogs are read between two of them.
        """
        name = f"pgcontract.{query_name}"
        if name not in self._prepared:
            prepare = sql.SQL("prepare {} as ").format(sql.Identifier(name)).as_bytes(None) + _query_text(query_name)
            self.connection.execute(prepare, prepare=False)
        cursor = self.connection.cursor(row_factory=tuple_row)
        return cursor.execute(sql.SQL("execute {}").format(sql.Identifier(name)), prepare=False)

    def run_schema_query(self, query_name: str, schemas: list[str]) -> Cursor[tuple[Any, ...]]:
        """A cursor on a query with one parameter, the quoted names of the schemas."""
        return self.connection.cursor(row_factory=tuple_row).execute(_query_text(query_name), [schemas], prepare=False)


@contextmanager
def open_snapshot(connection: Connection[Any]) -> Iterator[CatalogSnapshot]:
    """A pipeline in which every query sees one snapshot and every name comes out with its schema.

    Where the caller has a transaction open it is that one, and what was set is put back; no savepoint is made, so after a
    refusal by the server that transaction is lost.
    """
    if connection.info.transaction_status is TransactionStatus.IDLE:
        with connection.pipeline(), connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only", prepare=False)
            _, _, prepared = _set_parameters(connection, [*SETTINGS], [*SETTINGS.values()])
            yield CatalogSnapshot(connection, prepared)
    else:
        with connection.pipeline():
            names, before, prepared = _set_parameters(connection, [*SETTINGS], [*SETTINGS.values()])
            yield CatalogSnapshot(connection, prepared)
            _set_parameters(connection, names, before)


def _set_parameters(
    connection: Connection[Any], names: list[str], values: list[str]
) -> tuple[list[str], list[str], frozenset[str]]:
    """Set parameters until the transaction ends; their names, their values before, the statements prepared."""
    cursor = connection.cursor(row_factory=tuple_row).execute(_SET_PARAMETERS, [names, values], prepare=False)
    [(timeout, before, _, prepared)] = cursor.fetchall()
    return timeout, before, frozenset(prepared)


@cache
def _query_text(query_name: str) -> bytes:
    return (Path(__file__).parent / "sql" / f"{query_name}.sql").read_bytes()
