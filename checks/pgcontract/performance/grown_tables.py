"""The tables of a database that is carried along the chain, with so many rows more that growth shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import rows_of
from pgcontract.errors import ContractError
from pgcontract.model.schema import Origin
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.populated.stored_rows import triggers_off
from pgcontract.probes.row_generation.dataset_planner import DatasetPlanner
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.few_rows import read_later_tables
from pgcontract.probes.row_generation.row_maker import stricter
from pgcontract.probes.row_generation.table_order import parents_first
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import FilledTable, count_rows, read_tables
from pgcontract.values import dataclass

# Far from the numbers that the values of the chain's own rows are counted from.
_FIRST: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class GrownTables:
    """How rows of these tables are made, those that are referred to first; `refused` are tables of which none can be."""

    plans: tuple[TablePlan, ...]
    refused: frozenset[str] = frozenset()


def plan_growth(context: Context, connection: psycopg.Connection, names: Sequence[str], most: int) -> GrownTables:
    """How the tables get up to so many rows, such as the migration takes as well. What they refer to stays as it is,
    unless there must be as many of it."""
    tables = read_tables(connection, names)
    with context.sandbox.rolled_back(context.after_state) as other:
        later = read_later_tables(other, {table.name for table in tables})
    tables = tuple(stricter(table, later.get(table.name)) for table in tables)
    plans: dict[str, TablePlan] = {}
    refused: set[str] = set()
    for table in parents_first(tables):
        if table.name not in names:
            continue
        above = tuple(key.parent for key in table.references if key.parent != table.name)
        for grown in ({table.name}, {table.name, *above}):
            planned = _plan(context, connection, tables, grown, most)
            if planned is not None:
                plans |= {plan.table.name: plan for plan in planned if plan.table.name in grown}
                break
        else:
            refused.add(table.name)
    ordered = parents_first([plan.table for plan in plans.values()])
    return GrownTables(plans=tuple(plans[table.name] for table in ordered), refused=frozenset(refused))


def _plan(
    context: Context, connection: psycopg.Connection, tables: Sequence[FilledTable], grown: set[str], most: int
) -> tuple[TablePlan, ...] | None:
    size = _FIRST + most
    planner = DatasetPlanner(
        connection,
        tables,
        rows_of(sorted(grown), size),
        size=size,
        seed=context.promise.seed,
        texts=example_texts(context.promise),
        declared_at=Origin(file=context.promise.migration.up.path, line=1),
        stored={table.name for table in tables} - (grown if len(grown) > 1 else set()),
        nulls=False,
    )
    try:
        return tuple(planner.table_plan(name) for name in sorted(grown))
    except (ContractError, psycopg.Error):
        return None


@contextmanager
def bulk_connection(sandbox: Sandbox, database: str) -> Iterator[psycopg.Connection]:
    """A connection of whoever migrates, on which no trigger or rule fires and no foreign key is asked, where there is a
    superuser who may say so."""
    setting = sql.SQL("ALTER DATABASE {} SET session_replication_role = replica").format(sql.Identifier(database))
    back = sql.SQL("ALTER DATABASE {} RESET session_replication_role").format(sql.Identifier(database))
    if sandbox.has_superuser:
        sandbox.admin.execute(setting)
    try:
        with sandbox.connect(database) as connection:
            yield connection
    finally:
        if sandbox.has_superuser and not sandbox.admin.closed:
            sandbox.admin.execute(back)


def grow(connection: psycopg.Connection, grown: GrownTables, rows: int) -> Mapping[str, str]:
    """Rows into each table until there are about so many, all of them frozen and analysed, so that nothing is left to do
    for whoever reads them. Returns the tables that take none, by name, and why the server refuses them."""
    refused: dict[str, str] = {}
    for plan in grown.plans:
        table = plan.table
        there = count_rows(connection, table)
        if there >= rows:
            continue
        try:
            with connection.transaction(), triggers_off(connection, [table.name]):
                insert = plan.insert(_FIRST + there, _FIRST + rows - 1)
                connection.execute(insert + sql.SQL(" ON CONFLICT DO NOTHING"))
        except psycopg.Error as error:
            refused[table.name] = f"{table.name} takes no {rows:,} rows: {read_refusal(error)}"
    for plan in grown.plans:
        if plan.table.name not in refused:
            connection.execute(sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(sql.SQL(plan.table.name)))
    return refused
