"""An initialised data directory in one file: a few milliseconds to plant, instead of initdb's half a second.

    pgcontract-seed 1 <crc32 of the rest> <bytes of the rest>\n <JSON index>\n <contents>

Equal files are kept once (the three databases of a new cluster are equal), without the zeros they end in. Left out is
what a server makes again by itself: free space and visibility maps, and every WAL segment but the one that holds the
last checkpoint. A seed is written beside its place and renamed, so it is whole or not there; one that its CRC
refuses is as good as none.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_MAGIC = b"pgcontract-seed"
_FORMAT = b"1"
_WAL_SEGMENT_BYTES = 1024 * 1024


# Folder, name, size, offset in the contents, bytes kept there.
File = tuple[str, str, int, int, int]


class Rest(Protocol):
    """Plants what the first half left out."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A seed in memory: `index` has version, folders (parents first) and files (folder, name, size, offset, kept)."""

    index: dict[str, Any]
    contents: memoryview


def read_seed(path: Path) -> Seed | None:
    """The seed, or None where there is none, it is not ours alone to write, or it is damaged."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return None
            raw = file.read()
    except OSError:
        return None
    head, _, _ = raw[:80].partition(b"\n")
    words = head.split()
    body = memoryview(raw)[len(head) + 1 :]
    if words != [_MAGIC, _FORMAT, b"%08x" % zlib.crc32(body), b"%d" % len(body)]:
        return None
    end = raw.index(b"\n", len(head) + 1)
    return Seed(index=json.loads(raw[len(head) + 1 : end]), contents=memoryview(raw)[end + 1 :])


def write_seed(path: Path, cluster: Path, *, version: dict[str, Any]) -> None:
    """Packs a cleanly stopped cluster; raises OSError where the cache cannot be written."""
    folders, files, contents = _pack(cluster)
    index = json.dumps({"version": version, "folders": folders, "files": files}, separators=(",", ":")).encode()
    body = b"".join((index, b"\n", *contents))
    descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"%s %s %08x %d\n" % (_MAGIC, _FORMAT, zlib.crc32(body), len(body)))
            file.write(body)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _pack(cluster: Path) -> tuple[list[str], list[File], list[bytes]]:
    folders: list[str] = []
    files: list[File] = []
    offsets: dict[bytes, int] = {}
    length = 0
    for folder, below, names in os.walk(cluster):
        below.sort()
        place = os.path.relpath(folder, cluster)
        folders.append(place)
        for name in sorted(_kept(place, names, Path(folder))):
            whole = (Path(folder) / name).read_bytes()
            kept = whole.rstrip(b"\0")
            if kept not in offsets:
                offsets[kept] = length
                length += len(kept)
            files.append((place, name, len(whole), offsets[kept], len(kept)))
    return folders, files, list(offsets)


def _kept(place: str, names: list[str], folder: Path) -> list[str]:
    if place == "pg_wal":
        return [max(name for name in names if _is_written(folder / name))]
    if place.startswith(("base", "global")):
        return [name for name in names if not name.endswith(("_fsm", "_vm", "pg_internal.init"))]
    return names


def _is_written(segment: Path) -> bool:
    """Whether the segment holds WAL of its own number: a recycled one still has an older one's page addresses."""
    if len(segment.name) != 24:
        return False
    with segment.open("rb") as file:
        address: int = struct.unpack("=HHIQ", file.read(16))[3]
    number = int(segment.name[8:16], 16) * (2**32 // _WAL_SEGMENT_BYTES) + int(segment.name[16:], 16)
    return address == number * _WAL_SEGMENT_BYTES


@contextmanager
def planting(seed: Seed, cluster: Path, *, owner: tuple[int, int] | None) -> Iterator[Rest]:
    """Plants what a postmaster reads to start, and yields the call that plants the databases while it does so.

    A postmaster opens no database before someone connects. Every file is made new, in a folder opened before `owner`
    (uid, gid) got it: when we are root, that user cannot turn a name into a way out of the cluster.
    """
    cluster.mkdir(mode=0o700)
    with ExitStack() as stack:
        opened: dict[str, int] = {}
        for place in seed.index["folders"]:
            folder = cluster / place
            if place != ".":
                folder.mkdir(mode=0o700)
            opened[place] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            stack.callback(os.close, opened[place])
        first = [file for file in seed.index["files"] if not file[0].startswith("base/")]
        rest = [file for file in seed.index["files"] if file[0].startswith("base/")]
        _plant(seed.contents, first, opened, owner)
        if owner:
            for descriptor in opened.values():
                os.fchown(descriptor, *owner)
        yield lambda: _plant(seed.contents, rest, opened, owner)


def _plant(contents: memoryview, files: list[File], opened: dict[str, int], owner: tuple[int, int] | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    for place, name, size, offset, kept in files:
        descriptor = os.open(name, flags, 0o600, dir_fd=opened[place])
        try:
            left = contents[offset : offset + kept]
            while left:
                left = left[os.write(descriptor, left) :]
            if size > kept:
                os.ftruncate(descriptor, size)
            if owner:
                os.fchown(descriptor, *owner)
        finally:
            os.close(descriptor)
