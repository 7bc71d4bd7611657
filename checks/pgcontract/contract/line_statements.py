"""Statements as goose and sql-migrate cut them: by lines, with no regard to quotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgcontract.values import dataclass


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


def comments_between(
    text: str, regions: Iterable[tuple[int, int]], messages: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The lines of comments in the regions that are in none of the messages: a tool does not send them, and they say what
    is promised of the script all the same."""
    regions, messages = tuple(regions), sorted(messages)
    sent = 0
    for line in lines(text):
        while sent < len(messages) and messages[sent][1] <= line.start:
            sent += 1
        if not line.text.lstrip().startswith("--") or (sent < len(messages) and messages[sent][0] <= line.start):
            continue
        if any(start <= line.start < end for start, end in regions):
            yield line.start, line.end
