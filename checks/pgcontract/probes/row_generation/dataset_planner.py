"""How each column of a data set's tables gets its values: as declared, by its keys and references, else from its type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import psycopg

from pgcontract.contract import Dataset
from pgcontract.errors import ContractError
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.schema import Origin
from pgcontract.probes.row_generation.check_generators import derive_generator, leave_some_null, satisfy_checks
from pgcontract.probes.row_generation.declared_generators import declared_generator, nullable
from pgcontract.probes.row_generation.foreign_key_generators import add_foreign_keys
from pgcontract.probes.row_generation.row_numbers import (
    ValueSeed,
)
from pgcontract.probes.row_generation.row_query import (
    ColumnGenerator,
    number_series,
    rows_query,
    with_dependencies,
)
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import FilledColumn, FilledTable, ForeignKey, TableCheck, count_rows
from pgcontract.probes.row_generation.unique_key_generators import make_keys_unique
from pgcontract.probes.row_generation.value_candidates import CandidateGenerator, Hints
from pgcontract.probes.row_generation.value_trials import ValueChecker


class DatasetPlanner:
    """Plans the tables of one data set at one size, on a connection to the database that they are to be loaded into.

    To rows of `stored` tables others refer as they are there, not as they were planned. With `nulls` a column that may be
    NULL, and of which nothing is declared, is so in some rows.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        tables: Sequence[FilledTable],
        dataset: Dataset,
        *,
        size: int,
        seed: int,
        texts: Mapping[tuple[str, str], tuple[str, ...]],
        declared_at: Origin,
        stored: Collection[str] = (),
        nulls: bool = True,
    ) -> None:
        self.connection = connection
        self.nulls = nulls
        self.stored = frozenset(stored)
        self.tables = {table.name: table for table in tables}
        self.dataset = dataset
        self.size = size
        self.seed = seed
        self.texts = texts
        self.declared_at = declared_at
        self._planned: dict[str, TablePlan] = {}
        self._begun: dict[str, TablePlanner] = {}
        self._present: dict[str, int] = {}

    def plan(self) -> tuple[TablePlan, ...]:
        """Every table's plan, referenced tables first."""
        for name in self.tables:
            self.table_plan(name)
        return tuple(self._planned.values())

    def table_plan(self, name: str) -> TablePlan:
        """One table's plan, referenced tables first. In a cycle of foreign keys it holds what is planned so far."""
        if name in self._begun:
            begun = self._begun[name]
            return TablePlan(table=begun.table, rows=begun.rows, generators=begun.generators, origin=begun.origin)
        if name not in self._planned:
            self._begun[name] = TablePlanner(self, self.tables[name])
            self._planned[name] = self._begun[name].plan()
            del self._begun[name]
        return self._planned[name]

    def present(self, table: FilledTable) -> int:
        """How many rows the migrations inserted."""
        if table.name not in self._present:
            self._present[table.name] = count_rows(self.connection, table)
        return self._present[table.name]


class TablePlanner:
    """Plans one table: its `generators` are found step by step, each step leaving those that are there; `candidates` are
    all that are known of a derived column, and `references` the foreign key that each column belongs to."""

    def __init__(self, planner: DatasetPlanner, table: FilledTable) -> None:
        self.dataset_planner = planner
        self.connection = planner.connection
        self.table = table
        self.declaration = planner.dataset.table(table.name)
        self.rows = self.declaration.count(planner.size) if table.storable else 0
        if planner.present(table) and not self.is_sized:
            self.rows = 0  # what the migrations put there is the whole of it
        self.origin = self.declaration.origin or planner.declared_at
        self.checker = ValueChecker(connection=self.connection, table=table, texts=planner.texts)
        self.generators: dict[str, ColumnGenerator] = {}
        self.candidates: dict[str, list[CandidateGenerator]] = {}
        self.references: dict[str, ForeignKey] = {
            column: reference for reference in reversed(table.references) for column in reference.columns
        }

    @property
    def is_sized(self) -> bool:
        """Whether the data set says how many rows there are to be."""
        return self.declaration.share is not None or self.declaration.rows is not None

    def plan(self) -> TablePlan:
        """A generator for each column. ContractError where none is found, or where they read each other in a circle."""
        for column in self.table.columns:
            declaration = self.declaration.column(column.name)
            if declaration and (declared_maker := declared_generator(self, column, declaration)):
                self.generators[column.name] = declared_maker
        foreign_key_generator = frozenset(self.references)
        make_keys_unique(self, except_columns=foreign_key_generator)
        add_foreign_keys(self)
        make_keys_unique(self)
        for column in self.table.columns:
            if column.name not in self.generators:
                derive_generator(self, column)
        satisfy_checks(self)
        if self.dataset_planner.nulls:
            leave_some_null(self)
        for column in self.table.columns:
            declaration = self.declaration.column(column.name)
            if (
                declaration
                and declaration.null
                and declaration.expression is None
                and not declaration.weights
                and column.name in self.generators
            ):
                self.generators[column.name] = nullable(self, self.generators[column.name], declaration)
        ordered = {column.name: self.generators[column.name] for column in self.table.columns}
        try:
            rows_query(ordered.values(), number_series(1, 1))
        except ValueError as circle:
            first = (
                next((generator.origin for generator in ordered.values() if generator.origin and generator.needs), None)
                or self.origin
            )
            raise ContractError(
                f"of {self.table.name} the columns {circle} read each other in a circle; let one of them stand alone",
                file=first.file,
                line=first.line,
            ) from None
        return TablePlan(table=self.table, rows=self.rows, generators=ordered, origin=self.origin)

    def first_accepted(self, column: FilledColumn, candidates: Iterable[CandidateGenerator]) -> CandidateGenerator:
        """The first of the candidates that the column takes; ContractError where it takes none."""
        candidate = next(self.accepted(column, candidates), None)
        if candidate is None:
            raise self.derivation_error(column.name, "no value that was tried passes its type and CHECKs")
        return candidate

    def accepted(self, column: FilledColumn, candidates: Iterable[CandidateGenerator]) -> Iterator[CandidateGenerator]:
        """The candidates that the column takes."""
        return self.checker.accepted(column, candidates, rows=self.rows)

    def holds(self, checks: Sequence[TableCheck]) -> bool:
        """Whether a sample of rows passes the CHECKs."""
        names = {name for check in checks for name in check.columns}
        if not names <= self.generators.keys():
            return False
        return self.checker.passes(with_dependencies(self.generators, sorted(names)), checks, rows=self.rows)

    def hints(self, column: FilledColumn) -> Hints:
        """What is known of the column's values."""
        return self.checker.hints(column, rows=self.rows)

    def value_seed(self, column: str) -> ValueSeed:
        """What the column's random values come from."""
        return ValueSeed(seed=self.dataset_planner.seed, table=self.table.name, column=column)

    def derivation_error(self, column: str, why: str) -> ContractError:
        """That nothing was found for a column, and what to write."""
        key = f'[dataset.table."{self.table.name}"] columns.{quote_identifier(column)}'
        return ContractError(
            f"no rows can be derived for {self.table.name}: of the column {quote_identifier(column)}, {why}. "
            f"Say what stands in it under {key}",
            file=self.origin.file,
            line=self.origin.line,
        )
