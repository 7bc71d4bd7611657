"""The indexes of a loaded database: their tables, sizes and heights."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import class_row

from pgcontract.performance.loading import Load, LoadedServer
from pgcontract.performance.queries.filter_conditions import mentions
from pgcontract.performance.queries.query_plan import Scan
from pgcontract.values import dataclass

_INDEXES_SQL: Final = Path(__file__).parent / "sql" / "indexes.sql"
_MAX_FANOUT: Final = 300  # entries of an inner page: more than that fit only where the keys are a few bytes long


@dataclass(frozen=True, kw_only=True)
class IndexFacts:
    """One index at one size. `height` counts the pages of a descent, root and leaf included; None where it is no B-tree.

    `chunks` and `toast_pages` are those of its table's TOAST table. `keys` are as pg_get_indexdef spells them.
    """

    name: str
    table: str
    bare_name: str
    bare_table: str
    method: str
    pages: int
    entries: float
    table_rows: float
    valid: bool
    keys: list[str]
    predicate: str | None
    constraint: str | None
    primary: bool
    toast_pages: int
    chunks: float
    oid: int
    parts: list[str]
    height: int | None = None

    def is_scanned_by(self, scan: Scan) -> bool:
        """Whether the scan is of this index, or of a partition of it."""
        return scan.index in (self.parts or (self.bare_name,)) and (
            bool(self.parts) or scan.table in (None, self.bare_table)
        )

    def matches_leading_key(self, condition: str) -> bool:
        """Whether the condition is about what the index is sorted by; a method that sorts by nothing always is."""
        return self.method != "btree" or mentions(condition, self.keys[0])

    @property
    def pages_per_row(self) -> float:
        """The pages that a row found may cost: its own, an index leaf, and its documents, where they are out of line.

        A fetch from TOAST descends an index of TOAST's own and reads every chunk.
        """
        if not self.chunks or self.table_rows <= 0:
            return 2.0
        return 2.0 + derived_height(self.chunks, self.toast_pages) + math.ceil(self.chunks / self.table_rows) + 1


def read_indexes(loaded_server: LoadedServer, load: Load) -> dict[str, IndexFacts]:
    """Every index of the database by name, B-trees with the height read from their metapage.

    Only a superuser may read a metapage, and only where the server has pageinspect; else the height is derived.
    """
    user = {"user": loaded_server.superuser} if loaded_server.superuser else {}
    with loaded_server.rolled_back(load, **user) as connection:
        connection.execute("SET LOCAL search_path = ''")
        with connection.cursor(row_factory=class_row(IndexFacts)) as cursor:
            indexes = cursor.execute(_INDEXES_SQL.read_bytes()).fetchall()
        heights = _metapage_heights(connection, indexes) if loaded_server.superuser else {}
    return {
        index.name: replace(index, height=heights.get(index.oid, derived_height(index.entries, index.pages)))
        if index.method == "btree"
        else index
        for index in indexes
    }


def _metapage_heights(connection: psycopg.Connection, indexes: list[IndexFacts]) -> dict[int, int]:
    availability = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pageinspect'"
    if not connection.execute(availability).rowcount:
        return {}
    connection.execute("CREATE SCHEMA pgcontract_pages")
    connection.execute("CREATE EXTENSION pageinspect SCHEMA pgcontract_pages")
    trees = [index.oid for index in indexes if index.method == "btree"]
    query = """
        SELECT tree, (pgcontract_pages.bt_metap(pg_catalog.format('%%I.%%I', n.nspname, c.relname))).level + 1
          FROM pg_catalog.unnest(%s::pg_catalog.int8[]) AS tree
          JOIN pg_catalog.pg_class AS c ON c.oid = tree::pg_catalog.oid AND c.relkind = 'i'
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"""
    return {oid: int(height) for oid, height in connection.execute(query, [trees])}


def derived_height(entries: float, pages: int) -> int:
    """The pages of a descent in a B-tree of so many pages, where inner pages hold as many entries as leaves do.

    An inner page's entries are no longer than a leaf's, so this is the height or one more.
    """
    leaves = max(pages - 1, 1)
    if leaves == 1:
        return 1
    fan = min(max(entries / leaves, 2.0), _MAX_FANOUT)
    return 1 + max(math.ceil(math.log(leaves, fan)), 1)
