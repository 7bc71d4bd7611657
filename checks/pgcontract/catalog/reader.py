"""A live database as a Schema: everything outside PostgreSQL's own schemas."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Connection

from pgcontract.catalog.row_digests import count_rows
from pgcontract.catalog.row_values import read_rows_as
from pgcontract.catalog.snapshot import open_snapshot
from pgcontract.model.schema import PART_TYPES, Schema

KINDS: Final = {name: part for name, part in PART_TYPES.items() if name != "rows"}
"""Field of Schema, also the name of its .sql file, to the part that each row of it is."""

ALWAYS_READ = ("schemas", "extensions", "grants", "roles")
"""The kinds that `inventory.sql` says nothing of; the others are asked for only where it found any."""


def read_catalog(connection: Connection[Any], *, rows: bool = True, kinds: Collection[str] = KINDS) -> Schema:
    """Everything outside pg_catalog, information_schema and temporary schemas, but for members of extensions.

    All is read in one pipelined, read-only, repeatable-read transaction; in the caller's own where one is open, whose
    settings are put back. `rows=False` leaves the tables' rows uncounted, and kinds that are not among `kinds` are empty.
    Rows that row security hides from the asking role are not counted, nor are those of tables that it may not read.
    Raises psycopg.Error where the server refuses.
    """
    with open_snapshot(connection) as snapshot:
        inventory = snapshot.run_query("inventory")
        cursors = {kind: snapshot.run_query(kind) for kind in ALWAYS_READ if kind in kinds}
        [(present,)] = inventory.fetchall()
        nonempty_tables = snapshot.run_query("rows") if rows and "tables" in present else None
        cursors |= {kind: snapshot.run_query(kind) for kind in present if kind in kinds}
        with _garbage_collection_off():
            parts: dict[str, Any] = {kind: read_rows_as(cursor, KINDS[kind]) for kind, cursor in cursors.items()}
        if nonempty_tables is not None:
            parts["rows"] = count_rows(connection, nonempty_tables)
    return Schema(**parts)


@contextmanager
def _garbage_collection_off() -> Iterator[None]:
    """Parts have no cycles, yet the collector would walk all of them for every few hundred new ones."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
