"""What of a pending migration's tables an earlier file of the same deploy makes: production has nothing in it."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.loss_words import renames
from pgcontract.probes.populated.moved_rows import key
from pgcontract.probes.populated.table_snapshots import Snapshot, TableSnapshot, take_snapshot


def is_of_this_deploy(context: Context, table: str, column: str) -> bool:
    """Whether an earlier pending file adds the column to a table that was there."""
    first, statements = _before_deploy(context)
    deployed = {each.bare_name for each in first.before.columns_of(table)}
    return bool(deployed) and column not in deployed and not any(renames(each, column) for each in statements)


def is_table_of_this_deploy(context: Context, table: str) -> bool:
    """Whether an earlier pending file makes it."""
    first, statements = _before_deploy(context)
    if any(each.name == table for each in first.before.tables):
        return False
    return not any(renames(each, QualifiedName.parse(table).name) for each in statements)


def is_made_by_deploy(context: Context, table: TableSnapshot, number: int | None) -> bool:
    """Whether the table is of this deploy, or its column of that number."""
    if number is not None and is_of_this_deploy(context, table.name, table.columns[number]):
        return True
    return is_table_of_this_deploy(context, table.name)


def written_by_deploy(context: Context, table: TableSnapshot) -> TableSnapshot:
    """The table with those of its rows alone that earlier files of the deploy wrote: no other has anything of
    production's."""
    carried = _rows_of_deploy(context).get(table.oid)
    names = table.key or tuple(table.columns)
    there = {tuple(map(row.get, names)) for row in carried.rows} if carried is not None else set()
    return replace(table, rows=tuple(row for row in table.rows if tuple(map(row.get, names)) in there))


def keys_written_by_deploy(context: Context, table: TableSnapshot, number: int) -> set[tuple[str | None, ...]]:
    """The keys of the rows in which earlier files of the deploy wrote the column; none where all have its default."""
    carried = _rows_of_deploy(context).get(table.oid)
    rows = carried.rows if carried is not None else ()
    if len(rows) > 1 and len({row.get(number) for row in rows}) == 1:
        return set()
    return {key(row, table) for row in rows if row.get(number) is not None}


@cached_promise_fact
def _rows_of_deploy(context: Context) -> Snapshot:
    """What the chain brings along to the migration: in what its deploy made only what the files before it wrote."""
    assert context.population is not None
    state = context.population.before(context.promise.migration.key).state
    with context.sandbox.rolled_back(state) as connection:
        return take_snapshot(connection)


def first_of_deploy(context: Context) -> Context:
    """The first of the pending files that come one after another up to this one."""
    while context.earlier is not None:
        context = context.earlier
    return context


def statements_of_deploy(context: Context) -> list[Statement]:
    """Those of all its files up to this one."""
    return [*_before_deploy(context)[1], *context.promise.script.statements]


def _before_deploy(context: Context) -> tuple[Context, list[Statement]]:
    """The first file of the deploy, and the statements of all before this one."""
    first, statements = context, list[Statement]()
    while first.earlier is not None:
        first = first.earlier
        statements += first.promise.script.statements
    return first, statements
