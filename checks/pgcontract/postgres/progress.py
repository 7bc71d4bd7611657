"""What a run is doing now, from wherever time passes to whoever listens: a fetch, a load or a check may take a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class ProgressEvent:
    """A phase that begins; an item that was judged, the `done`th of `total`; rows of the table `name`, of which `done`
    are there; or what is waited for before a server starts ("fetching PostgreSQL 17.10")."""

    kind: Literal["phase", "item", "rows", "wait"]
    name: str
    done: int = 0
    total: int = 0


ProgressListener: TypeAlias = Callable[[ProgressEvent], None]


def _ignore(_: ProgressEvent) -> None:
    """Nobody listens."""


_listener: ContextVar[ProgressListener] = ContextVar("pgcontract_progress", default=_ignore)


@contextmanager
def progress_reported_to(listener: ProgressListener | None) -> Iterator[None]:
    """Tells `listener` every event that is reported while the context lasts, in this thread; None leaves who listens."""
    token = _listener.set(listener or _listener.get())
    try:
        yield
    finally:
        _listener.reset(token)


def report_progress(event: ProgressEvent) -> None:
    """Tells the listener, if there is one."""
    _listener.get()(event)
