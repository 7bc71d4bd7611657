"""How long each phase of a run takes, by the wall and in CPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pgcontract.postgres.cpu_time import process_cpu_ms
from pgcontract.postgres.progress import ProgressEvent, report_progress
from pgcontract.result import Phase

_MOMENT: Final = 0.01  # seconds: the servers' CPU is told in ticks of that


class PhaseTimes:
    """The phases that have `ended`, without those inside them."""

    def __init__(self) -> None:
        self.ended: list[Phase] = []
        self._inner_ms = 0.0, 0.0  # wall and CPU of the phases inside the one that is open
        self._read_times = 0.0, 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is done meanwhile is that phase's."""
        report_progress(ProgressEvent(kind="phase", name=name))
        # The server starts in the phase of the check that first needs it, and is no cost of that one.
        (outer_wall_ms, outer_cpu_ms), self._inner_ms = self._inner_ms, (0.0, 0.0)
        wall, cpu = self._times()
        try:
            yield
        finally:
            wall_end, cpu_end = self._times()
            wall_ms, cpu_ms = (wall_end - wall) * 1000, cpu_end - cpu
            inner_wall_ms, inner_cpu_ms = self._inner_ms
            self.ended.append(Phase(name=name, wall_ms=wall_ms - inner_wall_ms, cpu_ms=cpu_ms - inner_cpu_ms))
            self._inner_ms = outer_wall_ms + wall_ms, outer_cpu_ms + cpu_ms

    def _times(self) -> tuple[float, float]:
        """The wall's seconds, and the milliseconds of CPU: those read last, where that was a moment ago. Reading them
        costs as much as most of the checks that a long chain asks by the hundred."""
        wall = time.perf_counter()
        if wall - self._read_times[0] > _MOMENT:
            self._read_times = wall, process_cpu_ms()
        return wall, self._read_times[1]
