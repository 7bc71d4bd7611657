"""Growth and budget of queries: the pages they touch grow no more than is promised, and are no more than is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.contract import Growth, Query
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Correctable, Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.performance.query import unmeasured_answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.growth import Excess
    from pgcontract.performance.queries.query_costs import MeasuredQuery

_ALLOWED_GROWTH: dict[Growth, str] = {
    "O(1)": "by the height of its index",
    "O(log n)": "by the height of its index",
    "O(rows)": "by the height of its index and the rows found",
    "O(n)": "in proportion to the rows",
}


def _queries_with_growth(promise: Promise) -> Iterator[str]:
    return (query.name for query in promise.of(Query) if query.growth)


def _queries_with_budget(promise: Promise) -> Iterator[str]:
    queries = promise.of(Query)
    return (query.name for query in queries if query.budget and query.budget.buffers)


@check(
    "query.growth",
    subjects=_queries_with_growth,
    head=True,
    measures=[MeasurementKind.QUERY_COSTS],
    correctable=Correctable.WORDS,
)
def query_growth(context: Context) -> Iterator[Answer]:
    """The pages that a query touches grow with the table no faster than promised.

    Why it matters: a query that reads the whole table is fast on a thousand rows and slow on a million, when it matters.
    Milliseconds on a shared machine are noise; the pages that a plan touches are the same on every run.
    How it is measured: pages at p95 are compared from size to size. O(1) and O(log n) may grow by the height of the
    indexes searched, which is read from the server, and four pages; the number of rows found must not grow with the
    table. O(rows) may also grow by two pages for each further row found, more where documents are stored out of line.
    O(n) may grow in proportion, and so may the rows processed. It takes two sizes, the larger ten times
    the smaller; with three the exponent is fitted to all calls by least squares on logarithms, with its 95 % interval.
    What to do: give the query an index or a LIMIT, or declare the growth that was measured.
    """

    from pgcontract.performance.queries.query_costs import measured_queries

    for result in measured_queries(context):
        if result.query.growth is not None:
            yield unmeasured_answer(result) or _growth_answer(context, result, result.query.growth)


def _growth_answer(context: Context, result: MeasuredQuery, growth: Growth) -> Answer:
    from pgcontract.performance.growth import SPREAD, exponent, find_excess, is_spread
    from pgcontract.performance.loading import get_loaded_server
    from pgcontract.performance.queries.index_advice import index_advice
    from pgcontract.performance.queries.query_evidence import advice_evidence, sizes_evidence

    query = result.query
    sizes = tuple(measurement.cost for measurement in result.measurements)
    evidence: list[Evidence] = [sizes_evidence(result, get_loaded_server(context).conditions)]
    if not is_spread([size.size for size in sizes]):
        return Answer(
            Status.UNKNOWN,
            query.name,
            f"The growth of {query.name} cannot be told from {' and '.join(f'{size.size:,}' for size in sizes)} rows; it "
            f"takes two sizes, the larger {SPREAD} times the smaller.",
            remedy="Name such sizes in [dataset], as in sizes = [1_000, 10_000], or leave --rows out.",
            evidence=evidence,
            origin=query.origin,
        )
    fitted = exponent(sizes)
    span = f"from {sizes[0].size:,} to {sizes[-1].size:,} rows"
    figures = " → ".join(f"{size.buffers:,.0f}" for size in sizes)
    by_power = "; exponent {1:.2f} ({0:.2f} to {2:.2f})".format(*fitted) if fitted else ""
    excess = find_excess(growth, sizes)
    if excess is None:
        return Answer(
            Status.KEPT,
            query.name,
            f"{query.name} touches {figures} pages {span}, within {growth}{by_power}.",
            evidence=evidence,
            origin=query.origin,
        )
    holds = f'set growth = "{excess.true_growth}"' if excess.true_growth else "declare a growth that holds"
    remedy = f"{holds} under [query.{query.name}]"
    indexes = index_advice(context)[query.name]
    if indexes:
        evidence.append(advice_evidence(indexes))
        remedy = f"{indexes[0].ddl}, or {remedy}"
    return Answer(
        Status.BROKEN,
        query.name,
        f"{query.name} grows faster than {growth}: {_excess_text(excess)}{by_power}.",
        expected=f"{growth}: {excess.what} grow {_ALLOWED_GROWTH[growth]}, to {excess.allowed:,.0f} at most",
        actual=f"{excess.after:,.0f} {excess.what} at {excess.large:,} rows",
        remedy=f"{remedy[0].upper()}{remedy[1:]}.",
        evidence=evidence,
        origin=query.origin,
    )


def _excess_text(excess: Excess) -> str:
    return (
        f"{excess.what} go from {excess.before:,.0f} at {excess.small:,} rows to {excess.after:,.0f} at "
        f"{excess.large:,}, where {excess.allowed:,.0f} are allowed"
    )


@check("query.budget", subjects=_queries_with_budget, head=True, measures=[MeasurementKind.QUERY_COSTS])
def query_budget(context: Context) -> Iterator[Answer]:
    """A query touches no more pages than its budget allows.

    Why it matters: pages are what a query costs everybody else: each may have to be read from disk, and pushes another
    out of memory.
    How it is measured: the pages of 8 kB that its calls touch at the largest size are counted, each access separately,
    including what it takes to send the rows (from PostgreSQL 17 on). Of a hundred calls 95 must stay within the budget:
    the p95 by nearest rank.
    What to do: find fewer rows, with a LIMIT or a narrower condition; add the columns to the index; or raise the budget.
    """

    from pgcontract.performance.queries.query_costs import measured_queries

    for result in measured_queries(context):
        if result.query.budget is not None and result.query.budget.buffers is not None:
            yield unmeasured_answer(result) or _budget_answer(context, result, result.query.budget.buffers)


def _budget_answer(context: Context, result: MeasuredQuery, allowed: int) -> Answer:
    from pgcontract.performance.loading import get_loaded_server
    from pgcontract.performance.queries.index_advice import index_advice
    from pgcontract.performance.queries.query_evidence import advice_evidence, sizes_evidence

    query, last = result.query, result.measurements[-1]
    spent = last.cost.buffers
    calls = f"{len(last.calls)} calls at {last.size:,} rows"
    evidence = [sizes_evidence(result, get_loaded_server(context).conditions)]
    if spent <= allowed:
        summary = f"{query.name} touches {spent:,.0f} pages at p95 of {calls}, of {allowed:,} allowed."
        return Answer(Status.KEPT, query.name, summary, origin=query.origin)
    indexes = index_advice(context)[query.name]
    remedy = f"{indexes[0].ddl}, or raise the budget." if indexes else "Find fewer rows, or raise the budget."
    return Answer(
        Status.BROKEN,
        query.name,
        f"{query.name} touches {spent:,.0f} pages at p95 of {calls}; its budget is {allowed:,}.",
        expected=f"{allowed:,} pages at most",
        actual=f"{spent:,.0f} pages",
        remedy=remedy,
        evidence=[*evidence, *([advice_evidence(indexes)] if indexes else [])],
        origin=query.origin,
    )
