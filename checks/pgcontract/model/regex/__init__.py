"""A PostgreSQL regular expression, read: its parts, and whether a text matches, without asking a server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from pgcontract.errors import CouldNotAsk, InputError
from pgcontract.model.regex.automaton import Automaton, PatternTooLarge, PatternTooSlow, WorkBudget
from pgcontract.model.regex.nodes import Node
from pgcontract.model.regex.parser import RegexParser, RegexSyntaxError

_MAX_SHOWN: Final = 200


@dataclass(frozen=True)
class Pattern:
    """`text` as PostgreSQL's `~` reads it (or `~*`), and what it consists of."""

    text: str
    part: Node

    def matches_within(self, value: str) -> bool:
        """Whether the pattern matches anywhere in the value, as `value ~ text` does, in time that has a bound.

        InputError, for any value, where it holds a back reference or is too large; CouldNotAsk where the values so far
        have taken too long.
        """
        try:
            return any(self._automaton.matches_end(value))
        except PatternTooLarge as fault:
            raise InputError(f"the regular expression {_shown(self.text)} cannot be matched here: {fault}") from None
        except PatternTooSlow:
            why = "takes too long on the texts that are tried; write a simpler one"
            raise CouldNotAsk(f"the regular expression {_shown(self.text)} {why}") from None

    @cached_property
    def _automaton(self) -> Automaton:
        return Automaton(self.part, WorkBudget())


@lru_cache(maxsize=256)
def read_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """The pattern of `~`, or of `~*`; InputError, with the place, where it is none or of a kind that is not read."""
    try:
        pattern = RegexParser(text, ignore_case=ignore_case).read()
    except RegexSyntaxError as fault:
        raise InputError(f"the regular expression {_shown(text)} cannot be read: {fault}") from fault
    except RecursionError:
        raise InputError(f"the regular expression {_shown(text)} cannot be read: it is nested too deeply") from None
    return Pattern(text, pattern)


def _shown(text: str) -> str:
    return f"`{text}`" if len(text) <= _MAX_SHOWN else f"`{text[:_MAX_SHOWN]}…`"
