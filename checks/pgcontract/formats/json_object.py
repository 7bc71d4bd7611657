"""JSON objects, as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgcontract.formats.json.json_dialects import SOURCES
from pgcontract.formats.json.json_reader import Json
from pgcontract.formats.json.json_texts import JsonTexts, why_not_kind
from pgcontract.formats.oracle import declare

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@declare("json_object", sources=SOURCES)
@dataclass(frozen=True, kw_only=True)
class JsonObject(JsonTexts):
    """A JSON text whose value is an object, never another kind of value."""

    def why_not_value(self, value: Json) -> str | None:
        return why_not_kind(value, "object")

    def valid(self) -> SearchStrategy[str]:
        from pgcontract.formats.json.json_strategies import json_texts, objects

        strict = self.dialect != "rfc8259"
        return objects(json_texts(strict=strict), strict=strict).filter(self.means)
