"""Finite automata: where a pattern's matches end, in time that grows as the text's length times the pattern's.

Python's `re` takes exponential time for patterns such as ^(a+)+$, and nothing stops it. Here all states that a text can
lead to are followed at once (Thompson's construction), and what each set of them leads to is remembered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar, assert_never

from pgcontract.model.regex.character_classes import is_word_character
from pgcontract.model.regex.nodes import (
    Alternation,
    Anchor,
    BackReference,
    CapturingGroup,
    CharacterSet,
    Concatenation,
    Lookaround,
    Node,
    Repetition,
)

MAX_STATES: Final = 10_000
# In states visited, some seconds: of one pattern, for all texts together.
MAX_WORK: Final = 2_000_000
_MAX_REMEMBERED: Final = 20_000

States: TypeAlias = frozenset[int]
# Before and after a place: nothing, a line feed, a character of a word, another; then which constraints hold there.
Place: TypeAlias = tuple[str, str, tuple[bool, ...]]


_Key = TypeVar("_Key")


class PatternTooLarge(Exception):
    """The pattern has too many states, or no bound at all; the text says which."""


class PatternTooSlow(Exception):
    """The texts so far have taken all the work that one pattern may cost."""


@dataclass
class WorkBudget:
    """What one pattern may still cost."""

    left: int = MAX_WORK

    def spend(self, states: int) -> None:
        self.left -= states
        if self.left < 0:
            raise PatternTooSlow


@dataclass(frozen=True)
class _Step:
    """What a state waits for, and where it leads: a character, a place, or nothing (then to all of `following`)."""

    waits_for: CharacterSet | Anchor | int | None  # an int is the number of a constraint
    following: tuple[int, ...]


@dataclass
class Automaton:
    """One pattern, or one that is read from its end (`backwards`); state 0 is where a match ends."""

    node: Node
    budget: WorkBudget
    backwards: bool = False
    _steps: list[_Step] = field(default_factory=lambda: [_Step(None, ())])
    _constraints: list[tuple[Automaton, Lookaround]] = field(default_factory=list)
    _reached: dict[tuple[States, Place], States] = field(default_factory=dict)
    _after: dict[tuple[States, int], States] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._start = frozenset((self._add(self.node, 0),))
        waited_for = [step.waits_for for step in self._steps]
        edges = {edge for wanted in waited_for if isinstance(wanted, CharacterSet) for edge in _edges(wanted)}
        self._edges: Sequence[int] = sorted(edges)
        self._sees_places = any(isinstance(wanted, Anchor | int) for wanted in waited_for)

    def matches_end(self, text: str) -> Iterator[bool]:
        """At each place of the text, from the one before its first character, whether a match ends there; where it is
        read from its end, from the place behind its last character, whether one begins there."""
        places = range(len(text), -1, -1) if self.backwards else range(len(text) + 1)
        held = [constraint.holds(text, lookaround) for constraint, lookaround in self._constraints]
        states: States = frozenset()
        for place in places:
            reached = self._close(states | self._start, self._place(text, place, held))
            yield 0 in reached
            if place != places[-1]:
                states = self._advance(reached, text[place - 1] if self.backwards else text[place])

    def holds(self, text: str, lookaround: Lookaround) -> list[bool]:
        """At each place of the text, from its first, whether a constraint holds whose pattern this is."""
        found = [matched is not lookaround.negative for matched in self.matches_end(text)]
        return found[::-1] if self.backwards else found

    def _add(self, node: Node, following: int) -> int:
        """Adds what matches the node and then goes on to a state; gives the state to begin in."""
        match node:
            case CharacterSet() | Anchor():
                return self._new(node, following)
            case Concatenation(parts):
                for part in parts if self.backwards else reversed(parts):
                    following = self._add(part, following)
                return following
            case Alternation(options):
                return self._new(None, *(self._add(option, following) for option in options))
            case Repetition(part, least, None):
                loop = self._new(None)
                self._steps[loop] = _Step(None, (self._add(part, loop), following))
                return self._times(part, least, loop)
            case Repetition(part, least, most):
                last = following
                for _ in range((most or 0) - least):
                    following = self._new(None, self._add(part, following), last)
                return self._times(part, least, following)
            case CapturingGroup(part):
                return self._add(part, following)
            case Lookaround(part, ahead):
                self._constraints.append((Automaton(part, self.budget, backwards=ahead), node))
                return self._new(len(self._constraints) - 1, following)
            case BackReference(number):
                raise PatternTooLarge(f"\\{number} refers back to what a group matched, which takes time without bound")
            case _:
                assert_never(node)

    def _times(self, part: Node, count: int, following: int) -> int:
        for _ in range(count):
            following = self._add(part, following)
        return following

    def _new(self, waits_for: CharacterSet | Anchor | int | None, *following: int) -> int:
        if len(self._steps) >= MAX_STATES:
            raise PatternTooLarge(f"its repetitions unfold to more than {MAX_STATES:,} states")
        self._steps.append(_Step(waits_for, following))
        return len(self._steps) - 1

    def _place(self, text: str, place: int, held: Sequence[Sequence[bool]]) -> Place:
        if not self._sees_places:
            return ("", "", ())
        before, after = text[place - 1 : place] if place else "", text[place : place + 1]
        return _kind(before), _kind(after), tuple(holds[place] for holds in held)

    def _close(self, states: States, place: Place) -> States:
        """All states that are reached at a place without another character."""
        known = self._reached.get((states, place))
        if known is not None:
            return known
        reached, waiting = set(states), list(states)
        while waiting:
            step = self._steps[waiting.pop()]
            if not isinstance(step.waits_for, CharacterSet) and _is_met(step.waits_for, place):
                waiting += [state for state in step.following if state not in reached]
                reached.update(step.following)
        self.budget.spend(len(reached))
        return _remember(self._reached, (states, place), frozenset(reached))

    def _advance(self, states: States, character: str) -> States:
        """The states behind one character."""
        kind = bisect_right(self._edges, ord(character))
        known = self._after.get((states, kind))
        if known is not None:
            return known
        self.budget.spend(len(states))
        after = frozenset(
            state
            for step in (self._steps[state] for state in states)
            if isinstance(step.waits_for, CharacterSet) and character in step.waits_for
            for state in step.following
        )
        return _remember(self._after, (states, kind), after)


def _remember(memory: dict[_Key, States], key: _Key, states: States) -> States:
    if len(memory) >= _MAX_REMEMBERED:
        memory.clear()
    memory[key] = states
    return states


def _edges(characters: CharacterSet) -> Iterator[int]:
    """Where characters begin to be, or to be no longer, in the set."""
    for low, high in characters.ranges:
        yield from (low, high + 1)


def _kind(character: str) -> str:
    """All that a place needs to know of a character beside it; empty where there is none."""
    return "w" if character and is_word_character(character) else "\n" if character == "\n" else character and "-"


def _is_met(wanted: Anchor | int | None, place: Place) -> bool:
    before, after, held = place
    match wanted:
        case None:
            return True
        case int():
            return held[wanted]
        case Anchor.TEXT_BEGIN:
            return before == ""
        case Anchor.TEXT_END:
            return after == ""
        case Anchor.LINE_BEGIN:
            return before in ("", "\n")
        case Anchor.LINE_END:
            return after in ("", "\n")
        case Anchor.WORD_BEGIN:
            return before != "w" and after == "w"
        case Anchor.WORD_END:
            return before == "w" and after != "w"
        case Anchor.WORD_EDGE:
            return (before == "w") != (after == "w")
        case Anchor.NO_WORD_EDGE:
            return (before == "w") == (after == "w")
        case _:
            assert_never(wanted)
