"""What a run tells while it works, and a bar that shows it: on a terminal only, so nothing else is ever garbled."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from pgcontract.finding import Status
from pgcontract.report.markup import cut, visible


class Progress(Protocol):
    """Told by the engine, in order: a phase begins; one of `total` items is done, as `check[subject]`."""

    def phase_started(self, name: str) -> None: ...

    def item_done(self, done: int, total: int, item: str, status: Status) -> None: ...


class Silent:
    """Shows nothing."""

    def phase_started(self, name: str) -> None:
        pass

    def item_done(self, done: int, total: int, item: str, status: Status) -> None:
        pass


class Bar:
    """One line at the bottom of a terminal (give it stderr's console), gone when it is left.

    It counts what is not kept, so that a long run shows early that something is wrong.
    """

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn())
        self._live = RichProgress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._live.add_task("", total=None)
        self._phase = ""
        self._wrong = 0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def phase_started(self, name: str) -> None:
        self._phase = name
        self._live.update(self._task, description=self._said())

    def item_done(self, done: int, total: int, item: str, status: Status) -> None:
        self._wrong += status in (Status.BROKEN, Status.ERROR, Status.UNKNOWN)
        self._live.update(self._task, completed=done, total=total, description=self._said(item))

    def _said(self, item: str = "") -> str:
        wrong = f"[red]{self._wrong} not kept[/red] " if self._wrong else ""
        plain = Text(f"{visible(self._phase)} {cut(visible(item), 48)}".rstrip()).markup
        return wrong + plain
