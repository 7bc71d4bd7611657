"""Timestamps under settings that a client chooses: its search_path, and the role of its session in replication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from pgcontract.contract import Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.rows import attempt, reproduction_script
from pgcontract.probes.rows.timestamp_upkeep import (
    CLIENT_VALUE,
    DATABASE_TIME,
    PAST,
    UNCHANGED,
    TimestampProbe,
    timestamp_places,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.declared import ask_each, names_of
from pgcontract.rules.behaviour.timestamp_remedy import set_by_trigger
from pgcontract.rules.registry import check

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
_PAST: Final = sql.SQL("timestamptz {}").format(sql.Literal(PAST))


@check("timestamp.search_path", subjects=names_of(Timestamp), behaviour=True)
def timestamp_search_path(context: Context) -> Iterator[Answer]:
    """The timestamp is the real time even where the client's search_path finds another now().

    Why it matters: a function without a fixed search_path resolves now() by the client's search_path, so the client can
    replace it.
    How it is measured: a schema with its own now(), clock_timestamp(), statement_timestamp(), transaction_timestamp() and
    + is put before pg_catalog in the search_path; then the row is inserted and updated, also in each partition or child
    table with other rules.
    What to do: SET search_path = '' on the trigger's function, and write pg_catalog.clock_timestamp() in its body.
    """
    yield from ask_each(context, Timestamp, lambda timestamp: _attacked(context, timestamp))


def _attacked(context: Context, timestamp: Timestamp) -> Answer:
    rows: list[tuple[str, str, str]] = []
    broken: list[tuple[str, str, str, str, str | None]] = []
    with timestamp_places(context, timestamp) as places:
        for probe in places:
            for statement in _SEARCH_PATH_ATTACK:
                probe.connection.execute(statement.encode())
            for label, expected, result, script in _attacked_writes(probe):
                rows.append((label, expected, result))
                if result != expected:
                    broken.append((label, expected, result, script, _fixed_search_path(context, probe)))
        missing = places.missing
    evidence = [Evidence(title="The time after each write", columns=("write", "expected", "actual"), rows=tuple(rows))]
    if broken:
        label, expected, result, script, remedy = broken[0]
        outcome = f"{label} is {result}" if result.startswith("rejected") else f"after {label} it is {result}"
        return Answer(
            Status.BROKEN,
            timestamp.name,
            f"A client's search_path changes what {timestamp.column} is set to: {outcome} (wrong after {len(broken)} of "
            f"{len(rows)} writes tried).",
            expected=f"{label}: {expected}",
            actual=result,
            remedy=remedy or set_by_trigger(timestamp),
            evidence=[*evidence, Evidence(title="To see it happen", text=script, language="sql")],
            origin=timestamp.origin,
        )
    if missing:
        raise CouldNotAsk(f"not every place was tried: {'; '.join(missing)}")
    summary = f"A client's search_path does not change what {timestamp.column} is set to: {len(rows)} writes tried."
    return Answer(Status.KEPT, timestamp.name, summary, evidence=evidence, origin=timestamp.origin)


def _attacked_writes(probe: TimestampProbe) -> Iterator[tuple[str, str, str, str]]:
    """An INSERT where it sets the time, and an UPDATE: label, expected and actual time, and the script."""
    timestamp = probe.timestamp
    if "insert" in timestamp.set_on:
        with probe.connection.transaction(force_rollback=True):
            insert = probe.row.insert()
            refusal = attempt(probe.connection, insert)
            result = f"rejected: {refusal}" if refusal else _time_found(probe)
            yield f"INSERT{probe.target.note}", DATABASE_TIME, result, _script(probe, insert)
    probe.put_rows("-1 day")
    try:
        update = probe.row.update(probe.unchanged_values())
    except CouldNotAsk:
        if "update" in timestamp.set_on:
            raise
        return  # there is nothing else in the row to update
    refusal = attempt(probe.connection, update)
    expected = DATABASE_TIME if "update" in timestamp.set_on else UNCHANGED
    result = f"rejected: {refusal}" if refusal else _time_found(probe)
    if refusal and expected == UNCHANGED:  # a table that takes no UPDATE at all
        result = UNCHANGED
    yield f"UPDATE{probe.target.note}", expected, result, _script(probe, probe.row.insert(), update)


def _time_found(probe: TimestampProbe) -> str:
    sent = sql.SQL("CAST({} AS {})").format(probe.time(_PAST), sql.SQL(probe.column.type))
    attacked = sql.SQL("({} = {})::pg_catalog.text").format(probe.name, sent)
    if probe.look(attacked) == "true":
        return CLIENT_VALUE
    return str(probe.look(probe.classified()) or "no row")


def _script(probe: TimestampProbe, *writes: sql.Composed) -> str:
    attack = [sql.Composed([sql.SQL(statement)]) for statement in _SEARCH_PATH_ATTACK]
    looked = probe.row.select(probe.name, sql.SQL("pg_catalog.now()"))
    return reproduction_script([*attack, *probe.row.prerequisites, *writes, looked])


def _fixed_search_path(context: Context, probe: TimestampProbe) -> str | None:
    """For the functions of the table's row triggers, which alone can read the clock by the client's search_path."""
    functions = {
        trigger.function
        for trigger in context.after.triggers
        if trigger.table in (probe.target.table, probe.target.holder)
        and trigger.timing == "before"
        and trigger.level == "row"
    }
    if not functions:
        return None
    alter = " ".join(f"ALTER FUNCTION {function} SET search_path = '';" for function in sorted(functions))
    return f"{alter} Name pg_catalog in the body, as in pg_catalog.clock_timestamp()."


@check("timestamp.replica_role", subjects=names_of(Timestamp), behaviour=True)
def timestamp_replica_role(context: Context) -> Iterator[Answer]:
    """The database sets the timestamp even where session_replication_role is replica.

    Why it matters: a restore or a replication client skips ordinary triggers, and has to; any timestamp it sends is then
    stored.
    How it is measured: with that setting, which only a superuser can set or grant, the timestamp is written by UPDATE.
    What to do: nothing; or ALTER TABLE ... ENABLE ALWAYS TRIGGER where not even a restore may write it.
    """
    yield from ask_each(context, Timestamp, lambda timestamp: _replicated(context, timestamp))


def _replicated(context: Context, timestamp: Timestamp) -> Answer:
    context.sandbox.require_superuser()
    results: list[tuple[TimestampProbe, str, sql.Composed]] = []
    with timestamp_places(context, timestamp) as places:
        for probe in places:
            probe.put_rows("-1 day")
            probe.connection.execute("SET LOCAL session_replication_role = replica")
            update = probe.row.update({timestamp.bare_column: probe.time(_PAST) if probe.unit else sql.Literal(PAST)})
            refusal = attempt(probe.connection, update)
            results.append((probe, f"rejected: {refusal}" if refusal else _time_found(probe), update))
    probe, result, update = next((one for one in results if one[1] == CLIENT_VALUE), results[0])
    effect = "bypasses" if result == CLIENT_VALUE else "does not bypass"
    return Answer(
        Status.NOTED if result == CLIENT_VALUE else Status.KEPT,
        timestamp.name,
        f"session_replication_role = replica, which only a superuser can set, {effect} what sets "
        f"{timestamp.column}{probe.target.note}: after an UPDATE to {PAST} it is {result}.",
        evidence=[Evidence(title="The write", text=f"{update.as_string()};", language="sql")],
        origin=timestamp.origin,
    )
