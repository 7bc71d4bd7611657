"""Histories of a flow: which actor executes which step when, what may come next, and every step's parameter values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pgcontract.contract import Flow, Step
from pgcontract.contract.sections.flows import UNKNOWN_ACTOR
from pgcontract.contract.sql_parameters import parameters_of


@dataclass(frozen=True, kw_only=True, order=True)
class Move:
    """One step executed by one actor. `event` numbers the events of a kind from 1: the same number is the same event,
    delivered again; 0 is no event. Actor 0 is unknown to the table."""

    step: str
    actor: int
    event: int = 0

    @property
    def event_id(self) -> str | None:
        return f"evt_{self.actor}_{self.step}_{self.event}" if self.event else None


History: TypeAlias = tuple[Move, ...]


def moves_of(flow: Flow, step: Step) -> Iterator[Move]:
    """Every move of the step: by each actor and, of an event, each different one, and one for an unknown actor."""
    for actor in range(1, flow.actors + 1):
        if not step.events:
            yield Move(step=step.name, actor=actor)
        for event in range(1, step.events + 1):
            yield Move(step=step.name, actor=actor, event=event)
    if step.events:
        yield Move(step=step.name, actor=UNKNOWN_ACTOR, event=1)


def first_move(step: Step) -> Move:
    """The first actor's."""
    return Move(step=step.name, actor=1, event=1 if step.events else 0)


def possible_moves(flow: Flow, before: Sequence[Move]) -> tuple[Move, ...]:
    """What may come next: what the application does in its order, and events at any time, as soon as there is a value
    for each of their parameters."""
    played = {(move.actor, move.step) for move in before}
    return tuple(
        move
        for step in flow.steps
        for move in moves_of(flow, step)
        if move.actor == UNKNOWN_ACTOR or all((move.actor, name) in played for name in _prerequisite_steps(flow, step))
    )


def _prerequisite_steps(flow: Flow, step: Step) -> Iterator[str]:
    if not step.events:
        yield from step.after
        return
    parameters = parameters_of(step.sql)
    yield from (
        earlier_step.name
        for earlier_step in flow.before(step)
        if any(word in parameters for word in earlier_step.captures)
    )


def parameter_values(flow: Flow, move: Move, *, life: int = 1) -> dict[str, Any]:
    """The move's parameters in the actor's nth life; what a step captures is null until it has been captured."""
    values: dict[str, Any] = {name: None for step in flow.steps for name in step.captures}
    values |= {name: _fill_placeholders(value, move.actor, life) for name, value in flow.values.items()}
    values["actor"] = move.actor
    if move.event_id is not None:
        values["event"] = move.event_id
    return values


def _fill_placeholders(value: Any, actor: int, life: int) -> Any:
    match value:
        case str():
            return value.replace("{actor}", str(actor)).replace("{life}", str(life))
        case list():
            return [_fill_placeholders(item, actor, life) for item in value]
        case Mapping():
            return {key: _fill_placeholders(item, actor, life) for key, item in value.items()}
    return value
