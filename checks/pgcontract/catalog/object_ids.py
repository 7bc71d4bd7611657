"""Which objects are there by number, so that one that was dropped and made again is told from one left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from pgcontract.catalog.snapshot import reading


def read_identities(connection: Connection[Any], *, transaction: bool = True) -> Mapping[str, tuple[int, ...]]:
    """`<kind> <name>` of every object outside PostgreSQL's own schemas to its oid, and what else would change.

    Of a relation (table, index, view, sequence) the second number is its relfilenode, which a rewrite or TRUNCATE
    changes too; of a column its attnum. Kinds and names are those of the Schema's parts.
    """
    with reading(connection, transaction=transaction) as session:
        found = session.ask("identities").fetchall()
    return {name: tuple(numbers) for name, numbers in found}
