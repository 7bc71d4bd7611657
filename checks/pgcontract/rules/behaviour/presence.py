"""Presence: a column has a value exactly when the row's other columns say so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from pgcontract.probes.rows import (
    ColumnValues,
    NoRowAccepted,
    ProbeRow,
    WriteTarget,
    any_value,
    attempt,
    find_probe_row,
    prepare_trials,
    probe_state_matrix,
    reproduction_script,
    write_targets,
)
from pgcontract.probes.rows.condition_combinations import (
    MAX_COMBINATIONS,
    Combination,
    columns_read,
    state_machine_of,
    value_combinations,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.presence_writes import PresenceCase, PresenceWrites, try_other_writes
from pgcontract.rules.registry import check
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
    What is refused is tried again by COPY, upsert and MERGE, on two rows at once, by a move to another partition, and
    with other values in every other column; the columns that the condition reads are changed without the value. A
    partition or child table with other rules is asked by itself.
    What to do: CHECK ((column IS NOT NULL) = (condition)), and CHECK (column >= the other column).
    """
    for presence in _presences(context.promise):
        try:
            yield _answer(presence, _try_writes(context, presence))
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield Answer(Status.UNKNOWN, presence.name, summary, origin=presence.origin)


def _answer(presence: Presence, tried: _Tried) -> Answer:
    judged = _of_reached_rows(tried.attempts)
    tables = dict.fromkeys(write.table for write in judged)
    evidence = [_attempts_evidence(presence, [one for one in judged if one.table == table]) for table in tables]
    evidence += _other_evidence(tried)
    wrong = [tried_write for tried_write in judged if tried_write.wrong]
    if wrong:
        accepted = sum(tried_write.refusal is None for tried_write in wrong)
        first = min(wrong, key=lambda tried_write: (tried_write.refusal is not None, len(tried_write.statements)))
        return Answer(
            Status.BROKEN,
            presence.name,
            f"{first.table} {'rejects' if first.refusal else 'accepts'} a row with {first.row} and "
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
    if wrong_writes := [write for writes in tried.others for write in writes.wrong]:
        simplest = min(wrong_writes, key=lambda write: len(write.statements) + len(write.copied))
        text = reproduction_script(simplest.statements)
        if simplest.copied:
            text = "\n".join([text.removesuffix("\nROLLBACK;"), *simplest.copied, "ROLLBACK;"])
        return Answer(
            Status.BROKEN,
            presence.name,
            f"{simplest.table} keeps a row with {simplest.row} that is not as declared, after {simplest.label}; "
            f"{presence.bare_column} must {_rule_text(presence)}.",
            expected="rejected",
            actual="accepted",
            remedy=_remedy(presence, None),
            evidence=[*evidence, Evidence(title="To see it happen", text=text, language="sql")],
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
    left_out = [*tried.left_out, *(words for writes in tried.others for words in writes.left_out)]
    if left_out:
        return Answer(
            Status.UNKNOWN,
            presence.name,
            f"No wrong write was found, but not every one was tried: {'; '.join(left_out)}.",
            evidence=evidence,
            origin=presence.origin,
        )
    others = sum(count for writes in tried.others for _, count in writes.tried)
    return Answer(
        Status.KEPT,
        presence.name,
        f"{presence.column} has a value exactly when {presence.present_when}: {len(judged)} writes tried, and {others:,} "
        "others.",
        evidence=evidence,
        origin=presence.origin,
    )


def _other_evidence(tried: _Tried) -> Iterator[Evidence]:
    counts: Counter[str] = Counter()
    for writes in tried.others:
        counts.update(dict(writes.tried))
    if counts:
        rows = tuple((kind, f"{count:,}") for kind, count in counts.items())
        yield Evidence(title="Other writes that were tried", columns=("kind", "tried"), rows=rows)


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


def _remedy(presence: Presence, wrong: PresenceAttempt | None) -> str:
    if wrong is not None and wrong.refusal is not None:
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
    where = "" if all(one.table == presence.table for one in judged) else f" of {judged[0].table}"
    return Evidence(title=f"Each kind of row{where}, with and without the value", columns=columns, rows=rows)


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """Writes judged both ways, the other writes of each place, and what could not be tried, in words."""

    attempts: list[PresenceAttempt]
    others: list[PresenceWrites]
    left_out: list[str]


def _try_writes(context: Context, presence: Presence) -> _Tried:
    column = next((candidate for candidate in context.after.columns if candidate.name == presence.column), None)
    if column is None:
        raise CouldNotAsk(f"the column {presence.column} does not exist")
    for read in columns_read(context, presence).values():
        if state_machine := state_machine_of(context, read.name):
            probe_state_matrix(context, state_machine)  # first, for its transaction ends one that is open
    tried = _Tried(attempts=[], others=[], left_out=[])
    with context.sandbox.rolled_back(context.after_state) as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        prepare_trials(connection)
        cases, number = value_combinations(context, connection, presence)
        if number > MAX_COMBINATIONS:
            tried.left_out.append(f"{MAX_COMBINATIONS} of {number:,} combinations of what the condition reads were tried")
        values = _ValuesToWrite(context, presence, column)
        written = {presence.bare_column, *(name for case in cases for values in case.route for name in values)}
        refusals: list[str] = []
        for whole in write_targets(context, connection, presence.table):
            target = whole.without(written)
            try:
                if target.obstacle:
                    raise CouldNotAsk(target.obstacle)
                with connection.transaction(force_rollback=True):
                    _try_target(context, connection, presence, target, cases, values, tried)
            except CouldNotAsk as error:
                refusals.append(str(error))
                if not (isinstance(error, NoRowAccepted) and error.is_closed):
                    tried.left_out.append(f"{target.label}: {error}")
        if not tried.attempts:
            raise CouldNotAsk(refusals[0] if refusals else f"no row of {presence.table} could be tried")
    return tried


def _try_target(
    context: Context,
    connection: psycopg.Connection,
    presence: Presence,
    target: WriteTarget,
    cases: Sequence[Combination],
    values: _ValuesToWrite,
    tried: _Tried,
) -> None:
    """The writes to one place; the other ones only where these are all right."""
    starts = [
        {**case.route[0], **extra}
        for case in cases
        for extra in ({}, *({presence.bare_column: value} for value in values.at_insert({}).values()))
    ]
    whole = find_probe_row(context, connection, presence.table, starts, target=target)
    attempts: list[PresenceAttempt] = []
    kinds: list[PresenceCase] = []
    for case in cases:
        probe_row = whole.without(presence.bare_column, *case.route[0])
        attempts += _in_same_write(connection, presence, probe_row, case, values)
        attempts += _in_later_update(connection, presence, probe_row, case, values)
        kinds.append(_presence_case(presence, probe_row, case, values))
    is_table = target.holder == presence.table
    attempts = [replace(one, table=target.holder, may_refuse=not is_table) for one in attempts]
    tried.attempts.extend(attempts)
    if kinds and not any(one.wrong for one in _of_reached_rows(attempts)):
        tried.others.append(try_other_writes(context, connection, presence, target, kinds, _holds(presence)))


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


def _of_reached_rows(attempts: list[PresenceAttempt]) -> list[PresenceAttempt]:
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
