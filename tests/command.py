"""The command: as a person runs it, in a process of its own, or in this one, which need not import it anew."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pgcontract import cli


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a run of the command left: its exit code and both streams."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def command_here(folder: Path) -> Command:
    """Runs the command in a folder of this process; keywords are its only settings."""

    def run(*arguments: str | Path, **settings: str) -> Said:
        out, err = io.BytesIO(), io.BytesIO()
        with (
            mock.patch.dict(os.environ, {**_clean(), **settings}, clear=True),
            chdir(folder),
            redirect_stdout(io.TextIOWrapper(out, encoding="utf-8", write_through=True)),
            redirect_stderr(io.TextIOWrapper(err, encoding="utf-8", write_through=True)),
        ):
            code = cli.run([str(argument) for argument in arguments])
            return Said(code=code, out=out.getvalue().decode(), err=err.getvalue().decode())

    return run


def command_in(folder: Path, *start: str) -> Command:
    """Runs `python -m pgcontract` (or python with `start` instead) in a folder; keywords are its only settings."""

    def run(*arguments: str | Path, **settings: str) -> Said:
        done = subprocess.run(
            [sys.executable, *(start or ("-m", "pgcontract")), *map(str, arguments)],
            cwd=folder,
            env={**_clean(), **settings},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PGCONTRACT_")}
