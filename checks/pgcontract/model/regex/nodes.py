"""What a regular expression consists of, as values."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
MAX_CODE_POINT: Final = 0x10FFFF


@dataclass(frozen=True)
class CharacterSet:
    """One character out of ranges of code points, both ends included; sorted, with gaps between them."""

    ranges: Ranges

    def __contains__(self, character: str) -> bool:
        at = bisect_right(self.ranges, (ord(character), MAX_CODE_POINT)) - 1
        return at >= 0 and ord(character) <= self.ranges[at][1]


@dataclass(frozen=True)
class Concatenation:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Alternation:
    options: tuple[Node, ...]


@dataclass(frozen=True)
class Repetition:
    """`most` is None where there is no end."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class CapturingGroup:
    """Capturing parentheses: what a back reference means."""

    part: Node


@dataclass(frozen=True)
class BackReference:
    number: int


@dataclass(frozen=True)
class Lookaround:
    """A constraint: that what follows the place, or precedes it, matches, or does not."""

    part: Node
    ahead: bool
    negative: bool


class Anchor(Enum):
    """A place between characters. Words consist of letters, digits and underscores."""

    TEXT_BEGIN = auto()
    TEXT_END = auto()
    LINE_BEGIN = auto()
    LINE_END = auto()
    WORD_BEGIN = auto()
    WORD_END = auto()
    WORD_EDGE = auto()
    NO_WORD_EDGE = auto()


Node: TypeAlias = (
    CharacterSet | Concatenation | Alternation | Repetition | CapturingGroup | BackReference | Lookaround | Anchor
)


def merge_ranges(ranges: list[tuple[int, int]]) -> Ranges:
    """The same characters in sorted ranges that neither overlap nor touch."""
    done: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if done and low <= done[-1][1] + 1:
            done[-1] = (done[-1][0], max(high, done[-1][1]))
        else:
            done.append((low, high))
    return tuple(done)


def complement(ranges: Ranges) -> Ranges:
    """Every other character."""
    edges = [-1, *(edge for pair in ranges for edge in pair), MAX_CODE_POINT + 1]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple((after + 1, before - 1) for after, before in pairs if after + 1 < before)
