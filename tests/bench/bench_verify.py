"""What the gate costs: CPU of the command and its server together, and where it goes.

Two arms take turns in one run: the shipped chain with every check, and its first migration by shape and the life of
the script alone. `python tests/bench/bench_verify.py [TURNS]`. Bounds, with bytecode, data directory and rows cached:
5 s for the second, 36 s for the first.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
BEHAVIOUR = ("acid", "timestamp", "flow", "format", "error_detail", "state_machine", "presence")
SPEED = ("dataset", "query", "write", "index.used", "index.not_prefix", "index.not_redundant", "index.not_duplicated")
ARMS = {
    "the whole chain, every check": [],
    "020, shape and life of the script": [
        "--through",
        "020",
        *(word for family in (*BEHAVIOUR, *SPEED) for word in ("--skip", family if "." in family else f"{family}.*")),
    ],
}
BOUNDS_S = {"the whole chain, every check": 36, "020, shape and life of the script": 5}


def measure(options: list[str], folder: Path) -> tuple[float, float, dict[str, float]]:
    """CPU and wall of one run in seconds, and its phases' CPU in milliseconds."""
    file = folder / "run.json"
    command = [sys.executable, "-m", "pgcontract", "verify", "schema", "--json", str(file), *options]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # BLOCKED is a verdict as well: through 020 the chain is
        raise SystemExit(done.stderr)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    phases = {phase["name"]: phase["cpu_ms"] for phase in json.loads(file.read_text(encoding="utf-8"))["phases"]}
    return cpu, wall, phases


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cpu: dict[str, list[float]] = defaultdict(list)
    wall: dict[str, list[float]] = defaultdict(list)
    phases: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for options in ARMS.values():  # fills the caches
            measure(options, Path(folder))
        for _ in range(turns):
            for arm, options in ARMS.items():
                used, took, phases[arm] = measure(options, Path(folder))
                cpu[arm].append(used)
                wall[arm].append(took)
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for arm in ARMS:
        spent = median(cpu[arm])
        bound = f"bound {BOUNDS_S[arm]} s: {spent / BOUNDS_S[arm]:.2f}"
        print(f"\n{arm}: {spent:.2f} s CPU ({bound}), {median(wall[arm]):.2f} s wall")
        total = sum(phases[arm].values())
        for name, ms in sorted(phases[arm].items(), key=lambda phase: -phase[1]):
            print(f"  {name:<14} {ms:8.0f} ms  {ms / total:6.1%}")
        print(f"  {'page and exit':<14} {max(spent * 1000 - total, 0):8.0f} ms  after the phases")
    first, second = (median(cpu[arm]) for arm in ARMS)
    print(f"\nevery check over shape alone: {first / second:.2f}")


if __name__ == "__main__":
    main()
