"""A table, its number of rows, and a generator for each column."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Origin
from pgcontract.probes.row_generation.row_query import ColumnGenerator, number_series, rows_query
from pgcontract.probes.row_generation.target_tables import FilledTable
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class TablePlan:
    """A table, its number of rows and how they are made; `origin` where the data set says so."""

    table: FilledTable
    rows: int
    generators: Mapping[str, ColumnGenerator]
    origin: Origin | None = None

    def query(self, first: int, last: int, *, number: bool = False) -> sql.Composed:
        """SELECT of these rows."""
        return rows_query(self.generators.values(), number_series(first, last), number=number)

    def insert(self, first: int, last: int) -> sql.Composed:
        """INSERT of these rows."""
        return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE {}").format(
            sql.SQL(self.table.name), sql.SQL(", ").join(map(identifier, self.generators)), self.query(first, last)
        )
