"""Times that the server reads once: 'now', 'today', 'tomorrow', 'yesterday' in quotes become the moment of the script."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.sql.lexer import TokenKind, tokens

WORDS: Final = ("now", "today", "tomorrow", "yesterday")
TIME: Final = re.compile(
    r"'(?P<day>\d{4}-\d\d-\d\d)(?P<time> \d\d:\d\d:\d\d[^']*)?'(?P<type>::(?:timestamp|date)[\w ()]*)"
)


def frozen_words(text: str) -> frozenset[str]:
    """Those of the words that stand in the text as strings."""
    if not any(word in text.lower() for word in WORDS):
        return frozenset()
    strings = (token.text.strip("'").strip().lower() for token in tokens(text) if token.kind is TokenKind.STRING)
    return frozenset(strings) & frozenset(WORDS)


def first_time(text: str) -> str | None:
    """The first time that stands in the text as a constant, as the server prints it."""
    literal = TIME.search(text)
    return literal[0] if literal else None


def without_times(text: str) -> str:
    """The text with each such time left open."""
    return TIME.sub(lambda literal: f"'…'{literal['type']}", text)
