"""What a regular expression consists of, as values; each spells itself for Python's `re`."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
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

    @property
    def python(self) -> str:
        return "[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in self.ranges) + "]" if self.ranges else "(?!)"


@dataclass(frozen=True)
class Concatenation:
    parts: tuple[Node, ...]

    @property
    def python(self) -> str:
        return "".join(part.python for part in self.parts)


@dataclass(frozen=True)
class Alternation:
    options: tuple[Node, ...]

    @property
    def python(self) -> str:
        return f"(?:{'|'.join(option.python for option in self.options)})"


@dataclass(frozen=True)
class Repetition:
    """`most` is None where there is no end."""

    part: Node
    least: int
    most: int | None

    @property
    def python(self) -> str:
        return f"(?:{self.part.python}){{{self.least},{'' if self.most is None else self.most}}}"


@dataclass(frozen=True)
class CapturingGroup:
    """Capturing parentheses: what a back reference means."""

    part: Node

    @property
    def python(self) -> str:
        return f"({self.part.python})"


@dataclass(frozen=True)
class BackReference:
    number: int

    @property
    def python(self) -> str:
        return f"(?:\\{self.number})"


@dataclass(frozen=True)
class Lookaround:
    """A lookahead or lookbehind constraint."""

    part: Node
    mark: str

    @property
    def python(self) -> str:
        return f"(?{self.mark}{self.part.python})"


@dataclass(frozen=True)
class Anchor:
    """A place between characters, already in Python's spelling."""

    python: str


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
