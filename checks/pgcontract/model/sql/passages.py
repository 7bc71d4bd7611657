"""Where the characters of a script's text come from: another file, or a value in the place of a name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Passage:
    """From `start`, counted in characters of a script's text, up to the next passage the text is that of a file, from
    this line and column of it on; both count from 1. With a `placeholder`, spelled as in the file, the text is the value
    in its place, and all of it stands there."""

    start: int
    path: str
    line: int = 1
    column: int = 1
    placeholder: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in a file; line and column count from 1."""

    path: str
    line: int
    column: int


def place_in(starts: tuple[int, ...], passages: Sequence[Passage], path: str, offset: int) -> Place:
    """The place of an offset into a text whose lines begin at `starts`; in the file `path` where no passage says more."""
    line = bisect_right(starts, offset)
    number = bisect_right(passages, offset, key=_start)
    if not number:
        return Place(path=path, line=line, column=offset - starts[line - 1] + 1)
    passage = passages[number - 1]
    if passage.placeholder is not None:
        return Place(path=passage.path, line=passage.line, column=passage.column)
    newlines = line - bisect_right(starts, passage.start)
    column = offset - starts[line - 1] + 1 if newlines else passage.column + offset - passage.start
    return Place(path=passage.path, line=passage.line + newlines, column=column)


def written_between(text: str, passages: Sequence[Passage], start: int, end: int) -> str:
    """What the files say from one offset of a text to another: names where values are sent."""
    first = max(bisect_right(passages, start, key=_start) - 1, 0)
    pieces = []
    for number in range(first, bisect_left(passages, end, key=_start)):
        passage, stop = passages[number], passage_end(text, passages, number)
        if passage.placeholder is None:
            pieces.append(text[max(passage.start, start) : min(stop, end)])
        elif stop > start or stop == passage.start:
            pieces.append(passage.placeholder)
    return "".join(pieces) if passages else text[start:end]


def passage_end(text: str, passages: Sequence[Passage], number: int) -> int:
    """Where the passage of that number, from 0, ends in the text."""
    return passages[number + 1].start if number + 1 < len(passages) else len(text)


def _start(passage: Passage) -> int:
    return passage.start
