"""Histories of a flow: in order, with one move inserted at each position, and with several as Hypothesis draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pgcontract.contract import Flow, Step
from pgcontract.probes.fuzzing.hypothesis_draws import draw_examples
from pgcontract.probes.scenarios.moves import History, Move, first_move, moves_of, possible_moves

_MAX_INSERTIONS: Final = 3


def draw_histories(flow: Flow, *, seed: str, examples: int) -> tuple[History, ...]:
    """The orderly history of an actor up to each step; each with any move, or a whole history, inserted anywhere;
    then so many examples by Hypothesis with more insertions. No history twice, sorted; the same for the same seed."""
    from hypothesis import strategies

    orderly = tuple(_orderly_histories(flow))
    moves = tuple((move,) for step in flow.steps for move in moves_of(flow, step))
    put_in = tuple(dict.fromkeys((*moves, *orderly)))
    single = ((life, ((at, history),)) for life in orderly for at in range(len(life) + 1) for history in put_in)
    places = strategies.integers(0, max(map(len, orderly)))
    insertion = strategies.tuples(places, strategies.sampled_from(put_in))
    insertions = strategies.lists(insertion, min_size=2, max_size=_MAX_INSERTIONS).map(tuple)
    drawn = draw_examples(strategies.tuples(strategies.sampled_from(orderly), insertions), seed=seed, examples=examples)
    return tuple(sorted({*orderly, *(_with_insertions(flow, life, those) for life, those in (*single, *drawn))}))


def _orderly_histories(flow: Flow) -> Iterator[History]:
    """The steps of an actor in order up to each step, without an insertion; of two actors one after the other."""
    for step in flow.steps:
        steps = (*flow.before(step), step)
        for actors in range(1, min(flow.actors, 2) + 1):
            yield tuple(first_move(flow_step, actor=actor) for actor in range(1, actors + 1) for flow_step in steps)


def histories_beside_others(flow: Flow, step: Step) -> Iterator[History]:
    """The step of the first actor, behind those it follows, once all others have played up to each of their steps."""
    own = tuple(first_move(each) for each in flow.before(step))
    for last in flow.steps:
        played = (*flow.before(last), last)
        others = (first_move(each, actor=actor) for actor in range(2, flow.actors + 1) for each in played)
        if flow.actors > 1:
            yield (*own, *others, first_move(step))


def _with_insertions(flow: Flow, life: History, insertions: Iterable[tuple[int, History]]) -> History:
    """The history with each insertion at its position, without the moves that are not possible there."""
    moves = list(life)
    for at, those in insertions:
        moves[at:at] = those
    history: list[Move] = []
    for move in moves:
        if move in possible_moves(flow, history):
            history.append(move)
    return tuple(history)


def shorten_history(flow: Flow, history: History, breaks: Callable[[History], bool]) -> History:
    """A history that still `breaks` and from which no move, and no two, can be left out; then with the first actor and
    the first event wherever that breaks it too. Deterministic."""
    shortened = True
    while shortened:
        shortened = False
        for shorter in (*_without(history, 2), *_without(history, 1)):
            if shorter and _is_possible(flow, shorter) and breaks(shorter):
                history, shortened = shorter, True
                break
    for simpler in _renumbered(history):
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


def _renumbered(history: History) -> tuple[History, ...]:
    """The same with actors and events numbered in the order they appear."""
    actors: dict[int, int] = {0: 0}
    events: dict[tuple[int, str, int], int] = {}
    renamed = []
    for move in history:
        actor = actors.setdefault(move.actor, len(actors))
        own_events = [key for key in events if key[:2] == (move.actor, move.step)]
        event = events.setdefault((move.actor, move.step, move.event), len(own_events) + 1) if move.event else 0
        renamed.append(Move(step=move.step, actor=actor, event=event))
    return (tuple(renamed),)


def _is_possible(flow: Flow, history: History) -> bool:
    return all(move in possible_moves(flow, history[:at]) for at, move in enumerate(history))
