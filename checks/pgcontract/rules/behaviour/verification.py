"""The document's own verification queries, run as written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg

from pgcontract.contract import Verification
from pgcontract.errors import CouldNotAsk
from pgcontract.model.wording import number_of
from pgcontract.postgres.acting_identity import Identity, acting_as
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.values import dataclass

_SHOWN_ROWS = 50


def _queries(promise: Promise) -> tuple[str, ...]:
    return tuple(query.id for query in promise.of(Verification))


@check("verification.query", subjects=_queries)
def verification_query(context: Context) -> Iterator[Answer]:
    """Each verification query of the document returns the declared result.

    Why it matters: it is what the operator runs after the deployment, and relies on.
    How it is measured: the query is run on the migrated database in a transaction that is rolled back, after the queries
    named in its `after`. Its rows are compared with `expect`. What it cannot detect is listed in the report.
    What to do: fix the query or `expect`; rely on the other checks for what it cannot detect.
    """
    queries = {query.id: query for query in context.promise.of(Verification)}
    for query in queries.values():
        with context.sandbox.rolled_back(context.after_state) as connection:
            try:
                for earlier in _earlier_queries(queries, query):
                    _run(connection, earlier)
                result = _run(connection, query)
            except CouldNotAsk as error:
                summary = f"The query {query.id} cannot be run: {error}."
                yield Answer(Status.UNKNOWN, query.id, summary, origin=query.origin)
                continue
            except psycopg.Error as error:
                refusal = read_refusal(error)
                yield Answer(
                    Status.BROKEN,
                    query.id,
                    f"The query {query.id} is refused: {refusal.message}.",
                    expected="a result",
                    actual=str(refusal),
                    remedy=f"Fix the SQL of the [[verification]] {query.id}, or the migration.",
                    evidence=[Evidence(title="SQL", text=query.sql.strip(), language="sql"), *refusal.evidence()],
                    origin=query.origin,
                )
                continue
        yield _judge(query, result)


def _earlier_queries(queries: dict[str, Verification], query: Verification) -> list[Verification]:
    """The queries to run before this one, first to last."""
    earlier_queries: list[Verification] = []
    while query.after and query.after in queries and queries[query.after] not in earlier_queries:
        query = queries[query.after]
        earlier_queries.insert(0, query)
    return earlier_queries


@dataclass(frozen=True, kw_only=True)
class _Result:
    """What a query's last statement gave, and how many rows it gave or changed."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    count: int


def _run(connection: psycopg.Connection, query: Verification) -> _Result:
    with acting_as(connection, Identity.of(query.role, query.claims)):
        cursor = connection.execute(query.sql.encode())
        while cursor.nextset():
            pass
        columns = tuple(column.name for column in cursor.description or ())
        rows = cursor.fetchall() if cursor.description else []
        return _Result(columns=columns, rows=rows, count=len(rows) if cursor.description else max(cursor.rowcount, 0))


def _judge(query: Verification, result: _Result) -> Answer:
    columns, rows = result.columns, result.rows
    shown = tuple(
        tuple(
            f"<{type(value).__name__}>" if name in query.varies else psql_text(value)
            for name, value in zip(columns, row, strict=True)
        )
        for row in rows
    )
    wrong: list[tuple[str, str]] = []
    if query.columns and tuple(query.columns) != columns:
        wrong.append((f"columns {', '.join(query.columns)}", f"columns {', '.join(columns)}"))
    if query.row_count is not None and query.row_count != result.count:
        wrong.append((number_of(query.row_count, "rows"), number_of(result.count, "rows")))
    if query.expect is not None:
        expected = tuple(tuple(psql_text(value) for value in row) for row in query.expect)
        if expected != shown:
            wrong.append((_rows_text(expected), _rows_text(shown)))
    evidence = [
        Evidence(title="SQL", text=query.sql.strip(), language="sql"),
        Evidence(title="Result", columns=columns, rows=shown[:_SHOWN_ROWS]),
    ]
    if query.limitations:
        evidence.append(Evidence(title="Limitations", text=query.limitations))
    return Answer(
        Status.BROKEN if wrong else Status.KEPT,
        query.id,
        f"{query.description.rstrip('.')}: {number_of(result.count, 'rows')}"
        + (", not as declared." if wrong else ", as declared."),
        expected="; ".join(expected_text for expected_text, _ in wrong) or None,
        actual="; ".join(actual_text for _, actual_text in wrong) or None,
        remedy=f"Fix the migration or the query, or correct what the [[verification]] {query.id} expects."
        if wrong
        else None,
        evidence=evidence,
        origin=query.origin,
    )


def psql_text(value: object) -> str:
    """A value as psql shows it: NULL as (null), booleans as t and f."""
    match value:
        case None:
            return "(null)"
        case True:
            return "t"
        case False:
            return "f"
        case _:
            return str(value)


def _rows_text(rows: Sequence[Sequence[str]]) -> str:
    return "; ".join(" | ".join(row) for row in rows) or "no rows"
