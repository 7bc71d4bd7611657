"""Gates in a row in one process: after each a line of JSON with what it found and what the process then holds."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from pgcontract import load_project, verify
from pgcontract.reporting import render

project, gates, room, cache = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])

for _ in range(gates):
    run = verify(load_project(project))
    render(run, "text")  # what is kept of a page would grow, too
    held = {
        "verdict": run.verdict.decision.value,
        "findings": [
            f"{finding.migration} {finding.item} {finding.status.value} {finding.summary}" for finding in run.findings
        ],
        "memory_bytes": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "descriptors": len([*Path("/proc/self/fd").iterdir()]),
        "threads": threading.active_count(),
        "children": len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        "in the room": len([*room.iterdir()]),
        "in the cache": sum(len(files) for _, _, files in os.walk(cache)),
    }
    print(json.dumps(held), flush=True)
