"""Histories of a flow: which actor executes which step when, what may come next, and every step's parameter values."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pgcontract.contract import Flow, Step
from pgcontract.contract.sections.flows import UNKNOWN_ACTOR
from pgcontract.contract.sql_parameters import parameters_of
from pgcontract.postgres.acting_identity import Identity


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


_PARAMETER: Final = re.compile(r"%\((?P<name>[^()\s]+)\)s")

_PLACEHOLDER: Final = re.compile(r"\{(?P<name>actor|life)\}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

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


def first_move(step: Step, *, actor: int = 1) -> Move:
    """The actor's first move of the step."""
    return Move(step=step.name, actor=actor, event=1 if step.events else 0)


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


def identity_of(step: Step, parameters: Mapping[str, Any]) -> Identity | None:
    """Who the step is played as, with the move's parameters; None for the role that migrates."""
    filled = _fill_placeholders(step.claims, parameters["actor"], life=1)
    return Identity.of(step.role, fill_parameters(filled, parameters))


def fill_parameters(value: Any, parameters: Mapping[str, Any]) -> Any:
    """The value with %(name)s in its texts filled in."""
    match value:
        case str():
            return _PARAMETER.sub(lambda match: str(parameters.get(match["name"])), value)
        case list():
            return [fill_parameters(item, parameters) for item in value]
        case Mapping():
            return {key: fill_parameters(item, parameters) for key, item in value.items()}
    return value


def _fill_placeholders(value: Any, actor: int, life: int) -> Any:
    match value:
        case str():
            return _fill_text(value, {"actor": str(actor), "life": str(life)})
        case list():
            return [_fill_placeholders(item, actor, life) for item in value]
        case Mapping():
            return {key: _fill_placeholders(item, actor, life) for key, item in value.items()}
    return value


def _fill_text(text: str, numbers: Mapping[str, str]) -> str:
    """The text with the numbers in it; in one that is a UUID with a digit in their place, a number of more digits is
    added to the digits before it, so that a UUID it stays."""
    filled = _PLACEHOLDER.sub(lambda match: numbers[match["name"]], text)
    if _UUID.fullmatch(filled) or not _UUID.fullmatch(_PLACEHOLDER.sub("0", text)):
        return filled
    total = int(_PLACEHOLDER.sub("0", text).replace("-", ""), 16)
    for match in _PLACEHOLDER.finditer(text):
        digits_behind = len(_PLACEHOLDER.sub("0", text[match.end() :]).replace("-", ""))
        total += int(numbers[match["name"]], 16) << 4 * digits_behind
    return str(uuid.UUID(int=total % 2**128))
