"""Report formats at the command line: the type of their option, and a Run in one of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final, TextIO

import click

from pgcontract.reporting import formats, is_format

if TYPE_CHECKING:
    from pgcontract.result import Run

    _Word = click.ParamType[str]
else:  # click 8.1, which is enough, has no generic one
    _Word = click.ParamType


PIPED_WIDTH: Final = 120
MIN_WIDTH: Final = 40


class ReportFormat(_Word):
    """One of `formats()`, as click.Choice takes it; to know one by its name, its module alone is imported."""

    name = "format"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return f"[{'|'.join(sorted(formats()))}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_format(value):
            self.fail(f"{value!r} is not one of {', '.join(map(repr, sorted(formats())))}.", param, ctx)
        return value


def rendered(run: Run, form: str, *, verbose: bool, stream: TextIO) -> str:
    """The run in the format; as text, as wide and as colourful as the terminal is."""
    from pgcontract.reporting import render, text

    if form != text.FORMAT:
        return render(run, form)
    width = shutil.get_terminal_size((PIPED_WIDTH, 24)).columns
    return text.render_page(run, width=max(width, MIN_WIDTH), verbose=verbose, color=stream.isatty())
