"""The words that a script wrote in the place of the times that they became as it ran."""

from __future__ import annotations

import datetime as dt
import re

from pgcontract.model.sql.frozen_times import TIME


def thawed(text: str, words: frozenset[str], *, now: dt.datetime) -> str:
    """The text with a word in the place of each time that it became, where a script has these words and ran `now`."""
    return TIME.sub(lambda literal: f"{_word(literal, words, now)}{literal['type']}", text)


def _word(literal: re.Match[str], words: frozenset[str], now: dt.datetime) -> str:
    days = {"today": 0, "tomorrow": 1, "yesterday": -1}
    day = dt.date.fromisoformat(literal["day"])
    at_midnight = literal["time"] is None or literal["time"].startswith(" 00:00:00")
    for word, distance in days.items():
        if word in words and at_midnight and (day - now.date()).days == distance:
            return f"'{word}'"
    is_now = abs((day - now.date()).days) <= 1 and (literal["time"] is None or not at_midnight)
    return "'now'" if "now" in words and is_now else literal[0].removesuffix(literal["type"])
