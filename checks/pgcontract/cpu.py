"""How much CPU a local server has used so far, so that a phase's cost is the tool's and the server's together."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def server_cpu_ms(backend_pid: int) -> float:
    """CPU of the postmaster above this backend and of all its children, living and reaped, in milliseconds.

    Read from /proc/<pid>/stat (proc_pid_stat(5)), in ticks of 10 ms; 0.0 where there is no /proc or no such process.
    """
    parent = _stat(backend_pid)
    postmaster = _stat(int(parent[1])) if parent else None
    if parent is None or postmaster is None:
        return 0.0
    # utime, stime, cutime, cstime: fields 14 to 17 of the manual, here counted from the state on.
    ticks = sum(int(each) for each in postmaster[11:15])
    for child in _children(int(parent[1])):
        fields = _stat(child)
        ticks += sum(int(each) for each in fields[11:13]) if fields else 0
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    """The fields after the command's name, which may hold spaces and parentheses."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
