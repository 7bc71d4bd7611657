"""What is in a database right now, as a Schema: the closed world outside PostgreSQL's own schemas."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from pgcontract.catalog.row_digests import count_rows
from pgcontract.catalog.row_values import values
from pgcontract.catalog.snapshot import reading
from pgcontract.model import schema as model
from pgcontract.model.schema import Part, Schema

KINDS: dict[str, type[Part]] = {
    "schemas": model.Namespace,
    "extensions": model.Extension,
    "tables": model.Table,
    "columns": model.Column,
    "constraints": model.Constraint,
    "indexes": model.Index,
    "triggers": model.Trigger,
    "functions": model.Function,
    "views": model.View,
    "rules": model.Rule,
    "types": model.Type,
    "sequences": model.Sequence,
    "policies": model.Policy,
    "event_triggers": model.EventTrigger,
    "publications": model.Publication,
    "statistics": model.Statistics,
    "grants": model.Grant,
    "default_grants": model.DefaultGrant,
    "roles": model.Role,
    "settings": model.Setting,
    "others": model.Other,
}
"""Field of Schema, also the name of its .sql file, to the part that each row of it is."""

RARE = {
    *("views", "rules", "types", "sequences", "policies", "event_triggers", "publications", "statistics"),
    *("default_grants", "settings"),
}
"""The kinds of `inventory.sql`, asked for only where it found any."""


def read_catalog(connection: Connection[Any], *, rows: bool = True, transaction: bool = True) -> Schema:
    """Everything outside pg_catalog, information_schema and temporary schemas, but for members of extensions.

    All is read in one pipelined, read-only, repeatable-read transaction; with `transaction=False` in the caller's
    own, whose settings are put back. `rows=False` leaves the tables' rows uncounted. Rows that row security hides
    from the asking role are not counted, nor are those of tables that it may not read.
    Raises psycopg.Error where the server refuses, ValueError where a transaction is open and none was expected.
    """
    with reading(connection, transaction=transaction) as session:
        inventory = session.ask("inventory")
        cursors = {kind: session.ask(kind) for kind in KINDS if kind not in RARE}
        filled = session.ask("rows") if rows else None
        [(present,)] = inventory.fetchall()
        cursors |= {kind: session.ask(kind) for kind in present}
        with _no_collection():
            parts: dict[str, Any] = {kind: values(cursor, KINDS[kind]) for kind, cursor in cursors.items()}
        if filled is not None:
            parts["rows"] = count_rows(connection, filled)
    return Schema(**parts)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Parts have no cycles, yet the collector would walk all that are there again for every few hundred new ones."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
