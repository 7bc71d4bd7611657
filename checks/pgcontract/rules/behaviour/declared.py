"""What a contract declares of rows, each thing asked by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from pgcontract.contract import Presence, StateMachine, Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import Subjects

D = TypeVar("D", Presence, StateMachine, Timestamp)


def declared(promise: Promise, section: type[D], only: Callable[[D], bool] | None = None) -> tuple[D, ...]:
    """Those of the section, or `only` some of them."""
    return tuple(one for one in promise.of(section) if only is None or only(one))


def names_of(section: type[D], only: Callable[[D], bool] | None = None) -> Subjects:
    """The subjects of a check that asks about each of them."""
    return lambda promise: (one.name for one in declared(promise, section, only))


def ask_each(
    context: Context, section: type[D], ask: Callable[[D], Answer], only: Callable[[D], bool] | None = None
) -> Iterator[Answer]:
    """The answer about each of them; unknown, with the reason, where it could not be asked."""
    for one in declared(context.promise, section, only):
        try:
            yield ask(one)
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield Answer(Status.UNKNOWN, one.name, summary, origin=one.origin)
