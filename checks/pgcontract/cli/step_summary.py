"""The summary of a step of GitHub Actions: the first screen, added to the file that it names for that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pgcontract.result import Run


def add_step_summary(run: Run) -> None:
    """Adds the first screen where this is a step of GitHub Actions, and does nothing elsewhere. A file that cannot be
    written is told on standard error, for the verdict does not depend on it."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get("GITHUB_ACTIONS") != "true" or not path:
        return
    from pgcontract.reporting.markdown import first_screen
    from pgcontract.reporting.markup import visible

    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{first_screen(run)}\n")
    except OSError as error:
        click.echo(f"warning: the step summary {visible(path)} cannot be written: {error.strerror}", err=True)
