"""Two deliveries at once: the second begins before the first has committed, on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from pgcontract.contract import Flow, Invariant, Step
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.scenarios.moves import Move, first_move, moves_of, values_for
from pgcontract.probes.scenarios.parallel_sessions import Session, several
from pgcontract.probes.scenarios.player import PLAYED, Outcome, judged, never_held, perform, refuse_mistakes, written_down


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two moves at once, after `before`: `outcomes` of all of them, in the order they committed. `waited` is whether
    the second had to wait for the first; `broken` names the invariants that do not hold afterwards."""

    before: tuple[Move, ...]
    first: Move
    second: Move
    waited: bool = False
    outcomes: tuple[Outcome, ...] = ()
    broken: frozenset[str] = frozenset()

    @property
    def told(self) -> str:
        if self.first == self.second:
            what = "the same event" if self.first.event else "the same step"
            return f"{what} twice: {self.first.step}"
        if self.first.step == self.second.step:
            return f"two different events: {self.first.step}"
        return f"{self.first.step}, then {self.second.step}"


def pairs_of(flow: Flow) -> Iterator[Pair]:
    """Each step with itself; each event with another of its kind, and with each of another kind, in both orders."""
    for step in flow.steps:
        moves = [move for move in moves_of(flow, step) if move.actor == 1]
        yield _pair(flow, step, step, moves[0], moves[0])
        if len(moves) > 1:
            yield _pair(flow, step, step, moves[0], moves[1])
    events = [step for step in flow.steps if step.events]
    for one in events:
        for two in events:
            if one is not two:
                yield _pair(flow, one, two, first_move(one), first_move(two))


def _pair(flow: Flow, one: Step, two: Step, first: Move, second: Move) -> Pair:
    wanted = {*flow.before(one), *flow.before(two)} - {one, two}
    before = tuple(first_move(step) for step in flow.steps if step in wanted)
    return Pair(before=before, first=first, second=second)


def play_pairs(trial: Trial, flow: Flow, invariants: tuple[Invariant, ...]) -> tuple[Pair, ...]:
    """Every pair, each on an empty table."""
    bench = trial.workbench
    with bench.clone(trial.after_state) as database, several(bench, database, 2) as (sessions, observer):
        observer.execute(PLAYED)
        return tuple(_play(flow, pair, invariants, sessions, observer) for pair in pairs_of(flow))


def _play(
    flow: Flow,
    pair: Pair,
    invariants: tuple[Invariant, ...],
    sessions: list[Session],
    observer: psycopg.Connection,
) -> Pair:
    observer.execute(sql.SQL("DELETE FROM {}; DELETE FROM pgcontract_played").format(sql.SQL(flow.table)))
    kept: dict[str, object] = {}
    outcomes = []
    for move in pair.before:
        outcome = _perform(sessions[0].connection, flow=flow, move=move, kept=kept)
        if outcome.refusal is not None:
            refuse_mistakes(flow, flow.step(move.step), outcome.refusal)
            raise CouldNotAsk(f"the step {move.step} of the flow {flow.name} is refused in an orderly life")
        kept.update(outcome.kept)
        outcomes.append(outcome)
    first, second = sessions
    for session in sessions:
        session.connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
    outcome = _perform(first.connection, flow=flow, move=pair.first, kept=kept)
    second.begin(partial(_perform, flow=flow, move=pair.second, kept=kept))
    waited = second.waits(observer)
    outcomes.append(_committed(first.connection, outcome))
    outcomes.append(_committed(second.connection, second.result()))
    for outcome in outcomes[-2:]:
        if outcome.refusal is not None:
            refuse_mistakes(flow, flow.step(outcome.move.step), outcome.refusal)
    for seq, outcome in enumerate(outcomes, 1):
        observer.execute(written_down(seq, outcome))
    with observer.execute(never_held(invariants)) as cursor:
        broken = judged(outcomes[-1], invariants, cursor).broken
    return Pair(
        before=pair.before,
        first=pair.first,
        second=pair.second,
        waited=waited,
        outcomes=tuple(outcomes),
        broken=broken,
    )


def _committed(connection: psycopg.Connection, outcome: Outcome) -> Outcome:
    """The outcome once it is committed, or what the server says against that."""
    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        return Outcome(move=outcome.move, parameters=outcome.parameters, refusal=refusal_of(error))
    return outcome


def _perform(connection: psycopg.Connection, *, flow: Flow, move: Move, kept: dict[str, object]) -> Outcome:
    return perform(connection, flow.step(move.step), move, {**values_for(flow, move), **kept})
