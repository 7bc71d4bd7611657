"""The seeds that runs share: where the one for some programs and options is, who makes it, when it goes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pgcontract import majors
from pgcontract.providers.local import install
from pgcontract.providers.local.cluster import initdb_options
from pgcontract.providers.local.rooms import cache_room
from pgcontract.providers.local.seed import DRAFT

_UNUSED_S = 90 * 24 * 3600


def seed_file(bin_dir: Path, *, locale: str | None) -> Path | None:
    """Where the seed of these programs and options is kept; None where there is no folder to keep one in."""
    recipe = [initdb_options(major, locale) for major in majors.KNOWN]
    key = hashlib.sha256(repr((install.identity(bin_dir), recipe)).encode()).hexdigest()[:20]
    folder = cache_room()
    if not folder.is_absolute():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder / f"{key}.seed" if os.access(folder, os.W_OK | os.X_OK) else None


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
