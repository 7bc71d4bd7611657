"""The directories of this machine for a run's files, its socket and the cache."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.local.account import Account

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - each run makes a folder of its own in it
_MIN_FREE_BYTES = 512 * 1024 * 1024
# sun_path has 108 bytes on Linux and 104 on macOS, the closing NUL included.
_MAX_SOCKET_BYTES = 103
_LONGEST_RUN = "/pgcontract-4294967295-01234567/.s.PGSQL.5432"

Storage = Literal["tmpfs", "disk"]


def choose_run_directory(account: Account, *, needed_bytes: int = 0) -> tuple[Path, Storage]:
    """The folder for this run's files and what it is kept on: PGCONTRACT_TMP, else /dev/shm, else the temp folder.

    Memory is taken where it holds twice what is wanted. ServerUnavailable where no folder has room for it.
    """
    named = os.environ.get("PGCONTRACT_TMP")
    if named:
        folder = Path(named).absolute()
        if not (folder.is_dir() and os.access(folder, os.W_OK) and account.reaches(folder)):
            raise InputError(
                f"PGCONTRACT_TMP={named} is not a folder that we can write to and user {account.name} can enter"
            )
        if needed_bytes and _free_bytes(folder) < needed_bytes + _MIN_FREE_BYTES:
            raise _too_small([folder], needed_bytes)
        return folder, read_storage(folder)
    if _is_usable(_SHARED_MEMORY, account) and read_storage(_SHARED_MEMORY) == "tmpfs":
        free = min(_free_bytes(_SHARED_MEMORY), _free_memory_bytes())
        if free >= 2 * needed_bytes + _MIN_FREE_BYTES:
            return _SHARED_MEMORY, "tmpfs"
    usable = [folder for folder in _temp_folders() if _is_usable(folder, account)]
    for folder in usable:
        if not needed_bytes or _free_bytes(folder) >= needed_bytes + _MIN_FREE_BYTES:
            return folder, read_storage(folder)
    if usable:
        raise _too_small(usable, needed_bytes)
    tried = ", ".join(map(str, _temp_folders()))
    raise ServerUnavailable(f"no folder for the server's files: tried {tried}; set PGCONTRACT_TMP to one")


def _too_small(folders: list[Path], needed_bytes: int) -> ServerUnavailable:
    free = ", ".join(f"{folder} has {_free_bytes(folder) / 1e9:.1f} GB" for folder in folders)
    return ServerUnavailable(
        f"the rows need {(needed_bytes + _MIN_FREE_BYTES) / 1e9:.1f} GB and {free} free; set PGCONTRACT_TMP to a folder "
        "with more, or ask for fewer rows (--rows)"
    )


def _free_bytes(folder: Path) -> int:
    filesystem = os.statvfs(folder)
    return filesystem.f_bavail * filesystem.f_frsize


def _free_memory_bytes() -> int:
    """What can be taken without swapping (proc_meminfo(5)); more than anybody wants where nobody says."""
    with suppress(OSError, KeyError, ValueError):
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return sys.maxsize


def choose_socket_directory(run_directory: Path, account: Account) -> Path | None:
    """A folder with a short name for the socket, where the run's own would make its path too long; else None."""
    if len(os.fsencode(run_directory)) + len(_LONGEST_RUN) <= _MAX_SOCKET_BYTES:
        return None
    for folder in (_SHARED_MEMORY, Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - as above
        if _is_usable(folder, account):
            return folder
    raise ServerUnavailable(
        f"{run_directory} is too long for a socket's path, and /tmp is not usable; set PGCONTRACT_TMP"
    )


def cache_directory() -> Path:
    """The folder of what later runs may use: PGCONTRACT_CACHE, else in XDG's cache folder; it may not exist yet."""
    named = os.environ.get("PGCONTRACT_CACHE")
    if named:
        return Path(named).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a path that is not absolute. A user without a home has no cache.
    return Path(xdg if xdg.startswith("/") else os.path.expanduser("~/.cache")) / "pgcontract"  # noqa: PTH111


def mark_used(entry: Path) -> None:
    """Marks an entry of the cache as used now, so that others go before it."""
    with suppress(OSError):
        os.utime(entry)


def all_run_directories() -> tuple[Path, ...]:
    """Every directory in which an earlier run may have left files."""
    named = os.environ.get("PGCONTRACT_TMP")
    return tuple(dict.fromkeys((*([Path(named).absolute()] if named else []), _SHARED_MEMORY, *_temp_folders())))


def _temp_folders() -> tuple[Path, ...]:
    return tuple(dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))))  # noqa: S108 - as above


def _is_usable(folder: Path, account: Account) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and account.reaches(folder)


def read_storage(folder: Path) -> Storage:
    """What the nearest mount above the folder is, by the kernel's list; disk where there is no such list."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "disk"
    above = {os.fspath(path) for path in (folder.resolve(), *folder.resolve().parents)}
    kinds = {mount[1]: mount[2] for mount in mounts}
    nearest = max((point for point in kinds if point in above), key=len, default="")
    return "tmpfs" if kinds.get(nearest) in {"tmpfs", "ramfs"} else "disk"
