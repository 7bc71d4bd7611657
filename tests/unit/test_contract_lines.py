"""Every key that tomllib sees is found, on a line that holds it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pgcontract.contract.toml_positions import KeyPath, key_lines, line_of

_text = st.text(st.sampled_from("ab\"'\\#]}=[,.\n\té "), max_size=6)
_key = st.text(st.sampled_from("abz-_1.\"'# é]"), min_size=1, max_size=4)
_scalar = st.one_of(_text, st.integers(), st.booleans(), st.dates(), st.floats(allow_nan=False, allow_infinity=False))
_value = st.recursive(
    _scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_key, inner, max_size=3), max_leaves=8
)
_document = st.dictionaries(_key, _value, max_size=5)


def _spell_key(key: str, draw: st.DrawFn) -> str:
    forms = [json.dumps(key, ensure_ascii=False)]
    if key.isascii() and all(character.isalnum() or character in "-_" for character in key):
        forms.append(key)
    if "'" not in key:
        forms.append(f"'{key}'")
    return str(draw(st.sampled_from(forms)))


def _spell_value(value: Any, draw: st.DrawFn) -> str:
    blank = draw(st.sampled_from(["", " ", "\n", " # ]}'\"\n"]))
    match value:
        case dict():
            pairs = (f"{_spell_key(key, draw)} = {_spell_value(item, draw)}" for key, item in value.items())
            return "{ " + ", ".join(pairs) + " }"
        case list():
            return "[" + blank + f",{blank}".join(_spell_value(item, draw) for item in value) + blank + "]"
        case str():
            forms = [json.dumps(value, ensure_ascii=False)]
            if "'" not in value and "\n" not in value:
                forms.append(f"'{value}'")
            if "'" not in value:
                forms.append(f"'''{value}'''")
            if '"' not in value and "\\" not in value:
                forms.append(f'"""\n{value}"""')
            return str(draw(st.sampled_from(forms)))
        case bool():
            return str(value).lower()
        case _:
            return str(value)


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """One document in a mix of every way TOML has to write it."""
    lines = ["# a comment = 1"]
    tables = []
    for key, value in draw(_document).items():
        spelled = _spell_key(key, draw)
        style = draw(st.sampled_from(["pair", "dotted", "header"]))
        if style == "dotted" and isinstance(value, dict) and value:
            lines += [f"{spelled} . {_spell_key(k, draw)} = {_spell_value(v, draw)}" for k, v in value.items()]
        elif style == "header" and isinstance(value, dict):
            tables.append(f"[ {spelled} ] # here")
            tables += [f"{_spell_key(k, draw)}={_spell_value(v, draw)}" for k, v in value.items()]
        elif style == "header" and isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            for entry in value:
                tables.append(f"[[{spelled}]]")
                tables += [f"{_spell_key(k, draw)} = {_spell_value(v, draw)}" for k, v in entry.items()]
        else:
            lines.append(f"{spelled} = {_spell_value(value, draw)}")
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines + tables)


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _paths(child, (*path, key))


@settings(deadline=None)  # a loaded machine is no fault
@given(toml_texts())
def test_every_key_is_found_and_nothing_else(text: str) -> None:
    assert set(_paths(tomllib.loads(text))) == set(key_lines(text))


@settings(deadline=None)  # a loaded machine is no fault
@given(toml_texts())
def test_every_key_stands_on_its_line(text: str) -> None:
    rows = text.replace("\r\n", "\n").split("\n")
    located = key_lines(text)
    strangers = [
        path
        for path, line in located.items()
        if isinstance(key := path[-1], str)
        and key not in rows[line - 1]
        and json.dumps(key, ensure_ascii=False)[1:-1] not in rows[line - 1]
    ]
    expected: list[KeyPath] = []

    assert expected == strangers


def test_lines_of_every_form() -> None:
    text = "\n".join(
        [
            "a = 1",
            '"b c".d = { e = """',
            'x""", f = [',
            "  { g = 1 },",
            "  2 ] }",
            "[[h]]",
            "i = 1",
            "[h.j]",
            "k = 1",
            "[[h]]",
            "[l.m]",
            "[l]",
        ]
    )
    expected = {
        ("a",): 1,
        ("b c",): 2,
        ("b c", "d"): 2,
        ("b c", "d", "e"): 2,
        ("b c", "d", "f"): 3,
        ("b c", "d", "f", 0): 4,
        ("b c", "d", "f", 0, "g"): 4,
        ("b c", "d", "f", 1): 5,
        ("h",): 6,
        ("h", 0): 6,
        ("h", 0, "i"): 7,
        ("h", 0, "j"): 8,
        ("h", 0, "j", "k"): 9,
        ("h", 1): 10,
        ("l",): 12,
        ("l", "m"): 11,
    }

    assert expected == key_lines(text)


def test_an_unknown_path_has_the_line_of_the_key_above_it() -> None:
    assert line_of(("a", "b", 0, "c"), key_lines("x = 1\na.b = []")) == 2
