"""A table and how it is filled: so many rows, each column with its maker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from pgcontract.model.schema import Origin
from pgcontract.performance.loading.row_query import Maker, counted, identifier, rows_query
from pgcontract.performance.loading.target_tables import FilledTable


@dataclass(frozen=True, kw_only=True)
class Filling:
    """A table, its number of rows and how they are made; `origin` where the data set says so."""

    table: FilledTable
    rows: int
    makers: Mapping[str, Maker]
    origin: Origin | None = None

    def query(self, first: int, last: int, *, number: bool = False) -> sql.Composed:
        """SELECT of these rows."""
        return rows_query(self.makers.values(), counted(first, last), number=number)

    def insert(self, first: int, last: int) -> sql.Composed:
        """INSERT of these rows."""
        return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE {}").format(
            sql.SQL(self.table.name), sql.SQL(", ").join(map(identifier, self.makers)), self.query(first, last)
        )
