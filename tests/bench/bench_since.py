"""What one changed file behind a long folder costs with --since, over the gate of the shipped chain and over all of it.

The arms take turns in one run, a process each; CPU is user and system time of the process and of all it started. Warm is
the run behind one that filled the cache, and with another change than that one. `python tests/bench/bench_since.py
[MIGRATIONS [TURNS]]`. Bound: a ratio of 0.111 (4 s where the first gate took 30 s, and this one takes 36 s).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_small_verify import ROOT, cpu_s
from generated_chain import generate_chain, write_chain

BOUND = 4 / 36
VERIFY = [sys.executable, "-m", "pgcontract", "verify"]


def make_repository(folder: Path, number: int) -> Path:
    """The migrations, and behind them one that the working tree alone has."""
    write_chain(generate_chain(number, seed=number, failures=0), folder / "migrations")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *words], cwd=folder, check=True)
    return folder / "migrations" / "9999_new.sql"


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        os.environ["PGCONTRACT_CACHE"] = f"{name}/cache"
        (Path(name) / "r").mkdir()
        folder = Path(name) / "r"
        new = make_repository(folder, number)
        cpu: dict[str, list[float]] = {"gate": [], "all": [], "warm": []}
        for turn in range(turns + 1):
            new.write_text(f"CREATE TABLE added_{turn} (id bigint PRIMARY KEY);\n")
            used = {
                "gate": cpu_s([*VERIFY, "schema"], ROOT),
                "all": cpu_s([*VERIFY, str(folder)], folder),
                "warm": cpu_s([*VERIFY, str(folder), "--since", "main"], folder),
            }
            for arm, seconds in used.items():
                cpu[arm] += [seconds] if turn else []  # the first fills the cache
            print(f"  turn {turn}: " + ", ".join(f"{arm} {seconds:.2f} s" for arm, seconds in used.items()))
    found = {arm: median(values) for arm, values in cpu.items()}
    ratio = found["warm"] / found["gate"]
    print(
        f"warm, one changed behind {number}: {found['warm']:.2f} s CPU; over all of it {found['warm'] / found['all']:.2f}"
    )
    print(f"over the gate: {ratio:.3f} (bound {BOUND:.3f}: {ratio / BOUND:.2f})")


if __name__ == "__main__":
    main()
