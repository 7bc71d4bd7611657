"""The current step on a terminal: one line that is erased at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgcontract.postgres.progress import ProgressEvent, ProgressListener


@contextmanager
def show_progress() -> Iterator[ProgressListener]:
    """Gives the listener; where standard error is no terminal, one that says once what is waited for.

    A log needs no moving line, but whoever reads it should see why minutes pass before anything starts.
    """
    if not sys.stderr.isatty():
        seen: set[str] = set()

        def print_once(event: ProgressEvent) -> None:
            # "pulling IMAGE: 120 of 480 MB" begins as an earlier message did.
            words = event.name.partition(": ")[0]
            if event.kind == "wait" and words not in seen:
                seen.add(words)
                print(words, file=sys.stderr, flush=True)

        yield print_once
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

        def show(event: ProgressEvent) -> None:
            if event.kind in ("phase", "wait"):
                progress.update(task, description=event.name)
                progress.update(rows, visible=False)
            elif event.kind == "rows":
                description = f"rows of {event.name}"
                progress.update(rows, description=description, completed=event.done, total=event.total, visible=True)
            else:
                progress.update(task, completed=event.done, total=event.total)

        yield show
