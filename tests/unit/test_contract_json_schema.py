"""The JSON Schema that an editor reads says of a file what the loader says of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from case_tables import cases
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pgcontract.contract import json_schema

GOOD = """
migration = "001_t.sql"
[table."public.t"]
primary_key = ["id"]
columns.id = { type = "integer", purpose = "which" }
checks.c = { expression = "id > 0", accept = [1, { id = 2 }], reject = [0] }
grants.anon = ["select"]
[[verification]]
id = "Q1"
description = "there"
sql = "select 1"
expect = [[1]]
"""


def _complaints(file: str, text: str) -> list[str]:
    validator = Draft202012Validator(json_schema(file))
    return [error.json_path for error in validator.iter_errors(tomllib.loads(text))]


@pytest.mark.parametrize("file", ["contract", "claims", "pgcontract"])
def test_the_schema_is_a_schema(file: str) -> None:
    Draft202012Validator.check_schema(json_schema(file))


@cases(("file", "text", "expected"), {
    "a good contract": ("contract", GOOD, []),
    "an unknown key": ("contract", GOOD.replace("purpose", "purpos"), ["$.table['public.t'].columns.id"]),
    "the long form of a key": ("contract", GOOD.replace('["id"]', '{ columns = ["id"] }', 1), []),
    "an empty project file": ("pgcontract", "", []),
})  # fmt: skip
def test_the_schema_complains_of_what_is_wrong_alone(file: str, text: str, expected: list[str]) -> None:
    assert expected == _complaints(file, text)


def _undescribed(schema: Any, path: str = "$") -> Iterator[str]:
    for name, subschema in schema.get("properties", {}).items():
        if "description" not in subschema and "$ref" not in subschema:  # what is referred to is described there
            yield f"{path}.{name}"
    for name, definition in schema.get("$defs", {}).items():
        if "description" not in definition and "anyOf" not in definition:
            yield name
        yield from _undescribed(definition, name)


@pytest.mark.parametrize("file", ["contract", "claims", "pgcontract"])
def test_every_key_has_a_description_to_show(file: str) -> None:
    assert [] == list(_undescribed(json_schema(file)))
