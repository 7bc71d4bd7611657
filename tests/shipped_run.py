"""The gate on the shipped chain by the command, run once a test session: whoever only reads what it said shares it.

Where SHIPPED_RUN names a run.json of these very files, from a gate that passed a moment ago, it is read instead.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class ShippedRun:
    """Its exit code, and its Run as JSON; the paths in it begin with `schema`."""

    code: int
    text: str


def shipped_run(folders: pytest.TempPathFactory) -> ShippedRun:
    """The session's run of it. Of several workers the first that asks makes it, and the others wait."""
    if given := os.environ.get("SHIPPED_RUN"):
        return ShippedRun(code=0, text=Path(given).read_text(encoding="utf-8"))
    base = folders.getbasetemp()
    room = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    file, code = room / "shipped.run.json", room / "shipped.code"
    with (room / "shipped.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not code.exists():
            code.write_text(str(_verify(file)), encoding="utf-8")
    return ShippedRun(code=int(code.read_text(encoding="utf-8")), text=file.read_text(encoding="utf-8"))


def _verify(file: Path) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PGCONTRACT_")}
    command = [sys.executable, "-m", "pgcontract", "verify", "schema", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, encoding="utf-8", check=False)
    assert file.exists(), done.stderr
    return done.returncode
