"""What the matrix of majors costs: the CPU of the gate on all of them, over that of one run on the usual server.

Both take turns in one process, each with its caches filled before. `python tests/bench/bench_matrix.py [TURNS]`.
Bound for four majors: 4.4.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median

from pgcontract.postgres.versions import KNOWN_MAJORS

sys.path.insert(0, str(Path(__file__).parents[1]))
from side_by_side import ended, judge_all, passes, table

BOUND = 4.4


def one_run() -> float:
    """CPU of the gate on the usual server, in seconds."""
    run = ended(["pgcontract", "verify", "schema"])
    if run.code != 0:
        raise SystemExit(f"the gate did not pass: {run.last_line}")
    return run.cpu_s


def all_majors() -> float:
    """CPU of the gates on all majors, in seconds."""
    sides = judge_all(KNOWN_MAJORS)
    if not passes(sides):
        raise SystemExit(table(sides))
    return sum(side.gate.cpu_s for side in sides)


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    one_run()
    all_majors()  # fetches what is not installed, and fills the caches of data directories
    one: list[float] = []
    majors: list[float] = []
    for _ in range(turns):
        one.append(one_run())
        majors.append(all_majors())
    ratio = median(major / one_major for one_major, major in zip(one, majors, strict=True))
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"one run: {median(one):.1f} s CPU; {len(KNOWN_MAJORS)} majors: {median(majors):.1f} s CPU")
    print(f"the matrix over one run: {ratio:.2f} (bound {BOUND}: {'met' if ratio <= BOUND else 'NOT met'})")


if __name__ == "__main__":
    main()
