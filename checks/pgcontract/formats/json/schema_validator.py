"""Whether a JSON value keeps to a schema: the keywords of JSON Schema 2020-12 that the generator knows as well.

A keyword that is not listed is refused when the schema is read, so none is silently without effect. Left out on
purpose: $ref, allOf, oneOf, not, if, patternProperties, propertyNames, contains, dependent..., multipleOf, format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

from pgcontract.errors import InputError
from pgcontract.formats.json.json_reader import Json, Number, Object, kind_of, read_json
from pgcontract.model.regex import read_pattern

_ANNOTATIONS: Final = frozenset(("$schema", "$id", "$comment", "title", "description", "default", "examples"))
# Above, no value that is allowed could be drawn in time.
_LARGEST: Final = {"minItems": 1_000, "minProperties": 1_000, "minLength": 1_000_000}
_COUNTS: Final = frozenset(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"))
_LIMITS: Final = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_KINDS: Final = ("object", "array", "string", "number", "integer", "boolean", "null")


def check_schema(schema: Any, where: str = "schema") -> None:
    """InputError, with the path and the nearest known word, where the schema says what is not understood."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise InputError(f"`{where}` is {schema!r}, where a schema (an object or a boolean) is needed")
    for keyword, value in schema.items():
        if keyword not in _KEYWORDS and keyword not in _ANNOTATIONS:
            known = sorted(_KEYWORDS.keys() | _ANNOTATIONS)
            near = get_close_matches(keyword, known, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
            raise InputError(f"`{where}.{keyword}` is not understood; {advice}")
        _check_keyword(keyword, value, f"{where}.{keyword}")


def _check_keyword(keyword: str, value: Any, where: str) -> None:
    match keyword:
        case "type":
            for kind in value if isinstance(value, list | tuple) else [value]:
                if kind not in _KINDS:
                    raise InputError(f"`{where}` is {kind!r}; known here: {', '.join(_KINDS)}")
        case "properties" if isinstance(value, Mapping):
            for name, inner in value.items():
                check_schema(inner, f"{where}.{name}")
        case "items" | "additionalProperties":
            check_schema(value, where)
        case "anyOf" if isinstance(value, list | tuple) and value:
            for number, inner in enumerate(value, 1):
                check_schema(inner, f"{where}[{number}]")
        case "enum" | "required" if isinstance(value, list | tuple):
            return
        case "pattern" if isinstance(value, str):
            read_pattern(value)
        case _ if keyword in _COUNTS:
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise InputError(f"`{where}` is {value!r}, where a count is needed")
            if value > (largest := _LARGEST.get(keyword, value)):
                raise InputError(f"`{where}` is {value:,}, and values that large are not tried; the most is {largest:,}")
        case _ if keyword in _LIMITS:
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise InputError(f"`{where}` is {value!r}, where a number is needed")
        case "properties" | "anyOf" | "enum" | "required" | "pattern":
            raise InputError(f"`{where}` is {value!r}, which JSON Schema does not allow")


def why_not_schema(value: Json, schema: Any, where: str = "$") -> str | None:
    """The first keyword that the value breaks, with the path to it; None where it keeps to the schema."""
    if isinstance(schema, bool):
        return None if schema else f"{where} is not allowed (JSON Schema, 4.3.2)"
    for keyword, rule in _KEYWORDS.items():
        if keyword in schema and not rule(value, schema[keyword]):
            return f"{where} breaks {keyword} (JSON Schema)"
    return next((reason for part in _subvalues(value, schema, where) if (reason := why_not_schema(*part))), None)


def _subvalues(value: Json, schema: Mapping[str, Any], where: str) -> Iterator[tuple[Json, Any, str]]:
    """Every part of the value that has a schema of its own."""
    if isinstance(value, list) and "items" in schema:
        yield from ((item, schema["items"], f"{where}[{number}]") for number, item in enumerate(value))
    if isinstance(value, Object):
        properties = schema.get("properties", {})
        for name, member in members_of(value).items():
            inner = properties.get(name, schema.get("additionalProperties", True))
            yield member, inner, f"{where}.{name}"


def members_of(value: Object) -> dict[str, Json]:
    """Its members by name; of a repeated one the last, as jsonb keeps it."""
    return dict(value.members)


def as_json(value: Any) -> Json:
    """A value that a contract's file holds, as JSON reads it."""
    return read_json(json.dumps(value))


def json_equal(one: Json, other: Json) -> bool:
    """JSON Schema's equality (2020-12, 4.2.2): numbers by value, members in any order."""
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if kind_of(left) != kind_of(right):
            return False
        match left, right:
            case list(), list():
                if len(left) != len(right):
                    return False
                waiting.extend(zip(left, right, strict=True))
            case Object(), Object():
                first, second = members_of(left), members_of(right)
                if first.keys() != second.keys():
                    return False
                waiting.extend((first[name], second[name]) for name in first)
            case Number(), Number():
                if str(left) != str(right) and (left.value is None or left.value != right.value):
                    return False
            case _ if left != right:
                return False
    return True


def _is_a(value: Json, kinds: Any) -> bool:
    kind = kind_of(value)
    allowed = (kinds,) if isinstance(kinds, str) else kinds
    return kind in allowed or ("integer" in allowed and isinstance(value, Number) and _is_whole(value))


def _is_whole(number: Number) -> bool:
    return number.value is not None and number.value == number.value.to_integral_value()


def _number(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[Json, Any], bool]:
    """A rule for numbers alone; one beyond Decimal keeps no limit."""

    def rule(value: Json, limit: Any) -> bool:
        if not isinstance(value, Number):
            return True
        return value.value is not None and holds(value.value, Decimal(str(limit)))

    return rule


def _size(kind: str, holds: Callable[[int, int], bool]) -> Callable[[Json, Any], bool]:
    def rule(value: Json, limit: Any) -> bool:
        if kind_of(value) != kind:
            return True
        size = len(members_of(value)) if isinstance(value, Object) else len(value)  # type: ignore[arg-type]
        return holds(size, limit)

    return rule


def _all_differ(value: Json, unique: Any) -> bool:
    if not unique or not isinstance(value, list):
        return True
    return not any(json_equal(one, other) for place, one in enumerate(value) for other in value[:place])


def _matches(value: Json, pattern: Any) -> bool:
    return not (isinstance(value, str) and kind_of(value) == "string") or read_pattern(pattern).matches_within(value)


def _always(_: Json, __: Any) -> bool:
    return True


_KEYWORDS: Final[Mapping[str, Callable[[Json, Any], bool]]] = {
    "type": _is_a,
    "enum": lambda value, known: any(json_equal(value, as_json(choice)) for choice in known),
    "const": lambda value, only: json_equal(value, as_json(only)),
    "required": lambda value, names: not isinstance(value, Object) or set(names) <= members_of(value).keys(),
    "minProperties": _size("object", int.__ge__),
    "maxProperties": _size("object", int.__le__),
    "minItems": _size("array", int.__ge__),
    "maxItems": _size("array", int.__le__),
    "uniqueItems": _all_differ,
    "minLength": _size("string", int.__ge__),
    "maxLength": _size("string", int.__le__),
    "pattern": _matches,
    "minimum": _number(Decimal.__ge__),
    "maximum": _number(Decimal.__le__),
    "exclusiveMinimum": _number(Decimal.__gt__),
    "exclusiveMaximum": _number(Decimal.__lt__),
    "anyOf": lambda value, schemas: any(why_not_schema(value, schema) is None for schema in schemas),
    "properties": _always,
    "additionalProperties": _always,
    "items": _always,
}
