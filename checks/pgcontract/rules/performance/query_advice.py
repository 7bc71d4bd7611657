"""Advice: an index that is not there and would serve a query, with what it gains and what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.performance.query import queries
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.queries.index_advice import IndexAdvice
    from pgcontract.performance.queries.query_costs import MeasuredQuery


@check(
    "query.best_index",
    subjects=queries,
    severity=Severity.INFO,
    head=True,
    measures=[MeasurementKind.QUERY_COSTS, MeasurementKind.INDEX_ADVICE],
)
def query_best_index(context: Context) -> Iterator[Answer]:
    """No index that is easy to find would halve the pages that a query touches.

    Why it matters: an expression index, a GIN index on a document or one more column often turns a sequential scan into a
    few pages. Just as often it does not, and costs every write. Only trying it shows which.
    How it is measured: up to four indexes that the plan's filter and order suggest are created at the middle size, one at
    a time and rolled back, and the query is called with each. One is suggested only if the median call then touches at
    most half the pages, and at least eight fewer. Its size and the bytes that it adds per row are given.
    What to do: compare what it saves each query with what it adds to each write. Nothing is wrong without it.
    """

    from pgcontract.performance.queries.index_advice import index_advice
    from pgcontract.performance.queries.query_costs import measured_queries

    for result in measured_queries(context):
        yield _advice_answer(result, index_advice(context)[result.query.name])


def _advice_answer(result: MeasuredQuery, proposals: tuple[IndexAdvice, ...]) -> Answer:
    from pgcontract.performance.queries.query_evidence import advice_evidence

    name, origin = result.query.name, result.query.origin
    if result.failure is not None:
        summary = f"No index was tried for {name}, which could not be measured; query.runs says why."
        return Answer(Status.NOTED, name, summary, origin=origin)
    if not proposals:
        summary = f"No index that was tried would halve the pages that {name} touches."
        return Answer(Status.KEPT, name, summary, origin=origin)
    best = proposals[0]
    return Answer(
        Status.NOTED,
        name,
        f"With {best.ddl} the median call of {name} would touch {best.after:,} pages instead of {best.before:,}, at "
        f"{best.size:,} rows; the index takes {best.bytes_per_row:,.0f} bytes a row.",
        remedy=f"{best.ddl};",
        evidence=[advice_evidence(proposals)],
        origin=origin,
    )
