"""Names in a script that its tool replaces by values before it sends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pgcontract.model.sql import Passage


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    """One place, `text[start:end]`, and what stands there once the tool has read it."""

    start: int
    end: int
    value: str


def fill(text: str, path: str, placeholders: Iterable[Placeholder]) -> tuple[str, tuple[Passage, ...]]:
    """The text with the values in it, and what of it is from where in the file."""
    pieces: list[str] = []
    passages: list[Passage] = []
    length = at = 0
    line, column = 1, 1
    for placeholder in placeholders:
        for piece, kept in (
            (text[at : placeholder.start], text[at : placeholder.start]),
            (placeholder.value, text[placeholder.start : placeholder.end]),
        ):
            if piece and passages:
                passages.append(Passage(start=length, path=path, line=line, column=column))
            elif piece:
                passages.append(Passage(start=0, path=path))
            pieces.append(piece)
            length += len(piece)
            newlines = kept.count("\n")
            line += newlines
            column = len(kept) - kept.rfind("\n") if newlines else column + len(kept)
        at = placeholder.end
    if not pieces:
        return text, ()
    passages.append(Passage(start=length, path=path, line=line, column=column))
    return "".join((*pieces, text[at:])), tuple(passages)
