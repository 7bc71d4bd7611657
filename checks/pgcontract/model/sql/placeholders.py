"""Names in a script that its tool replaces by values before it sends it; a value may be a secret."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pgcontract.model.sql.passages import Passage, passage_end
from pgcontract.model.sql.script import Script, line_starts

_SHORTEST_MASKED: Final = 4  # a shorter value is no secret, and stands by chance in every message


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    """One place, `text[start:end]`, and what stands there once the tool has read it."""

    start: int
    end: int
    value: str = field(repr=False)


def fill(text: str, path: str, placeholders: Iterable[Placeholder]) -> tuple[str, tuple[Passage, ...]]:
    """The text with the values in it, and what of it is from where in the file; the placeholders come in their order."""
    starts = line_starts(text)
    pieces: list[str] = []
    passages = [Passage(start=0, path=path)]
    at = length = 0
    for placeholder in placeholders:
        pieces += (text[at : placeholder.start], placeholder.value)
        length += placeholder.start - at
        for offset, begins, spelled in (
            (placeholder.start, length, text[placeholder.start : placeholder.end]),
            (placeholder.end, length + len(placeholder.value), None),
        ):
            line = bisect_right(starts, offset)
            column = offset - starts[line - 1] + 1
            passages.append(Passage(start=begins, path=path, line=line, column=column, placeholder=spelled))
        length += len(placeholder.value)
        at = placeholder.end
    return ("".join((*pieces, text[at:])), tuple(passages)) if pieces else (text, ())


def mask_values(script: Script, words: str) -> str:
    """The server's words about a script, with names in the place of the values that were sent."""
    values = {
        script.text[passage.start : passage_end(script.text, script.passages, number)]: passage.placeholder
        for number, passage in enumerate(script.passages)
        if passage.placeholder is not None
    }
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST_MASKED:
            words = words.replace(value, values[value])
    return words
