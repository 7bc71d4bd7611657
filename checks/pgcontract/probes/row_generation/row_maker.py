"""The rows of one table, made and inserted: values that its types, CHECKs and keys take; what is refused is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import rows_of
from pgcontract.errors import ContractError
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.dataset_planner import DatasetPlanner
from pgcontract.probes.row_generation.row_query import number_series, rows_query
from pgcontract.probes.row_generation.selected_values import SelectedValue, Selection, is_neighbour
from pgcontract.probes.row_generation.simple_values import value_by_name
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import FilledColumn, FilledTable
from pgcontract.probes.row_generation.update_parts import UpdatePart
from pgcontract.probes.sample_rows import as_text

FEW: Final = 3
MAX_SELECTED: Final = 12
_MANY_SELECTED: Final = 1000
_IN_CAPITALS: Final = "pg_catalog.initcap({})"
_IN_BLANKS: Final = "' ' || pg_catalog.initcap({}) || ' '"
_TEXTS: Final = ("text", "varchar")


@dataclass(kw_only=True)
class RowMaker:
    """Makes rows of one table, or of `into`, a partition of it, and inserts them.

    `first` is the number that values are counted from: rows that are inserted later need others. `later` is the table
    after a migration: values are such that its constraints take them, too. `reason` is why the first row that was tried
    was refused, in the server's words.
    """

    promise: Promise
    connection: psycopg.Connection
    tables: Sequence[FilledTable]
    table: FilledTable
    into: str
    first: int = 1
    texts: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    later: FilledTable | None = None
    reason: str = ""
    planned: list[TablePlan | None] = field(default_factory=list)
    is_empty: bool = True

    def insert(self) -> int:
        """Insert a few rows: the contract's sample, where there is one; one with a value in every column; one that is
        NULL wherever it may be. The number of those that went in."""
        self.is_empty = self._has_no_rows()
        first = 1 if self.is_empty else self.first
        return sum(self.insert_one(first + place, sparse=place == FEW - 1) for place in range(FEW))

    def insert_one(self, number: int, *, sparse: bool = False) -> bool:
        """Insert the row of that number; with `sparse` what may be NULL is."""
        return any(self._accepts(statement) for statement in self._ways(number, sparse=sparse))

    def insert_selected(self, selected: Selection) -> int:
        """Insert rows for the first of the values that the table's columns take: one with a value in every
        column, one that is NULL wherever it may be. Of a key that takes only one of them a value itself has the
        first, one beside it the second: what is done to those that are chosen shows by their values, what is not
        done to the others by NULL. Behind them, of what an UPDATE cuts, rows like one that it chooses; and one with all
        that a statement compares at once."""
        own = {column.name for column in self.table.columns}
        bare = QualifiedName.parse(self.table.name).name
        values = selected.of_table(bare, own, MAX_SELECTED)
        apart = max(MAX_SELECTED, len(values))
        # Where they are many, clear of the numbers of all rows that are made otherwise.
        first = self.first + FEW + (_MANY_SELECTED if apart > MAX_SELECTED else 0)
        pairs = [(value.name, value.text) for value in values]
        documents = {(value.name, value.text) for value in values if value.is_document}
        inserted = 0
        for place, (name, text) in enumerate(pairs):
            is_beside = any(is_neighbour(text, other) for column, other in pairs[:place] if column == name)
            differ = self._free({name}, sparse=True) != self._free({name})
            ways = (is_beside, not is_beside) if differ and text is not None else (False,)
            if (name, text) in documents:
                ways = (True,)  # what is taken out of it goes into a column that is empty as yet
            for step, sparse in enumerate(ways):
                number = first + place + step * apart
                inserted += self.insert_with({name: text}, number, sparse=sparse)
        for place, value in enumerate(values):
            if value.cut is not None and (row := self._row_of(value.cut, value)):
                number = first + 2 * apart + place
                inserted += self.insert_with(row | {value.name: value.text}, number)
        for place, together in enumerate(selected.rows_of_table(bare, own)):
            inserted += self.insert_with(together, self.first + FEW + 2 * _MANY_SELECTED + place)
        if inserted:
            self._keep_in_step(dict.fromkeys(name for name, _ in pairs))
        return inserted

    def _row_of(self, update: UpdatePart, value: SelectedValue) -> dict[str, str | None]:
        """A row that the UPDATE changes, be it once it has that value, without its keys; {} where it changes all, or
        none of this table."""
        keys = {name for key in self.table.keys for name in key.columns}
        names = [name for name in self._free(keys) if name not in keys]
        query = update.chosen_row(names)
        given = sql.SQL("UPDATE {} SET {} = {}").format(
            sql.SQL(self.table.name), identifier(value.name), sql.Literal(value.text)
        )
        for statements in ((query,), (given, query)) if update.chosen and names else ():
            with suppress(psycopg.Error), self.connection.transaction(force_rollback=True):
                for statement in statements:
                    cursor = self.connection.execute(statement)
                if row := cursor.fetchone():
                    return dict(zip(names, row, strict=True))
        return {}

    def insert_with(self, values: Mapping[str, Any], number: int, *, sparse: bool = False) -> bool:
        """Insert the row of that number with these values in place of its own; with `sparse` what may be NULL is."""
        plan = next(self._plans(), None)
        if plan is None:
            return False
        free = self._free(values, sparse=sparse)
        return self._accepts(_insert_planned(self.into, plan, number, free, values))

    def _free(self, given: Collection[str], *, sparse: bool = False) -> list[str]:
        """The columns that a row's own values go into, beside those that are given."""
        return [
            column.name
            for column in self.table.columns
            if not is_numbered(column)
            and not _is_list(column)
            and column.name not in given
            and not (sparse and (column.null or _has_fixed_default(column)))
        ]

    def _keep_in_step(self, names: Iterable[str]) -> None:
        """Move the sequences of these columns behind the numbers that rows were given."""
        numbered = {column.name for column in self.table.columns if is_numbered(column)}
        for name in (name for name in names if name in numbered):
            query = sql.SQL(
                "SELECT pg_catalog.setval(s, greatest((SELECT max({column}) FROM {table}), pg_catalog.nextval(s))) "
                "FROM pg_catalog.pg_get_serial_sequence({name}, {bare}) AS s WHERE s IS NOT NULL"
            ).format(
                column=identifier(name),
                table=sql.SQL(self.table.name),
                name=sql.Literal(self.table.name),
                bare=sql.Literal(name),
            )
            with suppress(psycopg.Error), self.connection.transaction():
                self.connection.execute(query)

    def planned_values(self, number: int, names: Sequence[str]) -> Mapping[str, str | None] | None:
        """The values of the row of that number in these columns, as text; None where none can be derived."""
        for plan in self._plans():
            query = rows_query([plan.generators[name] for name in plan.generators], number_series(number, number))
            listed = sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(name)) for name in names)
            with suppress(psycopg.Error), self.connection.transaction():
                if row := self.connection.execute(
                    sql.SQL("SELECT {} FROM ({}) AS pgcontract_values").format(listed, query)
                ).fetchone():
                    lists = {column.name: "[]" for column in self.table.columns if _is_list(column)}
                    return {name: lists.get(name, value) for name, value in zip(names, row, strict=True)}
        return None

    def _ways(self, number: int, *, sparse: bool) -> Iterator[sql.Composed]:
        """INSERTs of the row, the most telling first."""
        sample = self.promise.samples.get(self.table.name)
        drawn = {column.name for column in self.table.columns if column.default and not _has_fixed_default(column)}
        if sample is not None and number == 1 and drawn <= sample.keys():
            yield insert_literals(self.into, sample)
        numbered = {column.name for column in self.table.columns if is_numbered(column)}
        free = [column for column in self.table.columns if column.name not in numbered and not _is_list(column)]
        needed = [column for column in free if not column.null and not _has_fixed_default(column)]
        for plan in self._plans():
            if sample is not None and number == 1:  # what the sample leaves out
                left = [column.name for column in needed if column.name not in sample]
                yield _insert_planned(self.into, plan, number, left, sample)
            upwards = {name for key in self.table.references if key.parent == self.table.name for name in key.columns}
            ways = [
                free,
                [column for column in free if not (column.null and column.name in upwards)],
                [column for column in free if not _has_fixed_default(column)],
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
        simple = {column.name: simple_value_of(column) for column in needed}
        yield insert_literals(self.into, simple)
        if drawn:  # what only the default knows to make
            yield insert_literals(self.into, {name: value for name, value in simple.items() if name not in drawn})

    def _plans(self) -> Iterator[TablePlan]:
        """How the table's values are made: so that they are accepted after the migration as well, else as before it."""
        tables = tuple(dict.fromkeys((stricter(self.table, self.later), self.table)))
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
            rows_of([table.name], size),
            size=size,
            seed=self.promise.seed,
            texts=self.texts,
            declared_at=Origin(file=self.promise.migration.up.path, line=1),
            stored=stored,
            nulls=False,
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


def is_numbered(column: FilledColumn) -> bool:
    """Whether a sequence gives its value: rows take theirs from it, so that it is where it would be in production."""
    return column.identity or (column.default is not None and "nextval(" in column.default)


def _is_list(column: FilledColumn) -> bool:
    """Whether it is a JSON array by default: an object is none of its values, and what its elements are nobody knows."""
    return column.default is not None and column.default.startswith(("'[]'::json", "jsonb_build_array()"))


def _has_fixed_default(column: FilledColumn) -> bool:
    """Whether it can be left to its default: what is drawn is another in each run, and rows are named in what is told."""
    return column.default is not None and not column.draws


def simple_value_of(column: FilledColumn) -> str:
    """The simplest value of the column's type."""
    return column.type.labels[0] if column.type.labels else value_by_name(column.type.base_name)


def insert_literals(
    table: str, row: Mapping[str, Any], *, overriding: bool = False, returning: Sequence[str] = ()
) -> sql.Composed:
    """INSERT of one row, its values written out; without any, of the defaults."""
    values: sql.Composable = sql.SQL(" DEFAULT VALUES")
    if row:
        values = sql.SQL(" ({}){} VALUES ({})").format(
            sql.SQL(", ").join(map(identifier, row)),
            sql.SQL(" OVERRIDING SYSTEM VALUE" if overriding else ""),
            sql.SQL(", ").join(sql.Literal(as_text(value)) for value in row.values()),
        )
    listed = sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(name)) for name in returning)
    ending = sql.SQL(" RETURNING {}").format(listed) if returning else sql.SQL("")
    return sql.SQL("INSERT INTO {}{}{}").format(sql.SQL(table), values, ending)


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
    # A number that the script names is given to a row whatever makes the numbers.
    overriding = any(column.identity and column.name in literals for column in plan.table.columns)
    return sql.SQL("INSERT INTO {} ({}){} SELECT {} FROM ({}) AS pgcontract_values").format(
        sql.SQL(table),
        sql.SQL(", ").join(map(identifier, (*columns, *literals))),
        sql.SQL(" OVERRIDING SYSTEM VALUE" if overriding else ""),
        sql.SQL(", ").join(values),
        query,
    )


def stricter(table: FilledTable, later: FilledTable | None) -> FilledTable:
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
