"""JSON documents with the keys that a statement takes out of a column: without them nothing is seen to be lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgcontract.model.sql.lexer import Token, TokenKind
from pgcontract.probes.boundary_values import literal_values

_READS: Final = ("->", "->>", "?", "-")
_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)
# Under these a number is no value: `jsonb_array_elements(data -> 'items')`.
_OPENED: Final = ("ARRAY", "EACH", "KEYS", "RECORD", "ELEMENTS", "PATH")
# Whole numbers may be cast to most of what is taken out of a document; small ones to all integers.
_FIRST, _STEP = 7101, 50
_OF_TYPE: Final = {
    "BOOL": "true",
    "BOOLEAN": "true",
    "DATE": "2024-05-{:02}",
    "TIMESTAMP": "2024-05-{:02}",
    "TIMESTAMPTZ": "2024-05-{:02}",
    "UUID": "00000000-0000-4000-8000-0000000071{:02}",
}
_MOST_KEYS: Final = 9


def read_documents(read: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Bare names of what keys are taken out of (`data - 'key'`), with documents that have these and what else is read:
    two that differ in all, and one that differs from the first in those alone."""
    keys: dict[str, dict[str, str]] = {}
    taken: dict[str, set[str]] = {}
    for place, token in enumerate(read[:-2]):
        if token.kind not in _NAMES or read[place + 1].text not in _READS or _is_opened(read[:place]):
            continue
        operands = [read[place + 2]]
        while read[place + 1].text == "-" and _continues(read[place + 1 + 2 * len(operands) :]):
            operands.append(read[place + 2 + 2 * len(operands)])
        further = read[place + 3 : place + 6]
        if operands[0].kind is not TokenKind.STRING or (further and further[0].text.startswith("->")):
            continue  # of a document in the document no more is known
        named = [key for operand in operands for key in literal_values(operand.text)]
        held = keys.setdefault(token.name, {})
        held.update({key: _form_of(further) or held.get(key, "") for key in named})
        if read[place + 1].text == "-":
            taken.setdefault(token.name, set()).update(named)
    for name, gone in taken.items():
        yield from ((name, text) for text in _documents(keys[name], gone))


def _documents(held: Mapping[str, str], taken: set[str]) -> Iterator[str]:
    shown = [*held][:_MOST_KEYS]
    first, second, third = ({key: _value(held[key], place, turn) for place, key in enumerate(shown)} for turn in range(3))
    in_part = {key: (third if key in taken else first)[key] for key in shown}
    yield from map(json.dumps, (first, second, in_part))


def _continues(read: Sequence[Token]) -> bool:
    return len(read) > 1 and read[0].text == "-" and read[1].kind is TokenKind.STRING


def _value(form: str, place: int, turn: int) -> str | int:
    return form.format(1 + place + turn * _MOST_KEYS) if form else _FIRST + place + turn * _STEP


def _form_of(behind: Sequence[Token]) -> str:
    """Of a cast that follows at once, or behind the parenthesis."""
    texts = [token.upper for token in behind]
    texts = texts[1:] if texts[:1] == [")"] else texts
    return _OF_TYPE.get(texts[1], "") if texts[:1] == ["::"] and len(texts) > 1 else ""


def _is_opened(before: Sequence[Token]) -> bool:
    """Whether a function that wants an array or an object is called on it."""
    while before and before[-1].text == ".":
        before = before[:-2]
    return len(before) > 1 and before[-1].text == "(" and any(word in before[-2].upper for word in _OPENED)
