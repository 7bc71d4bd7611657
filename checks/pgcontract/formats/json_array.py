"""JSON arrays, as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgcontract.formats.json.json_dialects import DIALECTS, SOURCES, read
from pgcontract.formats.json.json_reader import kind_of
from pgcontract.formats.json.known_texts import KNOWN
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter
from pgcontract.formats.oracle.scanner import InvalidText

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@declare("json_array", sources=SOURCES)
@dataclass(frozen=True, kw_only=True)
class JsonArray(Texts):
    """A JSON text whose value is an array, never another kind of value."""

    dialect: str = parameter("string", "What the text keeps to", default="rfc8259", choices=tuple(DIALECTS))

    def why_not(self, value: str) -> str | None:
        try:
            kind = kind_of(read(value, self.dialect))
        except InvalidText as refused:
            return str(refused)
        return None if kind == "array" else f"a JSON {kind}, where an array is meant (RFC 8259, 3)"

    def valid(self) -> SearchStrategy[str]:
        from pgcontract.formats.json.json_strategies import arrays, json_texts

        strict = self.dialect != "rfc8259"
        return arrays(json_texts(strict=strict)).filter(self.means)

    def near_misses(self) -> SearchStrategy[str]:
        from pgcontract.formats.json.json_strategies import broken_json

        return broken_json(self.valid())

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return KNOWN

    def alphabet(self) -> str:
        from pgcontract.formats.json.json_strategies import ALPHABET

        return ALPHABET
