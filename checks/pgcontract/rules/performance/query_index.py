"""The index that is meant for a query can serve it, and the planner chooses it where it is cheaper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.contract import Query
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Correctable, Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.performance.query import unmeasured_answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.queries.index_obstacles import IndexObstacle
    from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryMeasurement
    from pgcontract.performance.queries.query_plan import Call
    from pgcontract.performance.queries.without_index import ControlRun, ForcedIndex


# Another index is equivalent where the query touches no more pages than this with it.
_SIMILAR_FACTOR = 1.25
_SIMILAR_PAGES = 2
# The planner is wrong where the index would have touched less than half, and eight pages less.
_WRONG_FACTOR = 2
_WRONG_PAGES = 8


def _indexed(promise: Promise) -> Iterator[str]:
    return (query.name for query in promise.of(Query) if query.index)


@check(
    "query.index",
    subjects=_indexed,
    head=True,
    measures=[MeasurementKind.QUERY_COSTS, MeasurementKind.CONTROL_RUNS],
    correctable=Correctable.WORDS,
)
def query_index(context: Context) -> Iterator[Answer]:
    """The index that is declared for a query can serve it, and no other would do as well.

    Why it matters: an index costs every write. One that the query cannot use, because of a cast, a function or a LIKE on
    its column, gives nothing in return; nor does one when another index serves as well.
    How it is measured: with sequential scans off and every other index dropped, the generic and the custom plans must
    search the index, or read from it the order that a LIMIT needs. Then the query is called without it. Both are rolled
    back.
    What to do: change the condition to match the index, or the index to match the condition. DROP INDEX one that serves
    nothing, or nothing that another does not serve.
    """

    from pgcontract.performance.queries.query_costs import measured_queries
    from pgcontract.performance.queries.without_index import runs_without_index

    control_runs = runs_without_index(context)
    for result in measured_queries(context):
        if result.query.index is not None:
            yield (
                unmeasured_answer(result)
                or _missing_index_answer(result)
                or _index_answer(context, result, control_runs[result.query.name])
            )


def _missing_index_answer(result: MeasuredQuery) -> Answer | None:
    """The answer where the index itself is missing."""

    from pgcontract.performance.queries.without_index import index_exists

    query = result.query
    if index_exists(result):
        return None
    return Answer(
        Status.BROKEN,
        query.name,
        f"{query.index}, which {query.name} should use, does not exist.",
        expected=f"the index {query.index}",
        actual=f"none of that name among the {len(result.measurements[-1].indexes)} of the tables that it reads",
        remedy=f"Create the index, or set `index` under [query.{query.name}] to the one that serves it.",
        origin=query.origin,
    )


def _no_choice_answer(result: MeasuredQuery) -> Answer | None:
    """A note where the index itself is missing: the planner has no choice to judge."""

    from pgcontract.performance.queries.without_index import index_exists

    if index_exists(result):
        return None
    summary = f"The planner has no {result.query.index} to choose for {result.query.name}; query.index says why."
    return Answer(Status.NOTED, result.query.name, summary, origin=result.query.origin)


def _index_answer(context: Context, result: MeasuredQuery, control_runs: tuple[ControlRun, ...]) -> Answer:
    from pgcontract.performance.loading import get_loaded_server
    from pgcontract.performance.queries.index_obstacles import index_obstacles
    from pgcontract.performance.queries.query_evidence import sizes_evidence
    from pgcontract.performance.queries.without_index import forced_indexes

    query, forced = result.query, forced_indexes(context)[result.query.name]
    evidence = [sizes_evidence(result, get_loaded_server(context).conditions, control_runs)]
    if isinstance(forced, Refusal):
        summary = f"Whether {query.index} can serve {query.name} could not be tried: {forced}."
        return Answer(Status.UNKNOWN, query.name, summary, evidence=evidence, origin=query.origin)
    if not (forced.generic and forced.custom):
        return _obstacle_answer(query, forced, index_obstacles(context, query.name), evidence)
    if other := _equivalent_index(result.measurements[-1], control_runs[-1]):
        return _useless_index_answer(
            query, f"For {query.name}, {other} serves about as well as {query.index}", control_runs, evidence
        )
    if not any(_saves_pages(control_run) for control_run in control_runs) and not _would_save_pages(forced):
        return _useless_index_answer(
            query, f"{query.index} can serve {query.name}, but saves nothing at any size", control_runs, evidence
        )
    last = control_runs[-1]
    gain = (
        f": {_max_pages(last.with_index)} pages with it, {_max_pages(last.without_index)} without"
        if last.without_index
        else ""
    )
    return Answer(
        Status.KEPT,
        query.name,
        f"{query.index} serves {query.name}, in generic and custom plans{gain} at {last.size:,} rows.",
        evidence=evidence,
        origin=query.origin,
    )


def _obstacle_answer(
    query: Query, forced: ForcedIndex, reasons: tuple[IndexObstacle, ...], evidence: list[Evidence]
) -> Answer:
    reason = f": {reasons[0].reason}" if reasons else ""
    plans = (
        "any plan" if not (forced.generic or forced.custom) else "a generic plan" if forced.custom else "a custom plan"
    )
    smallest = "\n".join(f"-- {defeat.reason}\n{defeat.example}\n-- {defeat.remedy}" for defeat in reasons)
    return Answer(
        Status.BROKEN,
        query.name,
        f"{query.index} cannot serve {query.name} in {plans}{reason}.",
        severity=Severity.WARNING if forced.generic or forced.custom else None,
        expected=f"a search of {query.index}",
        actual=next((call.plan_summary for call in forced.plans), None),
        remedy=f"{reasons[0].remedy[0].upper()}{reasons[0].remedy[1:]}." if reasons else None,
        evidence=[
            *([Evidence(title="Why it cannot serve", text=smallest, language="sql")] if reasons else []),
            *evidence,
        ],
        origin=query.origin,
    )


def _useless_index_answer(
    query: Query, what: str, control_runs: tuple[ControlRun, ...], evidence: list[Evidence]
) -> Answer:
    last = control_runs[-1]
    return Answer(
        Status.BROKEN,
        query.name,
        f"{what}.",
        severity=Severity.WARNING,
        expected=f"fewer pages with {query.index} than without",
        actual=f"{_max_pages(last.with_index)} with it, {_max_pages(last.without_index)} without, at {last.size:,} rows",
        remedy=f"Drop {query.index} if no other query needs it, or declare the index that serves this one.",
        evidence=evidence,
        origin=query.origin,
    )


def _equivalent_index(measurement: QueryMeasurement, control_run: ControlRun) -> str | None:
    """Another index that serves the query at the largest size without its own, call by call about as cheaply."""
    if not control_run.without_index:
        return None
    pairs = zip(control_run.with_index, control_run.without_index, strict=True)
    if any(without.buffers > own.buffers * _SIMILAR_FACTOR + _SIMILAR_PAGES for own, without in pairs):
        return None
    scans = [scan for call in control_run.without_index for scan in call.scans if scan.condition]
    names = (index.name for index in measurement.indexes.values() for scan in scans if index.is_scanned_by(scan))
    return min(names, default=None)


def _saves_pages(control_run: ControlRun) -> bool:
    """Whether some call touches fewer pages with the index; a query that is not taken without it needs it."""
    return bool(control_run.refused) or any(
        own.buffers < without.buffers
        for own, without in zip(control_run.with_index, control_run.without_index, strict=True)
    )


def _would_save_pages(forced: ForcedIndex) -> bool:
    return any(call.buffers < chosen.buffers for chosen, call in zip(forced.chosen, forced.calls, strict=True))


def _max_pages(calls: tuple[Call, ...]) -> str:
    return f"{max((call.buffers for call in calls), default=0):,}"


@check(
    "query.planner_choice",
    subjects=_indexed,
    severity=Severity.WARNING,
    head=True,
    measures=[MeasurementKind.QUERY_COSTS],
)
def query_planner_choice(context: Context) -> Iterator[Answer]:
    """The planner uses a query's index where that is cheaper, and another plan where it is not.

    Why it matters: for a small table, or a value that most rows have, a sequential scan is right. A planner that ignores
    a cheaper index has wrong statistics or cost settings, and nobody notices until the table is large.
    How it is measured: at the largest size, for values whose call did not use the index, the query is called with the
    index alone as well, and the pages of both plans are counted. A plan that touches twice as many pages, and at least
    eight more, is a wrong choice.
    What to do: ANALYZE the table, raise the column's statistics target, or CREATE STATISTICS where columns depend on each
    other.
    """

    from pgcontract.performance.queries.query_costs import measured_queries
    from pgcontract.performance.queries.without_index import forced_indexes

    for result in measured_queries(context):
        if result.query.index is not None:
            yield (
                unmeasured_answer(result)
                or _no_choice_answer(result)
                or _choice_answer(result, forced_indexes(context)[result.query.name])
            )


def _choice_answer(result: MeasuredQuery, forced: ForcedIndex | Refusal) -> Answer:
    from pgcontract.performance.queries.query_evidence import calls_evidence
    from pgcontract.performance.queries.without_index import used

    query, measurement = result.query, result.measurements[-1]
    index = measurement.indexes[query.index or ""]
    taken = sum(used(call, index) for call in measurement.calls)
    share = f"{taken} of {len(measurement.calls)} calls at {measurement.size:,} rows"
    if taken == len(measurement.calls):
        summary = f"The planner takes {query.index} for {query.name} in {share}."
        return Answer(Status.KEPT, query.name, summary, origin=query.origin)
    if isinstance(forced, Refusal) or not forced.calls:
        summary = f"The planner takes {query.index} for {query.name} in {share}; the index cannot serve the others."
        return Answer(Status.NOTED, query.name, summary, origin=query.origin)
    evidence = [calls_evidence("The planner's plan, and the plan by the index alone", forced.chosen, forced.calls)]
    pairs = list(zip(forced.chosen, forced.calls, strict=True))
    wrong = [
        (chosen, by_index)
        for chosen, by_index in pairs
        if chosen.buffers > by_index.buffers * _WRONG_FACTOR and chosen.buffers > by_index.buffers + _WRONG_PAGES
    ]
    chosen, by_index = (wrong or pairs)[0]
    figures = f"{chosen.buffers:,} pages by {chosen.plan_summary}, {by_index.buffers:,} by {index.bare_name}"
    if wrong:
        return Answer(
            Status.BROKEN,
            query.name,
            f"The planner does not choose {query.index} for {query.name}, though it is cheaper: {figures}.",
            expected=f"{by_index.plan_summary}: {by_index.buffers:,} pages",
            actual=f"{chosen.plan_summary}: {chosen.buffers:,} pages",
            remedy="Run ANALYZE; else ALTER TABLE … ALTER COLUMN … SET STATISTICS 1000; or CREATE STATISTICS on "
            "dependent columns.",
            evidence=evidence,
            origin=query.origin,
        )
    share_found = f"of {index.table_rows:,.0f} rows {by_index.rows_found:,.0f} are found"
    return Answer(
        Status.NOTED,
        query.name,
        f"The planner takes {query.index} for {query.name} in {share}; in the others another plan is as cheap: "
        f"{figures}; {share_found}.",
        evidence=evidence,
        origin=query.origin,
    )
