"""The cache's size, and how it is emptied."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pgcontract.postgres.providers.local.account import Account
from pgcontract.postgres.providers.local.directories import cache_directory
from pgcontract.postgres.providers.local.installation import programs_directory
from pgcontract.values import dataclass

# By name, for PGCONTRACT_CACHE may be a folder with other things in it: images and states with their locks, programs
# copied for the server's user, programs fetched by npm, what Hypothesis knows of Unicode, answers, and drafts.
_OWN_ENTRY = re.compile(
    r"[0-9a-f]{20}\.(seed|state|lock|answers)|programs-[0-9a-f]{20}|(linux|darwin)-(x64|arm64)-\d\S*|hypothesis|\.draft-\S+"
)


@dataclass(frozen=True, kw_only=True)
class CacheUsage:
    """A folder of the cache, and pgcontract's entries in it: how many, of which so many hold answers, and their bytes."""

    folder: Path
    entries: int
    answers: int = 0
    size_bytes: int


def read_cache_usage(account: Account) -> tuple[CacheUsage, ...]:
    """The cache, and where the server's user may not enter it the one for programs; folders may not exist yet."""
    return tuple(_usage(folder, list(own_entries(folder))) for folder in usage_folders(account))


def empty_cache(account: Account) -> tuple[CacheUsage, ...]:
    """Removes pgcontract's entries that no running program uses; returns what was removed."""
    removed = []
    for folder in usage_folders(account):
        entries = [entry for entry in own_entries(folder) if not is_running(entry)]
        removed.append(_usage(folder, entries))
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
    return tuple(removed)


def usage_folders(account: Account) -> tuple[Path, ...]:
    """The folders that the cache is kept in."""
    return tuple(dict.fromkeys((cache_directory(), programs_directory(account))))


def own_entries(folder: Path) -> Iterator[Path]:
    """What is ours in the folder, by its name."""
    with contextlib.suppress(OSError):
        yield from (entry for entry in sorted(folder.iterdir()) if _OWN_ENTRY.fullmatch(entry.name))


def _usage(folder: Path, entries: list[Path]) -> CacheUsage:
    answers = sum(entry.name.endswith(".answers") for entry in entries)
    return CacheUsage(folder=folder, entries=len(entries), answers=answers, size_bytes=sum(map(size_of, entries)))


def size_of(entry: Path) -> int:
    """The bytes of a file, or of a folder with all that is in it."""
    files = [entry, *(Path(above, name) for above, _, names in os.walk(entry) for name in names)]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total


def is_running(entry: Path) -> bool:
    """Whether a program in it, or one beside a link to its libraries, is running now (Linux: by /proc; elsewhere a run is
    trusted not to be emptied under)."""
    for process in Path("/proc").glob("[0-9]*/exe"):
        with contextlib.suppress(OSError):
            program = process.readlink()
            libraries = (program.parent.parent / "lib").resolve()
            if program.is_relative_to(entry) or libraries.is_relative_to(entry):
                return True
    return False
