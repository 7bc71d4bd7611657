"""What of the command's cost no phase of the run has counted: imports, the plan, the server's end."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.postgres.cpu_time import process_cpu_ms, process_wall_ms
from pgcontract.result import Phase, Run

START_AND_END = "start and end"


def with_whole_process(run: Run) -> Run:
    """The Run with one more phase, so that their sums are the whole process's so far, its servers included.

    For a process that does nothing else: of a host's time we have only our phases.
    """
    wall_ms = sum(phase.wall_ms for phase in run.phases)
    rest = Phase(
        name=START_AND_END,
        wall_ms=max((process_wall_ms() or wall_ms) - wall_ms, 0.0),
        cpu_ms=max(process_cpu_ms() - sum(phase.cpu_ms for phase in run.phases), 0.0),
    )
    return replace(run, phases=(*run.phases, rest))
