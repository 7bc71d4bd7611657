"""Reads the run.json that a command was given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes

if TYPE_CHECKING:
    from pgcontract.reporting.json import ReadRun


def read_run_json(path: str) -> ReadRun:
    """The Run of the file; InputError names the file. A file that was changed since it was written is told of on standard
    error, for what is made from it says what it says."""
    from pgcontract.reporting.json import read_json
    from pgcontract.reporting.markup import visible

    try:
        read = read_json(_text(path))
    except InputError as error:
        raise InputError(error.message, file=path, line=error.line) from error
    if read.edited:
        click.echo(
            f"warning: {visible(path)} was changed after it was written: its digest is not that of its contents", err=True
        )
    return read


def _text(path: str) -> str:
    try:
        return read_bytes(Path(path)).decode()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}. Give the run.json of a verification.", file=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text. Give the run.json of a verification.", file=path) from error
