"""Two moves at once: the second begins before the first has committed, on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import psycopg

from pgcontract.contract import Flow, Invariant, Step
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.acting_identity import Identity, require_role
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.scenarios.fresh_databases import FreshDatabases
from pgcontract.probes.scenarios.moves import Move, first_move, moves_of, parameter_values
from pgcontract.probes.scenarios.parallel_sessions import ParallelSession
from pgcontract.probes.scenarios.player import (
    LOG,
    MoveResult,
    execute_move,
    raise_if_invalid_sql,
    record_move,
    violations_query,
    with_broken_invariants,
)
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class ConcurrentPair:
    """Two moves at once, after `before`: `outcomes` of all of them, in the order they committed. `waited` is whether
    the second had to wait for the first; `broken` names the invariants that do not hold afterwards."""

    before: tuple[Move, ...]
    first: Move
    second: Move
    waited: bool = False
    outcomes: tuple[MoveResult, ...] = ()
    broken: frozenset[str] = frozenset()

    @property
    def description(self) -> str:
        if self.first == self.second:
            what = "the same event" if self.first.event else "the same step"
            return f"{what} twice: {self.first.step}"
        if self.first.actor != self.second.actor:
            same = self.first.step == self.second.step
            return f"two actors: {self.first.step}" + ("" if same else f", then {self.second.step}")
        if self.first.step == self.second.step:
            return f"two different events: {self.first.step}"
        return f"{self.first.step}, then {self.second.step}"


def list_pairs(flow: Flow) -> Iterator[ConcurrentPair]:
    """Each step with itself; each event with another of its kind, and with each of another kind, in both orders; where
    there are several actors, each step that is not only read beside the same, and each other, of a second one."""
    for step in flow.steps:
        moves = [move for move in moves_of(flow, step) if move.actor == 1]
        yield _concurrent_pair(flow, step, step, moves[0], moves[0])
        if len(moves) > 1:
            yield _concurrent_pair(flow, step, step, moves[0], moves[1])
    events = [step for step in flow.steps if step.events]
    for one in events:
        for two in events:
            if one is not two:
                yield _concurrent_pair(flow, one, two, first_move(one), first_move(two))
    writes = [step for step in flow.steps if step.verb == "changes"] if flow.actors > 1 else []
    for at, one in enumerate(writes):
        for two in writes[at:]:
            yield _concurrent_pair(flow, one, two, first_move(one), first_move(two, actor=2))


def _concurrent_pair(flow: Flow, one: Step, two: Step, first: Move, second: Move) -> ConcurrentPair:
    needed = {first.actor: {*flow.before(one)}, second.actor: {*flow.before(two)}}
    if first.actor == second.actor:
        needed = {first.actor: {*flow.before(one), *flow.before(two)} - {one, two}}
    before = tuple(
        first_move(step, actor=actor) for actor, those in needed.items() for step in flow.steps if step in those
    )
    return ConcurrentPair(before=before, first=first, second=second)


def run_pairs(context: Context, flow: Flow, invariants: tuple[Invariant, ...]) -> tuple[ConcurrentPair, ...]:
    """Runs every pair, each on the tables as the migration left them; without those of two actors of whom one keeps the
    other from coming so far."""
    with FreshDatabases(context, flow.table, 2, LOG) as databases:
        pairs = (_run_pair(flow, pair, invariants, *databases.next()) for pair in list_pairs(flow))
        return tuple(pair for pair in pairs if pair is not None)


def _run_pair(
    flow: Flow,
    pair: ConcurrentPair,
    invariants: tuple[Invariant, ...],
    sessions: list[ParallelSession],
    observer: psycopg.Connection,
) -> ConcurrentPair | None:
    for session in sessions:
        for step in flow.steps:  # what it takes to be another role is no part of what is played
            require_role(session.connection, Identity.of(step.role, step.claims))
    kept_values: dict[int, dict[str, object]] = {pair.first.actor: {}, pair.second.actor: {}}
    outcomes = []
    for move in pair.before:
        outcome = _commit_move(sessions[0].connection, flow=flow, move=move, kept_values=kept_values[move.actor])
        if outcome.refusal is not None:
            if move.actor != pair.first.actor:
                return None
            raise_if_invalid_sql(flow, flow.step(move.step), outcome.refusal)
            raise CouldNotAsk(
                f"the step {move.step} of the flow {flow.name} is rejected even when the steps run in order"
            )
        kept_values[move.actor].update(outcome.kept_values)
        outcomes.append(outcome)
    first, second = sessions
    for session in sessions:
        session.connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
    outcome = _execute_move(first.connection, flow=flow, move=pair.first, kept_values=kept_values[pair.first.actor])
    own = kept_values[pair.second.actor]
    second.begin(partial(_execute_move, flow=flow, move=pair.second, kept_values=own))
    waited = second.is_waiting(observer)
    outcomes.append(_commit(first.connection, outcome))
    outcomes.append(_commit(second.connection, second.result()))
    for outcome in outcomes[-2:]:
        if outcome.refusal is not None:
            raise_if_invalid_sql(flow, flow.step(outcome.move.step), outcome.refusal)
    for seq, outcome in enumerate(outcomes, 1):
        observer.execute(record_move(seq, outcome))
    with observer.execute(violations_query(invariants)) as cursor:
        broken = with_broken_invariants(outcomes[-1], invariants, cursor).broken
    return ConcurrentPair(
        before=pair.before,
        first=pair.first,
        second=pair.second,
        waited=waited,
        outcomes=tuple(outcomes),
        broken=broken,
    )


def _commit_move(connection: psycopg.Connection, *, flow: Flow, move: Move, kept_values: dict[str, object]) -> MoveResult:
    connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
    return _commit(connection, _execute_move(connection, flow=flow, move=move, kept_values=kept_values))


def _commit(connection: psycopg.Connection, outcome: MoveResult) -> MoveResult:
    """The outcome once it is committed, or the error that refused the COMMIT."""
    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        return MoveResult(move=outcome.move, parameters=outcome.parameters, refusal=read_refusal(error))
    return outcome


def _execute_move(
    connection: psycopg.Connection, *, flow: Flow, move: Move, kept_values: dict[str, object]
) -> MoveResult:
    return execute_move(connection, flow.step(move.step), move, {**parameter_values(flow, move), **kept_values})
