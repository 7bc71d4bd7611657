"""Strategies for texts that a regular expression matches."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pgcontract.model.regex import Pattern
from pgcontract.model.regex.nodes import (
    Alternation,
    Anchor,
    BackReference,
    CapturingGroup,
    CharacterSet,
    Concatenation,
    Lookaround,
    Node,
    Ranges,
    Repetition,
)

_MANY = 6


def matching_texts(pattern: Pattern) -> SearchStrategy[str]:
    """Texts that match from one end to the other; conditions and references are left to the filter."""
    return _node_strategy(pattern.part).filter(pattern.matches_within)


def _node_strategy(part: Node) -> SearchStrategy[str]:
    match part:
        case CharacterSet(ranges):
            return _characters(ranges)
        case Concatenation(parts):
            return st.tuples(*(_node_strategy(element) for element in parts)).map("".join)
        case Alternation(options):
            return st.one_of([_node_strategy(option) for option in options])
        case Repetition(inner, least, most):
            last = least + _MANY if most is None else most
            return st.lists(_node_strategy(inner), min_size=least, max_size=last).map("".join)
        case CapturingGroup(inner):
            return _node_strategy(inner)
        case Anchor() | Lookaround():
            return st.just("")
        case BackReference():
            return st.sampled_from(["", "a", "aa"])


def _characters(ranges: Ranges) -> SearchStrategy[str]:
    """Ranges drawn alike, so that a lone mark comes as often as a whole alphabet; none that cannot be sent."""
    strategies: list[SearchStrategy[str]] = []
    for low, high in ranges[:64]:
        pieces = ((max(low, 1), min(high, 0xD7FF)), (max(low, 0xE000), high))
        strategies += [st.integers(first, last).map(chr) for first, last in pieces if first <= last]
    return st.one_of(strategies) if strategies else st.nothing()
