"""A lock for the whole machine, so that two runs of pgcontract never measure times at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# The folders that every user of a machine shares and may open. The lock is on the folder itself, so that no file is
# left behind and nobody can put one there.
_SHARED: Final = (Path("/dev/shm"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - nothing is written there
_LONGEST_WAIT_S: Final = 60.0
_ASK_AGAIN_S: Final = 0.02


@contextlib.contextmanager
def measurement_lock() -> Iterator[str]:
    """No other run of pgcontract measures while the context lasts; its value is one clause for the conditions.

    The wait is bounded; after it both measure at once, and the clause says so.
    """
    folder = next((path for path in _SHARED if path.is_dir() and os.access(path, os.R_OK)), None)
    if folder is None:
        yield "no folder to lock: another run of ours may have measured at the same time"
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _locked(handle):
            yield "nothing else of ours measured meanwhile"
        else:
            yield f"another run of pgcontract measured for more than {_LONGEST_WAIT_S:.0f} s, and this one meanwhile"
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_ASK_AGAIN_S)
        else:
            return True
