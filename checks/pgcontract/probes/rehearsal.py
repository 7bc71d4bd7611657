"""The migration rehearsed over rows: in every table that stood before it, and inserted into every table after it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

import psycopg

from pgcontract.catalog.contents import read_contents
from pgcontract.errors import CouldNotAsk
from pgcontract.model.contents import Contents
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import apply_as_production
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.row_generation.few_rows import (
    FewRows,
    insert_few_rows,
    migrated_tables,
    named_tables,
    nearest_tables,
    read_later_tables,
)
from pgcontract.probes.row_generation.row_maker import FEW
from pgcontract.probes.row_generation.selected_values import selected_values
from pgcontract.probes.row_generation.target_tables import FilledTable
from pgcontract.probes.separate_server import on_separate_server
from pgcontract.values import dataclass

# The number from which the values of rows are counted that are inserted after the migration: none is there already.
_LATER: Final = 160
# Of so many tables rows are made in a moment.
_MANY: Final = 20
_REACHING: Final = frozenset(
    (
        ("ALTER", "TABLE"),
        ("COMMENT", "ON"),
        ("CREATE", "INDEX"),
        ("CREATE", "TABLE"),
        ("CREATE", "UNIQUE", "INDEX"),
        ("DROP", "INDEX"),
        ("DROP", "TABLE"),
    )
)
_FARTHER: Final = re.compile(r"\b(?:CASCADE|SELECT|EXECUTE)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class FilledState:
    """A state with rows in its tables: what went in, and all that they hold then."""

    state: DatabaseState
    rows: FewRows
    contents: Contents


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """The migration over rows. `migrated` is what the tables held right after it, `after` the state with the rows that
    were inserted then, `in_every_table` or in those that it reaches. `left_empty` says of tables that held no row before
    it why."""

    before: FilledState
    migrated: Contents
    after: FilledState
    left_empty: Mapping[str, str]
    in_every_table: bool = True

    @property
    def held_rows(self) -> tuple[str, ...]:
        """The tables that hold a row after it."""
        return tuple(name for name, table in self.after.contents.tables.items() if table.count)

    @property
    def not_tried(self) -> Mapping[str, str]:
        """The tables into which no row could be inserted, by name, each with the reason."""
        refused = {**self.before.rows.refused, **self.after.rows.refused}
        held = {*self.held_rows, *(name for name, table in self.before.contents.tables.items() if table.count)}
        return {name: reason for name, reason in refused.items() if name not in held}


@cached_fact
def rehearse(context: Context) -> Rehearsal:
    """The migration over the rows that the chain brought along, without those that stop it; where that cannot be told,
    over rows of its own, and where rows of tables that it changes refuse it, without these."""
    if (populated := _over_populated(context)) is not None:
        return populated
    reason = ""
    for without in _tables_left_empty(context):
        left_empty = dict.fromkeys(sorted(without), reason)
        before = rows_before(context, without)
        is_filled = bool(before.rows.inserted or before.rows.numbered)
        with context.sandbox.clone(before.state if is_filled else context.after_state, keep=True) as name:
            refusal = None
            if is_filled:
                with context.sandbox.connect(name) as connection:
                    refusal = apply_as_production(connection, context.promise.script)
            if refusal is None:
                with context.sandbox.connect(name) as connection:
                    migrated = read_contents(connection)
                    rows = insert_few_rows(
                        context.promise, connection, rehearsed_tables(context, context.after), first=FEW + 1
                    )
                    contents = read_contents(connection)
                after = FilledState(state=context.sandbox.read_state(name), rows=rows, contents=contents)
                return Rehearsal(before=before, migrated=migrated, after=after, left_empty=left_empty)
        context.sandbox.drop(name)
        if refusal.is_timeout:
            raise CouldNotAsk(f"over rows, the script does not end: {refusal}")
        reason = f"with rows in it the migration is refused: {refusal}"
    raise AssertionError("a state without rows is always tried last")


def _over_populated(context: Context) -> Rehearsal | None:
    if context.population is None or context.own_context is not context:
        return None
    over = run_over_rows(context)
    if over.after is None:
        return None
    contents = Contents() if _has_no_contents(context.before) else _read_before(context, over.before)
    before = FilledState(state=over.before, rows=FewRows(refused=over.refused), contents=contents)
    with context.sandbox.clone(over.after, keep=True) as name:
        with context.sandbox.connect(name) as connection:
            migrated = read_contents(connection)
            names = _filled_later(context, over.refused)
            rows = insert_few_rows(context.promise, connection, names, first=_LATER)
            later = read_contents(connection)
        after = FilledState(state=context.sandbox.read_state(name), rows=rows, contents=later)
    whole = len(names) == len(rehearsed_tables(context, context.after))
    return Rehearsal(before=before, migrated=migrated, after=after, left_empty={}, in_every_table=whole)


def _read_before(context: Context, state: DatabaseState) -> Contents:
    sandbox = context.sandbox
    sandbox.restore_roles(state)
    # Where there are rows the state is nobody's but that run's: read as it is, it need not be copied.
    is_own = state is not context.before_state
    with sandbox.connect(state.database) if is_own else sandbox.rolled_back(state) as connection:
        return read_contents(connection)


def _has_no_contents(schema: Schema) -> bool:
    extensions = {extension.name for extension in schema.extensions} - {"plpgsql"}  # may have sequences of their own
    return not (schema.tables or schema.sequences or extensions)


def filled_before(context: Context) -> FilledState:
    """The state before the migration with the rows that it was rehearsed over; without where it is refused itself."""
    if not migrated_tables(context, context.before):
        return rows_before(context, frozenset())
    try:
        return rehearse(context).before
    except CouldNotAsk:
        return rows_before(context, frozenset(migrated_tables(context, context.before)))


@contextmanager
def rehearsed_on_separate_server(context: Context) -> Iterator[tuple[psycopg.Connection, Rehearsal]]:
    """The same rehearsal where no other database names the migration's roles, with the connection to its end. Where rows
    of tables that the migration changes refuse it, it is run without these."""
    rehearsal = rehearse(context)
    contents: dict[str, Contents] = {}

    def fill_before(connection: psycopg.Connection, without: Collection[str]) -> None:
        insert_few_rows(
            context.promise,
            connection,
            rehearsed_tables(context, context.before),
            without=without,
            later=_later(context),
            selected=selected_values(context.promise.script),
        )
        contents["before"] = read_contents(connection)

    for without in dict.fromkeys((frozenset(rehearsal.left_empty), *_tables_left_empty(context))):
        before_last = partial(fill_before, without=without)
        with on_separate_server(context, before_last=before_last) as (connection, refusal):
            if refusal is not None and not refusal.is_timeout:
                continue
            migrated = read_contents(connection)
            rows = insert_few_rows(context.promise, connection, rehearsed_tables(context, context.after), first=FEW + 1)
            after = FilledState(state=rehearsal.after.state, rows=rows, contents=read_contents(connection))
            before = FilledState(state=rehearsal.before.state, rows=rehearsal.before.rows, contents=contents["before"])
            yield connection, Rehearsal(before=before, migrated=migrated, after=after, left_empty=rehearsal.left_empty)
            return
    raise CouldNotAsk("the migration, which was applied here, is refused on a second server")


@cached_fact
def rows_before(context: Context, without: frozenset[str]) -> FilledState:
    """The state before the migration with rows in its tables, but for those `without`."""
    schema = context.before
    if _has_no_contents(schema):
        return FilledState(state=context.before_state, rows=FewRows(), contents=Contents())
    if not (set(migrated_tables(context, schema)) - without or schema.sequences):
        with context.sandbox.rolled_back(context.before_state) as connection:
            return FilledState(state=context.before_state, rows=FewRows(), contents=read_contents(connection))
    with context.sandbox.clone(context.before_state, keep=True) as name:
        with context.sandbox.connect(name) as connection:
            rows = insert_few_rows(
                context.promise,
                connection,
                rehearsed_tables(context, context.before),
                without=without,
                later=_later(context),
                selected=selected_values(context.promise.script),
            )
            contents = read_contents(connection)
        return FilledState(state=context.sandbox.read_state(name), rows=rows, contents=contents)


def rehearsed_tables(context: Context, schema: Schema) -> tuple[str, ...]:
    """The tables that rows are inserted into: all that the migrations made, of very many those that the scripts name."""
    return nearest_tables(context.promise, migrated_tables(context, schema))


def _filled_later(context: Context, refused: Collection[str]) -> tuple[str, ...]:
    """The tables that rows are inserted into behind the migration. Where there are many, and its scripts reach no table
    but those that they name, the others have the rows that the chain brought along, if any; those that `refused` rows
    are tried again."""
    names, promise = rehearsed_tables(context, context.after), context.promise
    if len(names) <= _MANY or not all(_reaches_what_it_names(script) for script in (promise.script, promise.rollback)):
        return names
    near = {*named_tables(promise, names), *(table.name for table in context.touched.tables), *refused}
    return tuple(name for name in names if name in near)


def _reaches_what_it_names(script: Script | None) -> bool:
    return script is None or all(
        not _FARTHER.search(statement.text)
        and (statement.is_transaction_control or statement.words[:2] in _REACHING or statement.words[:3] in _REACHING)
        for statement in script.statements
    )


def _tables_left_empty(context: Context) -> Iterator[frozenset[str]]:
    """What is tried in turn: rows in every table, in those that the migration does not change, in none."""
    own = frozenset(migrated_tables(context, context.before))
    touched = frozenset(table.name for table in context.touched.tables) & own
    yield from dict.fromkeys((frozenset(), touched, own))


@cached_fact
def _later(context: Context) -> Mapping[str, FilledTable]:
    """The tables that the migration changes, as they are after it."""
    names = {table.name for table in context.touched.tables} & set(migrated_tables(context, context.before))
    if not names:
        return {}
    with context.sandbox.rolled_back(context.after_state) as connection:
        return read_later_tables(connection, names)
