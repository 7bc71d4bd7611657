"""Texts beside the edge of a constraint: which there are, how many, and that they notice what changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pgcontract.errors import InputError
from pgcontract.model.regex import read_pattern
from pgcontract.probes.boundary_values import literal_values, texts_near_length, texts_near_regex

sys.path.append(str(Path(__file__).parents[1] / "bench"))
from edits_of_020 import CHANGING, EMAIL, SAME

PATTERN = literal_values(EMAIL)[0]
PATTERNS = {
    name: pattern
    for name, _, edited in CHANGING
    if name.startswith("email") and " ~ " in edited and (pattern := literal_values(edited)[0]) != PATTERN
}
ALIKE = {name: literal_values(edited)[0] for name, _, edited in SAME if name.startswith("email")}


@pytest.mark.parametrize("name", [*PATTERNS, *ALIKE])
def test_every_edit_of_the_email_pattern_is_noticed_from_either_text_where_it_changes_it(name: str) -> None:
    edited = (PATTERNS | ALIKE)[name]

    assert [name in PATTERNS] * 2 == [differ(PATTERN, edited, near=text) for text in (PATTERN, edited)]


def test_repetitions_are_tried_at_their_bounds_and_one_beyond() -> None:
    assert {2, 3, 4, 5, 6} == {len(text) for text in texts_near_regex("^a{3,5}$") if set(text) == {"a"}}


def test_a_repetition_without_end_is_tried_beyond_every_bound_that_can_be_written() -> None:
    assert "a" * 256 in texts_near_regex("^a+$")


def test_the_ends_of_every_range_and_what_lies_beside_them_are_tried() -> None:
    assert set("/09:@AZ[_`az{^") <= {text for text in texts_near_regex("^[A-Za-z0-9_]$") if len(text) == 1}


def test_every_option_of_a_choice_is_tried() -> None:
    assert {"pending", "paid", "lost"} <= set(texts_near_regex("^(pending|paid|lost)$"))


@pytest.mark.parametrize("limit", [0, 1, 50, 637, 4000])
def test_no_more_texts_are_made_than_asked_for_and_each_once(limit: int) -> None:
    texts = texts_near_regex(PATTERN, limit=limit)

    assert (len(set(texts)), True) == (len(texts), len(texts) <= limit)


@pytest.mark.parametrize("pattern", ["^(a{9}){9}$", "^" + "(x|[^y])" * 90 + "$", "[[:alpha:]]*" * 20])
def test_a_large_pattern_gives_as_many_texts_as_are_asked_for(pattern: str) -> None:
    assert 4000 == len(texts_near_regex(pattern))


def test_no_text_holds_what_cannot_be_sent() -> None:
    texts = texts_near_regex("^[^a][\\x01-\\uffff]$")

    assert [] == [text for text in texts if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)]


def test_a_pattern_that_cannot_be_read_is_the_owners_mistake() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        texts_near_regex("(a")


def test_literals_are_told_by_their_values() -> None:
    expression = (
        r"""a = 'it''s' OR b = E'\t\x41\101\u00e9\'' OR c > 1.5 OR d = $q$it's$q$ OR "e'" = 'it''s' OR f = 10 -- 'no'"""
    )

    assert ("it's", "\tAAé'", "1.5", "10") == literal_values(expression)


def test_lengths_are_tried_in_characters_of_every_width_and_with_blanks_behind() -> None:
    texts = texts_near_length(3)

    assert {"aa", "aaa", "aaaa", "ééé", "例例例例", "🙂🙂🙂", "   ", "aaa ", "aaaa ", "e\u0301a"} <= set(texts)


def test_no_length_is_below_nothing() -> None:
    assert {"", "a", "é", "例", "🙂", " ", "a "} == set(texts_near_length(0))


def differ(one: str, other: str, *, near: str) -> bool:
    return any(
        read_pattern(one).matches_within(text) != read_pattern(other).matches_within(text)
        for text in texts_near_regex(near)
    )
