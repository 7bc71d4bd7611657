"""Strategies for texts that a regular expression matches."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pgcontract.model.regex import Pattern
from pgcontract.model.regex.nodes import (
    Anchor,
    Characters,
    Choice,
    Group,
    Look,
    Part,
    Ranges,
    Reference,
    Repeat,
    Sequence,
)

_MANY = 6


def matching(pattern: Pattern) -> SearchStrategy[str]:
    """Texts that match from one end to the other; conditions and references are left to the filter."""
    return _of(pattern.part).filter(pattern.finds)


def _of(part: Part) -> SearchStrategy[str]:
    match part:
        case Characters(ranges):
            return _characters(ranges)
        case Sequence(parts):
            return st.tuples(*(_of(each) for each in parts)).map("".join)
        case Choice(options):
            return st.one_of([_of(each) for each in options])
        case Repeat(inner, least, most):
            last = least + _MANY if most is None else most
            return st.lists(_of(inner), min_size=least, max_size=last).map("".join)
        case Group(inner):
            return _of(inner)
        case Anchor() | Look():
            return st.just("")
        case Reference():
            return st.sampled_from(["", "a", "aa"])


def _characters(ranges: Ranges) -> SearchStrategy[str]:
    """Ranges drawn alike, so that a lone mark comes as often as a whole alphabet; none that cannot be sent."""
    strategies: list[SearchStrategy[str]] = []
    for low, high in ranges[:64]:
        pieces = ((max(low, 1), min(high, 0xD7FF)), (max(low, 0xE000), high))
        strategies += [st.integers(first, last).map(chr) for first, last in pieces if first <= last]
    return st.one_of(strategies) if strategies else st.nothing()
