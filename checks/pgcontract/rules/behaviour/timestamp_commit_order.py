"""Timestamps of rows that several transactions write concurrently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.rows import ProbeRow, find_probe_row, insert_second_row
from pgcontract.probes.rows.timestamp_upkeep import compare_times, timestamp_probe
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.timestamp_remedy import set_by_trigger
from pgcontract.rules.registry import check


def _timestamps(promise: Promise) -> tuple[Timestamp, ...]:
    return (
        tuple(timestamp for timestamp in promise.contract.of(Timestamp) if timestamp.increasing)
        if promise.contract
        else ()
    )


def _names(promise: Promise) -> Iterator[str]:
    return (timestamp.name for timestamp in _timestamps(promise))


@check("timestamp.commit_order", subjects=_names, behaviour=True)
def timestamp_commit_order(context: Context) -> Iterator[Answer]:
    """Within a row, a change that is committed later has the later timestamp.

    Why it matters: transactions overlap. The one that began first may commit last, with an earlier timestamp than the
    other.
    How it is measured: on two connections, one transaction begins, another begins, updates the row and commits, then the
    first updates it and commits. The same is done with two different rows, the first transaction writing first. Across
    rows no timestamp can guarantee order, so that result is only reported.
    What to do: within a row, never store less than the old value; across rows, read "all changes since T" with a margin.
    """
    for timestamp in _timestamps(context.promise):
        try:
            yield _race_answer(context, timestamp)
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield Answer(Status.UNKNOWN, timestamp.name, summary, origin=timestamp.origin)


def _race_answer(context: Context, timestamp: Timestamp) -> Answer:
    with timestamp_probe(context, timestamp) as probe:
        probe_row, changed, type_name = probe.probe_row, probe.unchanged_values(), probe.column.type
        update = probe_row.update(changed)
    sandbox = context.sandbox
    with (
        sandbox.clone(context.after_state) as name,
        sandbox.connect(name) as first,
        sandbox.connect(name) as second,
    ):
        # Rows of other tables that it refers to are needed here too.
        probe_row = replace(probe_row, prerequisites=find_probe_row(context, first, timestamp.table).prerequisites)
        first.execute(probe_row.insert())
        first.execute("BEGIN")
        second.execute(update)
        before = _read_timestamp(second, probe_row, timestamp)
        first.execute(update)
        first.execute("COMMIT")
        within = compare_times(first, probe_row, timestamp, type_name, before)
        across = "not tried: no second row can be inserted"
        other = insert_second_row(context, first, probe_row)
        if other is not None:
            first.execute("BEGIN")
            first.execute(update)
            second.execute(other.update(changed))
            first.execute("COMMIT")
            across = compare_times(first, probe_row, timestamp, type_name, _read_timestamp(first, other, timestamp))
    rows = (
        ("one row: the transaction began first and committed last", within),
        ("two rows: written first and committed last", across),
    )
    evidence = [
        Evidence(title="The time that was committed last", columns=("case", "compared with the other"), rows=rows)
    ]
    if within == "later":
        return Answer(
            Status.NOTED,
            timestamp.name,
            f"Within one row {timestamp.column} increases in commit order; across rows no clock can guarantee it: a row "
            f"written first and committed last {'had' if across == 'earlier' else 'may have'} an earlier time.",
            evidence=evidence,
            origin=timestamp.origin,
        )
    return Answer(
        Status.BROKEN,
        timestamp.name,
        f"Within one row {timestamp.column} does not increase in commit order: a transaction that began first and "
        f"committed last left {_how(within)} time.",
        expected="later",
        actual=within,
        remedy=set_by_trigger(timestamp),
        evidence=[
            *evidence,
            Evidence(title="To see it happen", text=_reproduction(timestamp, probe_row, update), language="sql"),
        ],
        origin=timestamp.origin,
    )


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
