"""The document's own verification queries, run as it words them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg

from pgcontract.contract import Verification
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check
from pgcontract.rules.shape.object_count import counted

_SHOWN_ROWS = 50


def _queries(promise: Promise) -> tuple[str, ...]:
    return tuple(query.id for query in promise.contract.verifications) if promise.contract else ()


@check("verification.query", subjects=_queries)
def verification_query(trial: Trial) -> Iterator[Finding]:
    """Each verification query of the document gives the declared result.

    Why it matters: it is what the operator runs after the deployment, and believes.
    How it is measured: the query is run on the migrated database in a transaction that is rolled back, after those
    it names with `after`; its rows are compared with `expect`. What it cannot see is told beside it.
    What to do: mend the query or the expectation; lean on the other checks for what it cannot see.
    """
    queries = {query.id: query for query in (trial.promise.contract.verifications if trial.promise.contract else ())}
    for query in queries.values():
        with trial.workbench.rolled_back(trial.after_state) as connection:
            try:
                for earlier in _chain(queries, query):
                    connection.execute(earlier.sql.encode())
                cursor = connection.execute(query.sql.encode())
                columns = tuple(column.name for column in cursor.description or ())
                rows = cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                refusal = refusal_of(error)
                yield answer(
                    Status.BROKEN,
                    query.id,
                    f"The query {query.id} is refused: {refusal.message}.",
                    expected="a result",
                    actual=str(refusal),
                    remedy="Mend the query.",
                    evidence=[Evidence(title="SQL", text=query.sql.strip(), language="sql"), *refusal.evidence()],
                    origin=query.origin,
                )
                continue
        yield _judge(query, columns, rows)


def _chain(queries: dict[str, Verification], query: Verification) -> list[Verification]:
    """The queries to run before this one, first to last."""
    chain: list[Verification] = []
    while query.after and query.after in queries and queries[query.after] not in chain:
        query = queries[query.after]
        chain.insert(0, query)
    return chain


def _judge(query: Verification, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> Finding:
    shown = tuple(
        tuple(
            f"<{type(value).__name__}>" if name in query.varies else tell_value(value)
            for name, value in zip(columns, row, strict=True)
        )
        for row in rows
    )
    wrong: list[tuple[str, str]] = []
    if query.columns and tuple(query.columns) != columns:
        wrong.append((f"columns {', '.join(query.columns)}", f"columns {', '.join(columns)}"))
    if query.row_count is not None and query.row_count != len(rows):
        wrong.append((counted(query.row_count, "rows"), counted(len(rows), "rows")))
    if query.expect is not None:
        expected = tuple(tuple(tell_value(value) for value in row) for row in query.expect)
        if expected != shown:
            wrong.append((_tell_rows(expected), _tell_rows(shown)))
    evidence = [
        Evidence(title="SQL", text=query.sql.strip(), language="sql"),
        Evidence(title="Result", columns=columns, rows=shown[:_SHOWN_ROWS]),
    ]
    if query.blind:
        evidence.append(Evidence(title="What it cannot see", text=query.blind))
    return answer(
        Status.BROKEN if wrong else Status.KEPT,
        query.id,
        f"{query.says.rstrip('.')}: {counted(len(rows), 'rows')}" + (", not as declared." if wrong else ", as declared."),
        expected="; ".join(each for each, _ in wrong) or None,
        actual="; ".join(each for _, each in wrong) or None,
        remedy="Look at the result; mend the migration, the query or the expectation." if wrong else None,
        evidence=evidence,
        origin=query.origin,
    )


def tell_value(value: object) -> str:
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


def _tell_rows(rows: Sequence[Sequence[str]]) -> str:
    return "; ".join(" | ".join(row) for row in rows) or "no rows"
