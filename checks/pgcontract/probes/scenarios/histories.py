"""Histories of a flow: orderly lives, with one surprise at each place, and with several as Hypothesis draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pgcontract.contract import Flow
from pgcontract.probes.fuzzing.hypothesis_draws import collect
from pgcontract.probes.scenarios.moves import History, Move, moves_of, possible

_MOST_SURPRISES: Final = 3


def draw_histories(flow: Flow, *, seed: str, examples: int) -> tuple[History, ...]:
    """The life of an actor up to each step; each life with any one move, or with a whole life, put in anywhere; then
    what Hypothesis makes of so many examples with more put in. No history twice, sorted; the same for the same seed."""
    from hypothesis import strategies

    lives = tuple(_lives(flow))
    moves = tuple((move,) for step in flow.steps for move in moves_of(flow, step))
    put_in = tuple(dict.fromkeys((*moves, *lives)))
    single = ((life, ((at, each),)) for life in lives for at in range(len(life) + 1) for each in put_in)
    places = strategies.integers(0, max(map(len, lives)))
    surprise = strategies.tuples(places, strategies.sampled_from(put_in))
    surprises = strategies.lists(surprise, min_size=2, max_size=_MOST_SURPRISES).map(tuple)
    drawn = collect(strategies.tuples(strategies.sampled_from(lives), surprises), seed=seed, examples=examples)
    return tuple(sorted({*lives, *(_surprised(flow, life, those) for life, those in (*single, *drawn))}))


def _lives(flow: Flow) -> Iterator[History]:
    """What an actor lives through up to each step, without a surprise; of two actors one after the other."""
    for step in flow.steps:
        steps = (*flow.before(step), step)
        for actors in range(1, min(flow.actors, 2) + 1):
            yield tuple(
                Move(step=each.name, actor=actor, event=1 if each.events else 0)
                for actor in range(1, actors + 1)
                for each in steps
            )


def _surprised(flow: Flow, life: History, surprises: Iterable[tuple[int, History]]) -> History:
    """The life with each surprise put in at its place, without the moves that are not possible where they stand."""
    moves = list(life)
    for at, those in surprises:
        moves[at:at] = those
    history: list[Move] = []
    for move in moves:
        if move in possible(flow, history):
            history.append(move)
    return tuple(history)


def shortest(flow: Flow, history: History, breaks: Callable[[History], bool]) -> History:
    """A history that still `breaks` and from which no move, and no two, can be left out; then with the first actor and
    the first event wherever that breaks it too. Deterministic."""
    found = True
    while found:
        found = False
        for shorter in (*_without(history, 2), *_without(history, 1)):
            if shorter and _is_possible(flow, shorter) and breaks(shorter):
                history, found = shorter, True
                break
    for simpler in _renamed(history):
        if simpler != history and _is_possible(flow, simpler) and breaks(simpler):
            return simpler
    return history


def _without(history: History, count: int) -> tuple[History, ...]:
    places = range(len(history))
    if count == 1:
        return tuple(history[:at] + history[at + 1 :] for at in places)
    return tuple(
        history[:one] + history[one + 1 : two] + history[two + 1 :] for one in places for two in places if one < two
    )


def _renamed(history: History) -> tuple[History, ...]:
    """The same with actors and events numbered in the order they appear."""
    actors: dict[int, int] = {0: 0}
    events: dict[tuple[int, str, int], int] = {}
    renamed = []
    for each in history:
        actor = actors.setdefault(each.actor, len(actors))
        mine = [key for key in events if key[:2] == (each.actor, each.step)]
        event = events.setdefault((each.actor, each.step, each.event), len(mine) + 1) if each.event else 0
        renamed.append(Move(step=each.step, actor=actor, event=event))
    return (tuple(renamed),)


def _is_possible(flow: Flow, history: History) -> bool:
    return all(move in possible(flow, history[:at]) for at, move in enumerate(history))
