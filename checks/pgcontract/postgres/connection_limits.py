"""What an answer of the server may take: time, and the free space of disk and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

from pgcontract.errors import ServerUnavailable
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.postgres.connection import Connection

T = TypeVar("T")

# The server's own limit comes first, for its words say which statement it was.
_AFTER_SERVER_S: Final = 1.0
_GRACE_S: Final = 2.0
_CHECK_INTERVAL_S: Final = 0.2
# With less than this free, of a disk or of memory, others on the machine are about to fail as well.
_FREE_SHARE: Final = 0.05
_FREE_BYTES: Final = 512 * 1024 * 1024
# What one script may write into an empty database: more is a mistake, or meant to fill the disk.
SCRIPT_MAX_BYTES: Final = 1024**3
_MEMORY: Final = Path("/proc/meminfo")
QUERY_CANCELED: Final = "57014"


class ClientTimeout(psycopg.errors.QueryCanceled):
    """The statement did not end within its time, whatever it did to statement_timeout."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the answer to one message may take, where the server keeps its files, if on this machine, and how a
    session is ended from outside: `end` takes its process id."""

    seconds: float | None = None
    files: Path | None = None
    end: Callable[[int], None] | None = None


class WaitMonitor:
    """Checks the time and the free space while one answer is awaited."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.limits = connection.limits
        self.began_at = self.checked_at = time.monotonic()
        self.cancelled_at: float | None = None
        self.session_ended = False
        self.space_message = ""
        self.free = free_bytes(self.limits.files) if connection.runs_script else None

    @property
    def timeout_message(self) -> str:
        return f"it did not end within {self.limits.seconds:g} s and was stopped from outside"

    def wrap(self, gen: PQGen[T]) -> PQGen[T]:
        """The same generator; psycopg takes it up again some ten times a second, answer or none."""
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                now = time.monotonic()
                if now - self.checked_at > _CHECK_INTERVAL_S:
                    self.checked_at = now
                    self.check_limits(now)
                awaited = gen.send(ready)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def find_lack_of_space(self) -> str:
        """Why the server may not write on, in a sentence; empty where it may."""
        files = self.limits.files
        free = free_bytes(files)
        if files is None or free is None:
            return ""
        where = f"where the server keeps its files ({files.parent})"
        if self.free is not None and self.free - free > SCRIPT_MAX_BYTES:
            return (
                f"a script was stopped after {(self.free - free) / 2**30:.1f} GB were written {where}. "
                "Give it fewer rows to make."
            )
        memory = _memory_bytes()
        if free < min(_FREE_BYTES, os.statvfs(files).f_blocks * os.statvfs(files).f_frsize * _FREE_SHARE):
            room = f"{free // 2**20} MB are left {where}"
        elif memory and memory[0] < min(_FREE_BYTES, memory[1] * _FREE_SHARE):
            room = f"{memory[0] // 2**20} MB of memory are left"
        else:
            return ""
        return (
            f"a statement was stopped before it took the rest: {room}. Free some, or name a folder with PGCONTRACT_TMP."
        )

    def check_limits(self, now: float) -> None:
        if self.cancelled_at is None:
            self.space_message = self.find_lack_of_space()
            late = self.limits.seconds is not None and now - self.began_at > self.limits.seconds + _AFTER_SERVER_S
            if late or self.space_message:
                self.cancelled_at = now
                with suppress(psycopg.Error):
                    self.connection.cancel_safe(timeout=_GRACE_S)
        elif now - self.cancelled_at > 2 * _GRACE_S:
            self.connection.close()
            raise psycopg.OperationalError("the session did not end")
        elif now - self.cancelled_at > _GRACE_S and not self.session_ended and self.limits.end is not None:
            # A block that catches query_canceled goes on; nothing catches this.
            self.session_ended = True
            with suppress(psycopg.Error, ServerUnavailable):
                self.limits.end(self.connection.info.backend_pid)


def free_bytes(folder: Path | None) -> int | None:
    """What its file system has left for us; None where nobody says."""
    try:
        filesystem = os.statvfs(folder) if folder else None
    except OSError:
        return None
    return filesystem.f_bavail * filesystem.f_frsize if filesystem else None


def _memory_bytes() -> tuple[int, int] | None:
    """Memory that is available, and all of it, in bytes: proc_meminfo(5)."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024, int(lines["MemTotal"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
