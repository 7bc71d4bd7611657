"""The processes at work in a run's folder, seen from outside (Linux: by /proc and process handles)."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path


def processes_in(folder: Path, word: bytes = b"") -> list[int]:
    """The processes that work in the folder or were told of it: a server, its children and its supervisor.

    With a word, those whose command line holds it.
    """
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
            works = (process / "cwd").readlink().is_relative_to(folder)
        except OSError:
            continue
        if word in line and (os.fsencode(folder) in line or works):
            pids.append(int(process.name))
    return pids


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


class Watch:
    """Open handles on processes that are not our children, to wait for their end."""

    def __init__(self, pids: list[int]) -> None:
        self.handles = [os.pidfd_open(pid) for pid in pids]

    def wait(self) -> None:
        for handle in self.handles:
            select.select([handle], [], [], 30)
            os.close(handle)
