"""Reads a JSON text strictly (RFC 8259), keeping what most readers lose: repeated names, numbers as they are written.

Nothing recurses, so that depth is the text's own matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from pgcontract.formats.oracle.scanner import InvalidText, describe_character

_BLANKS: Final = re.compile(r"[ \t\n\r]*+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?")
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*+')
_HEX: Final = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final[tuple[tuple[str, bool | None], ...]] = (("true", True), ("false", False), ("null", None))


class Number(str):
    """A number as it is written; `value` is None beyond what Decimal holds."""

    __slots__ = ()

    @property
    def value(self) -> Decimal | None:
        try:
            return Decimal(self)
        except InvalidOperation:
            return None


@dataclass(frozen=True, slots=True)
class Object:
    """The members in order, a repeated name as often as it stands there."""

    members: tuple[tuple[str, Json], ...]


Json: TypeAlias = "Object | list[Json] | str | Number | bool | None"


def read_json(text: str) -> Json:
    """The value of a JSON text. Refused where it is none, with the place counted in characters from 1."""
    return _JsonParser(text).read()


def kind_of(value: Json) -> str:
    """JSON's word for the kind of a value."""
    match value:
        case Object():
            return "object"
        case list():
            return "array"
        case Number():
            return "number"
        case str():
            return "string"
        case bool():
            return "boolean"
        case None:
            return "null"


@dataclass(slots=True)
class _OpenContainer:
    """An array or object on the way: what ends it, its values so far, and for an object one name a value."""

    end: str
    names: list[str] = field(default_factory=list)
    values: list[Json] = field(default_factory=list)


class _JsonParser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Json:
        """One value and nothing behind it; `opened` holds the arrays and objects that are not closed yet."""
        opened: list[_OpenContainer] = []
        while True:
            value: Json
            self._blanks()
            if self._skip("["):
                if not self._closes("]"):
                    opened.append(_OpenContainer("]"))
                    continue
                value = []
            elif self._skip("{"):
                if not self._closes("}"):
                    opened.append(_OpenContainer("}", [self._name()]))
                    continue
                value = Object(())
            else:
                value = self._scalar()
            while opened:
                top = opened[-1]
                top.values.append(value)
                self._blanks()
                if self._skip(","):
                    if top.names:
                        self._blanks()
                        top.names.append(self._name())
                    break
                if not self._skip(top.end):
                    raise self._syntax_error(f'"," or "{top.end}"')
                opened.pop()
                value = Object(tuple(zip(top.names, top.values, strict=True))) if top.names else top.values
            else:
                self._blanks()
                if self._at < len(self._text):
                    raise self._syntax_error("the end")
                return value

    def _blanks(self) -> None:
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _skip(self, literal: str) -> bool:
        starts = self._text.startswith(literal, self._at)
        self._at += len(literal) if starts else 0
        return starts

    def _closes(self, end: str) -> bool:
        self._blanks()
        return self._skip(end)

    def _name(self) -> str:
        if not self._skip('"'):
            raise self._syntax_error("a name in quotes")
        name = self._string()
        self._blanks()
        if not self._skip(":"):
            raise self._syntax_error('":"')
        return name

    def _scalar(self) -> Json:
        if self._skip('"'):
            return self._string()
        for word, value in _WORDS:
            if self._skip(word):
                return value
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            return Number(match.group())
        raise self._syntax_error("a value")

    def _string(self) -> str:
        """The rest of a string; an escaped surrogate pair becomes one character, a lone one stays (RFC 8259, 8.2)."""
        pieces: list[str] = []
        while True:
            if match := _PLAIN.match(self._text, self._at):
                self._at = match.end()
                pieces.append(match.group())
            if self._skip('"'):
                joined = "".join(pieces)
                return (
                    joined.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if pieces[1:] else joined
                )
            if not self._skip("\\"):
                raise self._syntax_error("the end of the string")
            escape = self._text[self._at : self._at + 1]
            self._at += len(escape)
            if escape == "u" and (code := _HEX.match(self._text, self._at)):
                self._at = code.end()
                pieces.append(chr(int(code.group(), 16)))
            elif escape in _ESCAPES:
                pieces.append(_ESCAPES[escape])
            else:
                self._at -= len(escape)
                raise self._syntax_error("an escape")

    def _syntax_error(self, expected: str) -> InvalidText:
        actual = describe_character(self._text[self._at : self._at + 1])
        return InvalidText(f"{actual} at character {self._at + 1}, where {expected} is expected (RFC 8259)")
