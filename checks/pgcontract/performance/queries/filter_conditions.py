"""The conditions of a plan's filter, as the server prints them: `(lower((email)::text) = $1)` is a left side, an operator
and a right side. Pure.

ruleutils.c puts every operator's sides in brackets where they are operators themselves, and blanks around the operator,
so that brackets and quotes are all there is to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.values import dataclass

_OPERATOR: Final = re.compile(r" ([+\-*/<>=~!@#%^&|`?]+|IS NOT DISTINCT FROM|IS DISTINCT FROM|IS NOT NULL|IS NULL)( |$)")
_CAST: Final = re.compile(r"::[\w \"]+(?:\(\d+(?:,\d+)?\))?(?:\[\])?")
_CONSTANT: Final = re.compile(r"^\(?(?:'(?:[^']|'')*'|\$\d+|-?\d+(?:\.\d+)?|true|false|NULL)\)?(?:::[\w \"]+(?:\[\])?)?$")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition that must hold. `left` and `right` are without the brackets around them; where it is no comparison,
    all is `left` and the operator empty. `is_or` where it is an OR."""

    text: str
    left: str
    operator: str = ""
    right: str = ""
    is_or: bool = False

    @property
    def column(self) -> str | None:
        """The column that `left` is, whatever casts are around it that change no value (varchar to text)."""
        bare = without_brackets(re.sub(r"^\((.*)\)::text$", r"\1", self.left))
        return bare if re.fullmatch(r'[a-z_][\w$]*|"(?:[^"]|"")+"', bare) else None

    @property
    def constant(self) -> bool:
        """Whether the right side is a value and no part of the row."""
        return bool(_CONSTANT.match(self.right)) or not re.search(
            r"[a-z_]\w*(?!\w*\()", _CAST.sub("", _blank_strings(self.right))
        )


def read_conditions(filter_: str, alias: str | None = None) -> tuple[Condition, ...]:
    """What a filter demands, one condition for each that AND joins; the table's alias is taken off its columns."""
    own = without_alias(filter_, alias)
    return tuple(_condition(term) for term in _split(without_brackets(own), " AND "))


def without_alias(text: str, alias: str | None) -> str:
    """The expression with the table's own columns bare."""
    if not alias:
        return text
    return re.sub(rf"('(?:[^']|'')*')|(?<![\w.\"]){re.escape(alias)}\.", lambda match: match[1] or "", text)


def _condition(text: str) -> Condition:
    inner = without_brackets(text)
    if len(list(_split(inner, " OR "))) > 1:
        return Condition(text=inner, left=inner, is_or=True)
    for at in _outside_brackets(inner):
        match = _OPERATOR.match(inner, at)
        if match:
            left, right = inner[:at], inner[match.end() :]
            return Condition(text=inner, left=without_brackets(left), operator=match[1], right=without_brackets(right))
    return Condition(text=inner, left=inner)


def mentions(text: str, key: str) -> bool:
    """Whether the expression has the key in it; a word that is part of a longer one, or in quotes, is none."""
    return (
        re.search(rf"(?<![\w\"]){re.escape(key)}(?![\w\"])", _without_strings(text) if "'" not in key else text)
        is not None
    )


def without_brackets(text: str) -> str:
    """Without the pairs of brackets that are around the whole."""
    text = text.strip()
    while text.startswith("(") and _closing_bracket(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing_bracket(text: str) -> int:
    """Where the bracket that the text begins with is closed."""
    depth = 0
    for at, char in enumerate(_blank_strings(text)):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at
    return -1


def _outside_brackets(text: str) -> Iterator[int]:
    """The places that are in no brackets."""
    depth = 0
    for at, char in enumerate(_blank_strings(text)):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            yield at


def _split(text: str, word: str) -> Iterator[str]:
    start = 0
    blank = _blank_strings(text)
    for at in _outside_brackets(text):
        if blank.startswith(word, at):
            yield text[start:at]
            start = at + len(word)
    yield text[start:]


def _without_strings(text: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", text)


def _blank_strings(text: str) -> str:
    """The text with what stands in quotes made blank, as long as before."""
    return re.sub(r"'(?:[^']|'')*'", lambda match: "'" + " " * (len(match[0]) - 2) + "'", text)
