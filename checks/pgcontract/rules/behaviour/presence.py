"""Ties: a column has a value exactly when the row's other columns say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import Tie
from pgcontract.model.schema import Column
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.rows import Specimen, Values, attempt, identifier, simplest_value, specimen_of, told
from pgcontract.probes.rows.condition_combinations import Combination, combinations
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check

NULL: Final = "null"
VALUE: Final = "a value"  # where a column is named that it is not to be before: that column's
LATER: Final = "a later one"
EARLY: Final = "an earlier one"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One write: to which row, how, of what, and what came of it. `holds` is what the stored row says of the tie."""

    row: str
    way: str
    given: str
    meant: bool
    refusal: Refusal | None
    holds: bool | None
    statements: tuple[sql.Composed, ...]

    @property
    def wrong(self) -> bool:
        return self.meant if self.refusal is not None else not self.holds

    @property
    def found(self) -> str:
        word = "refused" if self.refusal is not None else "accepted"
        return f"{word} (WRONG)" if self.wrong else word


def _ties(promise: Promise) -> tuple[Tie, ...]:
    return promise.contract.ties if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (tie.name for tie in _ties(promise))


@check("tie.holds", subjects=_names, behaviour=True)
def tie_holds(trial: Trial) -> Iterator[Finding]:
    """A tied column has a value exactly when the row's other columns say so, and none that is too early.

    Why it matters: a row that is paid and has no time of payment, or the other way round, is believed by one report
    and not by the next.
    How it is measured: a row is brought to every combination of what `present_when` reads (the states of a declared
    machine by its moves, else what types and CHECKs suggest), with the column null, with the least value that is
    allowed, a later and an earlier one: in the write that brings it there, and by an UPDATE afterwards. What is accepted
    is read back: a trigger that puts it right is as good as a refusal.
    What to do: CHECK ((column IS NOT NULL) = (condition)), and CHECK (column >= the other).
    """
    for tie in _ties(trial.promise):
        try:
            yield _finding(tie, list(_tried(trial, tie)))
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield answer(Status.UNKNOWN, tie.name, summary, origin=tie.origin)


def _finding(tie: Tie, tried: list[Tried]) -> Finding:
    reached = {each.row for each in tried if each.refusal is None}
    judged = [each for each in tried if each.row in reached]
    evidence = [_table(tie, judged)]
    wrong = [each for each in judged if each.wrong]
    if wrong:
        accepted = sum(each.refusal is None for each in wrong)
        first = min(wrong, key=lambda each: (each.refusal is not None, len(each.statements)))
        return answer(
            Status.BROKEN,
            tie.name,
            f"{tie.column} is not tied to its row: {accepted} wrong writes are accepted and {len(wrong) - accepted} "
            f"right ones refused, of {len(judged)} tried.",
            expected=f"{first.row}, {_given(tie, first.given)}: {'accepted' if first.meant else 'refused'}",
            actual=f"refused: {first.refusal}" if first.refusal else "accepted",
            remedy="Add CHECK ((column IS NOT NULL) = (condition)), and CHECK (column >= the other) where one is named.",
            evidence=[*evidence, Evidence(title="To see it happen", text=told(first.statements), language="sql")],
            origin=tie.origin,
        )
    missing = [word for word, null in (("there", False), ("null", True)) if not _shown(judged, null=null)]
    if missing:
        return answer(
            Status.UNKNOWN,
            tie.name,
            f"No row of {tie.table} could be made in which {tie.column} is to be {missing[0]}; declare the machine of "
            "the column that `present_when` reads.",
            evidence=evidence,
            origin=tie.origin,
        )
    return answer(
        Status.KEPT,
        tie.name,
        f"{tie.column} has a value exactly when {tie.present_when}: {len(judged)} writes tried.",
        evidence=evidence,
        origin=tie.origin,
    )


def _shown(judged: list[Tried], *, null: bool) -> bool:
    return any(each.meant and (each.given == NULL) is null for each in judged)


def _given(tie: Tie, given: str) -> str:
    """`paid_at null`, `paid_at > opened_at`."""
    if tie.not_before is None or given == NULL:
        return f"{tie.bare_column} {given}"
    sign = {VALUE: "=", LATER: ">", EARLY: "<"}[given]
    return f"{tie.bare_column} {sign} {tie.not_before}"


def _table(tie: Tie, judged: list[Tried]) -> Evidence:
    given = [each for each in (NULL, VALUE, LATER, EARLY) if any(one.given == each for one in judged)]
    found = {(each.row, each.way, each.given): each.found for each in judged}
    rows = tuple(
        (row, way, *(found.get((row, way, each), "not tried") for each in given))
        for row, way in dict.fromkeys((each.row, each.way) for each in judged)
    )
    columns = ("row", "written", *(_given(tie, each) for each in given))
    return Evidence(title="Each row with and without the value", columns=columns, rows=rows)


def _tried(trial: Trial, tie: Tie) -> Iterator[Tried]:
    column = next((each for each in trial.after.columns if each.name == tie.column), None)
    if column is None:
        raise CouldNotAsk(f"the column {tie.column} is not there")
    with trial.workbench.rolled_back(trial.after_state) as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cases = list(combinations(trial, connection, tie))
        values = _Values(trial, tie, column)
        starts = [
            {**each.route[0], **given}
            for each in cases
            for given in ({}, *({tie.bare_column: value} for value in values.at_insert({}).values()))
        ]
        whole = specimen_of(trial, connection, tie.table, starts)
        for each in cases:
            specimen = whole.without(tie.bare_column, *each.route[0])
            yield from _with_the_write(connection, tie, specimen, each, values)
            yield from _afterwards(connection, tie, specimen, each, values)


@dataclass(frozen=True)
class _Values:
    """What is given to the tied column, as SQL: nothing, and values on both sides of the least that is allowed."""

    trial: Trial
    tie: Tie
    column: Column

    def at_insert(self, row: Values) -> dict[str, sql.Composable]:
        """In an INSERT, where no other column can be read: what the row does not say may be the clock's time."""
        if self.tie.not_before is None or self.tie.not_before in row:
            return self._around(row.get(self.tie.not_before or ""))
        given = self._around(sql.SQL("now()"))
        return {name: value for name, value in given.items() if name != VALUE}

    def at_update(self) -> dict[str, sql.Composable]:
        return self._around(identifier(self.tie.not_before) if self.tie.not_before else None)

    def _around(self, floor: sql.Composable | None) -> dict[str, sql.Composable]:
        temporal = re.match("timestamp|date", self.column.type) is not None
        if floor is None:
            simplest = sql.Literal(simplest_value(self.trial.after, self.column))
            return {NULL: sql.NULL, VALUE: sql.SQL("now()") if temporal else simplest}
        typed: sql.Composable = floor
        if isinstance(floor, sql.Literal):
            typed = sql.SQL("CAST({} AS {})").format(floor, sql.SQL(self.column.type))
        up, down = ("'1 second'::interval", "'1 day'::interval") if temporal else ("1", "1")
        return {
            NULL: sql.NULL,
            VALUE: floor,
            LATER: sql.SQL("{} + {}").format(typed, sql.SQL(up)),
            EARLY: sql.SQL("{} - {}").format(typed, sql.SQL(down)),
        }


def _with_the_write(
    connection: psycopg.Connection, tie: Tie, specimen: Specimen, case: Combination, values: _Values
) -> Iterator[Tried]:
    """The column given in the write that brings the row there."""
    sent = {name: sql.Literal(value) for name, value in specimen.row.items()}
    alone = len(case.route) == 1
    for given, value in (values.at_insert({**sent, **case.route[0]}) if alone else values.at_update()).items():
        *before, last = case.route
        route = [*before, {**last, tie.bare_column: value}]
        statements = [specimen.update(each) if number else specimen.insert(each) for number, each in enumerate(route)]
        yield _judged(connection, tie, specimen, case, "with that", given, statements)


def _afterwards(
    connection: psycopg.Connection, tie: Tie, specimen: Specimen, case: Combination, values: _Values
) -> Iterator[Tried]:
    """The column given by an UPDATE of a row that is there as it should be."""
    sent = {name: sql.Literal(value) for name, value in specimen.row.items()}
    *before, last = case.route
    given_there = values.at_insert({**sent, **last}) if not before else values.at_update()
    fitting = (given_there.get(LATER) or given_there[VALUE]) if case.present else sql.NULL
    route = [*before, {**last, tie.bare_column: fitting}]
    there = [specimen.update(each) if number else specimen.insert(each) for number, each in enumerate(route)]
    for given, value in values.at_update().items():
        statements = [*there, specimen.update({tie.bare_column: value})]
        yield _judged(connection, tie, specimen, case, "afterwards", given, statements)


def _judged(
    connection: psycopg.Connection,
    tie: Tie,
    specimen: Specimen,
    case: Combination,
    way: str,
    given: str,
    statements: list[sql.Composed],
) -> Tried:
    refusal, holds = None, None
    with connection.transaction(force_rollback=True):
        for statement in statements:
            refusal = attempt(connection, statement)
            if refusal is not None:
                break
        else:
            holds = _holds(connection, tie, specimen)
    look = specimen.select(sql.SQL(tie.present_when), identifier(tie.bare_column))
    return Tried(
        row=case.told,
        way=way,
        given=given,
        meant=given in ((VALUE, LATER) if case.present else (NULL,)),
        refusal=refusal,
        holds=holds,
        statements=(*specimen.first, *statements, look),
    )


def _holds(connection: psycopg.Connection, tie: Tie, specimen: Specimen) -> bool:
    """Whether the stored row is as the tie says. A write that left no row broke nothing."""
    column = identifier(tie.bare_column)
    floor = identifier(tie.not_before) if tie.not_before else column
    query = sql.SQL("(({}) IS TRUE) = ({} IS NOT NULL) AND coalesce({} >= {}, true)")
    row = connection.execute(specimen.select(query.format(sql.SQL(tie.present_when), column, column, floor))).fetchone()
    return row is None or bool(row[0])
