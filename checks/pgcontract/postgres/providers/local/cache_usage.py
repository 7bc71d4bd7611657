"""What the cache holds: how much there is of it, and how it is emptied."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pgcontract.postgres.providers.local.account import Account
from pgcontract.postgres.providers.local.directories import cache_room
from pgcontract.postgres.providers.local.installation import programs_home

# By name, for PGCONTRACT_CACHE may be a folder with other things in it: seeds and states with their locks, programs
# copied for the server's user, programs fetched by npm, and drafts of each.
_OURS = re.compile(r"[0-9a-f]{20}\.(seed|state|lock)|programs-[0-9a-f]{20}|(linux|darwin)-(x64|arm64)-\d\S*|\.draft-\S+")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A folder of the cache, with what is ours in it: how many entries, and their bytes."""

    folder: Path
    entries: int
    size_bytes: int


def look_at_cache(account: Account) -> tuple[Kept, ...]:
    """The cache, and where the server's user may not enter it the one for programs; folders may not exist yet."""
    return tuple(_kept(folder, list(_ours(folder))) for folder in _folders(account))


def empty_cache(account: Account) -> tuple[Kept, ...]:
    """Removes what is ours and nobody runs; gives what was removed."""
    removed = []
    for folder in _folders(account):
        ours = [entry for entry in _ours(folder) if not _is_run(entry)]
        removed.append(_kept(folder, ours))
        for entry in ours:
            with contextlib.suppress(OSError):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
    return tuple(removed)


def _folders(account: Account) -> tuple[Path, ...]:
    return tuple(dict.fromkeys((cache_room(), programs_home(account))))


def _ours(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (entry for entry in sorted(folder.iterdir()) if _OURS.fullmatch(entry.name))


def _kept(folder: Path, entries: list[Path]) -> Kept:
    return Kept(folder=folder, entries=len(entries), size_bytes=sum(map(_size, entries)))


def _size(entry: Path) -> int:
    files = [entry, *(Path(above, name) for above, _, names in os.walk(entry) for name in names)]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total


def _is_run(entry: Path) -> bool:
    """Whether a program in it is running now (Linux: by /proc; elsewhere a run is trusted not to be emptied under)."""
    for process in Path("/proc").glob("[0-9]*/exe"):
        with contextlib.suppress(OSError):
            if process.readlink().is_relative_to(entry):
                return True
    return False
