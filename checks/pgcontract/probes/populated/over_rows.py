"""A pending migration run over the rows that the chain brought along, and over such as its new rules take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from typing import Final

import psycopg

from pgcontract.catalog.forced_row_security import lift_forced_row_security
from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Script
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import Refusal, apply_as_production
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.colliding_rows import insert_colliding_rows, insert_joined_rows
from pgcontract.probes.populated.row_trials import RowTrials
from pgcontract.probes.populated.stops import Stop, find_stops
from pgcontract.probes.populated.table_snapshots import Snapshot, take_snapshot
from pgcontract.probes.populated.tied_rows import insert_tied_rows
from pgcontract.probes.populated.valued_columns import give_values
from pgcontract.probes.row_generation.child_rows import insert_children
from pgcontract.probes.row_generation.few_rows import insert_few_rows, migrated_tables, read_later_tables
from pgcontract.probes.row_generation.lone_values import insert_lone_values
from pgcontract.probes.row_generation.selected_values import Selection, selected_values
from pgcontract.probes.row_generation.target_tables import FilledTable
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

# The number from which the values are counted of rows that a migration's new rules take.
_FITTING: Final = 120
_CHILDREN: Final = 160
_CHILDREN_OF_PAIRS: Final = 600
_COLLIDING: Final = 190
_JOINED: Final = 400
_TIED: Final = 500
_VALUED: Final = 260
_LONE: Final = 300
_DELETES: Final = re.compile(r"\bDELETE\s+FROM\b", re.IGNORECASE)
_BOUNDS: Final = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_partition_constraintdef(c.oid)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relispartition AND pg_catalog.pg_get_partition_constraintdef(c.oid) IS NOT NULL
"""
_INSERTS: Final = ("INSERT", "WITH")


@dataclass(frozen=True, kw_only=True)
class OverRows:
    """What came of it. `before` is the state with rows without those that stop it, `after` what it makes of that; None
    where it is refused all the same, which `unknown` says. `start` and `final` are the rows of the two. `refused` are
    tables that took no row, each with why."""

    before: DatabaseState
    after: DatabaseState | None
    start: Snapshot = field(default_factory=dict)
    final: Snapshot = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    unknown: Refusal | None = None
    refused: Mapping[str, str]

    @property
    def is_endless(self) -> bool:
        """Whether it took longer over these rows than a statement may: nobody need wait for that again."""
        return self.unknown is not None and self.unknown.is_timeout


@cached_promise_fact
def run_over_rows(context: Context) -> OverRows:
    """The migration over rows; CouldNotAsk where it is not applied to empty tables either."""
    population = context.population
    if population is None:
        raise CouldNotAsk("this needs a server, and this run has none; run it with --pg auto")
    catalogs = context.before, context.after
    if not context.before.tables:
        return OverRows(before=context.before_state, after=context.after_state, refused={})
    populated = population.before(context.promise.migration.key)
    with context.sandbox.clone(populated.state, keep=True) as name:
        with context.sandbox.connect(name) as connection:
            tables = {table.name for table in context.touched.tables} & set(migrated_tables(context, context.before))
            later = _later(context, tables)
            selected = selected_values(context.promise.script)
            entering = _entering_partitions(context)
            names = sorted(tables | _selected_tables(context, selected) | entering.keys())
            insert_few_rows(
                context.promise,
                connection,
                names,
                first=_FITTING,
                later=later,
                entering=entering,
                selected=selected,
            )
            insert_children(context.promise, connection, _deleted_from(context), first=_CHILDREN)
            insert_colliding_rows(context, connection, first=_COLLIDING)
            insert_lone_values(context.promise, connection, migrated_tables(context, context.before), first=_LONE)
            insert_joined_rows(context, connection, first=_JOINED)
            insert_tied_rows(context, connection, first=_TIED)
            insert_children(context.promise, connection, _deleted_from(context), first=_CHILDREN_OF_PAIRS)
            _join_seeds(connection, context.promise.project.seeds)
            give_values(context, connection, later=later, first=_VALUED)
        state = context.sandbox.read_state(name)
    trials = RowTrials(context.sandbox, state, context.promise.script)
    try:
        stops = find_stops(trials, *catalogs, bounds=lambda: _partition_bounds(context))
    finally:
        before = trials.close()
    over = OverRows(before=before, after=None, stops=stops.found, unknown=stops.unknown, refused=populated.refused)
    if stops.unknown is not None:
        return over
    with context.sandbox.clone(before, keep=True) as name:
        start, final = _run(context, name)
        if final is None:
            return over
        return replace(over, after=context.sandbox.read_state(name), start=start, final=final)


def run_to_its_end(context: Context, state: DatabaseState) -> tuple[Snapshot, Snapshot | None]:
    """The rows of the state, and those that the migration makes of them; None where it is refused."""
    with context.sandbox.clone(state) as name:
        return _run(context, name)


def _run(context: Context, database: str) -> tuple[Snapshot, Snapshot | None]:
    with context.sandbox.connect(database) as connection:
        start = take_snapshot(connection)
        if apply_as_production(connection, context.promise.script) is not None:
            return start, None
    # In a session of its own: whatever the script set is not over there.
    with context.sandbox.connect(database) as connection:
        lift_forced_row_security(connection)
        return start, take_snapshot(connection)


def _later(context: Context, tables: set[str]) -> Mapping[str, FilledTable]:
    """These tables as they are after it; CouldNotAsk where a role here may less than there, also of none."""
    state = context.after_state
    if not tables:
        return {}
    with context.sandbox.rolled_back(state) as connection:
        return read_later_tables(connection, tables)


def _partition_bounds(context: Context) -> Mapping[str, str]:
    """What holds for the rows of each partition after the migration, by its name."""
    with context.sandbox.rolled_back(context.after_state) as connection:
        return dict(connection.execute(_BOUNDS).fetchall())


def _entering_partitions(context: Context) -> Mapping[str, Mapping[str, str]]:
    """The partitions that the migration makes or attaches, by name with their bounds, of each table at the top."""
    above = {table.name: table.partition_of for table in context.after.tables if table.partition_of}
    there = {table.name for table in context.before.tables if table.partition_of}
    entering: dict[str, dict[str, str]] = {}
    for name, bounds in _partition_bounds(context).items() if above.keys() - there else ():
        if name in above and name not in there:
            top = above[name]
            while top in above:
                top = above[top]
            entering.setdefault(top, {})[name] = bounds
    return entering


def _deleted_from(context: Context) -> list[str]:
    """The tables of before that a DELETE of the script may be about: what refers to their rows is met by it."""
    texts = [each.text for each in context.promise.script.statements if _DELETES.search(each.text)]
    return [
        name
        for name in migrated_tables(context, context.before)
        if any(names_in_code(text, QualifiedName.parse(name).name) for text in texts)
    ]


def _selected_tables(context: Context, selected: Selection) -> set[str]:
    """The tables of before that have a column by whose values the script chooses rows."""
    own, names = set(migrated_tables(context, context.before)), {value.name for value in selected.values}
    return {column.table for column in context.before.columns if column.bare_name in names and column.table in own}


def _join_seeds(connection: psycopg.Connection, seeds: Sequence[Script]) -> None:
    """The rows of the seeds that the tables of before take: they are as their owner thinks of rows."""
    for script in seeds:
        for statement in script.statements:
            if statement.words[:1] and statement.words[0] in _INSERTS:
                with suppress(psycopg.Error), connection.transaction():
                    connection.execute(statement.text.encode())
