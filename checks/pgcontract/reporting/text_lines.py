"""Lines on a terminal that are never wrapped, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from pgcontract.reporting.markup import truncate_text, visible
from pgcontract.result import Evidence

MAX_EVIDENCE_LINES = 12
MAX_TEXT = 1200
_MORE = "… {} more in run.json"


class Printer:
    """Renders to lines; tables and places are never wrapped, for they are copied and searched."""

    def __init__(self, width: int, *, color: bool) -> None:
        self._width = width
        self._color = color

    def lines(self, *renderables: RenderableType) -> list[str]:
        page = StringIO()
        # Not a terminal's own: what stands where is decided before it is printed.
        console = Console(
            file=page,
            width=self._width,
            no_color=not self._color or None,  # None: as NO_COLOR says
            force_terminal=self._color,
            color_system="standard" if self._color else None,
        )
        for renderable in renderables:
            console.print(renderable, highlight=False, crop=False)
        return [line.rstrip() for line in page.getvalue().split("\n")[:-1]]


class Lines:
    """Lines as long as they are, each with its style, a number of blanks before it: rich wraps or cuts all else."""

    def __init__(self, lines: Iterable[tuple[str, str]], *, indent: int) -> None:
        self._lines = tuple(lines)
        self._indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line, style in self._lines:
            yield Segment(" " * self._indent)
            yield Segment(line, console.get_style(style))
            yield Segment.line()


def evidence_rows(evidence: Evidence) -> RenderableType:
    """Columns as wide as their cells, however wide the page is: a row that is wrapped can be read by nobody."""
    first = evidence.rows[:MAX_EVIDENCE_LINES]
    shown = [[visible(truncate_text(cell)) for cell in row[: len(evidence.columns)]] for row in first]
    table = [[visible(column) for column in evidence.columns], *shown]
    widths = [max(cell_len(row[number]) for row in table if number < len(row)) for number in range(len(evidence.columns))]
    lines = [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in table
    ]
    more = len(evidence.rows) - MAX_EVIDENCE_LINES
    styled = [(lines[0], "dim bold"), *((line, "dim") for line in lines[1:])]
    return Lines([*styled, *([(_MORE.format(more), "dim")] if more > 0 else [])], indent=4)


def first_lines(lines: Sequence[str], most: int = MAX_EVIDENCE_LINES) -> Sequence[str]:
    more = len(lines) - most
    return lines if more <= 0 else [*lines[:most], _MORE.format(more)]


def grid(rows: Iterable[tuple[str, str, str]], *, label: int = 8) -> RenderableType:
    """Rows of label, text and style, the text wrapped next to its label."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=label, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, text, style in rows:
        grid.add_row(name, Text(visible(truncate_text(text, MAX_TEXT), lines=True), style=style))
    return grid
