"""What a deploy does to tables in use: who tells it and who accuses its good twin, and what telling it costs.

The pairs of tests/unit/lock_pairs.toml through pgcontract, squawk (of the bench's environment) and pgfence (by npm): a
bad file counts as told, and a good one as accused, where a rule other than those about time-outs, style and second runs
speaks; of pgfence, at a risk above LOW. `python tests/bench/bench_locks.py [TURNS]`. Bound: 0.5 s of CPU more a pending
migration, on a machine on which the gate of the shipped chain takes 30 s, behind 300 others; rows that are carried along
cost no more for each migration of a long chain than of a short one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from generated_chain import generate_chain, write_chain
from pgcontract import load_project
from test_lock_pairs import PAIRS, deploy, of_schema

BOUND_S = 0.5
LENGTHS = (30, 300)
APART = 7
PGFENCE = "@flvmnt/pgfence@latest"
OTHER_MATTERS = {"require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts", "prefer-bigint-over-int"}


def told_by_pgcontract(kind: str, folder: Path) -> set[int]:
    found = deploy(folder / kind, {number: [of_schema(number, pair[kind])] for number, pair in enumerate(PAIRS)})
    return {number for number in range(len(PAIRS)) if found.told(number)}


def told_by_squawk(kind: str, folder: Path) -> set[int]:
    program = str(Path(sys.executable).with_name("squawk"))
    said = subprocess.run(
        [program, "--reporter", "json", *written(kind, folder)], capture_output=True, text=True, check=False
    )
    return {number_of(note["file"]) for note in json.loads(said.stdout) if note["rule_name"] not in OTHER_MATTERS}


def told_by_pgfence(kind: str, folder: Path) -> set[int] | None:
    # One file that it cannot read makes it say nothing of all: what only PostgreSQL 18 has is left out.
    files = [path for path in written(kind, folder) if "needs" not in PAIRS[number_of(path)]]
    command = ["npm", "exec", "--yes", PGFENCE, "--", "analyze", "--output", "json", *files]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        results: list[dict[str, Any]] = json.loads(said.stdout)["results"]
    except (ValueError, KeyError):
        return None
    risky = [result for result in results if any(check["risk"] not in ("SAFE", "LOW") for check in result["checks"])]
    return {number_of(result["filePath"]) for result in risky}


def written(kind: str, folder: Path) -> list[str]:
    paths = [folder / f"{number:03}_{kind}.sql" for number in range(len(PAIRS))]
    for number, path in enumerate(paths):
        path.write_text(of_schema(number, PAIRS[number][kind]) + "\n", encoding="utf-8")
    return list(map(str, paths))


def number_of(path: str) -> int:
    return int(Path(path).name[:3])


def compare(folder: Path) -> None:
    newer = sum("needs" in pair for pair in PAIRS)
    print(f"{len(PAIRS)} pairs      bad ones told   good ones accused (pgfence: without {newer} that it cannot read)")
    for name, ask in (("pgcontract", told_by_pgcontract), ("squawk", told_by_squawk), ("pgfence", told_by_pgfence)):
        bad, good = ask("bad", folder), ask("good", folder)
        figures = "could not be asked" if bad is None or good is None else f"{len(bad):>13}   {len(good):>17}"
        print(f"{name:<12} {figures}")


def cost(turns: int, folder: Path) -> None:
    """CPU of tool and server, by phase, with one migration after the other as the pending one: locks and growth are its
    own, rows are carried along the whole chain."""
    for length in LENGTHS:
        chain = folder / f"chain_{length}"
        write_chain(generate_chain(length, seed=length, failures=0), chain)
        keys = [migration.key for migration in load_project(chain).chain]
        own, carried = [], []
        for turn in range(turns):
            cpu_ms = phases_of(chain, keys[-1 - turn * APART], folder)
            own.append((cpu_ms.get("lock", 0) + cpu_ms.get("growth", 0)) / 1000)
            carried.append(cpu_ms.get("rows", 0) / length)
        share = f"bound {BOUND_S}: {median(own) / BOUND_S:.2f}"
        print(f"behind {length} migrations: {median(own):.3f} s for locks and growth of the pending one ({share})")
        print(f"  {median(carried):.1f} ms for the rows of each one of the chain")


def phases_of(chain: Path, key: str, folder: Path) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "pgcontract",
        "verify",
        str(chain),
        "--through",
        key,
        "--report",
        str(folder / "run"),
    ]
    subprocess.run(command, capture_output=True, check=False)
    document = json.loads(next((folder / "run").glob("*/run.json")).read_text(encoding="utf-8"))
    shutil.rmtree(folder / "run")
    return {phase["name"]: phase["cpu_ms"] for phase in document["phases"]}


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name))
        cost(turns, Path(name))


if __name__ == "__main__":
    main()
