"""Values of foreign keys: keys of rows that the table they refer to will have, or has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.row_generation.row_numbers import (
    MakeSql,
    Number,
    spread_out,
    uniform,
    zipf_rank,
)
from pgcontract.probes.row_generation.row_query import (
    ColumnGenerator,
    rows_query,
    with_dependencies,
)
from pgcontract.probes.row_generation.target_tables import FilledColumn, ForeignKey

if TYPE_CHECKING:
    from pgcontract.probes.row_generation.dataset_planner import TablePlanner

PARENTS_SKEW = 0.7
_MOST_STORED = 1000


def add_foreign_keys(planner: TablePlanner) -> None:
    """Generators for the columns of each foreign key that the data set does not declare."""
    for reference in planner.table.references:
        if any(name in planner.generators for name in reference.columns):
            continue
        unique = _unique_over(planner, reference.columns)
        for name in reference.columns:
            planner.generators[name] = _foreign_key_generator(planner, reference, name, unique=unique)


def _unique_over(planner: TablePlanner, columns: Sequence[str]) -> bool:
    """Whether a key allows each parent once."""
    return any(key.columns and set(key.columns) <= set(columns) for key in planner.table.keys)


def _foreign_key_generator(planner: TablePlanner, reference: ForeignKey, name: str, *, unique: bool) -> ColumnGenerator:
    column = planner.table.column(name)
    if reference.parent == planner.table.name and planner.table.name not in planner.dataset_planner.stored:
        return _self_reference_generator(planner, reference, column)
    make, parents = parent_key(planner, reference, name)
    salt = planner.value_seed(reference.columns[0]).salt("parent")
    if parents == 0:
        if not column.null:
            raise planner.derivation_error(column.name, f"{reference.parent} has no rows to refer to; give it some")
        return ColumnGenerator(column=column, make=lambda n: sql.SQL("NULL"), max_distinct=0)
    if unique:
        if not planner.is_sized:
            planner.rows = min(planner.rows, parents)
        return ColumnGenerator(column=column, make=make, max_distinct=parents)
    return ColumnGenerator(
        column=column,
        make=lambda n: make(spread_out(zipf_rank(n, salt, parents, PARENTS_SKEW), parents)),
        max_distinct=parents,
    )


def _self_reference_generator(planner: TablePlanner, reference: ForeignKey, column: FilledColumn) -> ColumnGenerator:
    """An earlier row, or none: for the first, and for one in ten; the row itself where null is not allowed."""
    salt = planner.value_seed(reference.columns[0]).salt("parent")
    key = dict(zip(reference.columns, reference.parent_columns, strict=True))[column.name]
    none = sql.SQL("NULL") if column.null else None

    def make(n: Number) -> sql.Composable:
        drawn = uniform(n, salt)
        earlier = sql.SQL("(1 + pg_catalog.floor({} * ({} - 1))::int8)").format(drawn, n)
        key_value = planner.generators[key].value
        if none is None:
            return key_value(sql.SQL("GREATEST({}, 1)").format(earlier))
        return sql.SQL("CASE WHEN {} > 1 AND {} < 0.9 THEN {} END").format(n, drawn, key_value(earlier))

    return ColumnGenerator(column=column, make=make)


def parent_key(planner: TablePlanner, reference: ForeignKey, name: str) -> tuple[MakeSql, int]:
    """SQL for the key of the parent's row of some number, and how many rows the parent has."""
    key = dict(zip(reference.columns, reference.parent_columns, strict=True))[name]
    parent = planner.dataset_planner.tables.get(reference.parent)
    if parent is None:
        return (lambda n: sql.SQL("NULL")), 0
    present = planner.dataset_planner.present(parent)
    if reference.parent in planner.dataset_planner.stored:
        return _stored_keys(planner, reference, key), min(present, _MOST_STORED)
    table_plan = planner.dataset_planner.table_plan(reference.parent)
    if table_plan.rows == 0:
        return _stored_keys(planner, reference, key), min(present, _MOST_STORED)
    if key not in table_plan.generators:
        raise planner.derivation_error(name, f"{reference.parent} waits for it in turn")
    generators = with_dependencies(table_plan.generators, [key])
    if len(generators) == 1:
        return generators[0].value, table_plan.rows

    def make(n: Number) -> sql.Composable:
        numbers = sql.SQL("(SELECT {})").format(n)
        return sql.SQL("(SELECT {} FROM ({}) AS pgcontract_parent)").format(
            identifier(key), rows_query(generators, numbers)
        )

    return make, table_plan.rows


def _stored_keys(planner: TablePlanner, reference: ForeignKey, key: str) -> MakeSql:
    """The keys of rows that migrations inserted, in their order."""
    ordered = sql.SQL(", ").join(map(identifier, reference.parent_columns))
    query = sql.SQL("SELECT {}::text FROM {} ORDER BY {} LIMIT {}").format(
        identifier(key), sql.SQL(reference.parent), ordered, sql.Literal(_MOST_STORED)
    )
    keys = [value for (value,) in planner.connection.execute(query).fetchall()]
    listed = sql.SQL(", ").join(map(sql.Literal, keys))
    return lambda n: sql.SQL("(ARRAY[{}]::text[])[({})::int]").format(listed, n)
