"""Invariants of a flow: they hold whatever the order in which its steps and events come, and when two come at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import psycopg

from pgcontract.contract import Flow, Invariant
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.scenarios.concurrent_pairs import ConcurrentPair, run_pairs
from pgcontract.probes.scenarios.equal_nulls import key_that_would_hold
from pgcontract.probes.scenarios.histories import draw_histories, shorten_history
from pgcontract.probes.scenarios.history_sql import describe_move, history_as_sql
from pgcontract.probes.scenarios.moves import History
from pgcontract.probes.scenarios.player import LOG, MoveResult, ScenarioRunner, exists_expression
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.values import dataclass

_REMEDY = (
    "Enforce it in the table, with a constraint, a unique index or a trigger; or name in the step's WHERE the state that "
    "the row must be in."
)


def _flows(promise: Promise) -> tuple[Flow, ...]:
    """The flows that have invariants."""
    return tuple(flow for flow in promise.of(Flow) if flow.invariants)


def _invariants(promise: Promise) -> Iterator[str]:
    return (f"{flow.name}.{invariant.name}" for flow in _flows(promise) for invariant in flow.invariants)


@dataclass(frozen=True, kw_only=True)
class HistoryResults:
    """The results of all histories: the smallest that breaks each invariant, as SQL and as moves, and the effects of each
    step counted."""

    histories: int
    smallest: Mapping[str, str]
    shortest: Mapping[str, History]
    descriptions: Mapping[str, str]
    counts: Mapping[tuple[str, str], int]


@check("flow.invariants", subjects=_invariants, behaviour=True)
def flow_invariants(context: Context) -> Iterator[Answer]:
    """Each declared invariant holds after every step, in whatever order steps and events arrive.

    Why it matters: events arrive twice, late and out of order, and forms are submitted twice. What only holds in the
    usual order does not hold.
    How it is measured: Hypothesis generates histories from the declared steps (the same for the same seed): steps
    repeated, events delivered again, too early, late, and for unknown ids. Each history is run against the real table and
    rolled back; after every step each invariant's query must return no row. A history that breaks an invariant is
    shortened as far as possible and printed as SQL.
    What to do: add a constraint or trigger to the table, where every writer must pass; or name the expected state in the
    step's WHERE.
    """
    for flow in _flows(context.promise):
        histories = _drawn_histories(context, flow)
        with context.sandbox.rolled_back(context.after_state) as connection:
            judged, unasked = _accepted_invariants(connection, flow)
            yield from unasked
            history_results = _run_histories(ScenarioRunner(connection, flow, judged), histories)
        for invariant in judged:
            yield _invariant_answer(context, flow, invariant, history_results)


@cached_promise_fact
def _drawn_histories(context: Context, flow: Flow) -> tuple[History, ...]:
    promise = context.promise
    return draw_histories(flow, seed=f"{promise.seed}/{flow.name}", examples=promise.examples // 4)


def _accepted_invariants(connection: psycopg.Connection, flow: Flow) -> tuple[tuple[Invariant, ...], tuple[Answer, ...]]:
    """The invariants whose query the server accepts, and an answer for each of the others."""
    judged, unasked = [], []
    connection.execute("SAVEPOINT asked")
    connection.execute(LOG)
    connection.execute("SAVEPOINT each")
    for invariant in flow.invariants:
        try:
            connection.execute("SELECT " + exists_expression(invariant.violations).as_string(None))
            judged.append(invariant)
        except psycopg.Error as error:
            connection.execute("ROLLBACK TO each")
            unasked.append(
                Answer(
                    Status.UNKNOWN,
                    f"{flow.name}.{invariant.name}",
                    f"The server rejects the `violations` query of {invariant.name}: {read_refusal(error)}.",
                    remedy="Write a SELECT over the tables and pgcontract_log that returns the rows that must not exist.",
                    origin=invariant.origin,
                )
            )
    connection.execute("ROLLBACK TO asked")
    return tuple(judged), tuple(unasked)


def _run_histories(runner: ScenarioRunner, histories: Iterable[History]) -> HistoryResults:
    seen: dict[History, tuple[MoveResult, ...]] = {}
    breaking: dict[str, History] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for history in sorted(histories):
        outcomes = seen[history] = runner.run(history)
        counts.update((step_outcome.move.step, _effect(step_outcome)) for step_outcome in outcomes)
        for length, outcome in enumerate(outcomes, 1):
            for name in outcome.broken:
                if name not in breaking or length < len(breaking[name]):
                    breaking[name] = history[:length]
    smallest, shortest, moves_by_invariant = {}, {}, {}
    for invariant in runner.invariants:
        if invariant.name not in breaking:
            continue

        def breaks(history: History, name: str = invariant.name) -> bool:
            if history not in seen:
                seen[history] = runner.run(history)
            return any(name in step_outcome.broken for step_outcome in seen[history])

        history = shorten_history(runner.flow, breaking[invariant.name], breaks)
        outcomes = runner.run(history)
        end = next(at for at, step_outcome in enumerate(outcomes, 1) if invariant.name in step_outcome.broken)
        smallest[invariant.name] = history_as_sql(outcomes[:end], runner.flow.step, invariant, runner.connection)
        shortest[invariant.name] = history[:end]
        moves_by_invariant[invariant.name] = history_text(outcomes[:end])
    return HistoryResults(
        histories=len(tuple(histories)),
        smallest=smallest,
        shortest=shortest,
        descriptions=moves_by_invariant,
        counts=counts,
    )


def _effect(outcome: MoveResult) -> str:
    if outcome.refusal is not None:
        return "refused"
    return "changed rows" if outcome.rows else "changed nothing"


def history_text(outcomes: tuple[MoveResult, ...]) -> str:
    return "; ".join(
        f"{describe_move(outcomes[:at], outcome)}: {outcome.description}" for at, outcome in enumerate(outcomes)
    )


def _invariant_answer(context: Context, flow: Flow, invariant: Invariant, history_results: HistoryResults) -> Answer:
    subject = f"{flow.name}.{invariant.name}"
    description = invariant.description.rstrip(".")
    tried = f"{history_results.histories} distinct histories, seed {context.promise.seed}"
    effects = ("changed rows", "changed nothing", "refused")
    table = Evidence(
        title=f"Steps run in {tried}",
        columns=("step", *effects),
        rows=tuple(
            (step.name, *(str(history_results.counts.get((step.name, effect), 0)) for effect in effects))
            for step in flow.steps
        ),
    )
    if invariant.name not in history_results.smallest:
        return Answer(
            Status.KEPT,
            subject,
            f"{description}: holds after each step of {tried}.",
            evidence=[table],
            origin=invariant.origin,
        )
    script = Evidence(title="The shortest history", text=history_results.smallest[invariant.name], language="sql")
    return Answer(
        Status.BROKEN,
        subject,
        f"{description}: broken after {history_results.descriptions[invariant.name]}.",
        expected=invariant.description,
        actual=history_results.descriptions[invariant.name],
        remedy=_remedy(context, flow, invariant, history_results.shortest[invariant.name]),
        evidence=[script, table],
        origin=invariant.origin,
    )


@check("flow.concurrent", subjects=_invariants, behaviour=True)
def flow_concurrent(context: Context) -> Iterator[Answer]:
    """Each declared invariant holds when two writes of the application happen at the same time.

    Why it matters: an event is delivered on two connections at once, a form is submitted by a double click. One
    connection does not see what the other has not committed.
    How it is measured: after some steps in the usual order, one connection runs a step and leaves its transaction open
    while another runs the same step, or another event of the same row. Then both commit. The server is asked whether the
    second one waits. After that every invariant's query must return no row.
    What to do: add a unique index, or put a condition on the state into the step's WHERE: it is evaluated again after the
    wait.
    """
    for flow in _flows(context.promise):
        with context.sandbox.rolled_back(context.after_state) as connection:
            judged, unasked = _accepted_invariants(connection, flow)
        yield from unasked
        pairs = run_pairs(context, flow, judged)
        for invariant in judged:
            with context.sandbox.rolled_back(context.after_state) as connection:
                yield _concurrent_answer(context, flow, invariant, pairs, connection)


def _concurrent_answer(
    context: Context,
    flow: Flow,
    invariant: Invariant,
    pairs: tuple[ConcurrentPair, ...],
    connection: psycopg.Connection,
) -> Answer:
    subject = f"{flow.name}.{invariant.name}"
    description = invariant.description.rstrip(".")
    table = Evidence(
        title="Pairs of concurrent writes: the second starts before the first commits",
        columns=("pair", "first", "second", "second waited", "holds"),
        rows=tuple(
            (
                pair.description,
                pair.outcomes[-2].description,
                pair.outcomes[-1].description,
                "yes" if pair.waited else "no",
                "no" if invariant.name in pair.broken else "yes",
            )
            for pair in pairs
        ),
    )
    broken = [pair for pair in pairs if invariant.name in pair.broken]
    if not broken:
        tried_pairs = "one pair" if len(pairs) == 1 else f"each of {len(pairs)} pairs"
        summary = f"{description}: holds after {tried_pairs} of concurrent writes."
        return Answer(Status.KEPT, subject, summary, evidence=[table], origin=invariant.origin)
    first = min(broken, key=lambda pair: len(pair.outcomes))
    effects = f"{first.description}: {first.outcomes[-2].description}, and {first.outcomes[-1].description}"
    script = history_as_sql(first.outcomes, flow.step, invariant, connection)
    note = "-- The last two run concurrently, each in its own transaction; here in the order they committed.\n"
    return Answer(
        Status.BROKEN,
        subject,
        f"{description}: broken when two writes run concurrently: {effects}.",
        expected=invariant.description,
        actual=effects,
        remedy=_remedy(context, flow, invariant, tuple(outcome.move for outcome in first.outcomes)),
        evidence=[Evidence(title="The smallest pair of writes", text=note + script, language="sql"), table],
        origin=invariant.origin,
    )


def _remedy(context: Context, flow: Flow, invariant: Invariant, history: History) -> str:
    key = key_that_would_hold(context, flow, invariant, history)
    if key is None:
        return _REMEDY
    return (
        f"{key.name} takes rows with NULL in {' or '.join(key.columns)} for different ones. With this the invariant "
        f"holds, as tried: {key.sql}"
    )
