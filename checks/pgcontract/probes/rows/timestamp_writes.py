"""Writes on a row whose time the database keeps, tried at every place of its table: which time the row has afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import Timestamp
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.rows.attempts import make_attempts
from pgcontract.probes.rows.probe_row import ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.statement_kinds import copy_row
from pgcontract.probes.rows.timestamp_attempts import OTHER_STATEMENT, TIME, TimeAttempt, TimestampAttempts
from pgcontract.probes.rows.timestamp_upkeep import (
    CLIENT_VALUE,
    DATABASE_TIME,
    UNCHANGED,
    TimestampProbe,
    timestamp_places,
)
from pgcontract.probes.rows.write_trials import TrialResult
from pgcontract.values import dataclass

MAX_ATTEMPTS: Final = 20_000  # of one phase at one place; more are counted and told
LATER: Final = "later"
TWICE: Final = "in the transaction of the INSERT"


@dataclass(frozen=True, kw_only=True)
class TimestampWrite:
    """What became of a write: `result` is what the time is now, or who refused. `write` and the `setup` before it are
    all it took where `row` is there (of an INSERT: is not); `copied` is COPY in its place, with the lines that psql
    reads."""

    event: str
    kind: str
    label: str
    place_note: str
    is_forged: bool
    expected: tuple[str, ...]
    may_be_refused: bool
    result: str
    is_refused: bool
    row: ProbeRow
    setup: tuple[sql.Composed, ...]
    write: sql.Composed
    an_hour_ahead: sql.Composable
    copied: str = ""

    @property
    def statement(self) -> str:
        """The write, to paste."""
        return self.copied or f"{self.write.as_string()};"

    @property
    def is_wrong(self) -> bool:
        return self.result not in self.expected and not (self.may_be_refused and self.is_refused)

    @property
    def name(self) -> str:
        """What was done, and where if elsewhere than in the table that the contract names."""
        return f"{self.label}{self.place_note}"


@dataclass(frozen=True, kw_only=True)
class TimestampWrites:
    """The writes at every place; `left_out` is what was not tried, in words, `places` are the labels of those that were
    written to and `closed` of those that take no row."""

    writes: tuple[TimestampWrite, ...]
    left_out: tuple[str, ...]
    places: tuple[str, ...]
    closed: tuple[str, ...]


@cached_fact
def probe_timestamp_writes(context: Context, timestamp: Timestamp) -> TimestampWrites:
    """Every write, each undone: INSERTs where the contract has them set the time, UPDATEs of a row that is a day old.

    CouldNotAsk where the column is not there or no row can be written.
    """

    def trials(trials: _Trials) -> Iterator[TimestampWrite]:
        if "insert" in timestamp.set_on:
            yield from trials.insert_rows()
        yield from trials.update_rows("-1 day")

    return _at_each_place(context, timestamp, trials)


def probe_growing_times(context: Context, timestamp: Timestamp) -> TimestampWrites:
    """Two UPDATEs in the transaction of the INSERT, and every kind of UPDATE of a row that is an hour ahead of the clock:
    whether the time is `later` after each. CouldNotAsk as above."""

    def trials(trials: _Trials) -> Iterator[TimestampWrite]:
        yield from trials.update_twice()
        yield from trials.grow_ahead("1 hour")

    return _at_each_place(context, timestamp, trials)


def _at_each_place(
    context: Context, timestamp: Timestamp, trials: Callable[[_Trials], Iterable[TimestampWrite]]
) -> TimestampWrites:
    texts = read_rule_texts(context.after, timestamp.table)
    # A CHECK cannot set the time, but only refuse it.
    rules = RuleTexts(tuple(text for text in texts.texts if text not in texts.checks), columns=texts.columns)
    writes: list[TimestampWrite] = []
    left_out: list[str] = []
    with timestamp_places(context, timestamp) as places:
        for probe in places:
            place = _Trials(probe, TimestampAttempts(context, probe, rules))
            writes += trials(place)
            left_out += place.attempts.left_out
        return TimestampWrites(
            writes=tuple(writes),
            left_out=tuple(dict.fromkeys((*places.missing, *left_out))),
            places=tuple(places.labels),
            closed=tuple(target.label for target, _ in places.closed),
        )


class _Trials:
    """The attempts at one place, tried."""

    def __init__(self, probe: TimestampProbe, attempts: TimestampAttempts) -> None:
        self.probe = probe
        self.attempts = attempts
        self.sent: dict[str, str | None] = {}

    def insert_rows(self) -> Iterator[TimestampWrite]:
        accepted: dict[str, set[str]] = {}
        yield from self._try(self.attempts.inserts_without_a_time(), accepted)
        yield from self._try(self.attempts.forging_inserts(accepted))
        yield from self._copies()

    def update_rows(self, shift: str) -> Iterator[TimestampWrite]:
        self.probe.put_rows(shift)
        accepted: dict[str, set[str]] = {}
        yield from self._try(self.attempts.updates_of_others(), accepted)
        yield from self._try(self.attempts.updates_by_other_ways(accepted))
        yield from self._try(self.attempts.forging_updates(accepted))

    def update_twice(self) -> Iterator[TimestampWrite]:
        """As one transaction goes on: nothing is undone until both are done."""
        probe = self.probe
        with probe.connection.transaction(force_rollback=True):
            probe.put_row()
            update = probe.row.update(probe.unchanged_values())
            before: tuple[sql.Composed, ...] = ()
            for label in ("first UPDATE in the transaction of the INSERT", "second UPDATE in the same transaction"):
                attempt = TimeAttempt(
                    event="update",
                    kind=TWICE,
                    label=label,
                    setup=before,
                    write=update,
                    after=(probe.row,),
                    must_pass=True,
                )
                result = TrialResult(rows=((f"{probe.update_unchanged()}|",),))
                yield from self._written(attempt, result, expected=(LATER,))
                before = (*before, update)

    def grow_ahead(self, shift: str) -> Iterator[TimestampWrite]:
        """All UPDATEs that leave the row where it is: one that moves to another partition is new there."""
        self.probe.put_rows(shift)
        accepted: dict[str, set[str]] = {}
        yield from self._try(self.attempts.updates_of_others(), accepted, expected=(LATER,))
        stays = (attempt for attempt in self.attempts.updates_by_other_ways(accepted) if not attempt.is_move)
        yield from self._try(stays, expected=(LATER,))
        sends = (attempt for attempt in self.attempts.forging_updates(accepted) if attempt.kind == TIME)
        yield from self._try(sends, expected=(LATER,))

    def _try(
        self,
        generated: Iterable[TimeAttempt],
        accepted: dict[str, set[str]] | None = None,
        *,
        expected: tuple[str, ...] | None = None,
    ) -> Iterator[TimestampWrite]:
        """In `accepted` are put the values of other columns that went in."""
        attempts = list(generated)
        if len(attempts) > MAX_ATTEMPTS:
            holder = self.probe.target.holder
            self.attempts.left_out.append(f"{MAX_ATTEMPTS:,} of {len(attempts):,} writes to {holder} were tried")
        looked = self.probe.compared() if expected else self.probe.classified()
        made = make_attempts(self.probe.connection, attempts[:MAX_ATTEMPTS], self._with_value(looked))
        for tried in made:
            attempt = tried.attempt
            assert isinstance(attempt, TimeAttempt)
            if accepted is not None and tried.result.rows is not None:
                for name, value in attempt.others.items():
                    accepted.setdefault(name, set()).add(value.as_string())
            yield from self._written(attempt, tried.result, expected=expected)

    def _copies(self) -> Iterator[TimestampWrite]:
        row, column = self.probe.row, self.attempts.column
        look = row.select(self._with_value(self.probe.classified()))
        for forged in (None, *self.attempts.main):
            values = {} if forged is None else {column: forged.value}
            lines, result = copy_row(self.probe.connection, row, values, look)
            attempt = TimeAttempt(
                event="insert",
                kind=OTHER_STATEMENT,
                label=f"COPY of {forged.label}" if forged else "COPY without the column",
                write=sql.Composed([]),
                after=(row,),
                forged=forged,
            )
            yield from self._written(attempt, result, copied="\n".join(lines))

    def _with_value(self, looked: sql.Composable) -> sql.Composed:
        """What is said of the time, and the time."""
        return sql.SQL("pg_catalog.concat({}, '|', {}::pg_catalog.text)").format(looked, self.probe.name)

    def _written(
        self,
        attempt: TimeAttempt,
        result: TrialResult,
        *,
        expected: tuple[str, ...] | None = None,
        copied: str = "",
    ) -> Iterator[TimestampWrite]:
        """With the time of the first row where it is wrong; nothing where the setup was refused."""
        if result.refusal is None and result.rows is None:
            return
        ahead = ", of a row whose time is an hour ahead of the clock" if expected and attempt.kind != TWICE else ""
        expected = expected or self._expected(attempt)
        times = [str(found[0]).partition("|") for found in result.rows or () if found]
        said, _, value = next((time for time in times if time[0] not in expected), times[0] if times else ("", "", ""))
        if said and said not in expected and value and value == self._sent_value(attempt):
            said = CLIENT_VALUE
        yield TimestampWrite(
            event=attempt.event,
            kind=attempt.kind,
            label=f"{attempt.label}{ahead}",
            place_note=self.probe.place_note,
            is_forged=attempt.forged is not None,
            expected=expected,
            may_be_refused=not attempt.must_pass,
            result=f"rejected: {result.refusal}" if result.refusal else said or "no row",
            is_refused=not times,
            row=self.probe.row,
            setup=attempt.setup,
            write=attempt.write,
            an_hour_ahead=self.probe.shifted("1 hour"),
            copied=copied,
        )

    def _expected(self, attempt: TimeAttempt) -> tuple[str, ...]:
        if attempt.event in self.probe.timestamp.set_on:
            return (DATABASE_TIME,)
        return (UNCHANGED, DATABASE_TIME) if attempt.is_move else (UNCHANGED,)

    def _sent_value(self, attempt: TimeAttempt) -> str | None:
        """The time that was sent as the column holds it; None of one that depends on the row, or on when it was sent."""
        if attempt.forged is None:
            return None
        if attempt.forged.label not in self.sent:
            query = sql.SQL("SELECT CAST(CAST({} AS {}) AS pg_catalog.text)").format(
                attempt.forged.value, sql.SQL(self.probe.column.type)
            )
            self.sent[attempt.forged.label] = None
            try:
                with self.probe.connection.transaction(force_rollback=True):
                    record = self.probe.connection.execute(query).fetchone()
                    self.sent[attempt.forged.label] = record[0] if record else None
            except psycopg.Error:
                pass  # DEFAULT, or an expression over the row
        return self.sent[attempt.forged.label]
