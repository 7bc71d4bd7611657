"""How long a declared query takes: noted with its conditions, and judged only where its budget names a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.contract import Query
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.latency import Latencies, QueryTimes, SizeTimes


def _queries(promise: Promise) -> Iterator[str]:
    return (query.name for query in promise.of(Query))


@check(
    "query.latency",
    subjects=_queries,
    severity=Severity.WARNING,
    head=True,
    measures=[MeasurementKind.QUERY_COSTS, MeasurementKind.LATENCIES],
    timed=True,
)
def query_latency(context: Context) -> Iterator[Answer]:
    """A declared query stays within the time of its budget.

    Why it matters: pages and plans show how a query scales; they do not show how long somebody waits for it.
    How it is measured: a loop in the server takes the time before and after the query, with every column converted to
    text. A client's round trips are measured too, and those of a SELECT 1 for comparison. Queries and sizes alternate in
    shuffled blocks over several connections, while pgcontract runs nothing else. Only p95 at the largest size is judged,
    and only where the budget gives ms (in the server) or round_trips (the client's p95 over the median SELECT 1).
    What to do: declare a budget in pages instead, which are the same on every machine; or raise the time to allow for a
    busy machine.
    """

    from pgcontract.performance.latency import latencies

    if context.promise.contract is None or not context.promise.contract.of(Query):
        return
    timed = latencies(context)
    for query in timed.queries:
        if query.why_not is not None or not query.sizes:
            summary = f"The query {query.query.name} is not timed, since it could not be measured; query.runs says why."
            yield Answer(Status.NOTED, query.query.name, summary, origin=query.query.origin)
        else:
            yield _latency_answer(query, timed)


def _latency_answer(query_times: QueryTimes, timed: Latencies) -> Answer:
    name, last = query_times.query.name, query_times.sizes[-1]
    budget = query_times.query.budget
    limits = []
    if budget and budget.ms is not None:
        limits.append((budget.ms, last.server.p95_us / 1000, "ms in the server"))
    if budget and budget.round_trips is not None:
        limits.append((budget.round_trips, last.client.p95_us / timed.select_1.p50_us, "round trips"))
    evidence = _evidence(query_times, timed)
    for limit, took, unit in limits:
        if took > limit:
            return Answer(
                Status.BROKEN,
                name,
                f"The query {name} takes longer than its budget of {limit:g} {unit}, at p95 among {last.size:,} rows.",
                expected=f"at most {limit:g} {unit}",
                actual=f"{took:.3g} {unit}",
                remedy="Look at its plan and at its pages, which do not depend on the machine; or raise its budget.",
                evidence=evidence,
                origin=query_times.query.origin,
            )
    if limits:
        budget_text = " and ".join(f"{limit:g} {unit}" for limit, _, unit in limits)
        summary = f"The query {name} stays within {budget_text}, at p95 among {last.size:,} rows."
        return Answer(Status.KEPT, name, summary, evidence=evidence, origin=query_times.query.origin)
    summary = f"The query {name} has no time budget; its times are only reported."
    return Answer(Status.NOTED, name, summary, evidence=evidence, origin=query_times.query.origin)


def _evidence(query_times: QueryTimes, timed: Latencies) -> tuple[Evidence, ...]:
    columns = (
        "size",
        "p50 µs",
        "p95 µs",
        "p99 µs",
        "calls",
        "round trip p50 µs",
        "p95 µs",
        "in SELECT 1s at p50",
        "trips",
    )
    yardstick = f"SELECT 1 by the same client: p50 {timed.select_1.p50_us:,.0f} µs, p95 {timed.select_1.p95_us:,.0f} µs, "
    yardstick += f"n = {timed.select_1.n}"
    return (
        Evidence(
            title="Time of one call in the server, and a client's round trip",
            columns=columns,
            rows=tuple(_row(size, timed.select_1.p50_us) for size in query_times.sizes),
        ),
        Evidence(
            title="Conditions",
            text=f"{timed.conditions}\n{yardstick}\nthe clock itself takes {timed.clock_us:.1f} µs of each time in the "
            "server, which are not subtracted\ntimes are of this machine and of its load",
        ),
    )


def _row(size: SizeTimes, select_1_us: float) -> tuple[str, ...]:
    server, client = size.server, size.client
    p99 = "not shown" if server.p99_us is None else f"{server.p99_us:,.0f}"
    return (
        *(f"{size.size:,}", f"{server.p50_us:,.0f}", f"{server.p95_us:,.0f}", p99, str(server.n)),
        *(f"{client.p50_us:,.0f}", f"{client.p95_us:,.0f}", f"{client.p50_us / select_1_us:.1f}", str(client.n)),
    )
