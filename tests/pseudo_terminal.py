"""The command in a terminal of its own, and what stands on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from child_signals import take_signals

_FRAME = re.compile(r"\x1b\[\?2026h(.*?)\x1b\[\?2026l", re.DOTALL)
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LIMIT_S = 60


class Terminal:
    """`frames` is every page that was drawn, without colours; `written` all that came."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process, self._descriptor = process, descriptor
        self.written = ""

    @property
    def frames(self) -> list[str]:
        return [_CODES.sub("", frame).replace("\r\n", "\n") for frame in _FRAME.findall(self.written)]

    def until(self, *words: str, after: int = 0) -> str:
        """The first page behind the `after`th that has all the words; raises AssertionError where none comes."""
        end = time.monotonic() + _LIMIT_S
        while time.monotonic() < end:
            for frame in self.frames[after:]:
                if all(word in frame for word in words):
                    return frame
            self._read(0.2)
        raise AssertionError(f"{words} did not come; the last page: {self.frames[-1:]}")

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def end(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C as the terminal sends it, and the exit code."""
        if number == signal.SIGINT:
            os.write(self._descriptor, b"\x03")
        else:
            self.process.send_signal(number)
        end = time.monotonic() + _LIMIT_S
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.2)
        self._read(0.2)
        return self.process.wait(1)

    def _read(self, seconds: float) -> None:
        while select.select([self._descriptor], [], [], seconds)[0]:
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:  # its other end is closed
                return
            if not data:
                return
            self.written += data.decode(errors="replace")
            seconds = 0.0


@contextmanager
def command_in_terminal(folder: Path, *arguments: str, settings: Mapping[str, str]) -> Iterator[Terminal]:
    """The command with both streams at a terminal of 100 columns and 40 lines, which it controls."""
    main, other = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PGCONTRACT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pgcontract", *arguments],
        cwd=folder,
        env={**environment, "TERM": "xterm", **settings},
        stdin=other,
        stdout=other,
        stderr=other,
        preexec_fn=lambda: _own_terminal(other),
    )
    os.close(other)
    terminal = Terminal(process, main)
    terminal.resize(100, 40)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_LIMIT_S)
        os.close(main)


def _own_terminal(descriptor: int) -> None:
    take_signals()
    os.setsid()
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
