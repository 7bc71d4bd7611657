"""Timestamps that the database sets, whatever the caller sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.rows import reproduction_script
from pgcontract.probes.rows.timestamp_forging import forge_by_insert, forge_by_other_inserts, forge_by_update
from pgcontract.probes.rows.timestamp_upkeep import (
    CLIENT_VALUE,
    DATABASE_TIME,
    PAST,
    UNCHANGED,
    TimestampProbe,
    TimestampWrite,
    timestamp_probe,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.timestamp_remedy import set_by_trigger
from pgcontract.rules.registry import Subjects, check

# An attacker's version of every function and operator with which a trigger is likely to read the clock.
_SEARCH_PATH_ATTACK: Final = (
    "CREATE SCHEMA attacker",
    *(
        f"CREATE FUNCTION attacker.{name}() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '{PAST}' $$"
        for name in ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp")
    ),
    "CREATE FUNCTION attacker.plus(timestamptz, interval) RETURNS timestamptz LANGUAGE sql "
    f"AS $$ SELECT timestamptz '{PAST}' $$",
    "CREATE OPERATOR attacker.+ (FUNCTION = attacker.plus, LEFTARG = timestamptz, RIGHTARG = interval)",
    "SET LOCAL search_path = attacker, pg_catalog, public",
)


@dataclass(frozen=True, kw_only=True)
class TimestampAttempt:
    """A write, the expected time, and whether a refusal is as good."""

    write: TimestampWrite
    expected: str
    may_be_refused: bool = False

    @property
    def wrong(self) -> bool:
        return self.write.result != self.expected and not (self.may_be_refused and self.write.refused)


def _timestamps(promise: Promise, *, event: str | None = None, increasing: bool = False) -> tuple[Timestamp, ...]:
    timestamps = promise.contract.of(Timestamp) if promise.contract else ()
    return tuple(
        timestamp
        for timestamp in timestamps
        if (event is None or event in timestamp.set_on) and (timestamp.increasing or not increasing)
    )


def _names(*, event: str | None = None, increasing: bool = False) -> Subjects:
    return lambda promise: (timestamp.name for timestamp in _timestamps(promise, event=event, increasing=increasing))


def _ask_each(timestamps: tuple[Timestamp, ...], ask: Callable[[Timestamp], Answer]) -> Iterator[Answer]:
    for timestamp in timestamps:
        try:
            yield ask(timestamp)
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield Answer(Status.UNKNOWN, timestamp.name, summary, origin=timestamp.origin)


@check("timestamp.set_on_insert", subjects=_names(event="insert"), behaviour=True)
def timestamp_set_on_insert(context: Context) -> Iterator[Answer]:
    """On INSERT the database sets the timestamp, whether the client leaves it out or sends one.

    Why it matters: a default does not bind a client: one that names the column stores any value.
    How it is measured: the sample row is inserted without the column, with DEFAULT, with null, with a time in the far
    past and one in the far future. The stored time must lie between the start of the transaction and the server's time
    after the write. A write that sends a time may be rejected instead.
    What to do: set it in a BEFORE INSERT trigger, or revoke INSERT on the column.
    """

    def ask(timestamp: Timestamp) -> Answer:
        with timestamp_probe(context, timestamp) as probe:
            tried = [
                TimestampAttempt(write=probe.insert("INSERT without the column"), expected=DATABASE_TIME),
                TimestampAttempt(write=probe.insert("INSERT of DEFAULT", sql.SQL("DEFAULT")), expected=DATABASE_TIME),
                *_forging_attempts(forge_by_insert(probe), DATABASE_TIME),
            ]
            return _answer(
                probe,
                tried,
                kept=f"The database sets {timestamp.column} on INSERT, whatever the client sends",
                broken=f"INSERT does not always set {timestamp.column} to the database's time",
            )

    yield from _ask_each(_timestamps(context.promise, event="insert"), ask)


@check("timestamp.set_on_update", subjects=_names(), behaviour=True)
def timestamp_set_on_update(context: Context) -> Iterator[Answer]:
    """On UPDATE the database sets the timestamp, whichever column changes; or leaves it, where UPDATE is not in set_on.

    Why it matters: if one kind of update does not set it, "last changed" is a guess.
    How it is measured: a row that is one day old is updated, column by column, each to another value where the table
    accepts one, and once without any change.
    What to do: use a BEFORE UPDATE trigger FOR EACH ROW, without a column list and without WHEN.
    """

    def ask(timestamp: Timestamp) -> Answer:
        with timestamp_probe(context, timestamp) as probe:
            probe.insert_shifted_row("-1 day")
            expected = _after_update(timestamp)
            changes = [(f"UPDATE of {name}", values) for name, values in probe.column_updates()]
            changes.append(("UPDATE that changes nothing", probe.unchanged_values()))
            return _answer(
                probe,
                [TimestampAttempt(write=probe.update(way, values), expected=expected) for way, values in changes],
                kept=f"Every UPDATE sets {timestamp.column} to {expected}"
                if expected == DATABASE_TIME
                else f"No UPDATE changes {timestamp.column}",
                broken=f"Not every UPDATE sets {timestamp.column} to {expected}"
                if expected == DATABASE_TIME
                else f"An UPDATE can change {timestamp.column}, which only INSERT should set",
                reproduce=_reproduction_apart,
            )

    yield from _ask_each(_timestamps(context.promise), ask)


@check("timestamp.tamper_proof", subjects=_names(), behaviour=True)
def timestamp_tamper_proof(context: Context) -> Iterator[Answer]:
    """No client can set the timestamp to a value of its own: not by INSERT, UPDATE, COPY or an upsert.

    Why it matters: an audit that relies on a row's timestamp relies on every client that can write it.
    How it is measured: a time in the far past, one in the far future and null are written in each way that SQL has. Where
    the contract does not set the timestamp on INSERT, an INSERT may write it.
    What to do: set it in a BEFORE INSERT OR UPDATE trigger, or revoke the column's INSERT and UPDATE privileges from
    clients.
    """

    def ask(timestamp: Timestamp) -> Answer:
        with timestamp_probe(context, timestamp) as probe:
            tried: list[TimestampAttempt] = []
            if "insert" in timestamp.set_on:
                tried += _forging_attempts((*forge_by_insert(probe), *forge_by_other_inserts(probe)), DATABASE_TIME)
            probe.insert_shifted_row("-1 day")
            tried += _forging_attempts(forge_by_update(probe), _after_update(timestamp))
            return _answer(
                probe,
                tried,
                kept=f"No client can set {timestamp.column}",
                broken=f"A client can set {timestamp.column} to any value",
            )

    yield from _ask_each(_timestamps(context.promise), ask)


@check("timestamp.increasing", subjects=_names(increasing=True), behaviour=True)
def timestamp_increasing(context: Context) -> Iterator[Answer]:
    """Every UPDATE of a row makes its timestamp later than it was.

    Why it matters: two changes with one timestamp have no order, and a reader of "all changes since T" misses the second.
    How it is measured: a row is inserted and updated twice in one transaction. Then a row whose timestamp is an hour in
    the future, as after the server's clock was set back, is updated.
    What to do: use clock_timestamp() in place of now(), which is the start of the transaction; and make the new value at
    least the old one plus a microsecond, with greatest().
    """

    def ask(timestamp: Timestamp) -> Answer:
        rows = []
        with timestamp_probe(context, timestamp) as probe:
            name = identifier(timestamp.bare_column)
            shown = [*probe.probe_row.prerequisites, probe.probe_row.insert()]
            probe.connection.execute(probe.probe_row.insert())
            for way in ("first UPDATE in the transaction of the INSERT", "second UPDATE in the same transaction"):
                rows.append((way, probe.update_unchanged()))
                shown += [probe.probe_row.update(probe.unchanged_values()), probe.probe_row.select(name)]
            probe.connection.execute(probe.probe_row.delete())
            probe.insert_shifted_row("1 hour")
            rows.append(("UPDATE of a row whose time is an hour ahead of the clock", probe.update_unchanged()))
        wrong = [row for row in rows if row[1] != "later"]
        evidence = [
            Evidence(
                title="The time after each UPDATE, compared with the time before",
                columns=("write", "time"),
                rows=tuple(rows),
            )
        ]
        if not wrong:
            summary = f"Every UPDATE of a row makes {timestamp.column} later: {len(rows)} UPDATEs tried."
            return Answer(Status.KEPT, timestamp.name, summary, evidence=evidence, origin=timestamp.origin)
        return Answer(
            Status.BROKEN,
            timestamp.name,
            f"An UPDATE does not always make {timestamp.column} later: after the {wrong[0][0]} it is {wrong[0][1]}.",
            expected="later",
            actual=f"{wrong[0][0]}: {wrong[0][1]}",
            remedy=set_by_trigger(timestamp),
            evidence=[*evidence, Evidence(title="To see it happen", text=reproduction_script(shown), language="sql")],
            origin=timestamp.origin,
        )

    yield from _ask_each(_timestamps(context.promise, increasing=True), ask)


@check("timestamp.search_path", subjects=_names(), behaviour=True)
def timestamp_search_path(context: Context) -> Iterator[Answer]:
    """The timestamp is the real time even where the client's search_path finds another now().

    Why it matters: a function without a fixed search_path resolves now() by the client's search_path, so the client can
    replace it.
    How it is measured: a schema with its own now(), clock_timestamp(), statement_timestamp(), transaction_timestamp() and
    + is put before pg_catalog in the search_path; then the row is inserted and updated.
    What to do: SET search_path = '' on the trigger's function, and write pg_catalog.clock_timestamp() in its body.
    """

    def ask(timestamp: Timestamp) -> Answer:
        with timestamp_probe(context, timestamp) as probe:
            tried = []
            for statement in _SEARCH_PATH_ATTACK:
                probe.connection.execute(statement.encode())
            if "insert" in timestamp.set_on:
                tried.append(TimestampAttempt(write=probe.insert("INSERT"), expected=DATABASE_TIME))
            probe.insert_shifted_row("-1 day")
            tried.append(
                TimestampAttempt(
                    write=probe.update("UPDATE", probe.unchanged_values()), expected=_after_update(timestamp)
                )
            )
            return _answer(
                probe,
                tried,
                kept=f"A client's search_path does not change what {timestamp.column} is set to",
                broken=f"A client's search_path changes what {timestamp.column} is set to",
                reproduce=_reproduction_in_attack,
                remedy=_fixed_search_path(context, timestamp),
            )

    yield from _ask_each(_timestamps(context.promise), ask)


@check("timestamp.replica_role", subjects=_names(), behaviour=True)
def timestamp_replica_role(context: Context) -> Iterator[Answer]:
    """The database sets the timestamp even where session_replication_role is replica.

    Why it matters: a restore or a replication client skips ordinary triggers, and has to; any timestamp it sends is then
    stored.
    How it is measured: with that setting, which only a superuser can set or grant, the timestamp is written by INSERT and
    UPDATE.
    What to do: nothing; or ALTER TABLE ... ENABLE ALWAYS TRIGGER where not even a restore may write it.
    """

    def ask(timestamp: Timestamp) -> Answer:
        context.sandbox.require_superuser()
        with timestamp_probe(context, timestamp) as probe:
            probe.insert_shifted_row("-1 day")
            probe.connection.execute("SET LOCAL session_replication_role = replica")
            kept = probe.update("UPDATE", {timestamp.bare_column: sql.Literal(PAST)})
        past = kept.result == CLIENT_VALUE
        effect = "bypasses" if past else "does not bypass"
        return Answer(
            Status.NOTED if past else Status.KEPT,
            timestamp.name,
            f"session_replication_role = replica, which only a superuser can set, {effect} what sets "
            f"{timestamp.column}: after an UPDATE to {PAST} it is {kept.result}.",
            evidence=[Evidence(title="The write", text=kept.statement, language="sql")],
            origin=timestamp.origin,
        )

    yield from _ask_each(_timestamps(context.promise), ask)


def _after_update(timestamp: Timestamp) -> str:
    return DATABASE_TIME if "update" in timestamp.set_on else UNCHANGED


def _forging_attempts(writes: Iterable[TimestampWrite], expected: str) -> list[TimestampAttempt]:
    """Writes that set the time themselves: refusing them is as good as overwriting their value."""
    return [TimestampAttempt(write=write, expected=expected, may_be_refused=True) for write in writes]


def _answer(
    probe: TimestampProbe,
    tried: list[TimestampAttempt],
    *,
    kept: str,
    broken: str,
    reproduce: Callable[[TimestampProbe, TimestampWrite], str] | None = None,
    remedy: str | None = None,
) -> Answer:
    rows = tuple((attempt.write.label, attempt.expected, attempt.write.result) for attempt in tried)
    evidence = [Evidence(title="The time after each write", columns=("write", "expected", "actual"), rows=rows)]
    wrong = [attempt for attempt in tried if attempt.wrong]
    if not wrong:
        summary = f"{kept}: {len(tried)} writes tried."
        return Answer(Status.KEPT, probe.timestamp.name, summary, evidence=evidence, origin=probe.timestamp.origin)
    first = wrong[0]
    text = (reproduce or _reproduction)(probe, first.write)
    return Answer(
        Status.BROKEN,
        probe.timestamp.name,
        f"{broken}: {_outcome(first.write)} (wrong after {len(wrong)} of {len(tried)} writes tried).",
        expected=f"{first.write.label}: {first.expected}{' or rejected' if first.may_be_refused else ''}",
        actual=first.write.result,
        remedy=remedy or set_by_trigger(probe.timestamp),
        evidence=[*evidence, Evidence(title="To see it happen", text=text, language="sql")],
        origin=probe.timestamp.origin,
    )


def _outcome(write: TimestampWrite) -> str:
    return f"{write.label} is {write.result}" if write.refused else f"after {write.label} it is {write.result}"


def _fixed_search_path(context: Context, timestamp: Timestamp) -> str | None:
    """For the functions of the table's row triggers, which alone can read the clock by the client's search_path."""
    functions = {
        trigger.function
        for trigger in context.after.triggers
        if trigger.table == timestamp.table and trigger.timing == "before" and trigger.level == "row"
    }
    if not functions:
        return None
    alter = " ".join(f"ALTER FUNCTION {function} SET search_path = '';" for function in sorted(functions))
    return f"{alter} Name pg_catalog in the body, as in pg_catalog.clock_timestamp()."


def _reproduction(probe: TimestampProbe, kept: TimestampWrite, *before: str) -> str:
    """The write as a script: one transaction that is rolled back."""
    new = kept.statement.startswith(("INSERT", "COPY")) and "existing" not in kept.label
    rows_before = [*probe.probe_row.prerequisites, *([] if new else [probe.probe_row.insert()])]
    return "\n".join(
        ["BEGIN;", *before, *map(_statement_text, rows_before), kept.statement, _select_timestamp(probe), "ROLLBACK;"]
    )


def _reproduction_in_attack(probe: TimestampProbe, kept: TimestampWrite) -> str:
    return _reproduction(probe, kept, *(f"{statement};" for statement in _SEARCH_PATH_ATTACK))


def _reproduction_apart(probe: TimestampProbe, kept: TimestampWrite) -> str:
    """Each statement in its own transaction: only then does now() advance."""
    if not probe.probe_row.key or probe.probe_row.prerequisites:
        return _reproduction(probe, kept)
    return "\n".join(
        [
            _statement_text(probe.probe_row.insert()),
            kept.statement,
            _select_timestamp(probe),
            _statement_text(probe.probe_row.delete()),
        ]
    )


def _statement_text(statement: sql.Composed) -> str:
    return f"{statement.as_string()};"


def _select_timestamp(probe: TimestampProbe) -> str:
    now = sql.SQL("pg_catalog.now()")
    return _statement_text(probe.probe_row.select(identifier(probe.timestamp.bare_column), now))
