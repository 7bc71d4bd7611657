"""The option type of a report format: the formats are listed only for a help page or an unknown word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pgcontract.reporting import formats, is_format

if TYPE_CHECKING:
    _Word = click.ParamType[str]
else:  # click 8.1, which is enough, has no generic one
    _Word = click.ParamType


class ReportFormat(_Word):
    """One of `formats()`, as click.Choice takes it; to know one by its name, its module alone is imported."""

    name = "format"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return f"[{'|'.join(sorted(formats()))}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_format(value):
            self.fail(f"{value!r} is not one of {', '.join(map(repr, sorted(formats())))}.", param, ctx)
        return value
