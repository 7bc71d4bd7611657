"""A few rows in every table, as an application would insert them: parents first, triggers and constraints on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Dataset, TableRows
from pgcontract.errors import ContractError
from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Origin, Schema
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.column_generators import DatasetPlanner
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_query import number_series, rows_query
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import (
    PARTITION_BOUNDS,
    FilledColumn,
    FilledTable,
    TableCheck,
    named_in,
    read_tables,
)
from pgcontract.probes.sample_rows import as_text, simplest_row

FEW: Final = 3
# Rows in more tables than these take minutes, and show nothing of a script that does not name them.
MAX_TABLES: Final = 300
_WORD: Final = re.compile(r"[\w$]+")
_MAX_SELECTED: Final = 12
_NUMBERS_APART: Final = 20
_HASH_BOUNDS: Final = "satisfies_hash_partition("
# The first partitions that hold rows themselves, each with its bounds.
_PARTITIONS: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.pg_get_partition_constraintdef(c.oid)
  FROM pg_catalog.pg_partition_tree(%s::pg_catalog.oid) AS p
  JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE p.isleaf AND c.relkind = 'r' AND pg_catalog.pg_get_partition_constraintdef(c.oid) IS NOT NULL
 ORDER BY c.oid LIMIT 16
"""
_IN_CAPITALS: Final = "pg_catalog.initcap({})"
_IN_BLANKS: Final = "' ' || pg_catalog.initcap({}) || ' '"
_TEXTS: Final = ("text", "varchar")


@dataclass(frozen=True, kw_only=True)
class FewRows:
    """The rows that went into each table, by name; of the tables that took none why, in the server's words; and the
    sequences of no column that handed out numbers."""

    inserted: Mapping[str, int] = field(default_factory=dict)
    numbered: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


def insert_few_rows(
    context: Context,
    connection: psycopg.Connection,
    schema: Schema,
    *,
    first: int = 1,
    without: Collection[str] = (),
    later: Mapping[str, FilledTable] | None = None,
    selected: Mapping[str, tuple[str, ...]] | None = None,
) -> FewRows:
    """Insert a few rows into every table of the schema that the migrations made, and into those that they refer to.

    The first is the contract's sample, where there is one; another has a value in every column, one NULL wherever it
    may be. `first` is the number that values are counted from: rows inserted later need others. Tables `without` rows are
    left alone. `later` are the tables after the migration: values are such that their constraints take them, too.
    `selected` are values by bare column name, of which there is a row each.
    """
    own = _nearest(context, migrated_tables(context, schema))
    tables = read_tables(connection, [name for name in own if name not in without])
    inserted: dict[str, int] = {}
    refused: dict[str, str] = {}
    texts = example_texts(context)
    for table in _parents_first(tables):
        if table.name in without:
            continue
        maker = _RowMaker(
            context=context,
            connection=connection,
            tables=tables,
            table=table,
            schema=schema,
            first=first,
            texts=texts,
            later=(later or {}).get(table.name),
            into=table.name,
        )
        number = maker.insert()
        if number and table.partitioned:
            number += _fill_partitions(connection, maker)
        if number:
            number += maker.insert_selected(selected)
        if number:
            inserted[table.name] = number
        elif table.name in own:
            refused[table.name] = maker.reason
    waiting = [table for table in tables if table.name in refused]
    if len(waiting) > 1:
        for name, number in _insert_together(context, connection, waiting, tables, texts).items():
            inserted[name] = number
            del refused[name]
    return FewRows(inserted=inserted, refused=refused, numbered=tuple(_hand_out_numbers(context, connection, schema)))


def migrated_tables(context: Context, schema: Schema) -> tuple[str, ...]:
    """The tables of the schema that the migrations made, not the platform or a setup; partitions under the table at
    their top."""
    there_before = {table.name for table in context.sandbox.starting_catalog.tables}
    return tuple(
        table.name
        for table in schema.tables
        if table.form != "foreign table"
        and not table.partition_of
        and table.owner == MIGRATOR
        and table.name not in there_before
    )


def _nearest(context: Context, names: tuple[str, ...]) -> tuple[str, ...]:
    """The tables that the scripts name, where there are too many to fill them all; what they refer to comes along."""
    if len(names) <= MAX_TABLES:
        return names
    scripts = (context.promise.script, context.promise.rollback)
    words = {word.lower() for script in scripts if script for word in _WORD.findall(script.text)}
    named = (name for name in names if read_identifier(split_name(name)[0][-1]).lower() in words)
    return tuple(islice(named, MAX_TABLES))


def read_later_tables(connection: psycopg.Connection, names: Collection[str]) -> Mapping[str, FilledTable]:
    """The tables of these names as they are on the connection, by name."""
    return {table.name: table for table in read_tables(connection, names)}


@dataclass(kw_only=True)
class _RowMaker:
    """Inserts a few rows into one table, or `into` a partition of it; `reason` is why the first row that was tried was
    refused."""

    context: Context
    connection: psycopg.Connection
    tables: Sequence[FilledTable]
    table: FilledTable
    schema: Schema
    first: int
    texts: Mapping[tuple[str, str], tuple[str, ...]]
    later: FilledTable | None
    into: str
    reason: str = ""
    planned: list[TablePlan | None] = field(default_factory=list)
    is_empty: bool = True

    def insert(self) -> int:
        self.is_empty = self._has_no_rows()
        first = 1 if self.is_empty else self.first
        return sum(self.insert_one(first + place, sparse=place == FEW - 1) for place in range(FEW))

    def insert_one(self, number: int, *, sparse: bool = False) -> bool:
        return any(self._accepts(statement) for statement in self._ways(number, sparse=sparse))

    def insert_selected(self, selected: Mapping[str, tuple[str, ...]] | None) -> int:
        """Insert a row for each of the values that the table's columns take."""
        pairs = [(column.name, text) for column in self.table.columns for text in (selected or {}).get(column.name, ())]
        plan = next(self._plans(), None)
        if plan is None:
            return 0
        inserted = 0
        for number, (name, text) in enumerate(pairs[:_MAX_SELECTED], start=self.first + FEW):
            free = [column.name for column in self.table.columns if not _is_numbered(column) and column.name != name]
            inserted += self._accepts(_insert_planned(self.into, plan, number, free, {name: text}))
        return inserted

    def _ways(self, number: int, *, sparse: bool) -> Iterator[sql.Composed]:
        """INSERTs of the row, the most telling first."""
        sample = self.context.promise.samples.get(self.table.name)
        if sample is not None and number == 1:
            yield _insert_literals(self.into, sample)
        for plan in self._plans():
            numbered = {column.name for column in self.table.columns if _is_numbered(column)}
            free = [column for column in self.table.columns if column.name not in numbered]
            needed = [column for column in free if not column.null and column.default is None]
            upwards = {name for key in self.table.references if key.parent == self.table.name for name in key.columns}
            ways = [
                free,
                [column for column in free if not (column.null and column.name in upwards)],
                [column for column in free if column.default is None],
                needed,
            ]
            if self.first == 1 and not sparse:
                # In mixed case and with blanks around, so that what the migration folds or trims is seen to be lost.
                for written in (*((_IN_BLANKS,) if number == 2 else ()), _IN_CAPITALS):
                    yield _insert_planned(self.into, plan, number, [column.name for column in free], written=written)
            for columns in [*ways[-1:], *ways[:-1]] if sparse else ways:
                yield _insert_planned(self.into, plan, number, [column.name for column in columns])
            if sample is not None:
                keys = {name for key in self.table.keys for name in key.columns} - numbered
                yield _insert_planned(self.into, plan, number, sorted(keys), sample)
        yield _insert_literals(self.into, simplest_row(self.schema, self.table.name))

    def _plans(self) -> Iterator[TablePlan]:
        """How the table's values are made: so that they are accepted after the migration as well, else as before it."""
        tables = tuple(dict.fromkeys((_stricter(self.table, self.later), self.table)))
        for place, table in enumerate(tables):
            if place == len(self.planned):
                sizes = (self.first + FEW - 1, 1)
                self.planned.append(next((plan for size in sizes if (plan := self._plan(table, size))), None))
            if (planned := self.planned[place]) is not None:
                yield planned

    def _plan(self, table: FilledTable, size: int) -> TablePlan | None:
        stored = {other.name for other in self.tables if other.name != table.name or not self.is_empty}
        planner = DatasetPlanner(
            self.connection,
            [table if other.name == table.name else other for other in self.tables],
            Dataset(sizes=(size,), tables=(TableRows(name=table.name, rows=size),)),
            size=size,
            seed=self.context.promise.seed,
            texts=self.texts,
            declared_at=Origin(file=self.context.promise.migration.up.path, line=1),
            stored=stored,
        )
        try:
            return planner.table_plan(table.name)
        except ContractError as error:
            self.reason = self.reason or error.message
        except psycopg.Error as error:
            self.reason = self.reason or str(read_refusal(error))
        return None

    def _has_no_rows(self) -> bool:
        with suppress(psycopg.Error):
            query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.SQL(self.table.name))
            return self.connection.execute(query).fetchone() == (False,)
        return True

    def _accepts(self, statement: sql.Composed) -> bool:
        try:
            with self.connection.transaction():
                return self.connection.execute(statement).rowcount > 0
        except psycopg.Error as error:
            self.reason = self.reason or str(read_refusal(error))
            return False


def _fill_partitions(connection: psycopg.Connection, maker: _RowMaker) -> int:
    """Insert a row into each partition that holds none yet: a script may be about one of them alone."""
    inserted = 0
    for place, (name, bounds) in enumerate(connection.execute(_PARTITIONS, [maker.table.oid]).fetchall(), start=1):
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.SQL(name))
        if connection.execute(query).fetchone() == (True,):
            continue
        columns = {column.name for column in maker.table.columns}
        inside = TableCheck(name=name, expression=bounds, columns=tuple(sorted(named_in(bounds) & columns)))
        others = tuple(check for check in maker.table.checks if check.name != PARTITION_BOUNDS)
        narrowed = replace(maker.table, checks=(*others, inside))
        first = maker.first + place * _NUMBERS_APART
        # Of hash partitions the bounds name no value that could be tried: numbers are, until one falls there.
        is_hash = _HASH_BOUNDS in bounds
        table = maker.table if is_hash else narrowed
        own = replace(maker, table=table, into=name, first=first, is_empty=False, planned=[])
        inserted += any(own.insert_one(first + step) for step in range(_NUMBERS_APART if is_hash else 1))
    return inserted


def _insert_together(
    context: Context,
    connection: psycopg.Connection,
    waiting: Sequence[FilledTable],
    tables: Sequence[FilledTable],
    texts: Mapping[tuple[str, str], tuple[str, ...]],
) -> dict[str, int]:
    """The rows of tables that refer to each other, in one transaction whose deferrable constraints wait for its end."""
    names = {table.name for table in waiting}
    planner = DatasetPlanner(
        connection,
        tables,
        Dataset(sizes=(FEW,), tables=tuple(TableRows(name=name, rows=FEW) for name in sorted(names))),
        size=FEW,
        seed=context.promise.seed,
        texts=texts,
        declared_at=Origin(file=context.promise.migration.up.path, line=1),
        stored={table.name for table in tables} - names,
    )
    order = sorted(names)
    # Where only one of the keys waits, one order works and the other does not.
    for ordered in (order, order[::-1]):
        with suppress(psycopg.Error, ContractError), connection.transaction():
            connection.execute("SET CONSTRAINTS ALL DEFERRED")
            for name in ordered:
                connection.execute(planner.table_plan(name).insert(1, FEW))
            return dict.fromkeys(names, FEW)
    return {}


def _hand_out_numbers(context: Context, connection: psycopg.Connection, schema: Schema) -> Iterator[str]:
    """Take numbers of the sequences that no column's rows have taken any of, as an application does."""
    for sequence in schema.sequences:
        if not (sequence.owned_by or sequence.identity) and sequence.owner == MIGRATOR:
            with suppress(psycopg.Error):
                query = "SELECT pg_catalog.nextval(%s::pg_catalog.regclass) FROM pg_catalog.generate_series(1, %s)"
                connection.execute(query, [sequence.name, FEW])
                yield sequence.name


def _insert_literals(table: str, row: Mapping[str, Any]) -> sql.Composed:
    if not row:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.SQL(table))
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.SQL(table),
        sql.SQL(", ").join(map(identifier, row)),
        sql.SQL(", ").join(sql.Literal(as_text(value)) for value in row.values()),
    )


def _insert_planned(
    table: str,
    plan: TablePlan,
    number: int,
    columns: Sequence[str],
    sample: Mapping[str, Any] | None = None,
    *,
    written: str = "{}",
) -> sql.Composed:
    """INSERT of these columns of a planned row, and of a sample's values in the others; in texts `written` stands for the
    planned one."""
    literals = {name: value for name, value in (sample or {}).items() if name not in columns}
    if not columns and not literals:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.SQL(table))
    # The generators behind columns that are left out are asked nothing, unless another needs them.
    query = rows_query(plan.generators.values(), number_series(number, number))
    texts = {column.name for column in plan.table.columns if column.type.typname in _TEXTS}
    planned = [sql.SQL(written if name in texts else "{}").format(identifier(name)) for name in columns]
    values = [*planned, *(sql.Literal(as_text(value)) for value in literals.values())]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM ({}) AS pgcontract_values").format(
        sql.SQL(table),
        sql.SQL(", ").join(map(identifier, (*columns, *literals))),
        sql.SQL(", ").join(values),
        query,
    )


def _is_numbered(column: FilledColumn) -> bool:
    """Whether a sequence gives its value: rows take theirs from it, so that it is where it would be in production."""
    return column.identity or (column.default is not None and "nextval(" in column.default)


def _stricter(table: FilledTable, later: FilledTable | None) -> FilledTable:
    """The table with what a later state demands of the columns that it has already."""
    if later is None:
        return table
    types = {column.name: column.type.name for column in later.columns}
    required = {column.name for column in later.columns if not column.null}
    common = {column.name for column in table.columns if types.get(column.name) == column.type.name}
    checks = [check for check in later.checks if set(check.columns) <= common and check not in table.checks]
    keys = [key for key in later.keys if set(key.columns) <= common and key not in table.keys]
    return replace(
        table,
        columns=tuple(
            replace(column, null=column.null and column.name not in common & required) for column in table.columns
        ),
        checks=(*table.checks, *checks),
        keys=(*table.keys, *keys),
    )


def _parents_first(tables: Sequence[FilledTable]) -> list[FilledTable]:
    """The tables, each after those that it refers to; of a circle the one first that may do without."""
    known = {table.name for table in tables}
    # Of each table the parents that are not there yet, as (name, whether rows may do without).
    parents: dict[str, list[tuple[str, bool]]] = {}
    children: dict[str, list[int]] = {}
    for number, table in enumerate(tables):
        nullable = {column.name for column in table.columns if column.null}
        references = [each for each in table.references if each.parent in known and each.parent != table.name]
        parents[table.name] = [(each.parent, bool(set(each.columns) & nullable)) for each in references]
        for each in references:
            children.setdefault(each.parent, []).append(number)

    def blocking(number: int) -> tuple[int, int, int]:
        waiting = parents[tables[number].name]
        return sum(not optional for _, optional in waiting), len(waiting), number

    queue = [blocking(number) for number in range(len(tables))]
    heapify(queue)
    ordered: list[FilledTable] = []
    done: set[int] = set()
    while queue:
        number = heappop(queue)[-1]
        if number in done:
            continue
        done.add(number)
        table = tables[number]
        ordered.append(table)
        for child in dict.fromkeys(children.get(table.name, ())):
            name = tables[child].name
            parents[name] = [parent for parent in parents[name] if parent[0] != table.name]
            heappush(queue, blocking(child))
    return ordered
