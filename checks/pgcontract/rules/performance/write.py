"""Writes: what each step of a flow costs among loaded rows, how that grows, and whether indexes stand in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pgcontract.contract import Flow
from pgcontract.performance.growth import LEAST_SIZES, SLACK
from pgcontract.performance.writes import SizeFigures, StepWrites, writes
from pgcontract.performance.writes.ablation import Cost
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.scenarios.player import tell_rows
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

# Log grows with a tree's height by nothing, and with a key by what is not alike in two neighbours.
_WAL_FACTOR: Final = 1.5
_WAL_MORE: Final = 256
_MOSTLY: Final = 0.5


def flows_of(promise: Promise) -> tuple[Flow, ...]:
    return promise.contract.flows if promise.contract else ()


def steps(promise: Promise) -> Iterator[str]:
    """`checkout.submit`: each step of each flow that the contract declares."""
    return (f"{flow.name}.{step.name}" for flow in flows_of(promise) for step in flow.steps)


def each_step(trial: Trial, judge: Callable[[StepWrites], Finding], conditions: bool = True) -> Iterator[Finding]:
    """The answers of `judge`, and UNKNOWN for a step that could not be measured."""
    if not flows_of(trial.promise):
        return
    measured = writes(trial)
    for step in measured.steps:
        if step.why_not is not None:
            yield answer(
                Status.UNKNOWN,
                step.subject,
                f"The step {step.step.name} of {step.flow.name} cannot be measured: {step.why_not}.",
                remedy="Mend the step, or give lives values of their own: a text of the flow may hold {actor}.",
                origin=step.step.origin,
            )
        else:
            finding = judge(step)
            told = Evidence(title="Conditions", text=measured.conditions)
            yield answer(
                finding.status,
                finding.subject,
                finding.summary,
                expected=finding.expected,
                actual=finding.actual,
                remedy=finding.remedy,
                severity=finding.severity,
                evidence=(*finding.evidence, told),
                origin=step.step.origin,
            )


@check("write.cost", subjects=steps, severity=Severity.WARNING, head=True)
def write_cost(trial: Trial) -> Iterator[Finding]:
    """Each step of the application writes its declared rows among loaded ones, at a cost that is told.

    Why it matters: an UPDATE that finds one row in an empty table may find a thousand in a full one; and each index is
    paid for at every write, whether a query uses it or not.
    How it is measured: 30 lives at each size on a copy of the loaded database, each write committed, nothing else open
    on its server; the whole call by EXPLAIN (ANALYZE, BUFFERS, WAL), entries and bytes by index as the write-ahead log
    holds them. The step is then played without each index, in a transaction that is undone.
    What to do: where too many rows are written, name the row by its key. An index that no query needs is a cost alone.
    """
    return each_step(trial, _cost)


def _cost(step: StepWrites) -> Finding:
    wanted = (step.step.rows,)
    wrong = next((each for each in step.sizes if each.rows_changed != wanted), None)
    last = step.sizes[-1]
    entries = "" if last.index_entries is None else f", {_entries(last.index_entries)}"
    name = f"The step {step.step.name} of {step.flow.name}"
    evidence = [
        Evidence(title="What one play costs, as a median", columns=_COLUMNS, rows=tuple(map(_row, step.sizes))),
        *_by_relation(step),
        Evidence(title="The plan", text=last.arms.plan),
    ]
    if wrong is None:
        told = f"{name} writes {tell_rows(step.step.rows)}, with {last.wal_records} records of log{entries}."
        return answer(Status.KEPT, step.subject, told, evidence=evidence)
    found = " or ".join(tell_rows(each) for each in wrong.rows_changed)
    return answer(
        Status.BROKEN,
        step.subject,
        f"{name} writes {found} among {wrong.size:,}, where it should write {tell_rows(step.step.rows)}.",
        expected=tell_rows(step.step.rows),
        actual=found,
        remedy="Name the row by its key in WHERE, or declare how many rows the step writes.",
        evidence=evidence,
    )


_COLUMNS: Final = (
    *("size", "rows in the table", "log records", "log bytes", "full pages", "buffers", "index entries", "HOT"),
    *("p50 µs", "p95 µs", "triggers' log bytes", "triggers' µs", "plays"),
)


def _row(each: SizeFigures) -> tuple[str, ...]:
    return (
        *(f"{each.size:,}", f"{each.rows:,}", str(each.wal_records), f"{each.wal_bytes:,}", str(each.images)),
        *(f"{each.buffers:,}", "not shown" if each.index_entries is None else str(each.index_entries)),
        *("" if each.hot_share is None else f"{each.hot_share:.0%}", f"{each.p50_us:,.0f}", f"{each.p95_us:,.0f}"),
        "not shown" if each.trigger_wal_bytes is None else f"{each.trigger_wal_bytes:,}",
        *(f"{each.trigger_us:,.0f}", str(each.n)),
    )


def _by_relation(step: StepWrites) -> Iterator[Evidence]:
    """Where the log's bytes go, and what the step costs without each index."""
    last = step.sizes[-1]
    if last.shares:
        yield Evidence(
            title=f"Where the log's bytes go, at {last.size:,} rows",
            columns=("relation", "log bytes", "index entries"),
            rows=tuple(
                (each.relation or "none", f"{each.wal_bytes:,}", str(each.entries) if each.is_index else "")
                for each in last.shares
            ),
        )
    arms = step.by_index
    if arms is not None:
        yield Evidence(
            title=f"Without each index, at {arms.size:,} rows",
            columns=("index", "buffers", "HOT"),
            rows=(("all are there", *_arm(arms.arms.as_is)), *_without(arms)),
        )


def _without(figures: SizeFigures) -> Iterator[tuple[str, ...]]:
    for name, arm in figures.arms.without_index.items():
        if isinstance(arm, Cost):
            yield name, *_arm(arm)
        else:
            yield name, arm, ""


def _arm(cost: Cost) -> tuple[str, str]:
    return f"{cost.buffers:,}", "" if cost.hot is None else f"{cost.hot:.0%}"


def _entries(count: int) -> str:
    return "1 index entry" if count == 1 else f"{count or 'no'} index entries"


@check("write.growth", subjects=steps, severity=Severity.WARNING, head=True)
def write_growth(trial: Trial) -> Iterator[Finding]:
    """A write among a hundred times the rows costs no more than the heights of the indexes it goes through.

    Why it matters: a write that reads the whole table is quick on the day it is tested, and slower with every customer.
    How it is measured: medians of buffers and of log bytes over 30 plays at each size. Buffers may grow by three
    descents of each B-tree on the tables that the step touches (to find the row, to look for a conflict, to enter the
    key), and four pages; the log by half and 256 bytes. No time decides.
    What to do: an index on what the step's WHERE names, or on what a trigger or a foreign key of it looks up.
    """
    return each_step(trial, _growth)


def _growth(step: StepWrites) -> Finding:
    name = f"The step {step.step.name} of {step.flow.name}"
    evidence = [
        Evidence(
            title="Growth, as medians",
            columns=("size", "rows in the table", "buffers", "heights of its B-trees", "log bytes"),
            rows=tuple(
                (f"{each.size:,}", f"{each.rows:,}", f"{each.buffers:,}", str(each.height), f"{each.wal_bytes:,}")
                for each in step.sizes
            ),
        ),
        Evidence(title=f"The plan at {step.sizes[-1].size:,} rows", text=step.sizes[-1].arms.plan),
    ]
    if len(step.sizes) < LEAST_SIZES:
        told = f"{name} is measured at {len(step.sizes)} sizes; growth is not shown by fewer than {LEAST_SIZES}."
        remedy = "Give [dataset] three sizes."
        return answer(Status.UNKNOWN, step.subject, told, remedy=remedy, evidence=evidence)
    for at, large in enumerate(step.sizes):
        for small in step.sizes[:at]:
            for what, found, allowed in _limits(small, large):
                if found > allowed:
                    return answer(
                        Status.BROKEN,
                        step.subject,
                        f"{name} touches or writes more the more rows there are: its {what} grow beyond the heights "
                        f"of its indexes from {small.size:,} to {large.size:,} rows.",
                        expected=f"at most {allowed:,} {what} at {large.size:,} rows",
                        actual=f"{found:,}",
                        remedy="Look at the plan for a Seq Scan; an index on what the step looks up ends it.",
                        evidence=evidence,
                    )
    first, last = step.sizes[0], step.sizes[-1]
    told = f"{name} grows by the heights of its indexes at most: {first.buffers} buffers at {first.size:,} rows, "
    told += f"{last.buffers} at {last.size:,}."
    return answer(Status.KEPT, step.subject, told, evidence=evidence)


def _limits(small: SizeFigures, large: SizeFigures) -> Iterator[tuple[str, int, int]]:
    yield "buffers", large.buffers, small.buffers + max(large.descents() - small.descents(), 0) + SLACK
    yield "bytes of log", large.wal_bytes, round(small.wal_bytes * _WAL_FACTOR) + _WAL_MORE


@check("write.hot", subjects=steps, severity=Severity.WARNING, head=True)
def write_hot(trial: Trial) -> Iterator[Finding]:
    """An update that changes no indexed column is HOT: it enters no index.

    Why it matters: an update that is not HOT writes a new entry into every index of the table, whichever columns it
    changes, and leaves the old ones to VACUUM.
    How it is measured: the server's count of HOT updates over 30 committed plays at each size, with no other
    transaction open on the server; the columns that change by an AFTER trigger of ours, in a transaction that is undone.
    Where an index holds one of them, no update can be HOT and that is told; else more than half of them must be.
    What to do: leave room on the pages with a lower fillfactor, or take the column that the step or a trigger changes
    out of the index.
    """
    return each_step(trial, _hot)


def _hot(step: StepWrites) -> Finding:
    name = f"The step {step.step.name} of {step.flow.name}"
    shares = [each.hot_share for each in step.sizes if each.hot_share is not None]
    if step.kind != "update" or not shares:
        return answer(Status.NOTED, step.subject, f"{name} updates no row.")
    changed = step.sizes[-1].arms.changed
    by_trigger = [each for each in changed if each not in step.sizes[-1].arms.changed_alone]
    evidence = [
        Evidence(
            title="HOT updates",
            columns=("size", "HOT", "plays"),
            rows=tuple((f"{each.size:,}", f"{each.hot_share or 0:.0%}", str(each.n)) for each in step.sizes),
        ),
        Evidence(
            title="Columns that change",
            columns=("column", "changed by", "indexes that hold it"),
            rows=tuple(
                (
                    column,
                    "a trigger" if column in by_trigger else "the step",
                    ", ".join(each.name for each in step.indexes if column in each.columns),
                )
                for column in changed
            ),
        ),
    ]
    if step.prevented_by:
        indexes = ", ".join(each.name for each in step.prevented_by)
        told = f"No update by {name[0].lower()}{name[1:]} can be HOT: it changes what {indexes} "
        told += ("holds" if len(step.prevented_by) == 1 else "hold") + "."
        return answer(Status.NOTED, step.subject, told, evidence=evidence)
    if min(shares) > _MOSTLY:
        return answer(Status.KEPT, step.subject, f"Updates by {name[0].lower()}{name[1:]} are HOT.", evidence=evidence)
    return answer(
        Status.BROKEN,
        step.subject,
        f"{name} changes no indexed column, and yet its updates are not HOT: their pages have no room.",
        expected="more than 50% HOT",
        actual=f"{min(shares):.0%}",
        remedy="Set a lower fillfactor on the table, or keep its rows smaller.",
        evidence=evidence,
    )
