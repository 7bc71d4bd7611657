"""Histories of a flow: who plays which step when, what may come next, and every value a step is played with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pgcontract.contract import Flow, Step
from pgcontract.contract.flows import UNKNOWN_ACTOR
from pgcontract.contract.sql_parameters import parameters_of


@dataclass(frozen=True, kw_only=True, order=True)
class Move:
    """One step played by one actor. `event` numbers the events of a kind from 1: the same number is the same event,
    delivered again; 0 is no event. Actor 0 is nobody the table knows."""

    step: str
    actor: int
    event: int = 0

    @property
    def event_id(self) -> str | None:
        return f"evt_{self.actor}_{self.step}_{self.event}" if self.event else None


History: TypeAlias = tuple[Move, ...]


def moves_of(flow: Flow, step: Step) -> Iterator[Move]:
    """Every move of the step: by each actor and, of an event, each different one, and one for nobody."""
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


def possible(flow: Flow, before: Sequence[Move]) -> tuple[Move, ...]:
    """What may come next: what the application does in its order, and events at any time, as soon as there is a value
    for each of their parameters."""
    played = {(each.actor, each.step) for each in before}
    return tuple(
        move
        for step in flow.steps
        for move in moves_of(flow, step)
        if move.actor == UNKNOWN_ACTOR or all((move.actor, name) in played for name in _needed(flow, step))
    )


def _needed(flow: Flow, step: Step) -> Iterator[str]:
    if not step.events:
        yield from step.after
        return
    asked = parameters_of(step.sql)
    yield from (each.name for each in flow.before(step) if any(word in asked for word in each.keeps))


def values_for(flow: Flow, move: Move, *, life: int = 1) -> dict[str, Any]:
    """The move's parameters in the actor's nth life; what a step keeps is null until it has been kept."""
    values: dict[str, Any] = {name: None for step in flow.steps for name in step.keeps}
    values |= {name: _filled(value, move.actor, life) for name, value in flow.values.items()}
    values["actor"] = move.actor
    if move.event_id is not None:
        values["event"] = move.event_id
    return values


def _filled(value: Any, actor: int, life: int) -> Any:
    match value:
        case str():
            return value.replace("{actor}", str(actor)).replace("{life}", str(life))
        case list():
            return [_filled(each, actor, life) for each in value]
        case Mapping():
            return {key: _filled(each, actor, life) for key, each in value.items()}
    return value
