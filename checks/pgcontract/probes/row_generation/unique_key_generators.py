"""Values of unique keys: one column of each has a value of its own in every row, or all of them count up together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.row_generation.foreign_key_generators import parent_key
from pgcontract.probes.row_generation.row_numbers import (
    MakeSql,
    Number,
)
from pgcontract.probes.row_generation.row_query import (
    ColumnGenerator,
)
from pgcontract.probes.row_generation.target_tables import FilledColumn, Key
from pgcontract.probes.row_generation.type_generators import nth, unique_candidates
from pgcontract.probes.row_generation.value_candidates import CandidateGenerator

if TYPE_CHECKING:
    from pgcontract.probes.row_generation.dataset_planner import TablePlanner


def make_keys_unique(planner: TablePlanner, except_columns: frozenset[str] = frozenset()) -> None:
    """Make keys unique: one column of each has a unique value in every row, or all of them count up together.

    Foreign key columns are left out at first: tables that refer to this one need its keys before those are known.
    """
    for key in planner.table.keys:
        named = [planner.table.column(name) for name in key.columns]
        if any(
            planner.generators.get(key_column.name)
            and _is_declared_or_unique(planner, planner.generators[key_column.name])
            for key_column in named
        ):
            continue
        free = [
            key_column
            for key_column in named
            if key_column.name not in planner.generators and key_column.name not in except_columns
        ]
        best = next(
            (
                apart_maker
                for key_column in sorted(free, key=_key_column_order)
                if (apart_maker := _unique_generator(planner, key_column))
            ),
            None,
        )
        if best is not None:
            planner.generators[best.column.name] = best
        elif named and not except_columns and not any(planner.declaration.column(column.name) for column in named):
            _number_key_columns(planner, key, named)


def _is_declared_or_unique(planner: TablePlanner, generator: ColumnGenerator) -> bool:
    """Whether the data set declares this column, or it has a unique value in each row."""
    return generator.origin is not None or (
        generator.max_distinct is None and generator.column.name not in planner.references
    )


def _unique_generator(planner: TablePlanner, column: FilledColumn) -> ColumnGenerator | None:
    candidates = unique_candidates(column.type, planner.value_seed(column.name), planner.hints(column))
    enough = (
        candidate for candidate in candidates if candidate.max_distinct is None or candidate.max_distinct >= planner.rows
    )
    chosen = next(planner.accepted(column, enough), None)
    if chosen is None:
        return None
    return ColumnGenerator(column=column, make=_shifted(planner, column, chosen), needs=chosen.needs)


def _shifted(planner: TablePlanner, column: FilledColumn, chosen: CandidateGenerator) -> MakeSql:
    """Numbers that continue after those that the migrations inserted."""
    present = planner.dataset_planner.present(planner.table)
    if not present or column.type.category != "N":
        return chosen.make
    query = sql.SQL("SELECT coalesce(pg_catalog.max({})::int8, 0) FROM {}").format(
        identifier(column.name), sql.SQL(planner.table.name)
    )
    row = planner.connection.execute(query).fetchone()
    last = sql.Literal(int(row[0]) if row else 0)
    return lambda n: chosen.make(sql.SQL("({} + {})").format(n, last))


def _number_key_columns(planner: TablePlanner, key: Key, columns: Sequence[FilledColumn]) -> None:
    """Columns of few values each as the digits of one number."""
    below, digits = 1, []
    for column in columns:
        make, max_distinct = _limited_values(planner, column)
        digits.append((column, make, below, max_distinct))
        below *= max_distinct
    if not planner.is_sized:
        planner.rows = min(planner.rows, below)
    elif below < planner.rows:
        raise planner.derivation_error(
            columns[0].name, f"{key.name} takes {below} different rows at most, and {planner.rows} are asked for"
        )
    for column, make, weight, max_distinct in digits:

        def digit(
            n: Number, make: MakeSql = make, weight: int = weight, max_distinct: int = max_distinct
        ) -> sql.Composable:
            place = sql.SQL("(1 + ({} - 1) / {} % {})").format(n, sql.Literal(weight), sql.Literal(max_distinct))
            return make(place)

        planner.generators[column.name] = ColumnGenerator(column=column, make=digit, max_distinct=max_distinct)


def _limited_values(planner: TablePlanner, column: FilledColumn) -> tuple[MakeSql, int]:
    reference = planner.references.get(column.name)
    if reference is not None and reference.parent != planner.table.name:
        make, parents = parent_key(planner, reference, column.name)
        return make, max(parents, 1)
    hints = planner.hints(column)
    ways: Iterator[CandidateGenerator] = unique_candidates(column.type, planner.value_seed(column.name), hints)
    if hints.literals:
        listed = CandidateGenerator(make=lambda n: nth(hints.literals, n), max_distinct=len(hints.literals))
        ways = itertools.chain(ways, [listed])
    chosen = planner.first_accepted(column, ways)
    return chosen.make, chosen.max_distinct or max(planner.rows, 1)


def _key_column_order(column: FilledColumn) -> tuple[int, str]:
    """Sort key of the columns that can make a key unique: numbers and ids first, enums last."""
    order = {"N": 0, "U": 1, "S": 2, "D": 3, "R": 4}
    return (9 if column.type.form == "enum" else order.get(column.type.category, 5)), column.name
