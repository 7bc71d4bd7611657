"""Queries: each runs and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.contract import Query
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Correctable, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryFailure


def queries(promise: Promise) -> Iterator[str]:
    return (query.name for query in promise.of(Query))


@check("query.runs", subjects=queries, head=True, measures=[MeasurementKind.QUERY_COSTS], correctable=Correctable.WORDS)
def query_runs(context: Context) -> Iterator[Answer]:
    """Each query of the application runs, changes nothing, and returns rows.

    Why it matters: a query that the server refuses fails in production. One that returns nothing measures only the cost
    of an empty result.
    How it is measured: at each size the query is prepared with the declared types and called with at least 30 values in a
    read-only transaction. It must run at every size and return a row at one of them.
    What to do: fix the SQL, or declare where its parameters' values come from so that they match rows.
    """

    from pgcontract.performance.loading import get_loaded_server
    from pgcontract.performance.queries.query_costs import measured_queries

    for result in measured_queries(context):
        yield _runs_answer(result, get_loaded_server(context).conditions)


def _runs_answer(result: MeasuredQuery, conditions: str) -> Answer:
    from pgcontract.performance.queries.query_evidence import sizes_evidence

    query, failure = result.query, result.failure
    if failure is not None:
        return _failure_answer(query, failure)
    calls = sum(len(measurement.calls) for measurement in result.measurements)
    if not result.returns_rows:
        return Answer(
            Status.BROKEN,
            query.name,
            f"The query {query.name} returns no row at any size, so its costs mean nothing.",
            expected="a row for some parameter values",
            actual=f"no row in {calls} calls",
            remedy="Draw its parameters from a column of the rows it looks for, or declare rows that it finds.",
            evidence=[sizes_evidence(result, conditions)],
            origin=query.origin,
        )
    evidence = [] if query.growth or query.index else [sizes_evidence(result, conditions)]
    hits = sum(1 for measurement in result.measurements for call in measurement.calls if call.returned)
    return Answer(
        Status.KEPT,
        query.name,
        f"The query {query.name} runs and changes nothing; {hits} of {calls} calls return rows.",
        evidence=evidence,
        origin=query.origin,
    )


def _failure_answer(query: Query, failure: QueryFailure) -> Answer:
    from pgcontract.performance.queries.query_costs import TIMED_OUT, WRITES

    at = f"at {failure.size:,} rows"
    if failure.no_role is not None:
        summary = f"The query {query.name} cannot be run: {failure.no_role}."
        return Answer(Status.UNKNOWN, query.name, summary, origin=query.origin)
    if failure.refusal is None:
        return Answer(
            Status.BROKEN,
            query.name,
            f"The query {query.name} cannot be run {at}: {failure.no_value}.",
            expected="a value for each parameter",
            actual=failure.no_value,
            remedy=f"Give the parameter another `from` under [query.{query.name}.parameters], or the column other "
            "values in [dataset].",
            origin=query.origin,
        )
    refusal = failure.refusal
    status, what, remedy = Status.BROKEN, "is rejected by the server", "Fix the query's SQL, or the rows it reads."
    if refusal.sqlstate == WRITES:
        what, remedy = "writes", "Write a query that only reads; declare what the application writes as a step "
        "of a [flow]."
    elif refusal.sqlstate == TIMED_OUT:
        status, what = Status.UNKNOWN, "does not end in time"
        remedy = "Give it an index or a limit, or measure it at smaller sizes."
    return Answer(
        status,
        query.name,
        f"The query {query.name} {what} {at}: {_refusal_text(refusal)}.",
        expected="a query that reads, and ends",
        actual=str(refusal),
        remedy=remedy,
        evidence=refusal.evidence(),
        origin=query.origin,
    )


def _refusal_text(refusal: Refusal) -> str:
    return f"{refusal}, in line {refusal.line} of the query" if refusal.line else str(refusal)


def unmeasured_answer(result: MeasuredQuery) -> Answer | None:
    """UNKNOWN where the measurement failed (`query.runs` says why); None where all is measured."""
    if result.failure is None:
        return None
    summary = f"The query {result.query.name} could not be measured at {result.failure.size:,} rows; query.runs says why."
    return Answer(Status.UNKNOWN, result.query.name, summary, origin=result.query.origin)
