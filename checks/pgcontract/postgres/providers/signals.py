"""SIGTERM and SIGHUP end the command the way Ctrl-C does: through `finally`, with nothing left behind."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn


def terminate_on_signals() -> None:
    """SIGTERM and SIGHUP raise SystemExit(128 + signal) from now on. For the command: a host keeps its handlers.

    Must be called in the main thread. A signal that was ignored stays ignored, so `nohup` keeps its meaning.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _exit)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the cleaning that the first one asked for.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)
