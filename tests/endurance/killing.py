"""One gate as a process of its own, and somebody who kills a part of it at a moment drawn by seed.

What is left is looked for where the gate puts its files: its folder, and every process that works in it or was told of
it.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from child_signals import take_signals

Kill = Callable[[int, Path], bool]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a gate ended: the exit code, the decision it told, if any, and everything it said."""

    code: int
    decision: str | None
    said: str

    def is_right(self, undisturbed: Ended) -> bool:
        """Whether something of the gate may have been killed: no verdict is no pass, and no bug of ours."""
        if "Traceback (most recent call last)" in self.said:
            return False
        if self.decision is None:
            return self.code not in (0, 4)
        if self.decision == "INCOMPLETE":
            return self.code != 0
        # Killed when it had told its verdict, it told the right one.
        return self.decision == undisturbed.decision and self.code in (undisturbed.code, -signal.SIGKILL)

    def is_as(self, other: Ended) -> bool:
        return (self.code, self.decision) == (other.code, other.decision)


class Gate:
    """A project's gate, run again and again in the same folders."""

    def __init__(self, project: Path, *, room: Path, cache: Path, pytest: bool = False, **settings: str) -> None:
        self.room = room
        self._pytest = pytest
        # Its own child processes, and nobody's plugins, are all that may be there.
        door = ["-m", "pytest", "-n2", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", str(project)]
        if not pytest:
            door = ["-m", "pgcontract", "verify", str(project), "--format", "json"]
        self._command = [sys.executable, *door]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PGCONTRACT_", "PYTEST_"))}
        self._environment = {**clean, "PGCONTRACT_TMP": str(room), "PGCONTRACT_CACHE": str(cache), **settings}

    def run(self, *, kill: Kill | None = None, after_s: float = 0.0) -> tuple[Ended, bool]:
        """To its end; `kill(pid, room)` is called at the moment, and says whether there was something to be killed."""
        with subprocess.Popen(
            self._command,
            cwd=self.room,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            preexec_fn=take_signals,
        ) as process:
            killed = False
            if kill is not None:
                try:
                    said, _ = process.communicate(timeout=after_s)
                except subprocess.TimeoutExpired:
                    killed = kill(process.pid, self.room)
            said, _ = process.communicate(timeout=300)
        return Ended(code=process.returncode, decision=self._decision(said), said=said), killed

    def undisturbed(self) -> tuple[Ended, float]:
        """The verdict when nobody interferes, and how long that takes."""
        began = time.monotonic()
        ended, _ = self.run()
        return ended, time.monotonic() - began

    def _decision(self, said: str) -> str | None:
        if self._pytest:
            verdicts = [line.partition("verdict: ")[2] for line in said.splitlines() if line.startswith("verdict: ")]
            return verdicts[-1] if verdicts else None
        try:
            return str(json.loads(said)["verdict"]["decision"])
        except ValueError:
            return None


def processes_in(room: Path) -> list[int]:
    """The processes that work in the room or were told of it."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = os.fsencode(room) in (process / "cmdline").read_bytes()
            works = (process / "cwd").readlink().is_relative_to(room)
        except OSError:
            continue
        if named or works:
            pids.append(int(process.name))
    return [pid for pid in pids if pid != os.getpid()]


def _is_named(pid: int, word: bytes) -> bool:
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _end(pids: list[int]) -> bool:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
    return bool(pids)


def the_tool(pid: int, room: Path) -> bool:
    return _end([pid])


def the_tool_and_its_supervisors(pid: int, room: Path) -> bool:
    """Then nobody is left to stop the server but the next run."""
    return _end([process for process in processes_in(room) if _is_named(process, b"pgcontract-supervisor")] + [pid])


def the_server(pid: int, room: Path) -> bool:
    try:
        files = [*room.glob("pgcontract-*/d/postmaster.pid")]
        return _end([int(files[0].read_text().split()[0])]) if files else False
    except (OSError, IndexError, ValueError):
        return False


def a_backend(pid: int, room: Path) -> bool:
    return _end([process for process in processes_in(room) if _is_named(process, b"postgres: ")][-1:])


def a_worker(pid: int, room: Path) -> bool:
    """One of pytest-xdist's processes."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return False
    return _end([int(child) for child in children][:1])


OF_THE_COMMAND = (the_tool, the_tool_and_its_supervisors, the_server, a_backend)
OF_PYTEST = (the_tool, a_worker, the_server)


def moment_between(number: int, takes_s: float) -> float:
    """When the kill of this number comes: anywhere in an undisturbed run."""
    return random.Random(f"kill {number}").uniform(0.02, 0.98) * takes_s


def wait_for_the_end(pids: list[int], *, within_s: float = 30.0) -> None:
    """Returns when these processes, whose parents we are not, have ended."""
    deadline = time.monotonic() + within_s
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        finally:
            os.close(handle)
