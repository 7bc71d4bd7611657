"""Names in a script that its tool replaces by values before it sends it; a value may be a secret."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import field
from typing import Final

from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.model.sql.passages import Passage, passage_end
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.source import line_starts
from pgcontract.values import dataclass

_QUOTED: Final = re.compile(r"'.*'", re.DOTALL)
_TAG: Final = re.compile(r"\$\w*\$")
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
    """The server's words about a script, with names in the place of the values that were sent within quotes. One that is
    the name of something in the database too is no secret, and stays."""
    literals: dict[str, str] = {}
    names: set[str] = set()
    for number, passage in enumerate(script.passages):
        if passage.placeholder is None:
            continue
        value = script.text[passage.start : passage_end(script.text, script.passages, number)]
        if _QUOTED.fullmatch(value):
            literals[value[1:-1].replace("''", "'")] = passage.placeholder
        elif _is_quoted(script, passage.start):
            literals[value] = passage.placeholder
        else:
            names.add(value)
    for value in sorted(literals.keys() - names, key=len, reverse=True):
        if len(value) >= _SHORTEST_MASKED:
            words = words.replace(value, literals[value])
    return words


def _is_quoted(script: Script, offset: int) -> bool:
    """Whether that place is within a string, or in no statement; the body of a function or DO is code."""
    number = bisect_right(script.statements, offset, key=lambda statement: statement.offset) - 1
    if number < 0:
        return True
    text, at = script.statements[number].text, offset - script.statements[number].offset
    while at < len(text):
        token = next((token for token in reversed(tokens(text)) if token.offset <= at), None)
        if token is None or token.kind is not TokenKind.STRING or at >= token.offset + len(token.text):
            return False
        tag = _TAG.match(token.text)
        if tag is None:
            return True
        text, at = token.text[tag.end() : -tag.end()], at - token.offset - tag.end()
    return True
