"""How a standard is asked for, and what is said to whoever asks wrongly."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from pgcontract.errors import InputError
from pgcontract.formats import standard, standards
from pgcontract.formats.oracle import Format, declare

MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {
    "standard": ("emial", {}, "there is no standard `emial`; did you mean `email`?"),
    "parameter": ("email", {"dialct": "html"}, "the standard `email` has no parameter `dialct`; did you mean `dialect`?"),
    "parameter where there is none": ("not_blank", {"min": 1},
                                      "the standard `not_blank` has no parameter `min`; it takes none"),
    "choice": ("email", {"dialect": "rfc-5321"},
               "`dialect` of the standard `email` cannot be `rfc-5321`; did you mean `rfc5321`?"),
    "type": ("length", {"max": "9"}, "`max` of the standard `length` is '9', where an integer is needed"),
    "boolean for a number": ("length", {"max": True},
                             "`max` of the standard `length` is True, where an integer is needed"),
    "element": ("one_of", {"values": ["a", 1]},
                "`values` of the standard `one_of` is ['a', 1], where an array of strings is needed"),
    "missing": ("one_of", {}, "the standard `one_of` needs `values`: The texts that are meant"),
    "nothing listed": ("one_of", {"values": []}, "`values` of the standard `one_of` is empty, so nothing would be meant"),
    "listed twice": ("one_of", {"values": ["a", "a"]}, "`values` of the standard `one_of` lists a text twice"),
    "limits crossed": ("length", {"min": 2, "max": 1}, "no text has a length of at least 2 and at most 1"),
    "more bytes than characters hold": ("length", {"max": 1, "min_bytes": 5}, "no text of 1 characters has 5 bytes"),
    "length that fits in no memory": ("length", {"max": 10**12},
        "texts of 1,000,000,000,000 characters or bytes are not tried, only up to 1,000,000; leave the limit out"),
    "array that nobody can draw": ("json_schema", {"schema": {"properties": {"a": {"minItems": 1001}}}},
        "`schema.properties.a.minItems` is 1,001, and values that large are not tried; the most is 1,000"),
    "numbers crossed": ("number_range", {"min": 2, "max": 1}, "no number lies between 2 and 1"),
    "obsolete elsewhere": ("email", {"obsolete": True},
                           "`obsolete` belongs to the dialect `rfc5322`, and this one is `rfc5321`"),
    "version": ("uuid", {"version": 9}, "`version` of the standard `uuid` is 9; RFC 9562 has 1 to 8"),
    "scheme": ("url", {"schemes": ["HTTP"]},
               "`schemes` of the standard `url` lists 'HTTP', which is no scheme in lower case"),
    "pattern": ("regex", {"pattern": "(a"},
                "the regular expression `(a` cannot be read: a parenthesis that is not closed, before character 3"),
    "keyword of a schema": ("json_schema", {"schema": {"properties": {"a": {"minimun": 1}}}},
                            "`schema.properties.a.minimun` is not understood; did you mean `minimum`?"),
    "keyword that is left out": ("json_schema", {"schema": {"items": {"type": "text"}}},
        "`schema.items.type` is 'text'; known here: object, array, string, number, integer, boolean, null"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameters", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_the_nearest_known_word(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        standard(name, **parameters)

    assert message == caught.value.message


def test_a_name_that_is_declared_twice_is_an_error() -> None:
    standards()

    with pytest.raises(ValueError, match=r"there is a standard email already, of pgcontract itself"):
        declare("email", sources=())(Format)


def test_parameters_describe_themselves_to_an_editor() -> None:
    actual = {name: parameter.json_schema for name, parameter in standards()["email"].parameters.items()}

    assert {
        "dialect": {
            "type": "string",
            "description": "Whose idea of an address",
            "enum": ["rfc5321", "dot-atom", "rfc6531", "rfc5322", "html", "practical"],
            "default": "rfc5321",
        },
        "obsolete": {
            "type": "boolean",
            "description": "With rfc5322: whether section 4's obsolete forms are meant",
            "default": False,
        },
    } == actual


def test_asking_an_oracle_imports_neither_hypothesis_nor_a_driver() -> None:
    program = (
        "import sys; from pgcontract.formats import standard, standards; standards(); standard('not_blank').means('x')"
    )
    process = subprocess.run(
        [sys.executable, "-c", f"{program}; print(sorted({{'hypothesis', 'psycopg'}} & sys.modules.keys()))"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "[]\n" == process.stdout


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("length", {"min": 20_000}), ("json_schema", {"schema": {"type": "string", "minLength": 20_000}})],
)
def test_long_texts_are_drawn_as_well(name: str, parameters: dict[str, Any]) -> None:
    declared = standard(name, **parameters)
    drawn: set[bool] = set()

    @settings(max_examples=3, database=None, phases=[Phase.generate], derandomize=True)
    @given(declared.valid())
    def draw(value: str) -> None:
        drawn.add(declared.means(value))

    draw()

    assert {True} == drawn
