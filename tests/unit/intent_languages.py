"""One language of every intent, and of every dialect: what tests of all of them are given."""

from __future__ import annotations

from typing import Any

from pgcontract.formats import Language, intent
from pgcontract.formats.email import DIALECTS

FORM_SCHEMA = {
    "type": "object",
    "required": ["age"],
    "properties": {
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "name": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z ]+$"},
        "tags": {"type": "array", "items": {"enum": ["a", "b", 1]}, "uniqueItems": True, "maxItems": 2},
        "contact": {"anyOf": [{"type": "null"}, {"type": "object", "minProperties": 1}]},
        "score": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    },
    "additionalProperties": False,
}

LANGUAGES: dict[str, Language[Any]] = {
    **{f"email {dialect}": intent("email", dialect=dialect) for dialect in DIALECTS},
    "email obsolete": intent("email", dialect="rfc5322", obsolete=True),
    **{f"json_object {each}": intent("json_object", dialect=each) for each in ("rfc8259", "i-json", "jsonb")},
    "json_array": intent("json_array"),
    "json_schema": intent("json_schema", schema=FORM_SCHEMA),
    "length": intent("length", min=1, max=100),
    "length in bytes": intent("length", max=20, min_bytes=4, max_bytes=40),
    "not_before": intent("not_before", other="created_at"),
    "not_before strictly": intent("not_before", other="created_at", strictly=True),
    "not_blank": intent("not_blank"),
    "number_range": intent("number_range", min=-1, max=99.5, places=2),
    "number_range open": intent("number_range", min=0, exclusive=True),
    "number_range whole": intent("number_range", min=1, max=5, whole=True),
    "one_of": intent("one_of", values=["pending", "completed", "failed", "refunded"]),
    "regex": intent("regex", pattern=r"^([A-Z]{2}|x)\d{3,4}$"),
    "regex without case": intent("regex", pattern=r"^[a-z]+_?$", ignore_case=True),
    "url": intent("url"),
    "url with names": intent("url", schemes=["https", "postgresql"], user=True),
    "uuid": intent("uuid"),
    "uuid 4": intent("uuid", version=4),
}
