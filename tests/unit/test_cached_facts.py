"""A fact is asked once: of a promise in a state, of a state, or of a promise in all states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from pgcontract import RunOptions, load_project
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.cached_facts import cached_fact, cached_promise_fact, cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.runner import plan

Fact: TypeAlias = Callable[[Context, str], str]


@pytest.fixture
def contexts(tmp_path: Path) -> list[Context]:
    """The first promise, the second, and the first in the second's state."""
    for stem in ("001_first", "002_second"):
        (tmp_path / f"{stem}.sql").write_text("SELECT 1;")
    first, second = (
        Context(promise, None, {}) for promise in plan(load_project(tmp_path), RunOptions()).promises.values()
    )
    return [first, second, first.in_state_of(second)]


def asked(of: Callable[[Fact], Fact], contexts: list[Context]) -> list[str]:
    """The migrations in whose context the fact was asked, when each context asked it twice."""
    calls: list[str] = []

    @of
    def fact(context: Context, word: str) -> str:
        calls.append(context.promise.migration.key)
        return word

    for context in (*contexts, *contexts):
        assert fact(context, "word") == "word"
    return calls


@pytest.mark.parametrize(("of", "first", "expected"), [
    (cached_fact, 0, ["001_first", "002_second", "001_first"]),
    (cached_state_fact, 0, ["001_first", "002_second"]),
    (cached_promise_fact, 0, ["001_first", "002_second"]),
    (cached_state_fact, 2, ["002_second"]),
    (cached_promise_fact, 2, ["001_first"]),
], ids=["a promise in a state", "a state", "a promise", "the state's own", "the promise's own"])  # fmt: skip
def test_a_fact_is_asked_once_of(
    of: Callable[[Fact], Fact], first: int, expected: list[str], contexts: list[Context]
) -> None:
    assert expected == asked(of, contexts[first:])


def test_another_argument_is_another_question(contexts: list[Context]) -> None:
    @cached_fact
    def fact(_: Context, word: str) -> str:
        return word

    assert ["one", "two"] == [fact(contexts[0], "one"), fact(contexts[0], "two")]


def test_what_could_not_be_asked_is_not_asked_again(contexts: list[Context]) -> None:
    calls = []

    @cached_fact
    def fact(_: Context) -> None:
        calls.append(1)
        raise CouldNotAsk("there is no server")

    for _ in range(2):
        with pytest.raises(CouldNotAsk, match="there is no server"):
            fact(contexts[0])

    assert [1] == calls
