"""JSON arrays, as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgcontract.formats.json.json_dialects import SOURCES
from pgcontract.formats.json.json_reader import Json
from pgcontract.formats.json.json_texts import JsonTexts, why_not_kind
from pgcontract.formats.oracle import declare

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@declare("json_array", sources=SOURCES)
@dataclass(frozen=True, kw_only=True)
class JsonArray(JsonTexts):
    """A JSON text whose value is an array, never another kind of value."""

    def why_not_value(self, value: Json) -> str | None:
        return why_not_kind(value, "array")

    def valid(self) -> SearchStrategy[str]:
        from pgcontract.formats.json.json_strategies import arrays, json_texts

        strict = self.dialect != "rfc8259"
        return arrays(json_texts(strict=strict)).filter(self.means)
