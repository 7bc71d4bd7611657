"""What is being done right now, on a terminal: one line that goes away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgcontract.runner import Event


@contextmanager
def watching() -> Iterator[Callable[[Event], None]]:
    """Gives the engine's `notify`; where standard error is no terminal, one that says once what is waited for.

    A log needs no moving line, but whoever reads it should see why minutes pass before anything starts.
    """
    if not sys.stderr.isatty():
        said: set[str] = set()

        def say_once(event: Event) -> None:
            # "pulling IMAGE: 120 of 480 MB" begins as it was said before.
            words = event.name.partition(": ")[0]
            if event.kind == "wait" and words not in said:
                said.add(words)
                print(words, file=sys.stderr, flush=True)

        yield say_once
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        *(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)
        rows = progress.add_task("rows", total=None, visible=False)

        def show(event: Event) -> None:
            if event.kind in ("phase", "wait"):
                progress.update(task, description=event.name)
                progress.update(rows, visible=False)
            elif event.kind == "load":
                told = f"rows of {event.name}"
                progress.update(rows, description=told, completed=event.done, total=event.total, visible=True)
            else:
                progress.update(task, completed=event.done, total=event.total)

        yield show
