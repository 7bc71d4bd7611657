"""What holds of every format: its values, its near misses, its calm."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from format_samples import FORMATS
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pgcontract.formats import Format, standards

every_format = pytest.mark.parametrize("name", FORMATS)
every_text_format = pytest.mark.parametrize("name", [name for name in FORMATS if "before" not in name])
calm = settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


def drawn(strategy: SearchStrategy[Any], number: int) -> list[Any]:
    """The same values on every call."""
    values: list[Any] = []

    @seed(0)
    @settings(calm, derandomize=False, max_examples=number, phases=[Phase.generate])
    @given(strategy)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values


@cache
def made(name: str, kind: str) -> tuple[Any, ...]:
    """What a format makes of one kind, drawn once for all tests."""
    return tuple(drawn(getattr(FORMATS[name], kind)(), 100 if kind == "near_misses" else 30))


def is_sendable(value: Any) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return all(text is None or ("\0" not in text and text.encode("utf-8", "replace").decode() == text) for text in texts)


@every_format
def test_every_valid_value_is_meant(name: str) -> None:
    refused = [(value, reason) for value in made(name, "valid") if (reason := FORMATS[name].why_not(value))]

    assert [] == refused


@every_format
def test_near_misses_are_partly_meant_and_partly_not(name: str) -> None:
    assert {True, False} == {FORMATS[name].means(value) for value in made(name, "near_misses")}


@every_format
def test_hostile_values_are_not_all_alike(name: str) -> None:
    values = made(name, "hostile")

    assert len(set(values)) > len(values) / 2


@every_format
def test_every_value_made_can_be_sent(name: str) -> None:
    known = [known_value.value for known_value in FORMATS[name].corpus()]
    values = [*known, *made(name, "valid"), *made(name, "near_misses"), *made(name, "hostile")]

    assert [] == [value for value in values if not is_sendable(value)]


@every_format
def test_the_same_seed_draws_the_same_values(name: str) -> None:
    assert drawn(FORMATS[name].near_misses(), 20) == drawn(FORMATS[name].near_misses(), 20)


@every_format
def test_a_corpus_names_each_value_once_and_knows_some_that_are_not_meant(name: str) -> None:
    column_format = FORMATS[name]
    corpus = column_format.corpus()
    values = [known_value.value for known_value in corpus]

    assert (len(set(values)), True, []) == (
        len(values),
        any(not column_format.means(value) for value in values),
        [known_value for known_value in corpus if not known_value.label],
    )


@every_text_format
def test_an_oracle_answers_for_any_text(name: str) -> None:
    column_format: Format[str] = FORMATS[name]

    @calm
    @given(st.text(st.characters()))
    def answers(text: str) -> None:
        reason = column_format.why_not(text)

        assert column_format.means(text) == (reason is None)

    answers()


@every_text_format
def test_an_oracle_answers_for_extreme_texts(name: str) -> None:
    column_format: Format[str] = FORMATS[name]
    texts = ("(" * 20_000, "[" * 20_000, '{"a":' * 20_000, "\\" * 9, '"' * 9, "\ud800@\udfff", "a@" + "a." * 20_000, "\0")

    assert [column_format.means(text) for text in texts] == [column_format.why_not(text) is None for text in texts]


def test_every_standard_is_among_the_formats_tested() -> None:
    assert set(standards()) == {name.split()[0] for name in FORMATS}


def test_every_standard_cites_a_source_and_tells_its_purpose() -> None:
    assert [] == [name for name, standard in standards().items() if not (standard.sources and standard.purpose)]
