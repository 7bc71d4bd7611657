"""Reads a text from left to right by a grammar, and says in a few words why it cannot go on."""

from __future__ import annotations

import unicodedata
from collections.abc import Container


class InvalidText(Exception):
    """The text is not of the format; the message is the reason with its source."""


class Scanner:
    """A text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    @property
    def next(self) -> str:
        """The character that is read next, or "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip(self, literal: str) -> bool:
        """Read the literal if it is next."""
        starts = self.text.startswith(literal, self.at)
        self.at += len(literal) if starts else 0
        return starts

    def take(self, characters: Container[str], most: int | None = None) -> str:
        """Read the longest run of these characters, of `most` at most."""
        start = self.at
        end = len(self.text) if most is None else min(len(self.text), start + most)
        while self.at < end and self.text[self.at] in characters:
            self.at += 1
        return self.text[start : self.at]


def describe_character(character: str) -> str:
    """A character as an error message shows it: `"a"` where it prints, with its code point where it may deceive."""
    if not character:
        return "the end"
    code = f"U+{ord(character):04X}"
    if character.isascii():
        return f'"{character}"' if "!" <= character <= "~" else code
    return f"{code} {unicodedata.name(character, '')}".rstrip()


def utf8_length(text: str) -> int:
    """The length in UTF-8; a lone surrogate, which has none, counts as the three it would take."""
    return len(text.encode("utf-8", "surrogatepass"))
