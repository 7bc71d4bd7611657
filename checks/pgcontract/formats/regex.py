"""Texts that a regular expression matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter
from pgcontract.formats.oracle.hostile_texts import HOSTILE_TEXTS
from pgcontract.model.regex import read_pattern

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@declare("regex", sources=("PostgreSQL manual, 9.7.3: advanced regular expressions, read without a server",))
@dataclass(frozen=True, kw_only=True)
class Regex(Texts):
    """A text that a regular expression matches somewhere; give it anchors where all of the text is meant."""

    pattern: str = parameter("string", "The expression, as PostgreSQL's ~ reads it")
    ignore_case: bool = parameter("boolean", "Whether it is read as ~* reads it", default=False)

    def __post_init__(self) -> None:
        read_pattern(self.pattern, ignore_case=self.ignore_case).matches_within("")

    def why_not(self, value: str) -> str | None:
        matched = read_pattern(self.pattern, ignore_case=self.ignore_case).matches_within(value)
        return None if matched else f"not matched by {self.pattern}"

    def valid(self) -> SearchStrategy[str]:
        from pgcontract.formats.oracle.regex_strategies import matching_texts

        return matching_texts(read_pattern(self.pattern, ignore_case=self.ignore_case))

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return HOSTILE_TEXTS

    def alphabet(self) -> str:
        return "".join(dict.fromkeys(self.pattern)) + "aZ09 _-.\n\té\u200b"
