"""JSON, strictly: against RFC 8259's own rules, Python's reader where it is strict, and the jsonschema package."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from format_samples import FORM_SCHEMA
from hypothesis import given, settings
from hypothesis import strategies as st
from pgcontract.formats import standard
from pgcontract.formats.json.json_reader import Number, Object, read_json
from pgcontract.formats.json.json_strategies import broken_json, json_texts
from pgcontract.formats.json.schema_validator import json_equal
from pgcontract.formats.oracle.scanner import InvalidText

calm = settings(max_examples=300, derandomize=True, database=None, deadline=None)

KINDS = {"{}": "object", ' \t\r\n{"a": [1]} ': "object", "[]": "array", "[{}]": "array"}
NEITHER = [
    "null", "1", '"{}"', "true", "", " ", "{", "{]", "[1,]", '{"a":1,}', "{a:1}", "{'a':1}", "{}{}", "{} x", "\ufeff{}",
]  # fmt: skip
NUMBERS = ["0", "-0", "1.10", "1E+2", "1e400", "-1.5e-3", "123456789012345678901234567890"]
NO_NUMBERS = ["01", "+1", ".5", "5.", "1e", "0x1", "--1", "NaN", "Infinity", "1_0", "١"]
FAULTS = {
    '{"a": 1,}': '"}" at character 9, where a name in quotes is expected (RFC 8259)',
    "[1, 2": 'the end at character 6, where "," or "]" is expected (RFC 8259)',
    '{"a" 1}': '"1" at character 6, where ":" is expected (RFC 8259)',
    '{"a": "\t"}': "U+0009 at character 8, where the end of the string is expected (RFC 8259)",
    "[1]": "a JSON array, where an object is meant (RFC 8259, 3)",
}
DIALECTS = {
    '{"a": 1}': ("rfc8259", "i-json", "jsonb"),
    '{"a": 1, "a": 2}': ("rfc8259", "jsonb"),
    '{"a": 1, "\\u0061": 2}': ("rfc8259", "jsonb"),
    '{"a": 1e400}': ("rfc8259", "jsonb"),
    '{"a": 1e131072}': ("rfc8259",),
    '{"a": 1e-16384}': ("rfc8259", "i-json"),
    '{"a": "\\u0000"}': ("rfc8259", "i-json"),
    '{"a": "\\ud800"}': ("rfc8259",),
    '{"a": "\\ude00\\ud83d"}': ("rfc8259",),
    '{"a": "\\ud83d\\ude00"}': ("rfc8259", "i-json", "jsonb"),
    '{"a": "\\uffff"}': ("rfc8259", "jsonb"),
}
# Nothing that the subset leaves out, every keyword that it has.
SCHEMAS: list[Any] = [
    FORM_SCHEMA,
    {"enum": [1, "a", None, [1, {"b": 2.0}]]},
    {"const": {"a": [1.0]}},
    {"type": ["integer", "null"], "minimum": -1, "maximum": 3},
    {"type": "array", "items": {"type": "array", "maxItems": 1}, "minItems": 1},
    {"type": "object", "minProperties": 1, "maxProperties": 2, "additionalProperties": {"type": "boolean"}},
    {"anyOf": [{"type": "string", "minLength": 2}, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}]},
    {"uniqueItems": True},
]


@pytest.mark.parametrize(("text", "kind"), KINDS.items())
def test_objects_and_arrays_are_told_apart(text: str, kind: str) -> None:
    assert (kind == "object", kind == "array") == (
        standard("json_object").means(text),
        standard("json_array").means(text),
    )


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_neither_object_nor_array_is_neither(text: str) -> None:
    assert (False, False) == (standard("json_object").means(text), standard("json_array").means(text))


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_kept_as_it_is_written(text: str) -> None:
    assert [Number(text)] == read_json(f"[{text}]")


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_json_has_no_number_for_is_refused(text: str) -> None:
    assert not standard("json_array").means(f"[{text}]")


@pytest.mark.parametrize(("text", "reason"), FAULTS.items())
def test_a_reason_names_the_place(text: str, reason: str) -> None:
    assert reason == standard("json_object").why_not(text)


@pytest.mark.parametrize(("text", "dialects"), DIALECTS.items())
def test_a_dialect_adds_its_own_limits(text: str, dialects: tuple[str, ...]) -> None:
    known = ("rfc8259", "i-json", "jsonb")

    assert dialects == tuple(dialect for dialect in known if standard("json_object", dialect=dialect).means(text))


def test_members_are_kept_in_order_and_as_often_as_they_stand_there() -> None:
    assert Object((("b", Number("1")), ("a", Number("2")), ("b", None))) == read_json('{"b": 1, "a": 2, "b": null}')


@calm
@given(st.one_of(json_texts(strict=False), broken_json(json_texts(strict=False)), st.text(max_size=6)))
def test_the_reader_agrees_with_pythons_where_that_is_strict(text: str) -> None:
    assert python_reads(text) == reads(text)


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_the_oracle_agrees_with_the_jsonschema_package(schema: Any) -> None:
    column_format = standard("json_schema", schema=schema)
    known = jsonschema.Draft202012Validator(schema)

    @settings(calm, max_examples=100)
    @given(column_format.valid() | column_format.near_misses())
    def agrees(text: str) -> None:
        expected = python_reads(text) and known.is_valid(json.loads(text))

        assert expected == column_format.means(text)

    agrees()


@pytest.mark.parametrize(("text", "reason"), {
    '{"age": 200}': "$.age breaks maximum (JSON Schema)",
    '{"name": "x"}': "$ breaks required (JSON Schema)",
    '{"age": 1, "tags": ["a", "c"]}': "$.tags[1] breaks enum (JSON Schema)",
    '{"age": 1, "x": 1}': "$.x is not allowed (JSON Schema, 4.3.2)",
    '{"age": 1e99999999999999999999}': "$.age breaks type (JSON Schema)",
}.items())  # fmt: skip
def test_a_reason_names_the_path_and_the_keyword(text: str, reason: str) -> None:
    assert reason == standard("json_schema", schema=FORM_SCHEMA).why_not(text)


@pytest.mark.parametrize(("one", "other", "alike"), [
    ("1", "1.0", True),
    ("1e2", "100", True),
    ("1", "true", False),
    ('"1"', "1", False),
    ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', True),
    ('{"a": 1, "a": 2}', '{"a": 2}', True),
    ("[1, 2]", "[2, 1]", False),
    ('"\\u0061"', '"a"', True),
    ("[" * 5_000 + "]" * 5_000, "[" * 5_000 + "]" * 5_000, True),
])  # fmt: skip
def test_values_are_alike_by_what_they_mean(one: str, other: str, alike: bool) -> None:
    assert alike == json_equal(read_json(one), read_json(other))


def reads(text: str) -> bool:
    try:
        read_json(text)
    except InvalidText:
        return False
    return True


def python_reads(text: str) -> bool:
    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True
