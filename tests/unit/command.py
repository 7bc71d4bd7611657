"""The command as a person runs it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a run of the command left: its exit code and both streams."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def command_in(folder: Path, *start: str) -> Command:
    """Runs `python -m pgcontract` (or python with `start` instead) in a folder; keywords are its only settings."""

    def run(*arguments: str | Path, **settings: str) -> Said:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PGCONTRACT_")}
        done = subprocess.run(
            [sys.executable, *(start or ("-m", "pgcontract")), *map(str, arguments)],
            cwd=folder,
            env={**clean, **settings},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    return run
