"""Advice: an index that is not there and would serve a query, with what it gains and what it takes."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.performance.queries.index_advice import Advice, advice
from pgcontract.performance.queries.query_costs import Measured, measured
from pgcontract.performance.queries.query_evidence import tell_advice
from pgcontract.probes.context import Trial
from pgcontract.result.finding import Finding, Severity, Status
from pgcontract.rules.performance.query import queries
from pgcontract.rules.registry import answer, check


@check("query.advice", subjects=queries, severity=Severity.INFO, head=True)
def query_advice(trial: Trial) -> Iterator[Finding]:
    """No index that is easily named would halve what a query touches.

    Why it matters: an expression index, a GIN index on a document or one more column often turns a scan of the table
    into a few pages; and as often it does not, and costs every write. Only trying it tells.
    How it is measured: up to four indexes that the plan's filter and order suggest are made at the middle size, one by
    one and undone, and the query is called with each. One is named only where the median call then touches half the
    pages or fewer, and eight fewer at least, with its size and the bytes that a row adds to it.
    What to do: weigh what it saves each query against what it adds to each write; nothing is wrong without it.
    """
    for each in measured(trial):
        yield _advice(each, advice(trial)[each.query.name])


def _advice(each: Measured, found: tuple[Advice, ...]) -> Finding:
    name, origin = each.query.name, each.query.origin
    if each.trouble is not None:
        summary = f"No index was tried for {name}, which could not be measured; query.answers says why."
        return answer(Status.NOTED, name, summary, origin=origin)
    if not found:
        summary = f"No index that was tried would halve what {name} touches."
        return answer(Status.KEPT, name, summary, origin=origin)
    best = found[0]
    return answer(
        Status.NOTED,
        name,
        f"With {best.ddl} the median call of {name} would touch {best.after:,} pages in place of {best.before:,}, at "
        f"{best.size:,} rows; the index takes {best.bytes_a_row:,.0f} bytes a row.",
        remedy=f"{best.ddl};",
        evidence=[tell_advice(found)],
        origin=origin,
    )
