"""Progress of loading, reported to a listener: a million rows take a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# What is being loaded, how many rows are there, how many there will be.
Watcher = Callable[[str, int, int], None]

_watcher: ContextVar[Watcher | None] = ContextVar("pgcontract_load_watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Report progress to `watcher` while the context lasts, in this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


class RowCounter:
    """Counts rows towards a total, and reports each step."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def add(self, rows: int, what: str) -> None:
        self.done += rows
        if watcher := _watcher.get():
            watcher(what, self.done, self.total)
