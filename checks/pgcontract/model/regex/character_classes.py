"""The named character classes, as glibc's UTF-8 locales have them as far as Python's character database can tell.

Under the C locale they end at U+007F, and other libraries differ on rare characters (PostgreSQL's own takes U+2007 for
a space and combining letters for letters): near such a class, ask the server.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from string import digits, hexdigits
from typing import Final

from pgcontract.model.regex.nodes import MAX_CODE_POINT, Ranges, merge_ranges

_NO_BREAK_SPACES: Final = "\xa0\u2007\u202f"


def _is_space(character: str) -> bool:
    return character.isspace() and character not in _NO_BREAK_SPACES and not "\x1c" <= character <= "\x1f"


def _is_graph(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs", "Cn", "Zs", "Zl", "Zp"} or character in _NO_BREAK_SPACES


_CLASSES: Final[Mapping[str, Callable[[str], bool]]] = {
    "alpha": str.isalpha,
    "alnum": lambda character: character.isalpha() or character in digits,
    "blank": lambda character: character == "\t" or (unicodedata.category(character) == "Zs" and _is_space(character)),
    "cntrl": lambda character: unicodedata.category(character) in {"Cc", "Zl", "Zp"},
    "digit": lambda character: character in digits,
    "graph": _is_graph,
    "lower": str.islower,
    "print": lambda character: _is_graph(character) or unicodedata.category(character) == "Zs",
    "punct": lambda character: _is_graph(character) and not character.isalpha() and character not in digits,
    "space": _is_space,
    "upper": str.isupper,
    "word": lambda character: character.isalpha() or character in digits or character == "_",
    "xdigit": lambda character: character in hexdigits,
}

# Collating elements by name (PostgreSQL's regc_locale.c, after POSIX): those that patterns are written with.
COLLATING_ELEMENTS: Final[Mapping[str, str]] = {
    "NUL": "\0",
    "tab": "\t",
    "newline": "\n",
    "carriage-return": "\r",
    "space": " ",
    "hyphen": "-",
    "hyphen-minus": "-",
    "period": ".",
    "full-stop": ".",
    "slash": "/",
    "solidus": "/",
    "backslash": "\\",
    "underscore": "_",
    "low-line": "_",
    "circumflex": "^",
    "left-square-bracket": "[",
    "right-square-bracket": "]",
}


@lru_cache
def ranges_of(name: str) -> Ranges | None:
    """The characters of a class, None where there is no such class; the first call for one looks at all characters."""
    holds = _CLASSES.get(name)
    if holds is None:
        return None
    return merge_ranges([(code, code) for code in range(MAX_CODE_POINT + 1) if holds(chr(code))])


@lru_cache
def other_cases() -> tuple[tuple[str, str], ...]:
    """Every letter that has another case of one character, with that: a letter may stand twice."""
    letters = map(chr, range(MAX_CODE_POINT + 1))
    return tuple(
        (letter, other)
        for letter in letters
        for other in (letter.lower(), letter.upper())
        if other != letter and len(other) == 1
    )


def is_word_character(character: str) -> bool:
    """Whether it belongs to a word, as \\y and \\m see it."""
    return _CLASSES["word"](character)
