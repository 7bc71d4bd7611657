"""What was measured, as the plain JSON of `Run.facts["performance"]`: its shapes are those of `report.performance`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pgcontract.contract import Growth
from pgcontract.performance.growth import LINEAR, SLACK, SizeCost, exponent, median, p95
from pgcontract.performance.latency import Latencies, SizeTimes
from pgcontract.performance.loading import Bench
from pgcontract.performance.queries.index_advice import Advice
from pgcontract.performance.queries.query_costs import Measured, told_sizes
from pgcontract.performance.queries.without_index import Control
from pgcontract.performance.writes import SizeFigures, StepWrites, Writes
from pgcontract.performance.writes.ablation import Cost
from pgcontract.probes.context import Trial

# A write may cost what the heights of the indexes cost, and no more: what `write.growth` asks of every step.
_OF_A_WRITE = "O(log n)"


def told(head: Trial) -> dict[str, Any] | None:
    """Everything that was measured in the head's state, of whatever migration's promises; None where nothing was.
    It asks nothing by itself: what a selection left out is not told."""
    queries: list[dict[str, Any]] = []
    times: list[dict[str, Any]] = []
    yardsticks: list[dict[str, Any]] = []
    conditions: str | None = None
    for trial in head.judged:
        stem = trial.promise.migration.stem
        latencies: Latencies | None = trial.known("measure/latency")
        clocked = _clocked(latencies)
        for each in trial.known("measure/queries") or ():
            controls = (trial.known("measure/queries/controls") or {}).get(each.query.name, ())
            tried = (trial.known("measure/queries/advice") or {}).get(each.query.name, ())
            queries.append(_query(each, stem, controls, tried, clocked))
        times += ({**_line(name, size.size, size.server), "migration": stem} for (name, _), size in clocked.items())
        if latencies is not None:
            conditions = latencies.conditions
            if latencies.select_1.n:
                yardsticks.append(_line("SELECT 1 by a client", None, latencies.select_1))
    written: Mapping[str, Writes] = head.known("measure/writes") or {}
    writes = [
        {"migration": stem, **_write(step)}
        for stem, each in written.items()
        for step in each.steps
        if step.why_not is None
    ]
    if not (queries or writes):
        return None
    bench: Bench | None = head.known("load/bench")
    conditions = conditions or next((each.conditions for each in written.values()), bench.conditions if bench else "")
    return {
        "queries": queries,
        "latency": [*times, *sorted(yardsticks, key=lambda each: -each["n"])[:1]],
        "writes": writes,
        "conditions": conditions,
    }


def _clocked(latencies: Latencies | None) -> dict[tuple[str, int], SizeTimes]:
    """The times by query and size."""
    if latencies is None:
        return {}
    return {(each.query.name, size.size): size for each in latencies.queries for size in each.sizes}


def _query(
    measured: Measured,
    stem: str,
    controls: Iterable[Control],
    advice: Iterable[Advice],
    clocked: Mapping[tuple[str, int], SizeTimes],
) -> dict[str, Any]:
    query = measured.query
    without = {each.size: [call.buffers for call in each.absent] for each in controls}
    budget = query.budget
    sizes = []
    costs = [each.cost for each in measured.readings]
    for size, allowed in zip(told_sizes(measured), _allowed(query.growth, costs), strict=True):
        size["allowed"] = allowed
        rows = int(str(size["rows"]))
        bare = without.get(rows)
        size |= {"without_index_median": median(bare) if bare else None, "without_samples": len(bare or ())}
        if at := clocked.get((query.name, rows)):
            size |= {"p50_us": at.server.p50_us, "p95_us": at.server.p95_us, "p99_us": at.server.p99_us}
            size |= {"n": at.server.n, "client_p50_us": at.client.p50_us}
        sizes.append(size)
    slope = exponent(costs)
    return {
        "name": query.name,
        "migration": stem,
        "sql": query.sql,
        "purpose": query.purpose,
        "index": query.index,
        "growth": query.growth,
        "budget": {"buffers": budget.buffers, "round_trips": budget.round_trips, "ms": budget.ms} if budget else None,
        "sizes": sizes,
        "exponent": list(slope) if slope else None,
        "advice": [{"ddl": each.ddl, "rows": each.size, "before": each.before, "after": each.after} for each in advice],
    }


def _allowed(growth: Growth | None, costs: Sequence[SizeCost]) -> Iterator[float | None]:
    """The pages that the promise allows at each size, as `growth.exceeds` judges it from the smallest one on."""
    for at, each in enumerate(costs):
        first = costs[0]
        if growth is None:
            yield None
        elif at == 0:
            yield first.buffers
        elif growth == "O(n)":
            yield first.buffers * each.size / first.size * LINEAR + SLACK
        else:
            rest = [p95([cost.rest for cost in size.costs]) for size in (first, each)]
            yield each.buffers - rest[1] + rest[0] + SLACK + median([cost.searches for cost in each.costs])


def _line(name: str, rows: int | None, times: Any) -> dict[str, Any]:
    return {"name": name, "rows": rows, "quantiles_us": list(times.quantiles_us), "n": times.n}


def _write(step: StepWrites) -> dict[str, Any]:
    return {
        "flow": step.flow.name,
        "step": step.step.name,
        "kind": step.kind,
        "sizes": [_write_size(each) for each in step.sizes],
        "indexes": list(_shares(step)),
        "growth": None if step.kind == "none" else _OF_A_WRITE,
    }


def _write_size(each: SizeFigures) -> dict[str, Any]:
    return {
        "rows": each.size,
        "wal_records": each.wal_records,
        "wal_bytes": each.wal_bytes,
        "buffers": each.buffers,
        "index_entries": each.index_entries,
        "hot_share": each.hot_share,
        "p50_us": each.p50_us,
        "p95_us": each.p95_us,
        "trigger_wal_bytes": each.trigger_wal_bytes,
        "trigger_us": each.trigger_us,
        "n": each.n,
    }


def _shares(step: StepWrites) -> Iterator[dict[str, Any]]:
    """What each index adds at the largest size by the log; where it cannot be read, at the size it was dropped at."""
    largest = step.sizes[-1] if step.sizes else None
    if largest is not None and largest.shares is not None:
        for each in largest.shares:
            if each.is_index:
                yield {"name": each.relation, "wal_bytes": each.wal_bytes, "entries": each.entries}
    elif (size := step.by_index) is not None:
        for name, without in size.arms.without_index.items():
            more = size.arms.as_is.more_than(without) if isinstance(without, Cost) else None
            if more is not None:
                yield {"name": name, "wal_bytes": max(more, 0), "entries": None}
