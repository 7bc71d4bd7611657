"""Writes on a row whose time the database keeps, tried at every place of its table: which time the row has afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import Timestamp
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.rows.attempts import Attempt, Sent, Tried
from pgcontract.probes.rows.probe_row import ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.timestamp_attempts import NO_TIME, TIME, TimestampWriteMatrix
from pgcontract.probes.rows.timestamp_upkeep import (
    CLIENT_VALUE,
    DATABASE_TIME,
    UNCHANGED,
    TimestampProbe,
    timestamp_places,
)
from pgcontract.probes.rows.write_trials import TrialResult
from pgcontract.values import dataclass

LATER: Final = "later"
UNTOUCHED: Final = "nothing: no row was updated"
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
            place = _Trials(probe, TimestampWriteMatrix(context, probe, rules))
            writes += trials(place)
            left_out += place.attempts.left_out
        return TimestampWrites(
            writes=tuple(writes),
            left_out=tuple(dict.fromkeys((*places.missing, *left_out))),
            places=tuple(places.labels),
            closed=tuple(target.label for target, _ in places.closed),
        )


def _is_left(made: Tried, number: int, after: str) -> bool:
    """Whether an UPDATE left that one of the rows as it was, though it asked for more: a trigger or rule dropped it, or
    put back all that it changed. Then there is no change whose time could be wrong."""
    if made.attempt.is_new or not (number < len(made.before) and made.before[number]):
        return False
    (_, _, version, contents), (_, _, earlier, old) = (
        text.split("|", 3) for text in (after, str(made.before[number][0]))
    )
    asks = bool(made.attempt.sent.name or made.attempt.change.beside or made.attempt.is_move)
    return version == earlier or (asks and contents == old)


class _Trials:
    """The attempts at one place, tried."""

    def __init__(self, probe: TimestampProbe, ways: TimestampWriteMatrix) -> None:
        self.probe = probe
        self.ways = ways
        self.attempts = ways.attempts
        self.sent: dict[str, str | None] = {}

    def insert_rows(self) -> Iterator[TimestampWrite]:
        yield from self._try(self.ways.inserts_without_a_time(), learn=True)
        yield from self._try(self.ways.forging_inserts(self.attempts.accepted))
        look = self._with_value(self.probe.classified())
        for made in self.ways.matrix.copies(self.attempts, (Sent(), *self.ways.main), look):
            yield from self._written(made)

    def update_rows(self, shift: str) -> Iterator[TimestampWrite]:
        self.probe.put_rows(shift)
        self.attempts.accepted.clear()
        yield from self._try(self.ways.updates_of_others(), learn=True)
        yield from self._try(self.ways.updates_by_other_ways(self.attempts.accepted))
        yield from self._try(self.ways.forging_updates(self.attempts.accepted))

    def update_twice(self) -> Iterator[TimestampWrite]:
        """As one transaction goes on: nothing is undone until both are done."""
        probe = self.probe
        with probe.connection.transaction(force_rollback=True):
            probe.put_row()
            before: tuple[sql.Composed, ...] = ()
            several = [self.ways.unchanged, *(Sent(values=one.beside) for one in self.ways.others.alone() if not one.key)]
            for label in ("first UPDATE in the transaction of the INSERT", "second UPDATE in the same transaction"):
                said = ((sent, probe.update_once(sent.values)) for sent in several)
                written = next(((sent, text) for sent, text in said if text is not None), None)
                if written is None:
                    return  # every one is dropped without a word
                attempt = self.ways.matrix.update(TWICE, written[0], setup=before, label=label)
                result = TrialResult(rows=((f"{written[1]}|",),))
                yield from self._written(Tried(attempt=attempt, result=result), expected=(LATER,))
                before = (*before, attempt.write)

    def grow_ahead(self, shift: str) -> Iterator[TimestampWrite]:
        """All UPDATEs that leave the row where it is: one that moves to another partition is new there."""
        self.probe.put_rows(shift)
        accepted = self.attempts.accepted
        yield from self._try(self.ways.updates_of_others(), learn=True, expected=(LATER,))
        stays = (attempt for attempt in self.ways.updates_by_other_ways(accepted) if not attempt.is_move)
        yield from self._try(stays, expected=(LATER,))
        sends = (attempt for attempt in self.ways.forging_updates(accepted) if attempt.kind == TIME)
        yield from self._try(sends, expected=(LATER,))

    def _try(
        self, attempts: Iterable[Attempt], *, learn: bool = False, expected: tuple[str, ...] | None = None
    ) -> Iterator[TimestampWrite]:
        look = self._with_value(self.probe.compared() if expected else self.probe.classified())
        for made in self.attempts.make(attempts, look, learn=learn):
            yield from self._written(made, expected=expected)

    def _with_value(self, looked: sql.Composable) -> sql.Composed:
        """What is said of the time, and the time; which write the row is of, and the whole row."""
        return sql.SQL("pg_catalog.concat({}, '|', {}::pg_catalog.text, '|', {}, '|', {})").format(
            looked, self.probe.name, self.probe.version, self.probe.contents
        )

    def _written(self, made: Tried, *, expected: tuple[str, ...] | None = None) -> Iterator[TimestampWrite]:
        """With the time of the first row where it is wrong; nothing where the setup was refused."""
        attempt, result = made.attempt, made.result
        if result.refusal is None and result.rows is None:
            return
        ahead = ", of a row whose time is an hour ahead of the clock" if expected and attempt.kind != TWICE else ""
        event = "insert" if attempt.is_new else "update"
        expected = expected or self._expected(event, is_move=attempt.is_move)
        rows = [(number, str(found[0])) for number, found in enumerate(result.rows or ()) if found]
        times = [tuple(text.split("|", 2)[:2]) for number, text in rows if not _is_left(made, number, text)]
        said, value = next((time for time in times if time[0] not in expected), times[0] if times else ("", ""))
        if said and said not in expected and value and value == self._sent_value(attempt.sent):
            said = CLIENT_VALUE
        yield TimestampWrite(
            event=event,
            kind=attempt.kind,
            label=f"{attempt.label}{ahead}",
            place_note=self.probe.target.note,
            is_forged=bool(attempt.sent.name),
            expected=expected,
            may_be_refused=not (attempt.kind == TWICE or (attempt.is_new and attempt.kind == NO_TIME)),
            result=f"rejected: {result.refusal}" if result.refusal else said or (UNTOUCHED if rows else "no row"),
            is_refused=not times,
            row=self.probe.row,
            setup=attempt.setup,
            write=attempt.write,
            an_hour_ahead=self.probe.shifted("1 hour"),
            copied="\n".join(made.copied),
        )

    def _expected(self, event: str, *, is_move: bool) -> tuple[str, ...]:
        if event in self.probe.timestamp.set_on:
            return (DATABASE_TIME,)
        return (UNCHANGED, DATABASE_TIME) if is_move else (UNCHANGED,)

    def _sent_value(self, sent: Sent) -> str | None:
        """The time that was sent as the column holds it; None of one that depends on the row, or on when it was sent."""
        if sent.name and sent.name not in self.sent:
            query = sql.SQL("SELECT CAST(CAST({} AS {}) AS pg_catalog.text)").format(
                sent.values[self.probe.timestamp.bare_column], sql.SQL(self.probe.column.type)
            )
            self.sent[sent.name] = None
            try:
                with self.probe.connection.transaction(force_rollback=True):
                    record = self.probe.connection.execute(query).fetchone()
                    self.sent[sent.name] = record[0] if record else None
            except psycopg.Error:
                pass  # DEFAULT, or an expression over the row
        return self.sent.get(sent.name)
