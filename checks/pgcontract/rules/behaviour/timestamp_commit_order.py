"""Timestamps of rows that several transactions write concurrently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.rows import ProbeRow, attempt, find_probe_row
from pgcontract.probes.rows.timestamp_upkeep import TimestampProbe, compare_times, timestamp_places
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.declared import ask_each, names_of
from pgcontract.rules.behaviour.timestamp_remedy import set_by_trigger
from pgcontract.rules.registry import check
from pgcontract.values import dataclass

_WAIT_MS: Final = 200  # a write that waits longer for another transaction is one that is put in order


def _is_increasing(timestamp: Timestamp) -> bool:
    return timestamp.increasing


@check("timestamp.commit_order", subjects=names_of(Timestamp, _is_increasing), behaviour=True)
def timestamp_commit_order(context: Context) -> Iterator[Answer]:
    """Within a row, a change that is committed later has the later timestamp.

    Why it matters: transactions overlap. The one that began first may commit last, with an earlier timestamp than the
    other.
    How it is measured: on two connections, one transaction begins, another begins, updates the row and commits, then the
    first updates it and commits.
    What to do: within a row, never store less than the old value.
    """
    yield from _ask_each(context, _within_answer)


@check("timestamp.commit_order_across_rows", subjects=names_of(Timestamp, _is_increasing), behaviour=True)
def timestamp_commit_order_across_rows(context: Context) -> Iterator[Answer]:
    """Of two rows, the one whose change is committed later has the later timestamp.

    Why it matters: who reads "all changes since T" misses a row that was written before T and committed after it.
    How it is measured: on two connections, one transaction updates a row, another updates a second row and commits, then
    the first commits. Where the second waits for the first, as behind a lock that a trigger takes, it is judged after
    that. No clock alone guarantees this order: where no claim promises it, the result is only noted.
    What to do: read with a margin, or by pg_xact_commit_timestamp; or take a lock before the trigger reads the clock,
    which makes writers wait for each other.
    """
    yield from _ask_each(context, _across_answer)


def _ask_each(context: Context, answer: Callable[[Context, Timestamp, CommitRace], Answer]) -> Iterator[Answer]:
    def ask(timestamp: Timestamp) -> Answer:
        races = _commit_races(context, timestamp)
        given = [answer(context, timestamp, race) for race in races.of_places]
        wrong = [one for one in given if one.status is Status.BROKEN]
        if races.missing and not wrong:
            raise CouldNotAsk(f"not every place was tried: {'; '.join(races.missing)}")
        return (wrong or given)[0]

    yield from ask_each(context, Timestamp, ask, _is_increasing)


@dataclass(frozen=True, kw_only=True)
class CommitRace:
    """How the time that was committed last compares with the other: within one row, and across two.

    `across` is None where no second row can be inserted; `waited` says that the second write waited for the first.
    `place_note` is ` in public.orders_b`, where the rows are elsewhere than in the table that the contract names.
    """

    place_note: str
    within: str
    across: str | None
    waited: bool
    reproduction: str
    reproduction_across: str


@dataclass(frozen=True, kw_only=True)
class CommitRaces:
    """One race at each place where other rules apply; `missing` are the places without one, and why."""

    of_places: tuple[CommitRace, ...]
    missing: tuple[str, ...]


@cached_fact
def _commit_races(context: Context, timestamp: Timestamp) -> CommitRaces:
    with timestamp_places(context, timestamp) as places:
        probes = list(places)
    races = tuple(_commit_race(context, probe) for probe in probes)
    return CommitRaces(of_places=races, missing=tuple(places.missing))


def _commit_race(context: Context, probe: TimestampProbe) -> CommitRace:
    timestamp, probe_row, changed, type_name = probe.timestamp, probe.row, probe.unchanged_values(), probe.column.type
    update = probe_row.update(changed)
    sandbox = context.sandbox
    with (
        sandbox.clone(context.after_state) as clone,
        sandbox.connect(clone) as first,
        sandbox.connect(clone) as second,
    ):
        # Rows of other tables that it refers to are needed here too.
        found = find_probe_row(context, first, timestamp.table, target=probe.target)
        probe_row = replace(probe_row, prerequisites=found.prerequisites)
        first.execute(probe_row.insert())
        first.execute("BEGIN")
        second.execute(update)
        before = _read_timestamp(second, probe_row, timestamp)
        first.execute(update)
        first.execute("COMMIT")
        within = compare_times(first, probe_row, timestamp, type_name, before)
        across, waited, reproduction_across = None, False, ""
        other = probe.second
        if other is not None and attempt(first, other.insert()) is None:
            other_update = other.update(changed)
            first.execute("BEGIN")
            first.execute(update)
            waited = not _execute_without_waiting(second, other_update)
            first.execute("COMMIT")
            if waited:
                second.execute(other_update)
            last, earlier = (other, probe_row) if waited else (probe_row, other)
            across = compare_times(first, last, timestamp, type_name, _read_timestamp(first, earlier, timestamp))
            reproduction_across = _reproduction_across(timestamp, probe_row, other, update, other_update)
    return CommitRace(
        place_note=probe.target.note,
        within=within,
        across=across,
        waited=waited,
        reproduction=_reproduction(timestamp, probe_row, update),
        reproduction_across=reproduction_across,
    )


def _execute_without_waiting(connection: psycopg.Connection, statement: sql.Composed) -> bool:
    """Whether the write went through; False where it would wait for a lock that another transaction holds."""
    connection.execute("BEGIN")
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{_WAIT_MS}ms")))
    try:
        connection.execute(statement)
    except psycopg.errors.LockNotAvailable:
        connection.execute("ROLLBACK")
        return False
    connection.execute("COMMIT")
    return True


def _within_answer(context: Context, timestamp: Timestamp, race: CommitRace) -> Answer:
    evidence = _order_evidence("one row: the transaction began first and committed last", race.within)
    if race.within == "later":
        summary = f"Within one row {timestamp.column} increases in commit order."
        return Answer(Status.KEPT, timestamp.name, summary, evidence=[evidence], origin=timestamp.origin)
    return Answer(
        Status.BROKEN,
        timestamp.name,
        f"Within one row{race.place_note} {timestamp.column} does not increase in commit order: a transaction that began "
        f"first and committed last left {_how(race.within)} time.",
        expected="later",
        actual=race.within,
        remedy=set_by_trigger(timestamp),
        evidence=[evidence, Evidence(title="To see it happen", text=race.reproduction, language="sql")],
        origin=timestamp.origin,
    )


def _across_answer(context: Context, timestamp: Timestamp, race: CommitRace) -> Answer:
    promised = context.promise.is_claimed("timestamp.commit_order_across_rows", timestamp.name)
    if race.across is None:
        return Answer(
            Status.UNKNOWN if promised else Status.NOTED,
            timestamp.name,
            f"No second row of {timestamp.table} could be inserted, so the order across rows was not tried.",
            remedy="Declare a `sample` row for the table, and a key that tells two rows apart.",
            origin=timestamp.origin,
        )
    if race.waited:
        evidence = _order_evidence("two rows: the second write waited until the first was committed", race.across)
    else:
        evidence = _order_evidence("two rows: written first and committed last", race.across)
    if race.across == "later":
        how = "writers of two rows wait for each other" if race.waited else "the row committed last has the later time"
        summary = f"Across rows {timestamp.column} increases in commit order: {how}."
        return Answer(Status.KEPT, timestamp.name, summary, evidence=[evidence], origin=timestamp.origin)
    unpromised = "" if promised else "; no clock alone can guarantee it, and no claim promises it"
    return Answer(
        Status.BROKEN if promised else Status.NOTED,
        timestamp.name,
        f"Across rows {timestamp.column} does not increase in commit order: a row written first and committed last has "
        f"{_how(race.across)} time{unpromised}.",
        expected="later" if promised else None,
        actual=race.across if promised else None,
        remedy='Read "all changes since T" with a margin; or take a lock before the trigger reads the clock.',
        evidence=[evidence, Evidence(title="To see it happen", text=race.reproduction_across, language="sql")],
        origin=timestamp.origin,
    )


def _order_evidence(case: str, compared: str) -> Evidence:
    columns = ("case", "compared with the other")
    return Evidence(title="The time that was committed last", columns=columns, rows=((case, compared),))


def _how(compared: str) -> str:
    return {"earlier": "an earlier", "the same": "the same"}.get(compared, "no later")


def _read_timestamp(connection: psycopg.Connection, probe_row: ProbeRow, timestamp: Timestamp) -> str | None:
    text = sql.SQL("{}::pg_catalog.text").format(identifier(timestamp.bare_column))
    row = connection.execute(probe_row.select(text)).fetchone()
    return row[0] if row else None


def _reproduction(timestamp: Timestamp, probe_row: ProbeRow, update: sql.Composed) -> str:
    look = probe_row.select(identifier(timestamp.bare_column)).as_string()
    lines = [
        *(f"{statement.as_string()};" for statement in probe_row.prerequisites),
        f"{probe_row.insert().as_string()};",
        "BEGIN;  -- in a first session",
        f"{update.as_string()};  -- in a second session",
        f"{look};  -- in the second session",
        f"{update.as_string()};  -- in the first session again",
        "COMMIT;  -- in the first session",
        f"{look};  -- earlier than the second session saw it",
    ]
    return "\n".join(lines + ([f"{probe_row.delete().as_string()};"] if probe_row.key else []))


def _reproduction_across(
    timestamp: Timestamp, one: ProbeRow, other: ProbeRow, update: sql.Composed, other_update: sql.Composed
) -> str:
    time = identifier(timestamp.bare_column)
    lines = [
        *(f"{statement.as_string()};" for statement in one.prerequisites),
        *(f"{row.insert().as_string()};" for row in (one, other)),
        "BEGIN;  -- in a first session",
        f"{update.as_string()};  -- in the first session",
        f"{other_update.as_string()};  -- in a second session",
        "COMMIT;  -- in the first session",
        f"{one.select(time).as_string()};  -- committed last",
        f"{other.select(time).as_string()};",
        *(f"{row.delete().as_string()};" for row in (one, other) if row.key),
    ]
    return "\n".join(lines)
