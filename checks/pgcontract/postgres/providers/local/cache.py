"""The cluster images that runs share: where each is, who writes it, when it is dropped."""

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
from pgcontract.postgres.providers.local.cluster_image import DRAFT, FORMAT
from pgcontract.postgres.providers.local.directories import cache_directory
from pgcontract.postgres.providers.local.initdb import initdb_options

_UNUSED_S = 90 * 24 * 3600


def image_file(bin_dir: Path, *, locale: str | None) -> Path | None:
    """The path of the image for these programs and options; None where there is no folder to cache it in."""
    return _cache_file(bin_dir, locale, (), "seed")


def state_file(bin_dir: Path, *, locale: str | None, key: str) -> Path | None:
    """The same for a server that was prepared, as the key says."""
    return _cache_file(bin_dir, locale, (key,), "state")


def _cache_file(bin_dir: Path, locale: str | None, more: tuple[str, ...], kind: str) -> Path | None:
    recipe = [FORMAT, *(initdb_options(major, locale) for major in versions.KNOWN_MAJORS)]
    key = hashlib.sha256(repr((installation.programs_fingerprint(bin_dir), recipe, *more)).encode()).hexdigest()[:20]
    folder = cache_directory()
    if not folder.is_absolute():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder / f"{key}.{kind}" if os.access(folder, os.W_OK | os.X_OK) else None


@contextlib.contextmanager
def builder_lock(image: Path) -> Iterator[None]:
    """One process at a time writes an image; the others wait and find it written. Any death releases the lock."""
    with image.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def drop_unused(image: Path) -> None:
    """Removes images that no run has used for three months, whose programs are likely gone, and drafts of killed runs."""
    for other in (path for kind in ("*.seed", "*.state", "*.answers", f"{DRAFT}*") for path in image.parent.glob(kind)):
        with contextlib.suppress(OSError):
            if other != image and time.time() - other.stat().st_mtime > _UNUSED_S:
                other.unlink()
                other.with_suffix(".lock").unlink(missing_ok=True)


def draft_path(state: Path) -> Path:
    """The path the state is written to until it is complete; only the holder of its lock may write there."""
    return state.with_name(f"{DRAFT}{state.name}")


def drop_abandoned_drafts(folder: Path) -> None:
    """Removes unfinished images of killed runs: those whose locks nobody holds."""
    for draft in (*folder.glob(f"{DRAFT}*.seed"), *folder.glob(f"{DRAFT}*.state")):
        lock = draft.with_name(draft.name.removeprefix(DRAFT)).with_suffix(".lock")
        with contextlib.suppress(OSError), lock.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink(missing_ok=True)


def has_space(state: Path, bytes_: int) -> bool:
    """Whether the folder has at least twice that much space free."""
    filesystem = os.statvfs(state.parent)
    return bytes_ * 2 <= filesystem.f_bavail * filesystem.f_frsize
