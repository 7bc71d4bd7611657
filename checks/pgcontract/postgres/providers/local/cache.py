"""The seeds that runs share: where the one for some programs and options is, who makes it, when it goes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pgcontract.postgres import versions
from pgcontract.postgres.providers.local import installation
from pgcontract.postgres.providers.local.cluster_image import DRAFT
from pgcontract.postgres.providers.local.directories import cache_room
from pgcontract.postgres.providers.local.initdb import initdb_options

_UNUSED_S = 90 * 24 * 3600
# Of all states together, the newest aside: then those go that were not used for longest.
_STATES_MAX_BYTES = 2 * 1024**3


def seed_file(bin_dir: Path, *, locale: str | None) -> Path | None:
    """Where the seed of these programs and options is kept; None where there is no folder to keep one in."""
    return _file(bin_dir, locale, (), "seed")


def state_file(bin_dir: Path, *, locale: str | None, key: str) -> Path | None:
    """The same for a server that was prepared, as the key says."""
    return _file(bin_dir, locale, (key,), "state")


def _file(bin_dir: Path, locale: str | None, more: tuple[str, ...], kind: str) -> Path | None:
    recipe = [initdb_options(major, locale) for major in versions.KNOWN]
    key = hashlib.sha256(repr((installation.identity(bin_dir), recipe, *more)).encode()).hexdigest()[:20]
    folder = cache_room()
    if not folder.is_absolute():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder / f"{key}.{kind}" if os.access(folder, os.W_OK | os.X_OK) else None


@contextlib.contextmanager
def only_builder(seed: Path) -> Iterator[None]:
    """One process at a time makes a seed; the others wait here and find it made. Any death lets go of the lock."""
    with seed.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def mark_used(seed: Path) -> None:
    """Keeps the seed from being counted as unused."""
    with contextlib.suppress(OSError):
        os.utime(seed)


def drop_unused(seed: Path) -> None:
    """Removes seeds that no run has used for three months, whose programs are likely gone, and what a kill left."""
    for other in (*seed.parent.glob("*.seed"), *seed.parent.glob(f"{DRAFT}*")):
        with contextlib.suppress(OSError):
            if other != seed and time.time() - other.stat().st_mtime > _UNUSED_S:
                other.unlink()
                other.with_suffix(".lock").unlink(missing_ok=True)


def draft_of(state: Path) -> Path:
    """Where the state is written before it is whole; only who holds its lock may."""
    return state.with_name(f"{DRAFT}{state.name}")


def drop_drafts(folder: Path) -> None:
    """Removes what killed runs left of the states they wrote: nobody holds their locks."""
    for draft in folder.glob(f"{DRAFT}*.state"):
        lock = draft.with_name(draft.name.removeprefix(DRAFT)).with_suffix(".lock")
        with contextlib.suppress(OSError), lock.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink(missing_ok=True)


def has_room(state: Path, bytes_: int) -> bool:
    """Whether the folder takes that much more and is still not half full of it."""
    found = os.statvfs(state.parent)
    return bytes_ * 2 <= found.f_bavail * found.f_frsize


def drop_least_used(state: Path) -> None:
    """Removes the states that were not used for longest until the rest is within its bounds; this one stays."""
    drop_unused(state)
    used, total = {}, state.stat().st_size
    for other in state.parent.glob("*.state"):
        with contextlib.suppress(OSError):
            if other != state:
                used[other] = other.stat()
    for other, found in sorted(used.items(), key=lambda each: -each[1].st_mtime):
        total += found.st_size
        if total > _STATES_MAX_BYTES or time.time() - found.st_mtime > _UNUSED_S:
            with contextlib.suppress(OSError):
                other.unlink()
                other.with_suffix(".lock").unlink(missing_ok=True)
