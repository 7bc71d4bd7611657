"""Statements as goose and sql-migrate cut them: by lines, with no regard to quotes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line without its end; `number` counts from 1, `text[start:end]` holds it."""

    number: int
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def ends_statement(self) -> bool:
        """Whether its last word, before one that opens a comment, ends with a semicolon."""
        last = ""
        for word in self.text.split():
            if word.startswith("--"):
                break
            last = word
        return last.endswith(";")


def lines(text: str) -> Iterator[Line]:
    """The lines as Go's scanner reads them: they end with a newline, and a carriage return before it is no part."""
    start = 0
    pieces = text.split("\n")
    for number, piece in enumerate(pieces, 1):
        if piece or number < len(pieces):
            yield Line(number=number, start=start, text=piece.removesuffix("\r"))
        start += len(piece) + 1
