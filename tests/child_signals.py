"""The signals of a process that a test starts, whatever the test's own parent ignored."""

from __future__ import annotations

import signal


def take_signals() -> None:
    """As `preexec_fn`: under `nohup`, or in a shell's background, SIGHUP and SIGINT are ignored and so is the test's."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
