"""How much CPU our local servers have used so far, so that a phase's cost is the tool's and the servers' together."""

from __future__ import annotations

import os
import time


def process_cpu_ms() -> float:
    """CPU of this process from its beginning, of programs it ran (initdb) and of its living servers."""
    return sum(os.times()[:4]) * 1000 + children_cpu_ms()


def process_wall_ms() -> float | None:
    """How long ago this process began; None where there is no /proc."""
    fields = _stat(os.getpid())
    if fields is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    # starttime: field 22 of the manual, in ticks since the machine started.
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")) * 1000


def children_cpu_ms() -> float:
    """CPU of every living process below this one, their reaped children included, in milliseconds.

    Together with this process's own and that of its reaped children it never goes back. Read from /proc/<pid>/stat
    (proc_pid_stat(5)), in ticks of 10 ms; 0.0 where there is no /proc.
    """
    ticks, waiting = 0, _children(os.getpid())
    while waiting:
        pid = waiting.pop()
        # utime, stime, cutime, cstime: fields 14 to 17 of the manual, here counted from the state on.
        ticks += sum(int(tick_count) for tick_count in (_stat(pid) or ())[11:15])
        waiting += _children(pid)
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    pids: list[int] = []
    for task in _tasks(pid):
        pids += map(int, _read(f"{task}/children").split())
    return pids


def _tasks(pid: int) -> list[str]:
    folder = f"/proc/{pid}/task"
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)]  # noqa: PTH208
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    """The fields after the command's name, which may hold spaces and parentheses."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split() or None


def _read(file: str) -> str:
    """Its text; empty where it is not there, or no longer. Read some hundred times a run: without what Path costs."""
    try:
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123
            return opened.read().decode(errors="replace")
    except OSError:
        return ""
