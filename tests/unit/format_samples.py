"""One format of every standard, and of every dialect: what tests of all of them are given."""

from __future__ import annotations

from typing import Any

from pgcontract.formats import Format, standard
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

FORMATS: dict[str, Format[Any]] = {
    **{f"email {dialect}": standard("email", dialect=dialect) for dialect in DIALECTS},
    "email obsolete": standard("email", dialect="rfc5322", obsolete=True),
    **{f"json_object {dialect}": standard("json_object", dialect=dialect) for dialect in ("rfc8259", "i-json", "jsonb")},
    "json_array": standard("json_array"),
    "json_schema": standard("json_schema", schema=FORM_SCHEMA),
    "length": standard("length", min=1, max=100),
    "length in bytes": standard("length", max=20, min_bytes=4, max_bytes=40),
    "not_before": standard("not_before", other="created_at"),
    "not_before strictly": standard("not_before", other="created_at", strictly=True),
    "not_blank": standard("not_blank"),
    "number_range": standard("number_range", min=-1, max=99.5, places=2),
    "number_range open": standard("number_range", min=0, exclusive=True),
    "number_range whole": standard("number_range", min=1, max=5, whole=True),
    "one_of": standard("one_of", values=["pending", "completed", "failed", "refunded"]),
    "regex": standard("regex", pattern=r"^([A-Z]{2}|x)\d{3,4}$"),
    "regex without case": standard("regex", pattern=r"^[a-z]+_?$", ignore_case=True),
    "url": standard("url"),
    "url with names": standard("url", schemes=["https", "postgresql"], user=True),
    "uuid": standard("uuid"),
    "uuid 4": standard("uuid", version=4),
}
