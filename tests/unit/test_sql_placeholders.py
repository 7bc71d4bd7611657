"""Values in the place of names: what is sent, where it stands, and what is shown of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from pgcontract.model.sql import Placeholder, Script, Source, as_written, fill, make_script, mask_values, place

NAME = re.compile(r"\$\{(\w+)\}")


def filled(text: str, values: Mapping[str, str]) -> Script:
    source = Source(path="a.sql", text=text, sha256="", bytes=len(text))
    placeholders = (
        Placeholder(start=match.start(), end=match.end(), value=values[match[1]])
        for match in NAME.finditer(text)
        if match[1] in values
    )
    text, passages = fill(text, source.path, placeholders)
    return make_script(source, text=text, passages=passages)


@pytest.mark.parametrize(("text", "values", "sent"), [
    pytest.param("SELECT ${a}, ${b};", {"a": "1", "b": "'x'"}, "SELECT 1, 'x';", id="two"),
    pytest.param("${a}${b}", {"a": "SELECT ", "b": "1"}, "SELECT 1", id="nothing between"),
    pytest.param("SELECT ${a};", {}, "SELECT ${a};", id="no value"),
    pytest.param("SELECT 1${a};", {"a": ""}, "SELECT 1;", id="an empty value"),
    pytest.param("SELECT ${a};", {"a": "${b}", "b": "1"}, "SELECT ${b};", id="a value that looks like a name"),
])  # fmt: skip
def test_value_is_sent_and_the_name_is_shown(text: str, values: dict[str, str], sent: str) -> None:
    script = filled(text, values)

    assert (sent, text) == (script.text, as_written(script))


@pytest.mark.parametrize(("text", "values", "expected"), [
    pytest.param("SELECT ${a};\nSELECT 2;", {"a": "1\n\n, 2"}, ["1:1", "2:1"], id="a value of several lines"),
    pytest.param("SELECT ${a}; SELECT 2;", {"a": "123456789"}, ["1:1", "1:14"], id="a long value"),
    pytest.param("${a}\r\nSELECT 3;", {"a": "SELECT 1;\nSELECT 2;"}, ["1:1", "1:1", "2:1"], id="several statements"),
    pytest.param("-- ${a}\nSELECT 3;", {"a": "x\ny"}, ["1:4", ], id="a value that leaves its comment"),
])  # fmt: skip
def test_statement_stands_where_its_file_has_it(text: str, values: dict[str, str], expected: list[str]) -> None:
    assert expected == [f"{statement.line}:{statement.column}" for statement in filled(text, values).statements]


def test_place_in_a_value_is_that_of_its_name() -> None:
    script = filled("SELECT 0,\n ${a}, 2;", {"a": "1,\n1"})
    places = [place(script, script.text.index(piece)) for piece in ("0", "1,", "1, 2", " 2")]

    assert [(1, 8), (2, 2), (2, 2), (2, 7)] == [(at.line, at.column) for at in places]


def test_statement_is_shown_with_its_names() -> None:
    script = filled("SELECT 1; CREATE ROLE a PASSWORD '${p}'; SELECT 2;", {"p": "hunter2"})

    assert ["SELECT 1", "CREATE ROLE a PASSWORD '${p}'", "SELECT 2"] == [
        statement.shown for statement in script.statements
    ]


@pytest.mark.parametrize(("text", "value", "masked"), [
    pytest.param("SELECT '${p}';", "hunter2", True, id="in a string"),
    pytest.param("SELECT E'a ${p}';", "hunter2", True, id="in a part of one"),
    pytest.param("SELECT ${p};", "'hunter2'", True, id="with its own quotes"),
    pytest.param("DO $x$ BEGIN PERFORM '${p}'; END $x$;", "hunter2", True, id="in a string of a body"),
    pytest.param("DO $$ BEGIN PERFORM hunter2.f(), ${p}.f(); END $$;", "hunter2", False, id="a name in a body"),
    pytest.param("SELECT * FROM ${p}.a;", "hunter2", False, id="a name"),
    pytest.param('SELECT * FROM "${p}".a;', "hunter2", False, id="a quoted name"),
    pytest.param("SET a = '${p}'; SELECT * FROM ${p}.a;", "hunter2", False, id="a string and a name"),
    pytest.param("SELECT 1; -- ${p}", "hunter2", True, id="in a comment alone"),
    pytest.param("SELECT '${p}';", "hun", False, id="too short for a secret"),
])  # fmt: skip
def test_value_is_masked_in_words_of_the_server_unless_it_is_a_name(text: str, value: str, masked: bool) -> None:
    word = value.strip("'")

    assert ('line 1: "${p}"' if masked else f'line 1: "{word}"') == mask_values(
        filled(text, {"p": value}), f'line 1: "{word}"'
    )


def test_script_does_not_show_a_value_in_its_repr() -> None:
    assert "hunter2" not in repr(Placeholder(start=0, end=1, value="hunter2"))
