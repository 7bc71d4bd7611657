"""What columns are meant to hold is read with its examples, and every mistake in it is told with its line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from case_tables import cases
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pgcontract.contract import ColumnFormat, json_schema, load_project
from pgcontract.model.schema import Origin
from refusals import contract_error
from written_files import write_files

HEAD = 'migration = "001_t.sql"\n[table."public.t"]\ncolumns.mail = { type = "text" }\n'
GOOD = """
[format.mail]
column = "public.t.mail"
standard = "email"
dialect = "dot-atom"
accept = ["ann@example.com"]
reject = ["ann"]
purpose = "Where to write to"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a project of one empty migration with this behind its contract's first lines."""

    def write(text: str) -> Path:
        return write_files(tmp_path, {"migrations/001_t.sql": "", "contracts/001_t/contract.toml": HEAD + text})

    return write


def test_a_format_is_read_with_the_parameters_of_its_standard(folder: Callable[[str], Path]) -> None:
    contract = load_project(folder(GOOD)).head.contract
    declared = {"name": "mail", "column": "public.t.mail", "standard": "email", "dialect": "dot-atom"}
    examples = {"accept": ["ann@example.com"], "reject": ["ann"]}
    expected = ColumnFormat.model_validate({**declared, **examples, "purpose": "Where to write to"})

    assert contract is not None
    assert (expected,) == contract.of(ColumnFormat)


def test_a_format_knows_the_line_it_stands_on(folder: Callable[[str], Path]) -> None:
    root = folder(GOOD)
    contract = load_project(root).head.contract

    assert contract is not None
    assert Origin(file=str(root / "contracts/001_t/contract.toml"), line=5) == contract.of(ColumnFormat)[0].origin


def test_an_example_that_is_a_table_is_sent_as_json(folder: Callable[[str], Path]) -> None:
    head = '[format.form]\ncolumn = "public.t.mail"\nstandard = "json_object"\n'
    text = f"{head}accept = [{{ a = [1, true] }}]\nreject = [[1], 1]"
    contract = load_project(folder(text)).head.contract

    assert contract is not None
    assert (('{"a": [1, true]}',), ("[1]", "1")) == (
        contract.of(ColumnFormat)[0].accept,
        contract.of(ColumnFormat)[0].reject,
    )


@cases(("text", "expected"), {
    "a column that is not declared": (GOOD.replace("public.t.mail", "public.t.mial"),
        "6: format.mail.column: no column public.t.mial is declared; did you mean `public.t.mail`?"),
    "an unknown standard": (GOOD.replace('"email"', '"emial"'),
        "7: format.mail.standard: there is no standard `emial`; did you mean `email`?"),
    "examples of a standard of two columns": (
        GOOD.replace('"email"', '"not_before"').replace('dialect = "dot-atom"', 'other = "id"'),
        "9: format.mail.accept: `not_before` compares two columns and takes no examples; remove them"),
    "an unknown parameter": (GOOD.replace("dialect", "dialekt"),
        "8: format.mail.dialekt: the standard `email` has no parameter `dialekt`; did you mean `dialect`?"),
    "an unknown choice": (GOOD.replace("dot-atom", "dotatom"),
        "8: format.mail.dialect: `dialect` of the standard `email` cannot be `dotatom`; did you mean `dot-atom`?"),
    "an example to accept that is not meant": (
        GOOD.replace('["ann@example.com"]', '[\n    "ann@example.com",\n    "ann..x@example.com",\n]'),
        "11: format.mail.accept[2]: 'ann..x@example.com' is listed here, but email does not allow it: "
        "two dots in a row in the local part (RFC 5321, 4.1.2)"),
    "an example to reject that is meant": (GOOD.replace('"ann"', '"bob@example.com"'),
        "10: format.mail.reject[1]: 'bob@example.com' is listed here, but email allows it"),
    "an example that is both": (GOOD.replace('"ann"', '"ann@example.com"'),
        "10: format.mail.reject[1]: 'ann@example.com' is listed under accept as well; keep one of the two"),
    "no standard": (GOOD.replace('standard = "email"\n', ""),
        "5: `standard` is missing in format.mail: What it holds, as in email, json_object, not_blank."),
    "a name that no check could be asked by": (GOOD.replace("format.mail", 'format."a.b"'),
        "5: format.\"a.b\": 'a.b' is no word; use letters, digits, - and _"),
})  # fmt: skip
def test_a_mistake_in_a_format_is_told_on_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert f"contract.toml:{expected}" == contract_error(tmp_path, HEAD + text)


def _complaints(text: str) -> list[str]:
    validator = Draft202012Validator(json_schema("contract"))
    document: dict[str, Any] = tomllib.loads(f'migration = "001_t.sql"\n{text}')
    return [error.json_path for error in validator.iter_errors(document)]


def test_an_editor_finds_a_good_format_good() -> None:
    assert [] == _complaints(GOOD)


def test_an_editor_sees_a_parameter_of_another_standard() -> None:
    assert ["$.format.mail"] == _complaints(GOOD.replace("dialect", "values"))


def test_a_format_with_a_list_for_a_parameter_can_be_a_key() -> None:
    first, second = (
        ColumnFormat.model_validate({"name": "f", "column": "public.t.a", "standard": "one_of", "values": ["a"], **place})
        for place in ({}, {"path": ("format", "f"), "origin": Origin(file="contract.toml", line=7)})
    )

    assert {first: "asked"} == {second: "asked"}
