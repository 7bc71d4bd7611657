"""What gets into SQL when it is copied or merged, and that the server calls a syntax error: what to do about it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pgcontract.patterns import lazy_pattern

_CONFLICT: Final = lazy_pattern(r"^(?:<{7}|>{7})(?: .*)?$|^={7}$", re.MULTILINE)
_LOG: Final = lazy_pattern(r"(?:INFO|DEBUG|WARNING)\s+\[[\w.]+\] ")
_FENCE: Final = lazy_pattern(r"\s*```")
_QUOTES: Final = {"‘": "'", "’": "'", "“": '"', "”": '"', "´": "'"}
_BLANKS: Final = ("Zs", "Zl", "Zp", "Cf")
_WORD: Final = lazy_pattern(r"[^ \t\r\n;,()]+")


def copied_text_advice(text: str, at: int) -> str | None:
    """One sentence about the word that stands there, or its line; None where neither is of the kind. `at` is where it is
    no SQL, in characters from 0."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].partition("\n")[0]
    if _CONFLICT.match(text, start):
        return f"“{line[:7]}” is git's mark of a conflict: choose one of the two sides, and remove the marks."
    if _LOG.match(line):
        return "This is a line of a tool's log: write what it prints to standard output alone to the file (no 2>&1)."
    if _FENCE.match(line):
        return "“```” is Markdown's: remove such lines."
    word = _WORD.match(text, at)
    for char in word[0] if word else "":
        if char in _QUOTES:
            return f"“{char}” is no quote to PostgreSQL: type {_QUOTES[char]} in its place."
        if unicodedata.category(char) in _BLANKS:
            name = unicodedata.name(char, "").lower()
            return f"It holds U+{ord(char):04X} ({name}), which is no blank to PostgreSQL: type a blank, or nothing."
    return None
