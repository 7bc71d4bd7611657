"""The oids of objects, by which one that was dropped and created again differs from one left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from pgcontract.catalog.snapshot import open_snapshot


def read_object_ids(connection: Connection[Any]) -> Mapping[str, tuple[int, ...]]:
    """`<kind> <name>` of every object outside PostgreSQL's own schemas to its oid, and what else would change.

    Of a relation (table, index, view, sequence) the second number is its relfilenode, which a rewrite or TRUNCATE
    changes too; of a column its attnum. Kinds and names are those of the Schema's parts.
    """
    with open_snapshot(connection) as snapshot:
        rows = snapshot.run_query("identities").fetchall()
    return {name: tuple(numbers) for name, numbers in rows}
