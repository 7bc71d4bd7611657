"""Queries: each runs and answers, the index meant for it can serve it, and the planner's choice is the right one."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract import Query
from pgcontract.performance.loading import bench
from pgcontract.performance.queries.index_obstacles import Defeat, defeats
from pgcontract.performance.queries.query_costs import TIMED_OUT, WRITES, Measured, Reading, Trouble, measured
from pgcontract.performance.queries.query_evidence import tell_calls, tell_sizes
from pgcontract.performance.queries.query_plan import Call
from pgcontract.performance.queries.without_index import Control, Forced, all_forced, controls, has_its_index, used
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

# Without its index a query does about as well where it touches no more than this.
_AS_WELL = 1.25
_AS_WELL_PAGES = 2
# The planner is wrong where the index would have touched less than half, and eight pages less.
_WRONG = 2
_WRONG_PAGES = 8


def queries(promise: Promise) -> Iterator[str]:
    return (each.name for each in (promise.contract.queries if promise.contract else ()))


def _indexed(promise: Promise) -> Iterator[str]:
    return (each.name for each in (promise.contract.queries if promise.contract else ()) if each.index)


@check("query.answers", subjects=queries, head=True)
def query_answers(trial: Trial) -> Iterator[Finding]:
    """Each query of the application runs, changes nothing, and gives rows.

    Why it matters: a query that the server refuses fails in production, and one that finds nothing shows nothing: every
    figure measured of it is the price of an empty answer.
    How it is measured: at each size it is prepared with the declared types and called with at least 30 values in a
    transaction that may not write. It must be taken at every size and give a row at one of them.
    What to do: mend the SQL, or declare where its parameters' values come from so that they hit.
    """
    for each in measured(trial):
        yield _answers(each, bench(trial).conditions)


def _answers(each: Measured, conditions: str) -> Finding:
    query, trouble = each.query, each.trouble
    if trouble is not None:
        return _troubled(query, trouble)
    calls = sum(len(reading.calls) for reading in each.readings)
    if not each.returns_rows:
        return answer(
            Status.BROKEN,
            query.name,
            f"The query {query.name} returns nothing at any size, so it measures nothing.",
            expected="a row for some of its parameters' values",
            actual=f"no row in {calls} calls",
            remedy="Draw its parameters from a column of the rows it looks for, or declare rows that it finds.",
            evidence=[tell_sizes(each, conditions)],
            origin=query.origin,
        )
    evidence = [] if query.growth or query.index else [tell_sizes(each, conditions)]
    hits = sum(1 for reading in each.readings for call in reading.calls if call.returned)
    return answer(
        Status.KEPT,
        query.name,
        f"The query {query.name} runs and changes nothing; {hits} of {calls} calls give rows.",
        evidence=evidence,
        origin=query.origin,
    )


def _troubled(query: Query, trouble: Trouble) -> Finding:
    at = f"at {trouble.size:,} rows"
    if trouble.refusal is None:
        return answer(
            Status.BROKEN,
            query.name,
            f"The query {query.name} cannot be asked {at}: {trouble.no_value}.",
            expected="a value for each parameter",
            actual=trouble.no_value,
            remedy="Give the parameter another source, or the column other rows.",
            origin=query.origin,
        )
    refusal = trouble.refusal
    status, what, remedy = Status.BROKEN, "is refused by the server", "Mend the query's SQL, or the rows it meets."
    if refusal.sqlstate == WRITES:
        what, remedy = "writes", "Write a query that only reads; what the application writes is a step of a [flow]."
    elif refusal.sqlstate == TIMED_OUT:
        status, what = Status.UNKNOWN, "does not end in time"
        remedy = "Give it an index or a limit, or measure it at smaller sizes."
    return answer(
        status,
        query.name,
        f"The query {query.name} {what} {at}: {_worded(refusal)}.",
        expected="a query that reads, and ends",
        actual=str(refusal),
        remedy=remedy,
        evidence=refusal.evidence(),
        origin=query.origin,
    )


def _worded(refusal: Refusal) -> str:
    return f"{refusal}, in line {refusal.line} of the query" if refusal.line else str(refusal)


def unmeasured(each: Measured) -> Finding | None:
    """UNKNOWN where there was trouble: `query.answers` tells what; None where all is measured."""
    if each.trouble is None:
        return None
    summary = f"The query {each.query.name} could not be measured at {each.trouble.size:,} rows; query.answers says why."
    return answer(Status.UNKNOWN, each.query.name, summary, origin=each.query.origin)


@check("query.index", subjects=_indexed, head=True)
def query_index(trial: Trial) -> Iterator[Finding]:
    """The index that is meant to serve a query can serve it, and no other would do as well.

    Why it matters: an index costs every write. One that the query cannot use, for a cast, a function or a LIKE around its
    column, is paid for and gives nothing; so is one beside another that serves as well.
    How it is measured: with sequential scans off and every other index dropped, the generic and the custom plans must
    search it, or take from it the order that a LIMIT needs. Then the query is called without it. Both are undone.
    What to do: write the condition on what the index holds, or the index on what the condition says; drop one that serves
    nothing, or nothing that another does not.
    """
    arms = controls(trial)
    for each in measured(trial):
        if each.query.index is not None:
            yield unmeasured(each) or _absent(each) or _index(trial, each, arms[each.query.name])


def _absent(each: Measured) -> Finding | None:
    """The answer where the index itself is missing."""
    query = each.query
    if has_its_index(each):
        return None
    return answer(
        Status.BROKEN,
        query.name,
        f"{query.index}, which is to serve {query.name}, is not there.",
        expected=f"the index {query.index}",
        actual=f"none of that name among the {len(each.readings[-1].indexes)} of the tables that it reads",
        remedy="Make the index, or declare the one that serves the query.",
        origin=query.origin,
    )


def _unasked(each: Measured) -> Finding | None:
    """Nothing is said of the planner's choice of an index that is not there."""
    if has_its_index(each):
        return None
    summary = f"The planner has no {each.query.index} to choose for {each.query.name}; query.index says why."
    return answer(Status.NOTED, each.query.name, summary, origin=each.query.origin)


def _index(trial: Trial, each: Measured, arms: tuple[Control, ...]) -> Finding:
    query, can = each.query, all_forced(trial)[each.query.name]
    evidence = [tell_sizes(each, bench(trial).conditions, arms)]
    if isinstance(can, Refusal):
        summary = f"Whether {query.index} can serve {query.name} could not be tried: {can}."
        return answer(Status.UNKNOWN, query.name, summary, evidence=evidence, origin=query.origin)
    if not (can.generic and can.custom):
        return _cannot(query, can, defeats(trial, query.name), evidence)
    if other := _as_well(each.readings[-1], arms[-1]):
        return _idle(query, f"For {query.name} {other} serves about as well as {query.index}", arms, evidence)
    if not any(_gains(arm) for arm in arms) and not _would_gain(can):
        return _idle(query, f"{query.index} can serve {query.name}, and gains nothing at any size", arms, evidence)
    last = arms[-1]
    gain = f": {_most(last.present)} pages with it, {_most(last.absent)} without" if last.absent else ""
    return answer(
        Status.KEPT,
        query.name,
        f"{query.index} serves {query.name}, in generic and custom plans{gain} at {last.size:,} rows.",
        evidence=evidence,
        origin=query.origin,
    )


def _cannot(query: Query, can: Forced, found: tuple[Defeat, ...], evidence: list[Evidence]) -> Finding:
    why = f": {found[0].why}" if found else ""
    plans = "any plan" if not (can.generic or can.custom) else "a generic plan" if can.custom else "a custom plan"
    smallest = "\n".join(f"-- {each.why}\n{each.example}\n-- {each.remedy}" for each in found)
    return answer(
        Status.BROKEN,
        query.name,
        f"{query.index} cannot serve {query.name} in {plans}{why}.",
        severity=Severity.WARNING if can.generic or can.custom else None,
        expected=f"a search of {query.index}",
        actual=next((each.told for each in can.plans), None),
        remedy=f"{found[0].remedy[0].upper()}{found[0].remedy[1:]}." if found else None,
        evidence=[*([Evidence(title="What defeats it", text=smallest, language="sql")] if found else []), *evidence],
        origin=query.origin,
    )


def _idle(query: Query, what: str, arms: tuple[Control, ...], evidence: list[Evidence]) -> Finding:
    last = arms[-1]
    return answer(
        Status.BROKEN,
        query.name,
        f"{what}.",
        severity=Severity.WARNING,
        expected=f"fewer pages with {query.index} than without",
        actual=f"{_most(last.present)} with it, {_most(last.absent)} without, at {last.size:,} rows",
        remedy=f"Drop {query.index} if no other query needs it, or declare the index that serves this one.",
        evidence=evidence,
        origin=query.origin,
    )


def _as_well(reading: Reading, arm: Control) -> str | None:
    """Another index that serves the query at the largest size without its own, call by call about as cheaply."""
    if not arm.absent:
        return None
    pairs = zip(arm.present, arm.absent, strict=True)
    if any(without.buffers > own.buffers * _AS_WELL + _AS_WELL_PAGES for own, without in pairs):
        return None
    scans = [scan for call in arm.absent for scan in call.scans if scan.condition]
    found = (each.name for each in reading.indexes.values() for scan in scans if each.is_in(scan))
    return min(found, default=None)


def _gains(arm: Control) -> bool:
    """Whether some call touches fewer pages with the index; a query that is not taken without it needs it."""
    return bool(arm.refused) or any(
        own.buffers < without.buffers for own, without in zip(arm.present, arm.absent, strict=True)
    )


def _would_gain(can: Forced) -> bool:
    return any(call.buffers < chosen.buffers for chosen, call in zip(can.chosen, can.calls, strict=True))


def _most(calls: tuple[Call, ...]) -> str:
    return f"{max((each.buffers for each in calls), default=0):,}"


@check("query.choice", subjects=_indexed, severity=Severity.WARNING, head=True)
def query_choice(trial: Trial) -> Iterator[Finding]:
    """The planner takes a query's index where that is cheaper, and passes it by where it is not.

    Why it matters: a small table, or a value that most rows have, is rightly read from end to end. A planner that passes
    a cheaper index by has wrong statistics or costs, and nobody sees it until the table is large.
    How it is measured: at the largest size, for the values whose call did not use the index, the plan by the index alone
    is called too, and both kinds of pages are counted. Twice as many, and eight more, is a wrong choice.
    What to do: ANALYZE, raise the column's statistics target, or CREATE STATISTICS where columns depend on each other.
    """
    for each in measured(trial):
        if each.query.index is not None:
            yield unmeasured(each) or _unasked(each) or _choice(each, all_forced(trial)[each.query.name])


def _choice(each: Measured, can: Forced | Refusal) -> Finding:
    query, reading = each.query, each.readings[-1]
    index = reading.indexes[query.index or ""]
    taken = sum(used(call, index) for call in reading.calls)
    share = f"{taken} of {len(reading.calls)} calls at {reading.size:,} rows"
    if taken == len(reading.calls):
        summary = f"The planner takes {query.index} for {query.name} in {share}."
        return answer(Status.KEPT, query.name, summary, origin=query.origin)
    if isinstance(can, Refusal) or not can.calls:
        summary = f"The planner takes {query.index} for {query.name} in {share}; the index cannot serve the others."
        return answer(Status.NOTED, query.name, summary, origin=query.origin)
    evidence = [tell_calls("The planner's plan, and that by the index alone", can.chosen, can.calls)]
    pairs = list(zip(can.chosen, can.calls, strict=True))
    wrong = [
        (chosen, by_index)
        for chosen, by_index in pairs
        if chosen.buffers > by_index.buffers * _WRONG and chosen.buffers > by_index.buffers + _WRONG_PAGES
    ]
    chosen, by_index = (wrong or pairs)[0]
    figures = f"{chosen.buffers:,} pages by {chosen.told}, {by_index.buffers:,} by {index.bare_name}"
    if wrong:
        return answer(
            Status.BROKEN,
            query.name,
            f"The planner passes {query.index} by for {query.name}, and should not: {figures}.",
            expected=f"{by_index.told}: {by_index.buffers:,} pages",
            actual=f"{chosen.told}: {chosen.buffers:,} pages",
            remedy="ANALYZE; then raise the column's statistics target, or CREATE STATISTICS on columns that depend.",
            evidence=evidence,
            origin=query.origin,
        )
    found = f"of {index.table_rows:,.0f} rows {by_index.found:,.0f} are found"
    return answer(
        Status.NOTED,
        query.name,
        f"The planner takes {query.index} for {query.name} in {share}, and rightly no more: {figures}; {found}.",
        evidence=evidence,
        origin=query.origin,
    )
