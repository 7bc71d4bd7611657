"""The conditions of a plan's filter, as the server prints them: `(lower((email)::text) = $1)` is a left side, an operator
and a right side. Pure.

ruleutils.c puts every operator's sides in brackets where they are operators themselves, and blanks around the operator,
so that brackets and quotes are all there is to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_OPERATOR: Final = re.compile(r" ([+\-*/<>=~!@#%^&|`?]+|IS NOT DISTINCT FROM|IS DISTINCT FROM|IS NOT NULL|IS NULL)( |$)")
_CAST: Final = re.compile(r"::[\w \"]+(?:\(\d+(?:,\d+)?\))?(?:\[\])?")
_CONSTANT: Final = re.compile(r"^\(?(?:'(?:[^']|'')*'|\$\d+|-?\d+(?:\.\d+)?|true|false|NULL)\)?(?:::[\w \"]+(?:\[\])?)?$")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition that must hold. `left` and `right` are without the brackets around them; where it is no comparison,
    all is `left` and the operator empty. `either` where it is an OR."""

    text: str
    left: str
    operator: str = ""
    right: str = ""
    either: bool = False

    @property
    def column(self) -> str | None:
        """The column that `left` is, whatever casts are around it that change no value (varchar to text)."""
        bare = unwrapped(re.sub(r"^\((.*)\)::text$", r"\1", self.left))
        return bare if re.fullmatch(r'[a-z_][\w$]*|"(?:[^"]|"")+"', bare) else None

    @property
    def constant(self) -> bool:
        """Whether the right side is a value and no part of the row."""
        return bool(_CONSTANT.match(self.right)) or not re.search(
            r"[a-z_]\w*(?!\w*\()", _CAST.sub("", _blank(self.right))
        )


def read_conditions(filter_: str, alias: str | None = None) -> tuple[Condition, ...]:
    """What a filter demands, one condition for each that AND joins; the table's alias is taken off its columns."""
    own = without_alias(filter_, alias)
    return tuple(_condition(each) for each in _split(unwrapped(own), " AND "))


def without_alias(text: str, alias: str | None) -> str:
    """The expression with the table's own columns bare."""
    if not alias:
        return text
    return re.sub(rf"('(?:[^']|'')*')|(?<![\w.\"]){re.escape(alias)}\.", lambda found: found[1] or "", text)


def _condition(text: str) -> Condition:
    inner = unwrapped(text)
    if len(list(_split(inner, " OR "))) > 1:
        return Condition(text=inner, left=inner, either=True)
    for at in _outside(inner):
        found = _OPERATOR.match(inner, at)
        if found:
            left, right = inner[:at], inner[found.end() :]
            return Condition(text=inner, left=unwrapped(left), operator=found[1], right=unwrapped(right))
    return Condition(text=inner, left=inner)


def mentions(text: str, key: str) -> bool:
    """Whether the expression has the key in it; a word that is part of a longer one, or in quotes, is none."""
    return re.search(rf"(?<![\w\"]){re.escape(key)}(?![\w\"])", _emptied(text) if "'" not in key else text) is not None


def unwrapped(text: str) -> str:
    """Without the pairs of brackets that are around the whole."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    """Where the bracket that the text begins with is closed."""
    depth = 0
    for at, char in enumerate(_blank(text)):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at
    return -1


def _outside(text: str) -> Iterator[int]:
    """The places that are in no brackets."""
    depth = 0
    for at, char in enumerate(_blank(text)):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            yield at


def _split(text: str, word: str) -> Iterator[str]:
    start = 0
    blank = _blank(text)
    for at in _outside(text):
        if blank.startswith(word, at):
            yield text[start:at]
            start = at + len(word)
    yield text[start:]


def _emptied(text: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", text)


def _blank(text: str) -> str:
    """The text with what stands in quotes made blank, as long as before."""
    return re.sub(r"'(?:[^']|'')*'", lambda found: "'" + " " * (len(found[0]) - 2) + "'", text)
