"""Writes of a column that is to have a value under a condition, to rows of every kind there is: which of them the table
takes, and whether the stored row is as declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Presence
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Column
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.rows import (
    ColumnValues,
    Places,
    ProbeRow,
    WriteTarget,
    any_value,
    attempt,
    find_probe_row,
    probe_state_matrix,
)
from pgcontract.probes.rows.condition_combinations import (
    MAX_COMBINATIONS,
    Combination,
    columns_read,
    state_machine_of,
    value_combinations,
)
from pgcontract.rules.behaviour.presence_writes import PresenceCase, PresenceWrites, try_other_writes
from pgcontract.values import dataclass

NULL: Final = "null"
VALUE: Final = "a value"  # where a column is named that it is not to be before: that column's
LATER: Final = "a later one"
EARLIER: Final = "an earlier one"


@dataclass(frozen=True, kw_only=True)
class PresenceAttempt:
    """One write: the row, the kind of write, the value, and its outcome. `holds`: the stored row is as declared;
    None where there is none.

    `table` holds the row; a partition or child table, whose rows the contract does not ask for, `may_refuse` it.
    """

    table: str
    may_refuse: bool
    row: str
    way: str
    given: str
    allowed: bool
    refusal: Refusal | None
    holds: bool | None
    statements: tuple[sql.Composed, ...]

    @property
    def wrong(self) -> bool:
        return self.allowed and not self.may_refuse if self.refusal is not None else self.holds is False

    @property
    def outcome(self) -> str:
        word = "rejected" if self.refusal is not None else "accepted"
        return f"{word} (WRONG)" if self.wrong else word


@dataclass(frozen=True, kw_only=True)
class PresenceTried:
    """Writes judged both ways, the other writes of each place, and what could not be tried, in words."""

    attempts: list[PresenceAttempt]
    others: list[PresenceWrites]
    left_out: list[str]


def try_writes(context: Context, presence: Presence) -> PresenceTried:
    """The writes at every place of the table. CouldNotAsk where there is no such column, or no row can be written."""
    column = next((candidate for candidate in context.after.columns if candidate.name == presence.column), None)
    if column is None:
        raise CouldNotAsk(f"the column {presence.column} does not exist")
    for read in columns_read(context, presence).values():
        if state_machine := state_machine_of(context, read.name):
            probe_state_matrix(context, state_machine)  # first, for its transaction ends one that is open
    tried = PresenceTried(attempts=[], others=[], left_out=[])
    with context.sandbox.rolled_back(context.after_state) as connection:
        cases, number = value_combinations(context, connection, presence)
        if number > MAX_COMBINATIONS:
            tried.left_out.append(f"{MAX_COMBINATIONS} of {number:,} combinations of what the condition reads were tried")
        values = _ValuesToWrite(context, presence, column)
        places = Places(
            context,
            connection,
            presence.table,
            {presence.bare_column, *(name for case in cases for values in case.route for name in values)},
            lambda target: _try_target(context, connection, presence, target, cases, values),
        )
        for attempts, others in places:
            tried.attempts.extend(attempts)
            tried.others.extend(others)
        tried.left_out.extend(places.missing)
    return tried


def _try_target(
    context: Context,
    connection: psycopg.Connection,
    presence: Presence,
    target: WriteTarget,
    cases: Sequence[Combination],
    values: _ValuesToWrite,
) -> tuple[list[PresenceAttempt], list[PresenceWrites]]:
    """The writes to one place; the other ones only where these are all right."""
    starts = {
        case.label: [
            {**case.route[0], **extra}
            for extra in ({}, *({presence.bare_column: value} for value in values.at_insert({}).values()))
        ]
        for case in cases
    }
    whole = find_probe_row(context, connection, presence.table, list(chain.from_iterable(starts.values())), target=target)
    attempts: list[PresenceAttempt] = []
    kinds: list[PresenceCase] = []
    for case in cases:
        fitting = (
            whole
            if len(case.route) > 1
            else _row_taking(context, connection, whole, starts[case.label], target, presence.table)
        )
        probe_row = fitting.without(presence.bare_column, *case.route[0])
        attempts += _in_same_write(connection, presence, probe_row, case, values)
        attempts += _in_later_update(connection, presence, probe_row, case, values)
        kinds.append(_presence_case(presence, probe_row, case, values))
    is_table = target.holder == presence.table
    attempts = [replace(one, table=target.holder, may_refuse=not is_table) for one in attempts]
    if any(one.wrong for one in of_reached_rows(attempts)):
        return attempts, []
    return attempts, [try_other_writes(context, connection, presence, target, kinds, _holds(presence))]


def _row_taking(
    context: Context,
    connection: psycopg.Connection,
    whole: ProbeRow,
    starts: Sequence[ColumnValues],
    target: WriteTarget,
    table: str,
) -> ProbeRow:
    """The row, or where it goes in with none of these values another one that does: one that has, or leaves out, what
    only such a row must."""
    taken = {*whole.key, *target.values, *(name for values in starts for name in values)}
    optional = [one for one in context.after.columns_of(table) if one.null and one.bare_name not in taken]
    changed = [
        {one.bare_name: any_value(context.after, one) if whole.row.get(one.bare_name) is None else None}
        for one in optional
        if not one.generated
    ]
    for row in (whole, *(replace(whole, row={**whole.row, **values}) for values in changed)):
        for values in starts:
            with connection.transaction(force_rollback=True):
                if attempt(connection, row.insert(values)) is None:
                    return row
    try:
        other = find_probe_row(context, connection, table, starts, target=target)
    except CouldNotAsk:
        return whole
    return replace(other, prerequisites=(*whole.prerequisites, *other.prerequisites))


def _presence_case(presence: Presence, probe_row: ProbeRow, case: Combination, values: _ValuesToWrite) -> PresenceCase:
    sent = {name: sql.Literal(value) for name, value in probe_row.row.items()}
    given = values.at_insert({**sent, **case.route[-1]})
    later = given.get(LATER) or given[VALUE]
    wrong = [given[NULL], *([given[EARLIER]] if EARLIER in given else [])] if case.present else [later]
    fitting = later if case.present else given[NULL]
    return PresenceCase(combination=case, column=presence.bare_column, row=probe_row, fitting=fitting, wrong=tuple(wrong))


@dataclass(frozen=True)
class _ValuesToWrite:
    """Values written to the column, as SQL: NULL, and values on both sides of the least that is allowed."""

    context: Context
    presence: Presence
    column: Column

    def at_insert(self, row: ColumnValues) -> dict[str, sql.Composable]:
        """In an INSERT, where no other column can be read: an unset column may hold the current time."""
        if self.presence.not_before is None or self.presence.not_before in row:
            return self._values_around(row.get(self.presence.not_before or ""))
        values = self._values_around(sql.SQL("now()"))
        return {name: value for name, value in values.items() if name != VALUE}

    def at_update(self) -> dict[str, sql.Composable]:
        return self._values_around(identifier(self.presence.not_before) if self.presence.not_before else None)

    def _values_around(self, floor: sql.Composable | None) -> dict[str, sql.Composable]:
        temporal = re.match("timestamp|date", self.column.type) is not None
        if floor is None:
            simplest = sql.Literal(any_value(self.context.after, self.column))
            return {NULL: sql.NULL, VALUE: sql.SQL("now()") if temporal else simplest}
        typed: sql.Composable = floor
        if isinstance(floor, sql.Literal):
            typed = sql.SQL("CAST({} AS {})").format(floor, sql.SQL(self.column.type))
        up, down = ("'1 second'::interval", "'1 day'::interval") if temporal else ("1", "1")
        return {
            NULL: sql.NULL,
            VALUE: floor,
            LATER: sql.SQL("{} + {}").format(typed, sql.SQL(up)),
            EARLIER: sql.SQL("{} - {}").format(typed, sql.SQL(down)),
        }


def _in_same_write(
    connection: psycopg.Connection, presence: Presence, probe_row: ProbeRow, case: Combination, values: _ValuesToWrite
) -> Iterator[PresenceAttempt]:
    """The column written in the statement that brings the row to its state."""
    sent = {name: sql.Literal(value) for name, value in probe_row.row.items()}
    alone = len(case.route) == 1
    for written, value in (values.at_insert({**sent, **case.route[0]}) if alone else values.at_update()).items():
        *before, last = case.route
        route = [*before, {**last, presence.bare_column: value}]
        statements = [
            probe_row.update(row_values) if number else probe_row.insert(row_values)
            for number, row_values in enumerate(route)
        ]
        yield _try_write(connection, presence, probe_row, case, "the same statement", written, statements)


def _in_later_update(
    connection: psycopg.Connection, presence: Presence, probe_row: ProbeRow, case: Combination, values: _ValuesToWrite
) -> Iterator[PresenceAttempt]:
    """The column written by an UPDATE of a row that is already as declared."""
    sent = {name: sql.Literal(value) for name, value in probe_row.row.items()}
    *before, last = case.route
    given_there = values.at_insert({**sent, **last}) if not before else values.at_update()
    fitting = (given_there.get(LATER) or given_there[VALUE]) if case.present else sql.NULL
    route = [*before, {**last, presence.bare_column: fitting}]
    earlier = [
        probe_row.update(row_values) if number else probe_row.insert(row_values)
        for number, row_values in enumerate(route)
    ]
    for written, value in values.at_update().items():
        statements = [*earlier, probe_row.update({presence.bare_column: value})]
        yield _try_write(connection, presence, probe_row, case, "a later UPDATE", written, statements)


def _try_write(
    connection: psycopg.Connection,
    presence: Presence,
    probe_row: ProbeRow,
    case: Combination,
    way: str,
    given: str,
    statements: list[sql.Composed],
) -> PresenceAttempt:
    refusal, holds = None, None
    with connection.transaction(force_rollback=True):
        for statement in statements:
            refusal = attempt(connection, statement)
            if refusal is not None:
                break
        else:
            holds = _presence_holds(connection, presence, probe_row)
    look = probe_row.select(sql.SQL(presence.present_when), identifier(presence.bare_column))
    return PresenceAttempt(
        table=presence.table,
        may_refuse=False,
        row=case.label,
        way=way,
        given=given,
        allowed=given in ((VALUE, LATER) if case.present else (NULL,)),
        refusal=refusal,
        holds=holds,
        statements=(*probe_row.prerequisites, *statements, look),
    )


def of_reached_rows(attempts: list[PresenceAttempt]) -> list[PresenceAttempt]:
    """The writes of those kinds of row that the table takes at all."""
    reached = {(write.table, write.row) for write in attempts if write.holds is not None}
    return [write for write in attempts if (write.table, write.row) in reached]


def _presence_holds(connection: psycopg.Connection, presence: Presence, probe_row: ProbeRow) -> bool | None:
    """Whether the stored row is as declared; None where the write left no row, which breaks nothing."""
    row = connection.execute(probe_row.select(_holds(presence))).fetchone()
    return None if row is None else bool(row[0])


def _holds(presence: Presence) -> sql.Composed:
    """The promise as an expression over the row."""
    column = identifier(presence.bare_column)
    floor = identifier(presence.not_before) if presence.not_before else column
    query = sql.SQL("(({}) IS TRUE) = ({} IS NOT NULL) AND coalesce({} >= {}, true)")
    return query.format(sql.SQL(presence.present_when), column, column, floor)
