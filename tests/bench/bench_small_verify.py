"""What a first small run costs: CPU of `verify` on one CREATE TABLE, over that of importing the libraries it uses.

The arms take turns in one run, a process each; CPU is user and system time of the process and of all it started, the
server among them. Bytecode and data directory are cached. `python tests/bench/bench_small_verify.py [TURNS]`.
Bound: 2 times the imports.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
MIGRATION = """\
CREATE TABLE note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""
LIBRARIES = "click, psycopg, pydantic, sqlglot, rich.console, markdown_it, jinja2, hypothesis"
IMPORTS, NEEDED, NO_SERVER, VERIFY = "every library", "what this run loads", "verify, no server", "verify"
BOUND = 2.0


def commands(file: Path) -> dict[str, list[str]]:
    """The arms."""
    verify = [sys.executable, "-m", "pgcontract", "verify", str(file)]
    return {
        IMPORTS: [sys.executable, "-c", f"import {LIBRARIES}"],
        NEEDED: [sys.executable, "-c", "import click, psycopg, pydantic, sqlglot, rich.console"],
        NO_SERVER: [*verify, "--pg", "none"],
        VERIFY: verify,
    }


def cpu_s(command: list[str], folder: Path) -> float:
    """CPU of one run in seconds."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):  # INCOMPLETE without a server
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "001_note.sql"
        file.write_text(MIGRATION, encoding="utf-8")
        arms = commands(file)
        for command in arms.values():  # fills the caches
            cpu_s(command, folder)
        cpu: dict[str, list[float]] = {arm: [] for arm in arms}
        for _ in range(turns):
            for arm, command in arms.items():
                cpu[arm].append(cpu_s(command, folder))
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for arm, used in cpu.items():
        print(f"{arm:<20} {median(used):.2f} s CPU (least {min(used):.2f})")
    ratio = median(cpu[VERIFY]) / median(cpu[IMPORTS])
    print(f"{VERIFY} over {IMPORTS}: {ratio:.2f} (bound {BOUND}: {ratio / BOUND:.2f})")
    print(f"{VERIFY} over {NEEDED}: {median(cpu[VERIFY]) / median(cpu[NEEDED]):.2f}")


if __name__ == "__main__":
    main()
