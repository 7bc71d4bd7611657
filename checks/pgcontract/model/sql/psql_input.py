"""What is being read of a psql script: a file, the values that are read within it, and the statement so far."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final

from pgcontract.model.sql.passages import Passage, Place
from pgcontract.model.sql.source import Source, line_starts
from pgcontract.patterns import lazy_pattern

_NESTING: Final = lazy_pattern(r"/\*|\*/")
_IN_ESCAPES: Final = lazy_pattern(r"\\|'")
_GOES_ON: Final = lazy_pattern(r"'(?:'|[ \t\f\v]*[\r\n][ \t\r\n\f\v]*')")
_END_OF_ROWS: Final = lazy_pattern(r"\n\\\.\r?(?:\n|\Z)")


class Inside(Enum):
    """What a place in the text is inside of."""

    NOTHING = "nothing"
    STRING = "string"
    ESCAPES = "string with escapes"
    NAME = "quoted name"
    DOLLARS = "dollar quotes"
    COMMENT = "comment"


@dataclass(eq=False)
class Input:
    """A text that is read from `at` on; up to `emitted` it is in the statement already.

    `origin` is where it comes from, an offset in another text: all of it from that one place, where it stands for what is
    `written` there, else from there on. `variable` is the name whose value it is.
    """

    text: str
    path: str
    origin: tuple[Input, int] | None = None
    written: str | None = None
    variable: str | None = None
    at: int = 0
    emitted: int = 0

    @cached_property
    def starts(self) -> tuple[int, ...]:
        return line_starts(self.text)

    def place(self, offset: int) -> Place:
        """Where a character of it stands in its file."""
        if self.origin is not None:
            outer, start = self.origin
            return outer.place(start + offset if self.written is None else start)
        line = bisect_right(self.starts, offset)
        return Place(path=self.path, line=line, column=offset - self.starts[line - 1] + 1)

    def passage(self, offset: int, start: int) -> Passage:
        """What is from there on, at `start` of the script's text."""
        place = self.place(offset)
        return Passage(
            start=start, path=place.path, line=place.line, column=place.column, placeholder=self._outermost_written
        )

    @property
    def _outermost_written(self) -> str | None:
        """How the file spells it: within a value, the name of that."""
        outer = self.origin[0]._outermost_written if self.origin is not None else None
        return outer if outer is not None else self.written


@dataclass
class Buffer:
    """The text since the last statement ended, and where the statement itself stands in it. `pieces` are the offsets at
    which it is from elsewhere than what is before it."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    pieces: list[tuple[int, tuple[Input, int]]] = field(default_factory=list)
    goes_on_with: tuple[Input, int] | None = None
    start: int | None = None
    end: int = 0
    place: Place | None = None
    parentheses: int = 0
    blocks: int = 0
    routine: bool = False

    def statement(self) -> str:
        """The statement as far as it is in the buffer."""
        return "".join(self.parts)[self.start : self.end] if self.start is not None else ""

    def forget(self) -> None:
        """The statement is given up; its text stays, that places do."""
        self.start, self.place = None, None
        self.parentheses, self.blocks, self.routine = 0, 0, False


@dataclass
class Condition:
    """One \\if: whether its branch is read, and whether one of its branches has been, or none is to be."""

    place: Place
    active: bool
    taken: bool
    in_else: bool = False


class File:
    """A file that is read: the innermost text last."""

    def __init__(self, source: Source) -> None:
        self.inputs = [Input(source.text, source.path)]
        self.buffer = Buffer()
        self.conditions: list[Condition] = []
        self.inside = Inside.NOTHING
        self.tag = ""
        self.depth = 0
        self.has_quit = False

    @property
    def active(self) -> bool:
        """Whether what is read is not in a branch that is passed over."""
        return all(condition.active for condition in self.conditions)

    def mark(self, start: int, end: int) -> None:
        """From `start` to `end`, in the innermost text, the statement has characters of its own."""
        if not self.active:
            return
        buffer, current = self.buffer, self.inputs[-1]
        shift = buffer.length - current.emitted
        if buffer.start is None:
            buffer.start, buffer.place = start + shift, current.place(start)
        buffer.end = end + shift

    def flush(self, upto: int) -> None:
        """The innermost text is in the statement up to there, unless its branch is passed over."""
        buffer, current = self.buffer, self.inputs[-1]
        if upto > current.emitted and self.active:
            at = (current, current.emitted)
            if at != buffer.goes_on_with:
                buffer.pieces.append((buffer.length, at))
            buffer.parts.append(current.text[current.emitted : upto])
            buffer.length += upto - current.emitted
            buffer.goes_on_with = (current, upto)
        current.emitted = max(upto, current.emitted)

    def replace(self, start: int, end: int) -> None:
        """What stands from `start` to `end` in the innermost text is not in the statement."""
        self.flush(start)
        current = self.inputs[-1]
        current.at = max(current.at, end)
        current.emitted = max(current.emitted, end)

    def push(self, start: int, end: int, text: str, *, variable: str | None = None) -> None:
        """The text is read in the place of what stands from `start` to `end`: as SQL where it is a variable's value, else
        as a part of the statement."""
        self.replace(start, end)
        current = self.inputs[-1]
        written = current.text[start:end]
        self.inputs.append(Input(text, current.path, origin=(current, start), written=written, variable=variable))
        if variable is None:
            self.mark(0, len(text))
            self.inputs[-1].at = len(text)

    def new_buffer(self) -> None:
        """The next statement begins."""
        self.buffer = Buffer()

    def read_inside(self) -> None:
        """Up to where a quote or comment ends, or the text does."""
        current = self.inputs[-1]
        text, at = current.text, current.at
        match self.inside:
            case Inside.COMMENT:
                while self.depth and (mark := _NESTING.search(text, at)):
                    self.depth += 1 if mark.group() == "/*" else -1
                    at = mark.end()
                current.at = at if not self.depth else len(text)
                closed = not self.depth
            case Inside.ESCAPES:
                closed = False
                while not closed and (mark := _IN_ESCAPES.search(text, at)):
                    goes_on = _GOES_ON.match(text, mark.start())
                    at = goes_on.end() if goes_on else mark.end() + (mark.group() == "\\")
                    closed = mark.group() == "'" and goes_on is None
                current.at = min(at, len(text)) if closed else len(text)
            case _:
                tag = {Inside.STRING: "'", Inside.NAME: '"'}.get(self.inside, self.tag)
                close = text.find(tag, at)
                closed = close >= 0
                current.at = close + len(tag) if closed else len(text)
        if self.inside is not Inside.COMMENT:
            self.mark(current.at - 1, current.at)
        if closed:
            self.inside = Inside.NOTHING

    def take_rows(self) -> str:
        """The lines behind the one that is being read, up to the one that is `\\.`, or the file's end; the file goes on
        behind them, and with what is left of the line first."""
        source, current = self.inputs[0], self.inputs[-1]
        line_end = source.text.find("\n", source.at)
        if line_end < 0:
            return ""
        end = _END_OF_ROWS.search(source.text, line_end)
        rows = source.text[line_end + 1 : end.start() + 1 if end else len(source.text)]
        self.flush(current.at)
        left, at = source.text[source.at : line_end], source.at
        source.at = source.emitted = end.end() if end else len(source.text)
        if left.strip():
            self.inputs.insert(1, Input(left, source.path, origin=(source, at)))
        return rows
