"""Clocks of rows that several transactions write at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
from psycopg import sql

from pgcontract.contract import Clock
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.rows import Specimen, beside, identifier, specimen_of
from pgcontract.probes.rows.timestamp_upkeep import keeping, moved
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check


def _clocks(promise: Promise) -> tuple[Clock, ...]:
    return tuple(each for each in promise.contract.clocks if each.increasing) if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (clock.name for clock in _clocks(promise))


@check("clock.order", subjects=_names, behaviour=True)
def clock_order(trial: Trial) -> Iterator[Finding]:
    """Within a row, a change that is committed later bears the later time.

    Why it matters: transactions overlap; the one that began first may commit last, with a time before the other's.
    How it is measured: on two connections, one transaction begins, another begins, updates the row and commits, then
    the first updates it and commits. The same with a row for each, the first writing first: there no clock can
    promise order, and what happens is told.
    What to do: within a row, never less than the old value; across rows, read "all since T" with a margin.
    """
    for clock in _clocks(trial.promise):
        try:
            yield _raced(trial, clock)
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield answer(Status.UNKNOWN, clock.name, summary, origin=clock.origin)


def _raced(trial: Trial, clock: Clock) -> Finding:
    with keeping(trial, clock) as it:
        specimen, changed, type_name = it.specimen, it.touch(), it.column.type
        update = specimen.update(changed)
    workbench = trial.workbench
    with (
        workbench.clone(trial.after_state) as name,
        workbench.connect(name) as first,
        workbench.connect(name) as second,
    ):
        # Rows of other tables that it refers to are needed here too.
        specimen = replace(specimen, first=specimen_of(trial, first, clock.table).first)
        first.execute(specimen.insert())
        first.execute("BEGIN")
        second.execute(update)
        before = _time(second, specimen, clock)
        first.execute(update)
        first.execute("COMMIT")
        within = moved(first, specimen, clock, type_name, before)
        across = "not tried: no second row goes in"
        other = beside(trial, first, specimen)
        if other is not None:
            first.execute("BEGIN")
            first.execute(update)
            second.execute(other.update(changed))
            first.execute("COMMIT")
            across = moved(first, specimen, clock, type_name, _time(first, other, clock))
    rows = (
        ("one row, by the transaction that began first and committed last", within),
        ("two rows, the first written first and committed last", across),
    )
    evidence = [Evidence(title="The time that was committed last", columns=("history", "beside the other it"), rows=rows)]
    if within == "later":
        return answer(
            Status.NOTED,
            clock.name,
            f"Within a row {clock.column} grows in the order of commits; across rows no clock can promise that: a row "
            f"written first and committed last {'went back' if across == 'went back' else 'may go back'}.",
            evidence=evidence,
            origin=clock.origin,
        )
    return answer(
        Status.BROKEN,
        clock.name,
        f"Within a row {clock.column} does not grow in the order of commits: concurrent transactions make it go back.",
        expected="later",
        actual=within,
        remedy="Set it to greatest(clock_timestamp(), OLD's value + interval '1 microsecond').",
        evidence=[*evidence, Evidence(title="To see it happen", text=_history(clock, specimen, update), language="sql")],
        origin=clock.origin,
    )


def _time(connection: psycopg.Connection, specimen: Specimen, clock: Clock) -> str | None:
    text = sql.SQL("{}::pg_catalog.text").format(identifier(clock.bare_column))
    row = connection.execute(specimen.select(text)).fetchone()
    return row[0] if row else None


def _history(clock: Clock, specimen: Specimen, update: sql.Composed) -> str:
    look = specimen.select(identifier(clock.bare_column)).as_string()
    lines = [
        *(f"{each.as_string()};" for each in specimen.first),
        f"{specimen.insert().as_string()};",
        "BEGIN;  -- in a first session",
        f"{update.as_string()};  -- in a second session",
        f"{look};  -- in the second session",
        f"{update.as_string()};  -- in the first session again",
        "COMMIT;  -- in the first session",
        f"{look};  -- earlier than the second session saw it",
    ]
    return "\n".join(lines + ([f"{specimen.delete().as_string()};"] if specimen.key else []))
