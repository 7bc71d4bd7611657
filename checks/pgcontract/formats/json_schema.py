"""JSON that keeps to a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgcontract.formats.json.json_dialects import SOURCES
from pgcontract.formats.json.json_reader import Json
from pgcontract.formats.json.json_texts import JsonTexts
from pgcontract.formats.json.schema_validator import check_schema, why_not_schema
from pgcontract.formats.oracle import declare, parameter

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@declare("json_schema", sources=(*SOURCES, "JSON Schema 2020-12, core and validation: the keywords of json/schema.py"))
@dataclass(frozen=True, kw_only=True)
class JsonSchema(JsonTexts):
    """A JSON text whose value keeps to a JSON Schema; of a name that stands twice, the last counts."""

    schema: Mapping[str, Any] = parameter("object", "The JSON Schema, of the keywords that are understood")

    def __post_init__(self) -> None:
        check_schema(self.schema)

    def why_not_value(self, value: Json) -> str | None:
        return why_not_schema(value, self.schema)

    def valid(self) -> SearchStrategy[str]:
        from pgcontract.formats.json.schema_strategies import schema_texts

        return schema_texts(self.schema).filter(self.means)

    def near_misses(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.json.json_strategies import broken_json
        from pgcontract.formats.json.schema_strategies import near_schemas, schema_texts

        near = [schema_texts(near_schema) for near_schema in near_schemas(self.schema)]
        # Not one_of, which would draw from all the kinds of value that each of them allows alike.
        return st.sampled_from([*near, broken_json(self.valid())]).flatmap(lambda one: one)
