"""Invariants of a flow: they hold whatever the order in which its steps and events come, and when two come at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import psycopg

from pgcontract.contract import Flow, Invariant
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.scenarios.concurrent_pairs import Pair, play_pairs
from pgcontract.probes.scenarios.histories import draw_histories, shortest
from pgcontract.probes.scenarios.history_sql import tell_history, tell_move
from pgcontract.probes.scenarios.moves import History
from pgcontract.probes.scenarios.player import PLAYED, Outcome, Player, exists
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check

_REMEDY = (
    "Mend it where every writer must pass: a constraint, a unique index or a trigger; or name in the step's WHERE the "
    "state it comes from."
)


def _flows(promise: Promise) -> tuple[Flow, ...]:
    """The flows that count on something."""
    return tuple(flow for flow in promise.contract.flows if flow.invariants) if promise.contract else ()


def _invariants(promise: Promise) -> Iterator[str]:
    return (f"{flow.name}.{each.name}" for flow in _flows(promise) for each in flow.invariants)


@dataclass(frozen=True, kw_only=True)
class Played:
    """What became of all histories: the smallest that breaks each invariant, and how often each step did what."""

    histories: int
    smallest: Mapping[str, str]
    told: Mapping[str, str]
    counts: Mapping[tuple[str, str], int]


@check("flow.invariants", subjects=_invariants, behaviour=True)
def flow_invariants(trial: Trial) -> Iterator[Finding]:
    """What the application counts on holds after every step, in whatever order its steps and events come.

    Why it matters: events come twice, late and out of order, forms are sent twice; what only holds in an orderly life
    does not hold.
    How it is measured: histories are drawn by Hypothesis (the same for the same seed) from the declared steps: steps
    repeated, events delivered again, before their time, late, and for ids nobody knows. Each is played against the
    real table and undone; after every step each invariant's query must give no row. What breaks one is made as short
    as it goes and printed as SQL.
    What to do: mend it where every writer must pass, in the table; or name in the step's WHERE the state it comes from.
    """
    for flow in _flows(trial.promise):
        histories = trial.once(f"values/flow.{flow.name}", partial(_drawn, flow=flow))
        with trial.workbench.rolled_back(trial.after_state) as connection:
            asked, unasked = _asked(connection, flow)
            yield from unasked
            played = _play(Player(connection, flow, asked), histories)
        for invariant in asked:
            yield _invariant_finding(flow, invariant, played, trial.promise.seed)


def _drawn(trial: Trial, *, flow: Flow) -> tuple[History, ...]:
    promise = trial.promise
    return draw_histories(flow, seed=f"{promise.seed}/{flow.name}", examples=promise.max_examples // 4)


def _asked(connection: psycopg.Connection, flow: Flow) -> tuple[tuple[Invariant, ...], tuple[Finding, ...]]:
    """The invariants that the server takes, and what it says of the others."""
    asked, unasked = [], []
    connection.execute("SAVEPOINT asked")
    connection.execute(PLAYED)
    connection.execute("SAVEPOINT each")
    for each in flow.invariants:
        try:
            connection.execute("SELECT " + exists(each.never).as_string(None))
            asked.append(each)
        except psycopg.Error as error:
            connection.execute("ROLLBACK TO each")
            unasked.append(
                answer(
                    Status.UNKNOWN,
                    f"{flow.name}.{each.name}",
                    f"The `never` of {each.name} is no query that the server takes: {refusal_of(error)}.",
                    remedy="Write a SELECT over the table and pgcontract_played that gives the rows that must not be.",
                    origin=each.origin,
                )
            )
    connection.execute("ROLLBACK TO asked")
    return tuple(asked), tuple(unasked)


def _play(player: Player, histories: Iterable[History]) -> Played:
    seen: dict[History, tuple[Outcome, ...]] = {}
    breaking: dict[str, History] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for history in sorted(histories):
        outcomes = seen[history] = player.play(history)
        counts.update((each.move.step, _effect(each)) for each in outcomes)
        for length, outcome in enumerate(outcomes, 1):
            for name in outcome.broken:
                if name not in breaking or length < len(breaking[name]):
                    breaking[name] = history[:length]
    smallest, told = {}, {}
    for invariant in player.invariants:
        if invariant.name not in breaking:
            continue

        def breaks(history: History, name: str = invariant.name) -> bool:
            if history not in seen:
                seen[history] = player.play(history)
            return any(name in each.broken for each in seen[history])

        history = shortest(player.flow, breaking[invariant.name], breaks)
        outcomes = player.play(history)
        end = next(at for at, each in enumerate(outcomes, 1) if invariant.name in each.broken)
        smallest[invariant.name] = tell_history(outcomes[:end], player.flow.step, invariant, player.connection)
        told[invariant.name] = tell_moves(outcomes[:end])
    return Played(histories=len(tuple(histories)), smallest=smallest, told=told, counts=counts)


def _effect(outcome: Outcome) -> str:
    if outcome.refusal is not None:
        return "refused"
    return "changed rows" if outcome.rows else "changed nothing"


def tell_moves(outcomes: tuple[Outcome, ...]) -> str:
    return "; ".join(f"{tell_move(outcomes[:at], each)}: {each.told}" for at, each in enumerate(outcomes))


def _invariant_finding(flow: Flow, invariant: Invariant, played: Played, seed: int) -> Finding:
    subject = f"{flow.name}.{invariant.name}"
    says = invariant.says.rstrip(".")
    tried = f"{played.histories} distinct histories, seed {seed}"
    effects = ("changed rows", "changed nothing", "refused")
    table = Evidence(
        title=f"What was played: {tried}",
        columns=("step", *effects),
        rows=tuple(
            (step.name, *(str(played.counts.get((step.name, each), 0)) for each in effects)) for step in flow.steps
        ),
    )
    if invariant.name not in played.smallest:
        return answer(
            Status.KEPT,
            subject,
            f"{says}: it holds after each step of {tried}.",
            evidence=[table],
            origin=invariant.origin,
        )
    script = Evidence(title="The shortest history", text=played.smallest[invariant.name], language="sql")
    return answer(
        Status.BROKEN,
        subject,
        f"{says}: it does not hold.",
        expected=invariant.says,
        actual=played.told[invariant.name],
        remedy=_REMEDY,
        evidence=[script, table],
        origin=invariant.origin,
    )


@check("flow.concurrent", subjects=_invariants, behaviour=True)
def flow_concurrent(trial: Trial) -> Iterator[Finding]:
    """What the application counts on holds when two of its writes come at the same time.

    Why it matters: an event is delivered on two connections at once, a form is sent by a double click; what one
    connection has not committed, the other does not see.
    How it is measured: after an orderly beginning, one connection plays a step and holds its transaction open while
    another plays the same step, or another event of the same row; then both commit. Whether the second waits is
    asked of the server. Every invariant's query must then give no row.
    What to do: a unique index, or a condition on the state in the step's WHERE, which is judged again after the wait.
    """
    for flow in _flows(trial.promise):
        with trial.workbench.rolled_back(trial.after_state) as connection:
            asked, unasked = _asked(connection, flow)
        yield from unasked
        pairs = play_pairs(trial, flow, asked)
        for invariant in asked:
            with trial.workbench.rolled_back(trial.after_state) as connection:
                yield _concurrent_finding(flow, invariant, pairs, connection)


def _concurrent_finding(
    flow: Flow, invariant: Invariant, pairs: tuple[Pair, ...], connection: psycopg.Connection
) -> Finding:
    subject = f"{flow.name}.{invariant.name}"
    says = invariant.says.rstrip(".")
    table = Evidence(
        title="Two at once, the second begun before the first committed",
        columns=("at once", "first", "second", "the second waited", "holds"),
        rows=tuple(
            (
                pair.told,
                pair.outcomes[-2].told,
                pair.outcomes[-1].told,
                "yes" if pair.waited else "no",
                "no" if invariant.name in pair.broken else "yes",
            )
            for pair in pairs
        ),
    )
    broken = [pair for pair in pairs if invariant.name in pair.broken]
    if not broken:
        told = "one pair" if len(pairs) == 1 else f"each of {len(pairs)} pairs"
        summary = f"{says}: it holds after {told} of writes at the same time."
        return answer(Status.KEPT, subject, summary, evidence=[table], origin=invariant.origin)
    first = min(broken, key=lambda pair: len(pair.outcomes))
    script = tell_history(first.outcomes, flow.step, invariant, connection)
    note = "-- The last two at once, each in a transaction of its own; here in the order they committed.\n"
    return answer(
        Status.BROKEN,
        subject,
        f"{says}: it does not hold when two writes come at the same time.",
        expected=invariant.says,
        actual=f"{first.told}: {first.outcomes[-2].told}, and {first.outcomes[-1].told}",
        remedy=_REMEDY,
        evidence=[Evidence(title="The smallest pair", text=note + script, language="sql"), table],
        origin=invariant.origin,
    )
