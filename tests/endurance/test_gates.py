"""Gates in a row give one verdict, and nothing of this machine grows by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from endurance_size import GATES

# Until then caches of ours and of libraries fill; from there on only a leak grows.
WARM = max(2, GATES // 10)
# A leak of 100 kB a gate is 9 MB in ninety; the allocator's own breathing is a few.
MOST_GROWTH_BYTES = 8 * 1024**2


@pytest.fixture
def gates(kept: Path, room: Path, cache: Path) -> list[dict[str, Any]]:
    """What each gate found, and what the process that ran them all held after it."""
    command = [sys.executable, str(Path(__file__).with_name("gating.py")), *map(str, (kept, GATES, room, cache))]
    environment = {**os.environ, "PGCONTRACT_TMP": str(room), "PGCONTRACT_CACHE": str(cache)}
    ran = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_gates_in_a_row_find_the_same_and_nothing_grows(gates: list[dict[str, Any]]) -> None:
    memory = [gate.pop("memory_bytes") for gate in gates]
    differing = [gate for gate in gates[WARM - 1 :] if gate != gates[WARM - 1]]
    growth = median(memory[-max(1, GATES // 10) :]) - median(memory[WARM - 1 : 2 * WARM - 1])

    assert (GATES, []) == (len(gates), differing)
    assert {key: gates[0][key] for key in ("verdict", "findings")} == {
        key: gates[-1][key] for key in ("verdict", "findings")
    }
    assert growth < MOST_GROWTH_BYTES, memory
