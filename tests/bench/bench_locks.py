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
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from bench_small_verify import cpu_s
from generated_chain import generate_chain, write_chain
from test_lock_pairs import PAIRS, deploy, of_schema

BOUND_S = 0.5
LENGTHS = (30, 300)
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
    """What the last migration costs more, and what rows that are carried along cost more for each one of the chain."""
    more: dict[int, dict[str, float]] = {}
    for length in LENGTHS:
        chain = folder / f"chain_{length}"
        write_chain(generate_chain(length, seed=length, failures=0), chain)
        command = [sys.executable, "-m", "pgcontract", "verify", str(chain)]
        arms = {"all": command, "lock.*": [*command, "--skip", "lock.*"]}
        arms["rows.*"] = [*arms["lock.*"], "--skip", "rows.*"]
        cpu: dict[str, list[float]] = {arm: [] for arm in arms}
        for turn in range(turns + 1):
            for arm, arguments in arms.items():
                used = cpu_s(arguments, folder)
                if turn:  # the first fills the caches
                    cpu[arm].append(used)
        middle = {arm: median(values) for arm, values in cpu.items()}
        more[length] = {"lock.*": middle["all"] - middle["lock.*"], "rows.*": middle["lock.*"] - middle["rows.*"]}
    few, many = (more[length] for length in LENGTHS)
    locks = many["lock.*"]
    share = f"bound {BOUND_S}: {locks / BOUND_S:.2f}"
    print(f"the last of {LENGTHS[-1]} migrations: {locks:.3f} s of CPU more with lock.* ({share})")
    each = [more[length]["rows.*"] * 1000 / length for length in LENGTHS]
    print(f"rows.*: {few['rows.*']:.2f} s more over {LENGTHS[0]} migrations, {many['rows.*']:.2f} s over {LENGTHS[-1]}")
    print(f"        {each[0]:.1f} and {each[1]:.1f} ms for each one of the chain")


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name))
        cost(turns, Path(name))


if __name__ == "__main__":
    main()
