"""Triggers on the application's writes: each fires as often as it is declared to, and what it costs is told."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract import identifiers
from pgcontract.model.schema import Trigger
from pgcontract.performance.writes import SizeFigures, StepWrites
from pgcontract.performance.writes.ablation import Cost
from pgcontract.probes.context import Trial
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.performance.write import each_step, steps
from pgcontract.rules.registry import answer, check


@check("write.trigger", subjects=steps, head=True)
def write_trigger(trial: Trial) -> Iterator[Finding]:
    """The declared triggers fire on every row that a step of the application writes.

    Why it matters: a trigger that is disabled, or declared for another event, leaves times, histories and rules unkept
    without an error; one that fires costs something at every write.
    How it is measured: the calls that EXPLAIN (ANALYZE) counts for the step's own statement, as a median of plays: one
    a row for a row trigger, one for a statement trigger; one with a condition or a list of columns is told, not judged.
    Its share is the step's cost with and without the table's own triggers, in a transaction that is undone.
    What to do: enable the trigger, or declare the events it is for.
    """
    return each_step(trial, lambda step: _judged(step, trial.promise.declared.triggers))


def _judged(step: StepWrites, declared: tuple[Trigger, ...]) -> Finding:
    last = step.sizes[-1]
    mine = [each for each in declared if each.table == step.flow.table and step.kind in each.events]
    name = f"The step {step.step.name} of {step.flow.name}"
    evidence = list(_evidence(step, last))
    for trigger in mine:
        if trigger.when is not None or trigger.columns or trigger.enabled == "disabled":
            continue
        bare = identifiers.split(trigger.name)[-1]
        calls = sum(each.calls for each in last.arms.fired if each.name == bare)
        wanted = last.arms.as_is.rows if trigger.level == "row" else 1
        if calls != wanted:
            return answer(
                Status.BROKEN,
                step.subject,
                f"{name} does not fire {bare} as often as it is declared to.",
                expected=_times(wanted),
                actual=_times(calls),
                remedy="Enable the trigger in the migration, or declare the events and conditions it fires on.",
                evidence=evidence,
            )
    fired = ", ".join(f"{each.name} {_times(each.calls)}" for each in last.arms.fired)
    return answer(Status.KEPT, step.subject, f"{name} fires {fired or 'no trigger'}.", evidence=evidence)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times" if count else "never"


def _evidence(step: StepWrites, last: SizeFigures) -> Iterator[Evidence]:
    if last.arms.fired:
        yield Evidence(
            title=f"Triggers of one play, at {last.size:,} rows; foreign keys are triggers too",
            columns=("trigger", "of", "calls", "µs in it"),
            rows=tuple((each.name, each.relation, str(each.calls), f"{each.us:,.0f}") for each in last.arms.fired),
        )
    if last.arms.without_triggers is None:
        return
    rows = []
    for each in step.sizes:
        as_is, without = each.arms.as_is, each.arms.without_triggers
        if isinstance(without, Cost):
            more = "not shown" if each.trigger_wal_bytes is None else f"{each.trigger_wal_bytes:,}"
            costs = (f"{as_is.buffers:,}", f"{without.buffers:,}", more)
            rows.append((f"{each.size:,}", *costs, f"{as_is.us:,.0f}", f"{without.us:,.0f}"))
        elif without is not None:
            rows.append((f"{each.size:,}", f"{as_is.buffers:,}", without, "", f"{as_is.us:,.0f}", ""))
    yield Evidence(
        title=f"With and without the tables' own triggers{_difference(step, last)}",
        columns=("size", "buffers", "without", "log bytes more", "µs", "without"),
        rows=tuple(rows),
    )


def _difference(step: StepWrites, last: SizeFigures) -> str:
    """What else is different without them, for the heading."""
    gone = [each for each in last.arms.changed if each not in last.arms.changed_alone]
    without = last.arms.without_triggers
    if isinstance(without, Cost) and without.rows != last.arms.as_is.rows:
        return f"; without them the step writes {without.rows} rows, so it is not the same statement"
    if gone:
        return f"; without them {', '.join(gone)} keeps its old value, so the rows written are not the same"
    if step.kind == "insert":
        return "; without those that fire before, the row may be another"
    return ""
