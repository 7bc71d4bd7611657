"""Triggers on the application's writes: each fires as often as declared, and its cost is noted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.model.schema import Trigger
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.performance.write import judge_steps, steps
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.writes import SizeFigures, StepWrites


@check("write.triggers_fire", subjects=steps, head=True, measures=[MeasurementKind.WRITES])
def write_triggers_fire(context: Context) -> Iterator[Answer]:
    """The declared triggers fire on every row that a step of the application writes.

    Why it matters: if a trigger is disabled, or declared for another event, timestamps, histories and rules are not
    maintained, and no error is raised. One that fires costs something at every write.
    How it is measured: the calls that EXPLAIN (ANALYZE) counts for the step's own statement, as a median of runs: one per
    row for a row trigger, one for a statement trigger. A trigger with a condition or a column list is reported and not
    judged. Its share is the difference in cost with and without the table's own triggers, in a transaction that is rolled
    back.
    What to do: ALTER TABLE ... ENABLE TRIGGER, or create the trigger for the events that the step uses.
    """
    return judge_steps(
        context, "write.triggers_fire", lambda step: _triggers_answer(step, context.promise.declared.triggers)
    )


def _triggers_answer(step: StepWrites, declared: tuple[Trigger, ...]) -> Answer:
    last = step.sizes[-1]
    triggers = [candidate for candidate in declared if candidate.table == step.table and step.kind in candidate.events]
    name = f"The step {step.step.name} of {step.flow.name}"
    evidence = list(_evidence(step, last))
    for trigger in triggers:
        if trigger.when is not None or trigger.columns or trigger.enabled == "disabled":
            continue
        calls = sum(
            trigger_calls.calls for trigger_calls in last.ablation.fired if trigger_calls.name == trigger.bare_name
        )
        expected_calls = last.ablation.as_is.rows if trigger.level == "row" else 1
        if calls != expected_calls:
            return Answer(
                Status.BROKEN,
                step.subject,
                f"{name} does not fire {trigger.bare_name} as often as declared.",
                expected=_times_text(expected_calls),
                actual=_times_text(calls),
                remedy="Enable the trigger in the migration, or declare the events and conditions it fires on.",
                evidence=evidence,
            )
    fired = ", ".join(f"{trigger_calls.name} {_times_text(trigger_calls.calls)}" for trigger_calls in last.ablation.fired)
    return Answer(Status.KEPT, step.subject, f"{name} fires {fired or 'no trigger'}.", evidence=evidence)


def _times_text(count: int) -> str:
    return "once" if count == 1 else f"{count} times" if count else "never"


def _evidence(step: StepWrites, last: SizeFigures) -> Iterator[Evidence]:
    from pgcontract.performance.writes.ablation import StepCost

    if last.ablation.fired:
        yield Evidence(
            title=f"Triggers that one execution fires, at {last.size:,} rows; foreign keys are triggers too",
            columns=("trigger", "of", "calls", "µs in it"),
            rows=tuple(
                (fired_trigger.name, fired_trigger.relation, str(fired_trigger.calls), f"{fired_trigger.us:,.0f}")
                for fired_trigger in last.ablation.fired
            ),
        )
    if last.ablation.without_triggers is None:
        return
    rows = []
    for size in step.sizes:
        as_is, without = size.ablation.as_is, size.ablation.without_triggers
        if isinstance(without, StepCost):
            more = "not shown" if size.trigger_wal_bytes is None else f"{size.trigger_wal_bytes:,}"
            costs = (f"{as_is.buffers:,}", f"{without.buffers:,}", more)
            rows.append((f"{size.size:,}", *costs, f"{as_is.us:,.0f}", f"{without.us:,.0f}"))
        elif without is not None:
            rows.append((f"{size.size:,}", f"{as_is.buffers:,}", without, "", f"{as_is.us:,.0f}", ""))
    yield Evidence(
        title=f"With and without the tables' own triggers{_difference_note(step, last)}",
        columns=("size", "buffers", "without", "WAL bytes more", "µs", "without"),
        rows=tuple(rows),
    )


def _difference_note(step: StepWrites, last: SizeFigures) -> str:
    """What else differs without the triggers, for the heading."""

    from pgcontract.performance.writes.ablation import StepCost

    columns = [column for column in last.ablation.changed if column not in last.ablation.changed_without_triggers]
    without = last.ablation.without_triggers
    if isinstance(without, StepCost) and without.rows != last.ablation.as_is.rows:
        return f"; without them the step writes {without.rows} rows, so it is not the same statement"
    if columns:
        return f"; without them {', '.join(columns)} keeps its old value, so the rows written are not the same"
    if step.kind == "insert":
        return "; without those that fire before, the row may be another"
    return ""
