"""Writes: what each step of a flow costs on loaded tables, how that grows, and whether its updates are HOT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pgcontract.contract import Flow
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.scenarios.player import describe_row_count
from pgcontract.result import Correctable, Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.writes import SizeFigures, StepWrites
    from pgcontract.performance.writes.ablation import StepCost

# WAL does not grow with the height of an index; its full keys may differ in length between sizes.
_WAL_FACTOR: Final = 1.5
_WAL_MORE: Final = 256
_MIN_HOT_SHARE: Final = 0.5


def flows_of(promise: Promise) -> tuple[Flow, ...]:
    return promise.of(Flow)


def steps(promise: Promise) -> Iterator[str]:
    """`checkout.submit`: each step of each flow that the contract declares."""
    return (f"{flow.name}.{step.name}" for flow in flows_of(promise) for step in flow.steps)


def judge_steps(context: Context, check_id: str, judge: Callable[[StepWrites], Answer]) -> Iterator[Answer]:
    """The answers of `judge`; of a step that could not be measured a note, since a flow promises what it writes and not
    what that costs, unless a claim names the check."""

    from pgcontract.performance.writes import measured_writes

    if not flows_of(context.promise):
        return
    measured = measured_writes(context)
    for step in measured.steps:
        if step.why_not is not None:
            claimed = context.promise.is_claimed(check_id, step.subject)
            yield Answer(
                Status.UNKNOWN if claimed else Status.NOTED,
                step.subject,
                f"The step {step.step.name} of {step.flow.name} cannot be measured: {step.why_not}.",
                remedy="Fix the step, or give each row its own values: a text of the flow may hold {actor}.",
                origin=step.step.origin,
            )
        else:
            answer = judge(step)
            conditions = Evidence(title="Conditions", text=measured.conditions)
            yield replace(answer, evidence=(*answer.evidence, conditions), origin=step.step.origin)


@check("write.cost", subjects=steps, severity=Severity.WARNING, head=True, measures=[MeasurementKind.WRITES])
def write_cost(context: Context) -> Iterator[Answer]:
    """Each step of the application writes its declared number of rows in a full table too.

    Why it matters: an UPDATE that finds one row in an empty table may find a thousand in a full one. And every write pays
    for each index, whether a query uses it or not.
    How it is measured: the flow is run 30 times at each size on a copy of the loaded database, each write committed, with
    no other transaction open on the server. The cost of the whole call is read with EXPLAIN (ANALYZE, BUFFERS, WAL),
    entries and bytes by index from the write-ahead log. Then the step is run without each index in turn, in a transaction
    that is rolled back.
    What to do: where too many rows are written, select the row by its key. Drop an index that no query needs: it is only
    a cost.
    """
    return judge_steps(context, "write.cost", _cost_answer)


def _cost_answer(step: StepWrites) -> Answer:
    expected_rows = (step.step.rows,)
    wrong = next((size for size in step.sizes if size.rows_changed != expected_rows), None)
    last = step.sizes[-1]
    entries = "" if last.index_entries is None else f", {_entries_text(last.index_entries)}"
    name = f"The step {step.step.name} of {step.flow.name}"
    evidence = [
        Evidence(title="Median cost of one execution", columns=_COLUMNS, rows=tuple(map(_row, step.sizes))),
        *_relation_evidence(step),
        Evidence(title="The plan", text=last.ablation.plan),
    ]
    if wrong is None:
        summary = f"{name} writes {describe_row_count(step.step.rows)}, with {last.wal_records} WAL records{entries}."
        return Answer(Status.KEPT, step.subject, summary, evidence=evidence)
    counts = " or ".join(describe_row_count(row_count) for row_count in wrong.rows_changed)
    return Answer(
        Status.BROKEN,
        step.subject,
        f"{name} writes {counts} among {wrong.size:,} rows; it should write {describe_row_count(step.step.rows)}.",
        expected=describe_row_count(step.step.rows),
        actual=counts,
        remedy="Name the row by its key in WHERE, or declare how many rows the step writes.",
        evidence=evidence,
    )


_COLUMNS: Final = (
    *("size", "rows in the table", "WAL records", "WAL bytes", "full pages", "buffers", "index entries", "HOT"),
    *("p50 µs", "p95 µs", "triggers' WAL bytes", "triggers' µs", "runs"),
)


def _row(size_figures: SizeFigures) -> tuple[str, ...]:
    return (
        *(
            f"{size_figures.size:,}",
            f"{size_figures.rows:,}",
            str(size_figures.wal_records),
            f"{size_figures.wal_bytes:,}",
            str(size_figures.images),
        ),
        *(
            f"{size_figures.buffers:,}",
            "not shown" if size_figures.index_entries is None else str(size_figures.index_entries),
        ),
        *(
            "" if size_figures.hot_share is None else f"{size_figures.hot_share:.0%}",
            f"{size_figures.p50_us:,.0f}",
            f"{size_figures.p95_us:,.0f}",
        ),
        "not shown" if size_figures.trigger_wal_bytes is None else f"{size_figures.trigger_wal_bytes:,}",
        *(f"{size_figures.trigger_us:,.0f}", str(size_figures.n)),
    )


def _relation_evidence(step: StepWrites) -> Iterator[Evidence]:
    """WAL bytes by relation, and what the step costs without each index."""
    last = step.sizes[-1]
    if last.shares:
        yield Evidence(
            title=f"Where the WAL bytes go, at {last.size:,} rows",
            columns=("relation", "WAL bytes", "index entries"),
            rows=tuple(
                (share.relation or "none", f"{share.wal_bytes:,}", str(share.entries) if share.is_index else "")
                for share in last.shares
            ),
        )
    ablation = step.size_without_indexes
    if ablation is not None:
        yield Evidence(
            title=f"Without each index, at {ablation.size:,} rows",
            columns=("index", "buffers", "HOT"),
            rows=(("with all indexes", *_control_run_cells(ablation.ablation.as_is)), *_without_index_rows(ablation)),
        )


def _without_index_rows(figures: SizeFigures) -> Iterator[tuple[str, ...]]:
    from pgcontract.performance.writes.ablation import StepCost

    for name, control_run in figures.ablation.without_index.items():
        if isinstance(control_run, StepCost):
            yield name, *_control_run_cells(control_run)
        else:
            yield name, control_run, ""


def _control_run_cells(cost: StepCost) -> tuple[str, str]:
    return f"{cost.buffers:,}", "" if cost.hot is None else f"{cost.hot:.0%}"


def _entries_text(count: int) -> str:
    return "1 index entry" if count == 1 else f"{count or 'no'} index entries"


@check(
    "write.growth",
    subjects=steps,
    severity=Severity.WARNING,
    head=True,
    measures=[MeasurementKind.WRITES],
    correctable=Correctable.WORDS,
)
def write_growth(context: Context) -> Iterator[Answer]:
    """A write among a hundred times the rows costs no more than the heights of the indexes it goes through.

    Why it matters: a write that reads the whole table is fast on the day it is tested, and slower with every customer.
    How it is measured: medians of buffers and of WAL bytes over 30 runs at each size. Buffers may grow by three descents
    of each B-tree on the tables that the step touches (to find the row, to look for a conflict, to insert the key), and
    four pages; WAL by half and 256 bytes. No time is judged.
    What to do: CREATE INDEX on the columns in the step's WHERE, or on those that a trigger or a foreign key of the step
    looks up.
    """
    return judge_steps(context, "write.growth", _growth_answer)


def _growth_answer(step: StepWrites) -> Answer:
    from pgcontract.performance.growth import SPREAD, is_spread

    name = f"The step {step.step.name} of {step.flow.name}"
    evidence = [
        Evidence(
            title="Growth, as medians",
            columns=("size", "rows in the table", "buffers", "heights of its B-trees", "WAL bytes"),
            rows=tuple(
                (f"{size.size:,}", f"{size.rows:,}", f"{size.buffers:,}", str(size.height), f"{size.wal_bytes:,}")
                for size in step.sizes
            ),
        ),
        Evidence(title=f"The plan at {step.sizes[-1].size:,} rows", text=step.sizes[-1].ablation.plan),
    ]
    if not is_spread([size.size for size in step.sizes]):
        # Nobody promised how it grows: it is looked for wherever it can be seen.
        summary = (
            f"{name} is measured at {' and '.join(f'{size.size:,}' for size in step.sizes)} rows, which do not tell "
        )
        summary += f"its growth: it takes two sizes, the larger {SPREAD} times the smaller."
        remedy = "Name such sizes in [dataset], as in sizes = [1_000, 10_000]."
        return Answer(Status.NOTED, step.subject, summary, remedy=remedy, evidence=evidence)
    for at, large in enumerate(step.sizes):
        for small in step.sizes[:at]:
            for what, measured, allowed in _limits(small, large):
                if measured > allowed:
                    return Answer(
                        Status.BROKEN,
                        step.subject,
                        f"{name} costs more as the table grows: its {what} grow faster than the heights "
                        f"of its indexes from {small.size:,} to {large.size:,} rows.",
                        expected=f"at most {allowed:,} {what} at {large.size:,} rows",
                        actual=f"{measured:,}",
                        remedy="Look for a Seq Scan in the plan; CREATE INDEX on the columns in the step's WHERE.",
                        evidence=evidence,
                    )
    first, last = step.sizes[0], step.sizes[-1]
    summary = f"{name} grows no faster than the heights of its indexes: {first.buffers} buffers at {first.size:,} rows, "
    summary += f"{last.buffers} at {last.size:,}."
    return Answer(Status.KEPT, step.subject, summary, evidence=evidence)


def _limits(small: SizeFigures, large: SizeFigures) -> Iterator[tuple[str, int, int]]:
    from pgcontract.performance.growth import SLACK

    yield "buffers", large.buffers, small.buffers + max(large.descents() - small.descents(), 0) + SLACK
    yield "bytes of WAL", large.wal_bytes, round(small.wal_bytes * _WAL_FACTOR) + _WAL_MORE


@check("write.hot", subjects=steps, severity=Severity.WARNING, head=True, measures=[MeasurementKind.WRITES])
def write_hot(context: Context) -> Iterator[Answer]:
    """An update that changes no indexed column is HOT: it adds no index entry.

    Why it matters: an update that is not HOT adds a new entry to every index of the table, whichever columns it changes,
    and leaves the old ones to VACUUM.
    How it is measured: the server's count of HOT updates over 30 committed runs at each size, with no other transaction
    open on the server. The columns that change are read with a temporary AFTER trigger, in a transaction that is rolled
    back. Where an index contains one of them, no update can be HOT, and that is reported; else more than half of the
    updates must be HOT.
    What to do: leave space on the pages with a lower fillfactor, or remove the column that the step or a trigger changes
    from the index.
    """
    return judge_steps(context, "write.hot", _hot_answer)


def _hot_answer(step: StepWrites) -> Answer:
    name = f"The step {step.step.name} of {step.flow.name}"
    shares = [size.hot_share for size in step.sizes if size.hot_share is not None]
    if step.kind != "update" or not shares:
        return Answer(Status.NOTED, step.subject, f"{name} updates no row.")
    changed = step.sizes[-1].ablation.changed
    by_trigger = [column for column in changed if column not in step.sizes[-1].ablation.changed_without_triggers]
    evidence = [
        Evidence(
            title="HOT updates",
            columns=("size", "HOT", "runs"),
            rows=tuple((f"{size.size:,}", f"{size.hot_share or 0:.0%}", str(size.n)) for size in step.sizes),
        ),
        Evidence(
            title="Columns that change",
            columns=("column", "changed by", "indexes that hold it"),
            rows=tuple(
                (
                    column,
                    "a trigger" if column in by_trigger else "the step",
                    ", ".join(index.name for index in step.indexes if column in index.columns),
                )
                for column in changed
            ),
        ),
    ]
    if step.prevented_by:
        indexes = ", ".join(index.name for index in step.prevented_by)
        summary = f"No update by {name[0].lower()}{name[1:]} can be HOT: it changes what {indexes} "
        summary += ("holds" if len(step.prevented_by) == 1 else "hold") + "."
        return Answer(Status.NOTED, step.subject, summary, evidence=evidence)
    if min(shares) > _MIN_HOT_SHARE:
        return Answer(Status.KEPT, step.subject, f"Updates by {name[0].lower()}{name[1:]} are HOT.", evidence=evidence)
    if step.packed:
        summary = (
            f"Whether updates by {name[0].lower()}{name[1:]} are HOT is not shown: it updates rows of the data set, "
        )
        summary += "whose pages were loaded full."
        return Answer(Status.NOTED, step.subject, summary, evidence=evidence)
    return Answer(
        Status.BROKEN,
        step.subject,
        f"{name} changes no indexed column, and yet its updates are not HOT: their pages have no room.",
        expected="more than 50% HOT",
        actual=f"{min(shares):.0%}",
        remedy=f"ALTER TABLE {step.table} SET (fillfactor = 90); or keep its rows smaller.",
        evidence=evidence,
    )
