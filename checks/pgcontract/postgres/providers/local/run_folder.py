"""A run's folder: recognised by its name and lock, removed when the run ends, or by a later run after a kill.

The owner file in it is locked (flock) for as long as its process lives. The kernel lets go of the lock at any death,
also kill -9, and knows nothing of process ids: no number is reused, and a run in another container that shares the
folder is still seen to be alive. So "dead" is "the lock can be had", and the sweeper holds it while it removes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pgcontract.postgres.providers.local.account import Account
from pgcontract.values import dataclass

_OWNER_FILE = "owner"
_OWNER_LINE = "pgcontract run folder, removed when its owner is gone; owner's process id: "
_DRAFT_MAX_AGE_S = 3600
_CLEAR_TIMEOUT_S = 5
DATA_DIRECTORY = "d"


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A claimed folder and the open file whose lock says that its owner lives."""

    folder: Path
    lock: int

    @property
    def cluster(self) -> Path:
        """The server's files."""
        return self.folder / DATA_DIRECTORY


@contextlib.contextmanager
def claimed_folder(root: Path, account: Account) -> Iterator[RunFolder]:
    """A new folder under `root`, the account's own, closed to others; at the end it and its processes are gone."""
    run = _claim_folder(root, account)
    try:
        yield run
    finally:
        remove_run_folder(run.folder)
        os.close(run.lock)


def _claim_folder(root: Path, account: Account) -> RunFolder:
    # A sweeper must never see the folder without its lock, so it gets its name only when the lock is held.
    draft = Path(tempfile.mkdtemp(prefix=f".{_prefix()}", dir=root))
    lock = -1
    try:
        lock = os.open(draft / _OWNER_FILE, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, f"{_OWNER_LINE}{os.getpid()}\n".encode())
        if account.switched:
            os.chown(draft, account.uid, account.gid)
        folder = root / f"{_prefix()}{secrets.token_hex(4)}"
        draft.rename(folder)
    except BaseException:
        if lock >= 0:
            os.close(lock)
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return RunFolder(folder=folder, lock=lock)


def remove_leftovers(roots: Iterable[Path], account: Account) -> None:
    """Removes what dead runs of ours left under `roots`: their servers first. Live runs and other folders stay."""
    _for_each_leftover(roots, account, remove_run_folder)


def find_leftovers(roots: Iterable[Path], account: Account) -> tuple[Path, ...]:
    """The folders that `remove_leftovers` would remove."""
    folders: list[Path] = []
    _for_each_leftover(roots, account, folders.append)
    return tuple(sorted(folders))


def _for_each_leftover(roots: Iterable[Path], account: Account, action: Callable[[Path], None]) -> None:
    for root in roots:
        with contextlib.suppress(OSError), os.scandir(root) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name) and entry.name.lstrip(".").startswith(_prefix()):
                    with contextlib.suppress(OSError):
                        _do_if_leftover(Path(entry.path), account, action)


_NAME = re.compile(r"pgcontract-\d+-[0-9a-f]{8}|\.pgcontract-\d+-\w{8}")


def _prefix() -> str:
    return f"pgcontract-{os.geteuid()}-"


def _do_if_leftover(folder: Path, account: Account, action: Callable[[Path], None]) -> None:
    """Does it while holding the folder's lock, so that nobody else does the same."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), account.uid}:
        return
    if folder.name.startswith(".") and time.time() - status.st_mtime < _DRAFT_MAX_AGE_S:
        return
    # A draft may have died before its owner file was made; an empty folder is all it can be then.
    if folder.name.startswith(".") and not (folder / _OWNER_FILE).exists():
        if not any(folder.iterdir()):
            action(folder)
        return
    lock = os.open(folder / _OWNER_FILE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        owner = os.fstat(lock)
        if not stat.S_ISREG(owner.st_mode) or owner.st_uid != os.geteuid():
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.name.startswith(".") or os.pread(lock, 200, 0).startswith(_OWNER_LINE.encode()):
            action(folder)
    finally:
        os.close(lock)


def remove_run_folder(folder: Path) -> None:
    """Ends every process that works in the folder, at once, and removes the folder; it is ours, or already gone."""
    deadline = time.monotonic() + _CLEAR_TIMEOUT_S
    while folder.exists() and time.monotonic() < deadline:
        end_processes_in(folder)
        _remove_shared_memory(folder / DATA_DIRECTORY / "postmaster.pid")
        shutil.rmtree(folder, ignore_errors=True)
        # A process that is just ending may still have written a file: then the folder is there, and this is done again.
        if folder.exists():
            time.sleep(0.002)


def end_processes_in(folder: Path) -> None:
    """Kills every process that works in the folder; the children of a killed postmaster end by themselves."""
    for pid in _processes_in(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes_in(folder: Path) -> list[int]:
    """Processes whose working folder is in `folder`: a postmaster and its children work in their data directory."""
    proc = Path("/proc")
    if not (proc / "self" / "cwd").exists():
        return _postmaster_by_ps(folder)
    pids = []
    for entry in os.scandir(proc):
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if f"{Path(entry.path, 'cwd').readlink()}/".startswith(f"{folder}/"):
                    pids.append(int(entry.name))
    return pids


def _postmaster_by_ps(folder: Path) -> list[int]:
    """Without /proc (macOS): the postmaster of the folder's pid file, if its command line still names the folder."""
    try:
        pid = int((folder / DATA_DIRECTORY / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return []
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return [pid] if str(folder) in process.stdout else []


def _remove_shared_memory(pid_file: Path) -> None:
    """Removes the 56 bytes of System V memory that a killed postmaster leaves behind (line 7 of its pid file)."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        with pid_file.open() as file:
            segment = int(file.read().split("\n")[6].split()[1])
            # As the file's owner, for it is he who wrote the number: root could be made to remove anybody's.
            owner = os.fstat(file.fileno()).st_uid if os.geteuid() == 0 else None
        subprocess.run(["ipcrm", "-m", str(segment)], user=owner, capture_output=True, check=False)
