"""Which folders of this machine we use: for a run's files, its socket and the cache."""

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


def run_room(account: Account, *, wanted_bytes: int = 0) -> tuple[Path, Storage]:
    """The folder for this run's files and what it is kept on: PGCONTRACT_TMP, else /dev/shm, else the temp folder.

    Memory is taken where it holds twice what is wanted. ServerUnavailable where no folder has room for it.
    """
    wanted = os.environ.get("PGCONTRACT_TMP")
    if wanted:
        folder = Path(wanted).absolute()
        if not (folder.is_dir() and os.access(folder, os.W_OK) and account.reaches(folder)):
            raise InputError(
                f"PGCONTRACT_TMP={wanted} is not a folder that we can write to and user {account.name} can enter"
            )
        if wanted_bytes and _free_bytes(folder) < wanted_bytes + _MIN_FREE_BYTES:
            raise _too_small([folder], wanted_bytes)
        return folder, storage_of(folder)
    if _is_usable(_SHARED_MEMORY, account) and storage_of(_SHARED_MEMORY) == "tmpfs":
        free = min(_free_bytes(_SHARED_MEMORY), _free_memory_bytes())
        if free >= 2 * wanted_bytes + _MIN_FREE_BYTES:
            return _SHARED_MEMORY, "tmpfs"
    usable = [folder for folder in _temp_folders() if _is_usable(folder, account)]
    for folder in usable:
        if not wanted_bytes or _free_bytes(folder) >= wanted_bytes + _MIN_FREE_BYTES:
            return folder, storage_of(folder)
    if usable:
        raise _too_small(usable, wanted_bytes)
    tried = ", ".join(map(str, _temp_folders()))
    raise ServerUnavailable(f"no folder for the server's files: tried {tried}; set PGCONTRACT_TMP to one")


def _too_small(folders: list[Path], wanted_bytes: int) -> ServerUnavailable:
    found = ", ".join(f"{folder} has {_free_bytes(folder) / 1e9:.1f} GB" for folder in folders)
    return ServerUnavailable(
        f"the rows need {(wanted_bytes + _MIN_FREE_BYTES) / 1e9:.1f} GB and {found} free; set PGCONTRACT_TMP to a folder "
        "with more, or ask for fewer rows (--rows)"
    )


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _free_memory_bytes() -> int:
    """What can be taken without swapping (proc_meminfo(5)); more than anybody wants where nobody says."""
    with suppress(OSError, KeyError, ValueError):
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return sys.maxsize


def socket_room(room: Path, account: Account) -> Path | None:
    """A folder with a short name for the socket, where the run's own would make its path too long; else None."""
    if len(os.fsencode(room)) + len(_LONGEST_RUN) <= _MAX_SOCKET_BYTES:
        return None
    for folder in (_SHARED_MEMORY, Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - as above
        if _is_usable(folder, account):
            return folder
    raise ServerUnavailable(f"{room} is too long for a socket's path, and /tmp is not usable; set PGCONTRACT_TMP")


def cache_room() -> Path:
    """The folder of what later runs may use: PGCONTRACT_CACHE, else in XDG's cache folder; it may not exist yet."""
    wanted = os.environ.get("PGCONTRACT_CACHE")
    if wanted:
        return Path(wanted).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a path that is not absolute. A user without a home has no cache.
    return Path(xdg if xdg.startswith("/") else os.path.expanduser("~/.cache")) / "pgcontract"  # noqa: PTH111


def all_rooms() -> tuple[Path, ...]:
    """Every folder in which a run of ours may have left something."""
    wanted = os.environ.get("PGCONTRACT_TMP")
    return tuple(dict.fromkeys((*([Path(wanted).absolute()] if wanted else []), _SHARED_MEMORY, *_temp_folders())))


def _temp_folders() -> tuple[Path, ...]:
    return tuple(dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))))  # noqa: S108 - as above


def _is_usable(folder: Path, account: Account) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and account.reaches(folder)


def storage_of(folder: Path) -> Storage:
    """What the nearest mount above the folder is, by the kernel's list; disk where there is no such list."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "disk"
    above = {os.fspath(path) for path in (folder.resolve(), *folder.resolve().parents)}
    kinds = {mount[1]: mount[2] for mount in mounts}
    nearest = max((point for point in kinds if point in above), key=len, default="")
    return "tmpfs" if kinds.get(nearest) in {"tmpfs", "ramfs"} else "disk"
