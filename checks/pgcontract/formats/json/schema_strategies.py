"""Strategies for JSON texts that keep to a schema, or would if one of its keywords were not there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pgcontract.formats.json.json_strategies import escaped, json_texts
from pgcontract.formats.oracle.regex_strategies import matching_texts
from pgcontract.formats.oracle.text_strategies import texts
from pgcontract.model.regex import read_pattern

_ANY = ("object", "array", "string", "number", "boolean", "null")
_MANY = 5


def schema_texts(schema: Any) -> SearchStrategy[str]:
    """Texts that mostly keep to the schema; the oracle filters out the rest."""
    if isinstance(schema, bool):
        return json_texts(strict=True) if schema else st.nothing()
    if "const" in schema:
        return st.just(json.dumps(schema["const"]))
    if "enum" in schema:
        return st.sampled_from([json.dumps(choice) for choice in schema["enum"]])
    if "anyOf" in schema:
        rest = {keyword: value for keyword, value in schema.items() if keyword != "anyOf"}
        return st.one_of(
            [
                schema_texts({**rest, **(subschema if isinstance(subschema, Mapping) else {})})
                for subschema in schema["anyOf"]
            ]
        )
    kinds = schema.get("type", _ANY)
    return st.one_of([_of_kind(kind, schema) for kind in ((kinds,) if isinstance(kinds, str) else kinds)])


def near_schemas(schema: Any) -> Iterator[Any]:
    """The schema with one keyword left out or one kind put in, or a number or truth as a string, at any depth."""
    if not isinstance(schema, Mapping):
        return
    if schema.get("type") in ("integer", "number"):
        limit = schema.get("minimum", schema.get("maximum", 1))
        yield {"enum": [str(limit), limit + 0.5]}
    elif schema.get("type") == "boolean":
        yield {"enum": ["true"]}
    for keyword, value in schema.items():
        yield {other: kept for other, kept in schema.items() if other != keyword}
        match keyword:
            case "properties":
                for name, inner in value.items():
                    yield from ({**schema, keyword: {**value, name: near}} for near in near_schemas(inner))
            case "items" | "additionalProperties":
                yield from ({**schema, keyword: near} for near in near_schemas(value))


def _of_kind(kind: str, schema: Mapping[str, Any]) -> SearchStrategy[str]:
    match kind:
        case "object":
            return _objects(schema)
        case "array":
            elements = schema_texts(schema.get("items", True))
            fewest = schema.get("minItems", 0)
            most = schema.get("maxItems", fewest + _MANY)
            unique = schema.get("uniqueItems", False)
            return st.lists(elements, min_size=fewest, max_size=most, unique=unique).map(
                lambda all_: f"[{','.join(all_)}]"
            )
        case "string":
            return _strings(schema).map(escaped)
        case "integer" | "number":
            return _numbers(schema, whole=kind == "integer")
        case "boolean":
            return st.sampled_from(["true", "false"])
        case _:
            return st.just("null")


def _objects(schema: Mapping[str, Any]) -> SearchStrategy[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = tuple(schema.get("required", ()))
    others = schema.get("additionalProperties", True)
    fixed = {name: schema_texts(properties.get(name, others)) for name in required}
    optional = {name: schema_texts(inner) for name, inner in properties.items() if name not in required}
    known = st.fixed_dictionaries(fixed, optional=optional)
    fewest = max(schema.get("minProperties", 0) - len(required), 0)
    more = st.dictionaries(texts(max_size=5), schema_texts(others), min_size=fewest, max_size=fewest + 1)
    extra = more if fewest else st.just({}) | more if others is not False else st.just({})
    return st.tuples(known, extra).map(
        lambda drawn: (
            "{" + ", ".join(f"{escaped(name)}: {value}" for name, value in {**drawn[1], **drawn[0]}.items()) + "}"
        )
    )


def _strings(schema: Mapping[str, Any]) -> SearchStrategy[str]:
    if "pattern" in schema:
        return matching_texts(read_pattern(schema["pattern"]))
    fewest = schema.get("minLength", 0)
    return texts(fewest, schema.get("maxLength", fewest + 12))


def _numbers(schema: Mapping[str, Any], *, whole: bool) -> SearchStrategy[str]:
    low = max((schema[limit] for limit in ("minimum", "exclusiveMinimum") if limit in schema), default=None)
    high = min((schema[limit] for limit in ("maximum", "exclusiveMaximum") if limit in schema), default=None)
    first = math.ceil(low) if low is not None else -(2**60) if high is None else math.floor(high) - 100
    last = math.floor(high) if high is not None else 2**60 if low is None else math.ceil(low) + 100
    integers = st.integers(first, last).map(str) if first <= last else st.nothing()
    if whole:
        return integers
    floats = st.floats(low, high, allow_nan=False, allow_infinity=False).map(json.dumps)
    return integers | floats
