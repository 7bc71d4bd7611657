"""Report formats at the command line: the type of their option, where each goes, and a Run in one of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from pgcontract.reporting import formats, is_format
from pgcontract.reporting.output_folder import require_file, require_writable, write_file
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.result import Run


PIPED_WIDTH: Final = 120
MIN_WIDTH: Final = 40
STANDARD_OUTPUT: Final = "-"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A format by its name, and the file that it is written to; None is standard output."""

    form: str
    file: Path | None = None


if TYPE_CHECKING:
    _Word = click.ParamType[Destination]
else:  # click 8.1, which is enough, has no generic one
    _Word = click.ParamType


class ReportFormat(_Word):
    """`sarif` or `sarif=out.sarif`, of `formats()`; to know one by its name, its module alone is imported."""

    name = "format"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return f"[{'|'.join(sorted(formats()))}][=FILE]"

    def convert(self, value: str | Destination, param: click.Parameter | None, ctx: click.Context | None) -> Destination:
        if isinstance(value, Destination):
            return value
        form, named, file = value.partition("=")
        if not is_format(form):
            self.fail(f"{form!r} is not one of {', '.join(map(repr, sorted(formats())))}.", param, ctx)
        if named and not file:
            self.fail(f"{value!r} names no file: write {form}=FILE, or {form} alone for standard output.", param, ctx)
        return Destination(form=form, file=None if file in ("", STANDARD_OUTPUT) else Path(file))


FORMAT_HELP: Final = "The report's format on standard output; with =FILE, in that file beside it. May be repeated."


def split_destinations(given: Sequence[Destination]) -> tuple[str | None, dict[Path, str]]:
    """The format for standard output, if one is named for it, and those for files, each of which can be written.

    Raises UsageError where two want one place, InputError where a file cannot be written.
    """
    printed = [destination.form for destination in given if destination.file is None]
    if len(printed) > 1:
        raise click.UsageError(
            f"standard output takes one format, not {' and '.join(printed)}; write one to a file, as {printed[1]}=FILE"
        )
    files: dict[Path, str] = {}
    for destination in given:
        if destination.file is not None:
            if destination.file in files:
                raise click.UsageError(f"two formats are to be written to {destination.file}; name another file for one")
            require_writable(destination.file.parent, f"folder of the {destination.form} file")
            require_file(destination.file, "--format")
            files[destination.file] = destination.form
    return (printed[0] if printed else None), files


def write_formats(run: Run, files: dict[Path, str]) -> None:
    """Each file in its format, whole or not at all."""
    from pgcontract.reporting import render

    for file, form in files.items():
        write_file(file, render(run, form))


def rendered(run: Run, form: str, *, verbose: bool, stream: TextIO) -> str:
    """The run in the format; as text, as wide and as colourful as the terminal is."""
    from pgcontract.reporting import render, text

    if form != text.FORMAT:
        return render(run, form)
    width = shutil.get_terminal_size((PIPED_WIDTH, 24)).columns
    return text.render_page(run, width=max(width, MIN_WIDTH), verbose=verbose, color=stream.isatty())
