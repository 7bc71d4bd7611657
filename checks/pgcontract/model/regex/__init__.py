"""A PostgreSQL regular expression, read: its parts, and whether a text matches, without asking a server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pgcontract.errors import InputError
from pgcontract.model.regex.nodes import Node
from pgcontract.model.regex.parser import RegexParser, RegexSyntaxError


@dataclass(frozen=True)
class Pattern:
    """`text` as PostgreSQL's `~` reads it (or `~*`), and what it consists of."""

    text: str
    part: Node

    def matches_within(self, value: str) -> bool:
        """Whether the pattern matches anywhere in the value, as `value ~ text` does."""
        return self._compiled.search(value) is not None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        try:
            return re.compile(self.part.python)
        except (re.error, OverflowError, RecursionError) as error:
            raise InputError(f"Python's re cannot do what the pattern `{self.text}` asks: {error}") from error


@lru_cache(maxsize=256)
def read_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """The pattern of `~`, or of `~*`; InputError, with the place, where it is none or of a kind that is not read."""
    try:
        return Pattern(text, RegexParser(text, ignore_case=ignore_case).read())
    except (RegexSyntaxError, RecursionError) as fault:
        raise InputError(f"the regular expression `{text}` cannot be read: {fault}") from fault
