"""Progress of a server's start, reported to a watcher: a fetch may take a while before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ProgressWatcher = Callable[[str], None]

_watcher: ContextVar[ProgressWatcher | None] = ContextVar("pgcontract_watcher", default=None)


@contextmanager
def watched_by(watcher: ProgressWatcher) -> Iterator[None]:
    """Hands `watcher` the progress that is reported while the context lasts, in this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def report_progress(words: str) -> None:
    """Reports to the watcher, if there is one, what is being done now: "fetching PostgreSQL 17.10"."""
    if watcher := _watcher.get():
        watcher(words)
