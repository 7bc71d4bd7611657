"""Facts that a probe asks for once: its own function is the key, with its arguments.

Rules call the function and nothing else, so that whichever asks first, all of them have the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import unwrap
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple, cast

from pgcontract.errors import CouldNotAsk

if TYPE_CHECKING:
    from pgcontract.probes.context import Context

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class FactCache:
    """The answers that were given so far; a CouldNotAsk is one too."""

    def __init__(self) -> None:
        self._answers: dict[tuple[object, ...], object] = {}

    def answer(self, key: tuple[object, ...], ask: Callable[[], T]) -> T:
        """The answer under the key: what `ask` returned, or the CouldNotAsk that it raised, the first time."""
        if key not in self._answers:
            try:
                self._answers[key] = ask()
            except CouldNotAsk as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, CouldNotAsk):
            raise answer
        return cast(T, answer)

    def known(self, key: tuple[object, ...]) -> object | None:
        """The answer that was given under the key, if one was."""
        answer = self._answers.get(key)
        return None if isinstance(answer, CouldNotAsk) else answer


def known_fact(fact: Callable[[Context], T], context: Context) -> T | None:
    """What a `cached_fact` has answered to a rule; None where no rule asked, or nothing could be had."""
    return cast("T | None", context.facts.known((unwrap(fact),)))


def cached_fact(ask: Callable[[Context, *Arguments], T]) -> Callable[[Context, *Arguments], T]:
    """A fact of a promise in a state: asked once right after the promise's migration, and once in a later state."""
    return _cached(ask, lambda context: context)


def cached_state_fact(ask: Callable[[Context, *Arguments], T]) -> Callable[[Context, *Arguments], T]:
    """A fact of a state, whichever promise is judged in it; `ask` has the context of the state's own migration."""
    return _cached(ask, lambda context: context.judging_context)


def cached_promise_fact(ask: Callable[[Context, *Arguments], T]) -> Callable[[Context, *Arguments], T]:
    """A fact that a promise keeps in every later state; `ask` has the context right after its own migration."""
    return _cached(ask, lambda context: context.own_context)


def _cached(
    ask: Callable[[Context, *Arguments], T], owner: Callable[[Context], Context]
) -> Callable[[Context, *Arguments], T]:
    @wraps(ask)
    def fact(context: Context, *arguments: *Arguments) -> T:
        asked = owner(context)
        return asked.facts.answer((ask, *arguments), lambda: ask(asked, *arguments))

    return fact
