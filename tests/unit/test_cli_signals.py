"""Who stops the command gets a quiet end, and nothing stays behind."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from child_signals import take_signals


def stopped_by(number: signal.Signals, project: Path, room: Path) -> tuple[int, str]:
    """Exit code and last words of a verification on a terminal that gets a signal while its server is up."""
    (project / "migrations/002_slow.sql").write_text("SELECT pg_sleep(600);\n", encoding="utf-8")
    terminal, stderr = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pgcontract", "verify", project],
        env={**os.environ, "PGCONTRACT_TMP": str(room), "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=take_signals,
    )
    os.close(stderr)
    said, signalled = b"", False
    # The moving line keeps this loop going until the server is there; the end of the process ends it.
    while chunk := _read(terminal):
        said += chunk
        if not signalled and any(room.rglob("postmaster.pid")):
            signalled = True
            os.killpg(process.pid, number)
    os.close(terminal)
    return process.wait(timeout=60), said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says EIO where the other side of a terminal is closed
        return b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_signal_ends_the_command_and_leaves_no_file(number: signal.Signals, code: int, project: Path, room: Path) -> None:
    exit_status, said = stopped_by(number, project, room)

    assert (code, False, []) == (exit_status, "Traceback" in said, sorted(room.rglob("*"))), said
