"""What a source of servers is waiting for, told to whoever watches: a fetch may take a while before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tell = Callable[[str], None]

_watcher: ContextVar[Tell | None] = ContextVar("pgcontract_watcher", default=None)


@contextmanager
def watched_by(watcher: Tell) -> Iterator[None]:
    """Hands `watcher` what is told while the context lasts, in this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def tell(words: str) -> None:
    """Tells the watcher, if there is one, what is being done now: "fetching PostgreSQL 17.10"."""
    if watcher := _watcher.get():
        watcher(words)
