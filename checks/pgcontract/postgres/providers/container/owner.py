"""Whose a container is: a label that names the process which made it, so that a later run knows whether it lives.

A process id alone is reused, by this machine after a restart and by other containers at the same time. So the label has
the machine, its boot, the namespace that the id counts in, and the moment at which the process was started.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import asdict
from pathlib import Path
from socket import gethostname

from pgcontract.values import dataclass

LABEL = "pgcontract.owner"
_PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, distinguished from every other, present or past; `started` is what the system says of it."""

    machine: str
    boot: str
    processes: str
    user: int
    pid: int
    started: str

    @classmethod
    def current_process(cls) -> Owner:
        """This process."""
        pid = os.getpid()
        return cls(
            machine=f"{gethostname()} {_text('/etc/machine-id')}".strip(),
            boot=_text("/proc/sys/kernel/random/boot_id") or _boot_time(),
            processes=_namespace(),
            user=os.geteuid(),
            pid=pid,
            started=started(pid) or "",
        )

    @classmethod
    def from_label(cls, label: str) -> Owner | None:
        """The owner that a label names; None where the label is malformed."""
        try:
            return cls(**json.loads(label))
        except (ValueError, TypeError):
            return None

    @property
    def label(self) -> str:
        """What `from_label` gives back."""
        return json.dumps(asdict(self))

    def is_dead(self, *, seen_by: Owner) -> bool:
        """Whether this process is known to be gone; of another machine, user or namespace nothing is known."""
        if (self.machine, self.user) != (seen_by.machine, seen_by.user):
            return False
        if self.boot != seen_by.boot:
            return True
        return self.processes == seen_by.processes and started(self.pid) != self.started


def started(pid: int) -> str | None:
    """When the process was started, in its system's words; None where there is no such process."""
    if (_PROC / "self" / "stat").exists():
        try:
            # The 22nd field of proc_pid_stat(5), counted after the name, which may hold blanks: ticks since the boot.
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        # A dead process whose parent has not asked for it yet is still listed.
        return None if fields[0] in "ZX" else fields[19]
    process = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    return process.stdout.strip() or None


def _namespace() -> str:
    try:
        return os.readlink(_PROC / "self" / "ns" / "pid")  # noqa: PTH115 - no path: "pid:[4026531836]"
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _boot_time() -> str:
    """Without /proc (macOS): the second of the boot, as sysctl tells it."""
    try:
        output = subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    match = re.search(r"sec = (\d+)", output)
    return match[1] if match else ""
