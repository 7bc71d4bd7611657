"""The rollback run over rows, and over fewer where some of them stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Final

import psycopg

from pgcontract.catalog.contents import read_contents
from pgcontract.model.contents import Contents
from pgcontract.model.sql import Script
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import catalog_differences, snapshot_transaction
from pgcontract.probes.own_guard import is_own_guard
from pgcontract.probes.populated.table_snapshots import take_snapshot
from pgcontract.probes.rehearsal import Rehearsal, rehearse, rehearsed_on_separate_server, rehearsed_tables
from pgcontract.probes.row_generation.few_rows import FewRows, insert_few_rows
from pgcontract.values import dataclass

# The number from which the values of new rows are counted: none of them is there already.
_NEW_ROWS: Final = 60


@dataclass(frozen=True, kw_only=True)
class RollbackRun:
    """The rollback run over rows: the rehearsal with what there was before its last run, why it was refused, what
    differs from the catalog before the migration, and what there is then. `stopped` is why it was refused where more
    rows were there: those written since the migration, or any at all."""

    rehearsal: Rehearsal
    refusal: Refusal | None = None
    different: tuple[str, ...] = ()
    after: Contents = field(default_factory=Contents)
    stopped: Refusal | None = None


def run_rollback(context: Context, script: Script, *, times: int) -> RollbackRun:
    """Over rows of before the migration and of since; where it is refused, over those of before, and where its own guard
    refuses these, over none."""
    with _migrated(context) as (connection, rehearsal):
        run = _run_on(context, connection, rehearsal, script, times)
    if context.changed_parts.roles:
        return run
    if run.refusal is None:
        return replace(run, stopped=_refusal_over_new_rows(context, rehearsal, script))
    with context.clone(rehearsal.before.state) as connection:
        refused = apply_as_production(connection, context.promise.script)
        migrated = replace(rehearsal, after=replace(rehearsal.after, rows=FewRows(), contents=_contents(connection)))
        second = None if refused else _run_on(context, connection, migrated, script, times)
    if second is not None and second.refusal is None:
        return replace(second, stopped=run.refusal)
    if is_own_guard(run.refusal, script):
        with context.clone(context.after_state) as connection:
            contents = _contents(connection)
            empty = replace(
                rehearsal,
                before=replace(rehearsal.before, rows=FewRows(), contents=Contents()),
                migrated=contents,
                after=replace(rehearsal.after, rows=FewRows(), contents=contents),
            )
            third = _run_on(context, connection, empty, script, times)
        if third.refusal is None:
            return replace(third, stopped=run.refusal)
    return second or run


@cached_fact
def columns_taken_back(context: Context) -> tuple[str, ...]:
    """The columns that the migration adds to tables of before: a rollback that restores the catalog takes them, and what
    was written into them since."""
    with context.sandbox.rolled_back(context.before_state) as connection:
        before = take_snapshot(connection)
    with context.sandbox.rolled_back(context.after_state) as connection:
        after = take_snapshot(connection)
    return tuple(
        f"{before[oid].name}.{name}"
        for oid, table in after.items()
        if oid in before
        for number, name in table.columns.items()
        if number not in before[oid].columns
    )


def _refusal_over_new_rows(context: Context, rehearsal: Rehearsal, script: Script) -> Refusal | None:
    """Why the rollback is refused over all that the migrated tables take: every label, the longest and empty values; of
    tables alone that it finds there and that the migration did not make."""
    there = {table.name for table in context.before.tables}
    tables = [name for name in rehearsed_tables(context, context.after) if name in there]
    if not tables or not (context.touched.tables or context.changed_parts.types):
        return None
    with context.clone(rehearsal.after.state) as connection:
        insert_few_rows(context.promise, connection, tables, first=_NEW_ROWS, varied=True)
        refusal = apply_as_production(connection, script)
        return refusal and locate_refusal(connection, script, refusal)


def _run_on(
    context: Context, connection: psycopg.Connection, rehearsal: Rehearsal, script: Script, times: int
) -> RollbackRun:
    for run in range(times):
        if run:
            rehearsal = replace(rehearsal, after=replace(rehearsal.after, contents=_contents(connection)))
        refusal = apply_as_production(connection, script)
        if refusal is not None:
            return RollbackRun(rehearsal=rehearsal, refusal=locate_refusal(connection, script, refusal))
    with snapshot_transaction(connection):
        catalog = replace(context.catalog(connection), rows=())
    different = catalog_differences(catalog, replace(context.before, rows=()))
    return RollbackRun(rehearsal=rehearsal, different=different, after=_contents(connection))


@contextmanager
def _migrated(context: Context) -> Iterator[tuple[psycopg.Connection, Rehearsal]]:
    """A database right after the migration, with rows in its tables."""
    # A role cannot be dropped while another database gives it rights, and each of our copies does.
    if context.changed_parts.roles:
        with rehearsed_on_separate_server(context) as rehearsed:
            yield rehearsed
    else:
        rehearsal = rehearse(context)
        with context.clone(rehearsal.after.state) as connection:
            yield connection, rehearsal


def _contents(connection: psycopg.Connection) -> Contents:
    with snapshot_transaction(connection):
        return read_contents(connection)
