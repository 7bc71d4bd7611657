"""What a long folder costs without a contract: CPU of `verify` a migration, beyond that of applying the files alone.

Both arms start a server of their own and take turns in one run, a process each; CPU is user and system time of the
process and of all it started. The other arm sends each file as one message on one connection.
`python tests/bench/bench_replay.py [MIGRATIONS [TURNS]]`. Bound: 0.35 s a migration on a machine on which the gate of the
shipped chain takes 30 s; the growth from a tenth of the files must be linear.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_small_verify import cpu_s
from generated_chain import generate_chain, write_chain

BOUND_S = 0.35
APPLY = """
import sys
from pathlib import Path
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import Sandbox

platform = platform_of("postgres")
with provider_for("wheel").start() as server, Sandbox(server, platform) as sandbox:
    with sandbox.clone(sandbox.platform_state(platform.regimes[0])) as name, sandbox.connect(name) as connection:
        for file in sorted(Path(sys.argv[1]).glob("*.sql")):
            connection.execute(file.read_bytes())
"""


def beyond_s(number: int, turns: int, folder: Path) -> float:
    """CPU of verify beyond applying, in seconds a migration: the median of the turns."""
    write_chain(generate_chain(number, seed=number, failures=0), folder)
    arms = {
        "apply": [sys.executable, "-c", APPLY, str(folder)],
        "verify": [sys.executable, "-m", "pgcontract", "verify", str(folder)],
    }
    cpu: dict[str, list[float]] = {arm: [] for arm in arms}
    for turn in range(turns + 1):
        for arm, command in arms.items():
            used = cpu_s(command, folder.parent)
            if turn:  # the first fills the caches
                cpu[arm].append(used)
    found = {arm: median(values) for arm, values in cpu.items()}
    a_migration = (found["verify"] - found["apply"]) / number
    both = f"apply {found['apply']:.2f} s, verify {found['verify']:.2f} s CPU"
    print(f"{number:>5} migrations: {both}, {a_migration:.4f} s each")
    return a_migration


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        few = beyond_s(max(number // 10, 5), turns, Path(name) / "few")
        many = beyond_s(number, turns, Path(name) / "many")
    print(f"beyond applying, a migration: {many:.4f} s (bound {BOUND_S}: {many / BOUND_S:.2f})")
    print(f"and over that of a tenth of the files: {many / few:.2f}")


if __name__ == "__main__":
    main()
