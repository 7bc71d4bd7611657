"""Values in the place of names: what is sent, where it stands, and what is shown of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from case_tables import cases
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


@cases(("text", "values", "sent"), {
    "two": ("SELECT ${a}, ${b};", {"a": "1", "b": "'x'"}, "SELECT 1, 'x';"),
    "nothing between": ("${a}${b}", {"a": "SELECT ", "b": "1"}, "SELECT 1"),
    "no value": ("SELECT ${a};", {}, "SELECT ${a};"),
    "an empty value": ("SELECT 1${a};", {"a": ""}, "SELECT 1;"),
    "a value that looks like a name": ("SELECT ${a};", {"a": "${b}", "b": "1"}, "SELECT ${b};"),
})  # fmt: skip
def test_value_is_sent_and_the_name_is_shown(text: str, values: dict[str, str], sent: str) -> None:
    script = filled(text, values)

    assert (sent, text) == (script.text, as_written(script))


@cases(("text", "values", "expected"), {
    "a value of several lines": ("SELECT ${a};\nSELECT 2;", {"a": "1\n\n, 2"}, ["1:1", "2:1"]),
    "a long value": ("SELECT ${a}; SELECT 2;", {"a": "123456789"}, ["1:1", "1:14"]),
    "several statements": ("${a}\r\nSELECT 3;", {"a": "SELECT 1;\nSELECT 2;"}, ["1:1", "1:1", "2:1"]),
    "a value that leaves its comment": ("-- ${a}\nSELECT 3;", {"a": "x\ny"}, ["1:4", ]),
})  # fmt: skip
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


@cases(("text", "value", "masked"), {
    "in a string": ("SELECT '${p}';", "hunter2", True),
    "in a part of one": ("SELECT E'a ${p}';", "hunter2", True),
    "with its own quotes": ("SELECT ${p};", "'hunter2'", True),
    "in a string of a body": ("DO $x$ BEGIN PERFORM '${p}'; END $x$;", "hunter2", True),
    "a name in a body": ("DO $$ BEGIN PERFORM hunter2.f(), ${p}.f(); END $$;", "hunter2", False),
    "a name": ("SELECT * FROM ${p}.a;", "hunter2", False),
    "a quoted name": ('SELECT * FROM "${p}".a;', "hunter2", False),
    "a string and a name": ("SET a = '${p}'; SELECT * FROM ${p}.a;", "hunter2", False),
    "in a comment alone": ("SELECT 1; -- ${p}", "hunter2", True),
    "too short for a secret": ("SELECT '${p}';", "hun", False),
})  # fmt: skip
def test_value_is_masked_in_words_of_the_server_unless_it_is_a_name(text: str, value: str, masked: bool) -> None:
    word = value.strip("'")

    assert ('line 1: "${p}"' if masked else f'line 1: "{word}"') == mask_values(
        filled(text, {"p": value}), f'line 1: "{word}"'
    )


def test_script_does_not_show_a_value_in_its_repr() -> None:
    assert "hunter2" not in repr(Placeholder(start=0, end=1, value="hunter2"))
