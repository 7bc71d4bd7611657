"""Strategies for JSON texts: in every spelling the grammar has, of any kind, and with one fault."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pgcontract.formats.oracle.hostile_texts import HOSTILE_TEXTS
from pgcontract.formats.oracle.text_strategies import one_edit_from

ALPHABET: Final = '{}{}[]"",,::\\ \t\n0123-+.eEtfnula\'/_#\x01\u00a0'

_blanks = st.sampled_from(["", "", "", "", " ", "\n", "\t\r "])
_plain = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\'), max_size=6)
_escapes = st.sampled_from(["\\n", "\\t", '\\"', "\\\\", "\\/", "\\u00e9", "\\u0041", "\\ud83d\\ude00", "\\u2028"])
_unstorable = st.sampled_from(["\\u0000", "\\ud800", "\\udc00", "\\uffff"])
_words = [known_value.value for known_value in HOSTILE_TEXTS if len(known_value.value) <= 64]


def escaped(text: str) -> str:
    """A JSON string of the text, with only the escapes that must be."""
    return '"' + "".join(_spelled(character) for character in text) + '"'


def _spelled(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character >= " " else f"\\u{ord(character):04x}"


def _strings(strict: bool) -> SearchStrategy[str]:
    escapes = _escapes if strict else _escapes | _unstorable
    return st.one_of(
        _plain.map('"{}"'.format),
        st.tuples(_plain, escapes, _plain).map(lambda drawn: f'"{"".join(drawn)}"'),
        st.sampled_from(_words).map(escaped),
    )


_numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.tuples(st.integers(-99, 99), st.integers(0, 9999), st.integers(-30, 30)).map(
        lambda drawn: f"{drawn[0]}.{drawn[1]}e{drawn[2]:+}"
    ),
    st.sampled_from(["-0", "0.0", "-0.0", "1e400", "1E-400", "1.10", "9007199254740993", "1e308", "0e0"]),
)


def json_texts(*, strict: bool) -> SearchStrategy[str]:
    """JSON texts of every kind, three deep at most; `strict` leaves out what only RFC 8259 allows."""
    scalars = st.one_of(_strings(strict), _numbers, st.sampled_from(["null", "true", "false"]))
    flat = st.one_of(scalars, scalars, arrays(scalars), objects(scalars, strict=strict))
    return st.one_of(scalars, arrays(flat), objects(flat, strict=strict))


def arrays(elements: SearchStrategy[str]) -> SearchStrategy[str]:
    """Arrays of the elements, blanks between."""
    parts = st.lists(st.tuples(_blanks, elements, _blanks).map("".join), max_size=4)
    return st.tuples(parts, _blanks).map(lambda drawn: f"[{','.join(drawn[0]) or drawn[1]}]")


def objects(values: SearchStrategy[str], *, strict: bool) -> SearchStrategy[str]:
    """Objects of the values; a name may stand twice unless `strict`."""
    member = st.tuples(_strings(strict) | st.sampled_from(['"a"', '"b"', '""']), values)
    unique = (lambda drawn: drawn[0]) if strict else None
    members = st.lists(member, max_size=4, unique_by=unique)
    return st.tuples(members, _blanks).map(
        lambda drawn: (
            "{" + (",".join(f"{drawn[1]}{name}:{drawn[1]}{value}" for name, value in drawn[0]) or drawn[1]) + "}"
        )
    )


def broken_json(valid: SearchStrategy[str]) -> SearchStrategy[str]:
    """One edit from a valid text; a valid text within something else, or without its end; any other JSON."""
    wrapped = st.tuples(valid, st.sampled_from(_FAULTS)).map(lambda drawn: drawn[1].replace("%", drawn[0]))
    cut = st.tuples(valid, st.integers(1, 3)).map(lambda drawn: drawn[0][: -drawn[1]])
    encoded = valid.map(escaped)
    return st.one_of(one_edit_from(valid, ALPHABET), wrapped, cut, encoded, json_texts(strict=False))


_FAULTS: Final = (
    "[%]",
    '{"a":%}',
    "%,",
    "%%",
    "% %",
    "\ufeff%",
    " %\n",
    "'%'",
    "(%)",
    "//\n%",
    "%;",
    "\xa0%",
    "[%,]",
    "%\x0c",
)
