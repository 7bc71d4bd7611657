"""What was measured, as the plain JSON of `Run.facts["performance"]`: read by `reporting.performance_facts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgcontract.contract import Growth
from pgcontract.performance.growth import LINEAR, SLACK, SizeCost, exponent, median, p95
from pgcontract.performance.latency import Latencies, SizeTimes, latencies
from pgcontract.performance.loading import get_loaded_server
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.performance.queries.index_advice import IndexAdvice, index_advice
from pgcontract.performance.queries.query_costs import MeasuredQuery, measured_queries, size_facts
from pgcontract.performance.queries.without_index import ControlRun, runs_without_index
from pgcontract.performance.writes import SizeFigures, StepWrites, measured_writes
from pgcontract.performance.writes.ablation import StepCost
from pgcontract.probes.context import Context

# A write may cost what the heights of the indexes cost, and no more: what `write.growth` asks of every step.
_WRITE_GROWTH = "O(log n)"


@dataclass(frozen=True, kw_only=True)
class MeasuredPromise:
    """A promise in the head's state, and what the checks that were asked of it have measured."""

    context: Context
    kinds: frozenset[MeasurementKind]


def performance_facts(promises: Iterable[MeasuredPromise]) -> dict[str, Any] | None:
    """Everything that checks have measured, in the order of the chain; None where nothing was.

    It asks the facts that those checks asked, so nothing is measured again, and nothing that no check has measured.
    """
    queries: list[dict[str, Any]] = []
    times: list[dict[str, Any]] = []
    yardsticks: list[dict[str, Any]] = []
    writes: list[dict[str, Any]] = []
    latency_conditions = write_conditions = load_conditions = ""
    for promise in promises:
        context, kinds, key = promise.context, promise.kinds, promise.context.promise.migration.key
        timed = latencies(context) if MeasurementKind.LATENCIES in kinds else None
        times_by_query = _times_by_query(timed)
        if MeasurementKind.QUERY_COSTS in kinds:
            load_conditions = get_loaded_server(context).conditions
            control_runs = runs_without_index(context) if MeasurementKind.CONTROL_RUNS in kinds else {}
            advice = index_advice(context) if MeasurementKind.INDEX_ADVICE in kinds else {}
            for measured_query in measured_queries(context):
                name = measured_query.query.name
                queries.append(
                    _query_facts(measured_query, key, control_runs.get(name, ()), advice.get(name, ()), times_by_query)
                )
        if timed is not None:
            latency_conditions = timed.conditions
            times += (
                {**_latency_facts(name, size.size, size.server), "migration": key}
                for (name, _), size in times_by_query.items()
            )
            if timed.select_1.n:
                yardsticks.append(_latency_facts("SELECT 1 by a client", None, timed.select_1))
        if MeasurementKind.WRITES in kinds:
            measured = measured_writes(context)
            write_conditions = measured.conditions
            writes += ({"migration": key, **_write_facts(step)} for step in measured.steps if step.why_not is None)
    if not (queries or writes):
        return None
    return {
        "queries": queries,
        "latency": [*times, *sorted(yardsticks, key=lambda yardstick: -yardstick["n"])[:1]],
        "writes": writes,
        "conditions": latency_conditions or write_conditions or load_conditions,
    }


def _times_by_query(timed: Latencies | None) -> dict[tuple[str, int], SizeTimes]:
    """The times by query and size."""
    if timed is None:
        return {}
    return {(query.query.name, size.size): size for query in timed.queries for size in query.sizes}


def _query_facts(
    measured: MeasuredQuery,
    key: str,
    controls: Iterable[ControlRun],
    advice: Iterable[IndexAdvice],
    times_by_query: Mapping[tuple[str, int], SizeTimes],
) -> dict[str, Any]:
    query = measured.query
    without = {control.size: [call.buffers for call in control.without_index] for control in controls}
    budget = query.budget
    sizes = []
    costs = [shown_size.cost for shown_size in measured.measurements]
    for size, allowed in zip(size_facts(measured), _allowed_pages(query.growth, costs), strict=True):
        size["allowed"] = allowed
        rows = int(str(size["rows"]))
        bare = without.get(rows)
        size |= {"without_index_median": median(bare) if bare else None, "without_samples": len(bare or ())}
        if at := times_by_query.get((query.name, rows)):
            size |= {"p50_us": at.server.p50_us, "p95_us": at.server.p95_us, "p99_us": at.server.p99_us}
            size |= {"n": at.server.n, "client_p50_us": at.client.p50_us}
        sizes.append(size)
    slope = exponent(costs)
    return {
        "name": query.name,
        "migration": key,
        "sql": query.sql,
        "purpose": query.purpose,
        "index": query.index,
        "growth": query.growth,
        "budget": {"buffers": budget.buffers, "round_trips": budget.round_trips, "ms": budget.ms} if budget else None,
        "sizes": sizes,
        "exponent": list(slope) if slope else None,
        "advice": [
            {"ddl": advised.ddl, "rows": advised.size, "before": advised.before, "after": advised.after}
            for advised in advice
        ],
    }


def _allowed_pages(growth: Growth | None, costs: Sequence[SizeCost]) -> Iterator[float | None]:
    """The pages that the promise allows at each size, as `growth.exceeds` judges it from the smallest one on."""
    for at, size_cost in enumerate(costs):
        first = costs[0]
        if growth is None:
            yield None
        elif at == 0:
            yield first.buffers
        elif growth == "O(n)":
            yield first.buffers * size_cost.size / first.size * LINEAR + SLACK
        else:
            rest = [p95([cost.unexplained for cost in size.costs]) for size in (first, size_cost)]
            yield size_cost.buffers - rest[1] + rest[0] + SLACK + median([cost.searches for cost in size_cost.costs])


def _latency_facts(name: str, rows: int | None, times: Any) -> dict[str, Any]:
    return {"name": name, "rows": rows, "quantiles_us": list(times.quantiles_us), "n": times.n}


def _write_facts(step: StepWrites) -> dict[str, Any]:
    return {
        "flow": step.flow.name,
        "step": step.step.name,
        "kind": step.kind,
        "sizes": [_write_size_facts(size) for size in step.sizes],
        "indexes": list(_index_shares(step)),
        "growth": None if step.kind == "none" else _WRITE_GROWTH,
    }


def _write_size_facts(size_figures: SizeFigures) -> dict[str, Any]:
    return {
        "rows": size_figures.size,
        "wal_records": size_figures.wal_records,
        "wal_bytes": size_figures.wal_bytes,
        "buffers": size_figures.buffers,
        "index_entries": size_figures.index_entries,
        "hot_share": size_figures.hot_share,
        "p50_us": size_figures.p50_us,
        "p95_us": size_figures.p95_us,
        "trigger_wal_bytes": size_figures.trigger_wal_bytes,
        "trigger_us": size_figures.trigger_us,
        "n": size_figures.n,
    }


def _index_shares(step: StepWrites) -> Iterator[dict[str, Any]]:
    """What each index adds at the largest size by the log; where it cannot be read, at the size it was dropped at."""
    largest = step.sizes[-1] if step.sizes else None
    if largest is not None and largest.shares is not None:
        for share in largest.shares:
            if share.is_index:
                yield {"name": share.relation, "wal_bytes": share.wal_bytes, "entries": share.entries}
    elif (size := step.size_without_indexes) is not None:
        for name, without in size.ablation.without_index.items():
            more = size.ablation.as_is.extra_wal_bytes(without) if isinstance(without, StepCost) else None
            if more is not None:
                yield {"name": name, "wal_bytes": max(more, 0), "entries": None}
