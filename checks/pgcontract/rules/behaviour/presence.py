"""Presence: a column has a value exactly when the row's other columns say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Presence
from pgcontract.errors import CouldNotAsk
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.schema import Column
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.rows import ColumnValues, ProbeRow, any_value, attempt, find_probe_row, reproduction_script
from pgcontract.probes.rows.condition_combinations import Combination, value_combinations
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

NULL: Final = "null"
VALUE: Final = "a value"  # where a column is named that it is not to be before: that column's
LATER: Final = "a later one"
EARLIER: Final = "an earlier one"


@dataclass(frozen=True, kw_only=True)
class PresenceAttempt:
    """One write: the row, the kind of write, the value, and its outcome. `holds`: the stored row is as declared."""

    row: str
    way: str
    given: str
    allowed: bool
    refusal: Refusal | None
    holds: bool | None
    statements: tuple[sql.Composed, ...]

    @property
    def wrong(self) -> bool:
        return self.allowed if self.refusal is not None else not self.holds

    @property
    def outcome(self) -> str:
        word = "rejected" if self.refusal is not None else "accepted"
        return f"{word} (WRONG)" if self.wrong else word


def _presences(promise: Promise) -> tuple[Presence, ...]:
    return promise.contract.of(Presence) if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (presence.name for presence in _presences(promise))


@check("presence.holds", subjects=_names, behaviour=True)
def presence_holds(context: Context) -> Iterator[Answer]:
    """The column has a value exactly when the declared condition on the row is true, and none that is too early.

    Why it matters: a row that is paid but has no time of payment, or the other way round, is counted by one report and
    not by the next.
    How it is measured: a row is brought to every combination of the columns that `present_when` reads: the states of a
    declared state machine by its transitions, other columns by values that their types and CHECKs suggest. The column is
    set to null, to the earliest allowed value, to a later and to an earlier one: in the write that brings the row there,
    and by an UPDATE afterwards. Accepted rows are read back: a trigger that corrects the value passes like a refusal.
    What to do: CHECK ((column IS NOT NULL) = (condition)), and CHECK (column >= the other column).
    """
    for presence in _presences(context.promise):
        try:
            yield _answer(presence, list(_try_writes(context, presence)))
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield Answer(Status.UNKNOWN, presence.name, summary, origin=presence.origin)


def _answer(presence: Presence, tried: list[PresenceAttempt]) -> Answer:
    reached = {tried_write.row for tried_write in tried if tried_write.refusal is None}
    judged = [tried_write for tried_write in tried if tried_write.row in reached]
    evidence = [_attempts_evidence(presence, judged)]
    wrong = [tried_write for tried_write in judged if tried_write.wrong]
    if wrong:
        accepted = sum(tried_write.refusal is None for tried_write in wrong)
        first = min(wrong, key=lambda tried_write: (tried_write.refusal is not None, len(tried_write.statements)))
        return Answer(
            Status.BROKEN,
            presence.name,
            f"{presence.table} {'rejects' if first.refusal else 'accepts'} a row with {first.row} and "
            f"{_given_text(presence, first.given)}; {presence.bare_column} must {_rule_text(presence)}. Of {len(judged)} "
            f"writes tried, {accepted} were wrongly accepted and {len(wrong) - accepted} wrongly rejected.",
            expected=f"{first.row}, {_given_text(presence, first.given)}: {'accepted' if first.allowed else 'rejected'}",
            actual=f"rejected: {first.refusal}" if first.refusal else "accepted",
            remedy=_remedy(presence, first),
            evidence=[
                *evidence,
                Evidence(title="To see it happen", text=reproduction_script(first.statements), language="sql"),
            ],
            origin=presence.origin,
        )
    missing = [word for word, null in (("set", False), ("null", True)) if not _was_tried(judged, null=null)]
    if missing:
        return Answer(
            Status.UNKNOWN,
            presence.name,
            f"No row of {presence.table} could be inserted in which {presence.column} must be {missing[0]}; declare the "
            "state machine of the column that `present_when` reads.",
            evidence=evidence,
            origin=presence.origin,
        )
    return Answer(
        Status.KEPT,
        presence.name,
        f"{presence.column} has a value exactly when {presence.present_when}: {len(judged)} writes tried.",
        evidence=evidence,
        origin=presence.origin,
    )


def _was_tried(judged: list[PresenceAttempt], *, null: bool) -> bool:
    return any(tried_write.allowed and (tried_write.given == NULL) is null for tried_write in judged)


def _given_text(presence: Presence, written: str) -> str:
    """`paid_at IS NULL`, `paid_at > opened_at`."""
    if presence.not_before is None or written == NULL:
        return f"{presence.bare_column} {'IS NULL' if written == NULL else 'IS NOT NULL'}"
    sign = {VALUE: "=", LATER: ">", EARLIER: "<"}[written]
    return f"{presence.bare_column} {sign} {presence.not_before}"


def _rule_text(presence: Presence) -> str:
    floor = f", never less than {presence.not_before}" if presence.not_before else ""
    return f"have a value exactly when {presence.present_when}{floor}"


def _remedy(presence: Presence, wrong: PresenceAttempt) -> str:
    if wrong.refusal is not None:
        constraint = (
            f"constraint {quote_identifier(wrong.refusal.constraint)}" if wrong.refusal.constraint else "CHECK or trigger"
        )
        return f"Change the {constraint} that rejects it, or the condition under [presence.{presence.name}]."
    column = quote_identifier(presence.bare_column)
    floor = f", ADD CHECK ({column} >= {quote_identifier(presence.not_before)})" if presence.not_before else ""
    return (
        f"ALTER TABLE {presence.table} ADD CHECK (({column} IS NOT NULL) = (({presence.present_when}) IS TRUE)){floor};"
    )


def _attempts_evidence(presence: Presence, judged: list[PresenceAttempt]) -> Evidence:
    values_written = [written for written in (NULL, VALUE, LATER, EARLIER) if any(one.given == written for one in judged)]
    outcomes = {(tried_write.row, tried_write.way, tried_write.given): tried_write.outcome for tried_write in judged}
    rows = tuple(
        (row, way, *(outcomes.get((row, way, written), "not tried") for written in values_written))
        for row, way in dict.fromkeys((tried_write.row, tried_write.way) for tried_write in judged)
    )
    columns = ("row", "written by", *(_given_text(presence, written) for written in values_written))
    return Evidence(title="Each kind of row, with and without the value", columns=columns, rows=rows)


def _try_writes(context: Context, presence: Presence) -> Iterator[PresenceAttempt]:
    column = next((candidate for candidate in context.after.columns if candidate.name == presence.column), None)
    if column is None:
        raise CouldNotAsk(f"the column {presence.column} does not exist")
    with context.sandbox.rolled_back(context.after_state) as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cases = list(value_combinations(context, connection, presence))
        values = _ValuesToWrite(context, presence, column)
        starts = [
            {**case.route[0], **extra}
            for case in cases
            for extra in ({}, *({presence.bare_column: value} for value in values.at_insert({}).values()))
        ]
        whole = find_probe_row(context, connection, presence.table, starts)
        for case in cases:
            probe_row = whole.without(presence.bare_column, *case.route[0])
            yield from _in_same_write(connection, presence, probe_row, case, values)
            yield from _in_later_update(connection, presence, probe_row, case, values)


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
        row=case.label,
        way=way,
        given=given,
        allowed=given in ((VALUE, LATER) if case.present else (NULL,)),
        refusal=refusal,
        holds=holds,
        statements=(*probe_row.prerequisites, *statements, look),
    )


def _presence_holds(connection: psycopg.Connection, presence: Presence, probe_row: ProbeRow) -> bool:
    """Whether the stored row is as declared. A write that left no row broke nothing."""
    column = identifier(presence.bare_column)
    floor = identifier(presence.not_before) if presence.not_before else column
    query = sql.SQL("(({}) IS TRUE) = ({} IS NOT NULL) AND coalesce({} >= {}, true)")
    row = connection.execute(
        probe_row.select(query.format(sql.SQL(presence.present_when), column, column, floor))
    ).fetchone()
    return row is None or bool(row[0])
