"""What was measured, as the values that a Run holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pgcontract.performance.growth import allowed_buffers, exponent, median
from pgcontract.performance.latency import Latencies, SizeTimes, Times, latencies
from pgcontract.performance.loading import get_loaded_server
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.performance.queries.index_advice import IndexAdvice, index_advice
from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryMeasurement, measured_queries
from pgcontract.performance.queries.without_index import ControlRun, runs_without_index
from pgcontract.performance.writes import SizeFigures, StepWrites, measured_writes
from pgcontract.performance.writes.ablation import StepCost
from pgcontract.probes.context import Context
from pgcontract.result.measurements import (
    CallTimes,
    IndexShare,
    IndexTrial,
    Measurements,
    QueryAtSize,
    QueryBudget,
    QueryFigures,
    WriteAtSize,
    WriteFigures,
)
from pgcontract.values import dataclass

# A write may cost what the heights of the indexes cost, and no more: what `write.growth` asks of every step.
_WRITE_GROWTH = "O(log n)"


@dataclass(frozen=True, kw_only=True)
class MeasuredPromise:
    """A promise in the head's state, and what the checks that were asked of it have measured."""

    context: Context
    kinds: frozenset[MeasurementKind]


def collect_measurements(promises: Iterable[MeasuredPromise]) -> Measurements:
    """Everything that checks have measured, in the order of the chain.

    It asks the facts that those checks asked, so nothing is measured again, and nothing that no check has measured.
    """
    queries: list[QueryFigures] = []
    times: list[CallTimes] = []
    baselines: list[CallTimes] = []
    writes: list[WriteFigures] = []
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
                    _query_figures(measured_query, key, control_runs.get(name, ()), advice.get(name, ()), times_by_query)
                )
        if timed is not None:
            latency_conditions = timed.conditions
            times += (_call_times(name, size.server, key, size.size) for (name, _), size in times_by_query.items())
            if timed.select_1.n:
                baselines.append(_call_times("SELECT 1 by a client", timed.select_1))
        if MeasurementKind.WRITES in kinds:
            measured = measured_writes(context)
            write_conditions = measured.conditions
            writes += (_write_figures(step, key) for step in measured.steps if step.why_not is None)
    if not (queries or writes):
        return Measurements()
    return Measurements(
        queries=tuple(queries),
        times=(*times, *sorted(baselines, key=lambda baseline: -baseline.n)[:1]),
        writes=tuple(writes),
        conditions=latency_conditions or write_conditions or load_conditions,
    )


def _times_by_query(timed: Latencies | None) -> dict[tuple[str, int], SizeTimes]:
    """The times by query and size."""
    if timed is None:
        return {}
    return {(query.query.name, size.size): size for query in timed.queries for size in query.sizes}


def _call_times(name: str, times: Times, migration: str = "", rows: int | None = None) -> CallTimes:
    return CallTimes(name=name, migration=migration, rows=rows, quantiles_us=times.quantiles_us, n=times.n)


def _query_figures(
    measured: MeasuredQuery,
    key: str,
    controls: Iterable[ControlRun],
    advice: Iterable[IndexAdvice],
    times_by_query: Mapping[tuple[str, int], SizeTimes],
) -> QueryFigures:
    query = measured.query
    budget = query.budget
    without_index = {control.size: [call.buffers for call in control.without_index] for control in controls}
    costs = [measurement.cost for measurement in measured.measurements]
    allowed = allowed_buffers(query.growth, costs) if query.growth else (None,) * len(costs)
    return QueryFigures(
        name=query.name,
        migration=key,
        sql=query.sql,
        purpose=query.purpose,
        index=query.index,
        growth=query.growth,
        budget=QueryBudget(buffers=budget.buffers, round_trips=budget.round_trips, ms=budget.ms) if budget else None,
        sizes=tuple(
            _query_at_size(
                measurement,
                pages,
                without_index.get(measurement.size, ()),
                times_by_query.get((query.name, measurement.size)),
            )
            for measurement, pages in zip(measured.measurements, allowed, strict=True)
        ),
        exponent=exponent(costs),
        advice=tuple(
            IndexTrial(ddl=advised.ddl, rows=advised.size, before=advised.before, after=advised.after)
            for advised in advice
        ),
    )


def _query_at_size(
    measurement: QueryMeasurement, allowed: float | None, without_index: Sequence[int], times: SizeTimes | None
) -> QueryAtSize:
    buffers = [call.buffers for call in measurement.calls]
    return QueryAtSize(
        rows=measurement.size,
        samples=len(measurement.samples),
        calls=len(buffers),
        found_median=measurement.cost.rows_found,
        buffers_median=median(buffers),
        buffers_p95=measurement.cost.buffers,
        buffers_max=max(buffers),
        without_index_median=median(without_index) if without_index else None,
        without_samples=len(without_index),
        allowed=allowed,
        height=measurement.height,
        plan=measurement.plan_summary,
        p50_us=times.server.p50_us if times else None,
        p95_us=times.server.p95_us if times else None,
        p99_us=times.server.p99_us if times else None,
        client_p50_us=times.client.p50_us if times else None,
        n=times.server.n if times else None,
    )


def _write_figures(step: StepWrites, key: str) -> WriteFigures:
    return WriteFigures(
        flow=step.flow.name,
        step=step.step.name,
        migration=key,
        kind=step.kind,
        sizes=tuple(map(_write_at_size, step.sizes)),
        indexes=tuple(_index_shares(step)),
        growth=None if step.kind == "none" else _WRITE_GROWTH,
    )


def _write_at_size(figures: SizeFigures) -> WriteAtSize:
    return WriteAtSize(
        rows=figures.size,
        wal_records=figures.wal_records,
        wal_bytes=figures.wal_bytes,
        buffers=figures.buffers,
        index_entries=figures.index_entries,
        hot_share=figures.hot_share,
        p50_us=figures.p50_us,
        p95_us=figures.p95_us,
        trigger_wal_bytes=figures.trigger_wal_bytes,
        trigger_us=figures.trigger_us,
        n=figures.n,
    )


def _index_shares(step: StepWrites) -> Iterator[IndexShare]:
    """What each index adds at the largest size by the log; where it cannot be read, at the size it was dropped at."""
    largest = step.sizes[-1] if step.sizes else None
    if largest is not None and largest.shares is not None:
        for share in largest.shares:
            if share.is_index:
                yield IndexShare(name=share.relation, wal_bytes=share.wal_bytes, entries=share.entries)
    elif (size := step.size_without_indexes) is not None:
        for name, without in size.ablation.without_index.items():
            more = size.ablation.as_is.extra_wal_bytes(without) if isinstance(without, StepCost) else None
            if more is not None:
                yield IndexShare(name=name, wal_bytes=max(more, 0))
