"""What the formats of JSON texts have in common: a dialect, known texts, and texts with one fault."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgcontract.formats.json.json_dialects import DIALECTS, read
from pgcontract.formats.json.json_reader import Json, kind_of
from pgcontract.formats.json.known_texts import KNOWN
from pgcontract.formats.oracle import KnownValue, Texts, parameter
from pgcontract.formats.oracle.scanner import InvalidText

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True, kw_only=True)
class JsonTexts(Texts):
    """Texts of the dialect whose value is meant."""

    dialect: str = parameter("string", "What the text keeps to", default="rfc8259", choices=tuple(DIALECTS))

    @abstractmethod
    def why_not_value(self, value: Json) -> str | None:
        """The first reason why the value is not meant; None where it is."""

    def why_not(self, value: str) -> str | None:
        try:
            return self.why_not_value(read(value, self.dialect))
        except InvalidText as refused:
            return str(refused)

    def near_misses(self) -> SearchStrategy[str]:
        from pgcontract.formats.json.json_strategies import broken_json

        return broken_json(self.valid())

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return KNOWN

    def alphabet(self) -> str:
        from pgcontract.formats.json.json_strategies import ALPHABET

        return ALPHABET


def why_not_kind(value: Json, kind: str) -> str | None:
    """The reason why a value is not of the kind, where it is another."""
    actual = kind_of(value)
    return None if actual == kind else f"a JSON {actual}, where an {kind} is meant (RFC 8259, 3)"
