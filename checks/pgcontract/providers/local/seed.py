r"""An initialised data directory in one file: planted in some 20 ms, where initdb takes half a second.

    pgcontract-seed 1 <crc32 of the rest> <bytes of the rest> <bytes of the index>\n<JSON index><contents>

Equal files are kept once (the three databases of a new cluster are equal), without the zeros they end in. Left out is
what a server makes again by itself: free space and visibility maps, and every WAL segment but the one that holds the
last checkpoint. A seed is written beside its place and renamed, so it is whole or not there; one that its CRC
refuses is as good as none.
"""

from __future__ import annotations

import json
import mmap
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
DRAFT = ".draft-"
_HEAD_MAX_BYTES = 80
# Linux maps every page at once with this; one at a time costs a fault each.
_MAP_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
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
            # Mapped, not read: a copy in our own memory would cost as much again as planting one database.
            mapped = memoryview(mmap.mmap(file.fileno(), 0, flags=_MAP_FLAGS, prot=mmap.PROT_READ))
    except (OSError, ValueError):  # ValueError: the file is empty
        return None
    head, _, _ = bytes(mapped[:_HEAD_MAX_BYTES]).partition(b"\n")
    body = mapped[len(head) + 1 :]
    *stamp, index_length = head.split() or [b""]
    if stamp != _stamp(body):
        return None
    index_bytes = int(index_length)
    return Seed(index=json.loads(bytes(body[:index_bytes])), contents=body[index_bytes:])


def pack(cluster: Path, *, version: dict[str, Any]) -> list[bytes]:
    """The seed of a cleanly stopped cluster, in pieces; afterwards the cluster may be started."""
    folders, files, contents = _pack(cluster)
    index = json.dumps({"version": version, "folders": folders, "files": files}, separators=(",", ":")).encode()
    return [index, *contents]


def write_seed(path: Path, pieces: list[bytes]) -> None:
    """Puts the seed in its place, all of it or nothing; raises OSError where the cache cannot be written."""
    body = b"".join(pieces)
    descriptor, draft = tempfile.mkstemp(prefix=DRAFT, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b" ".join((*_stamp(body), b"%d\n" % len(pieces[0]))))
            file.write(body)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _stamp(body: bytes | memoryview) -> list[bytes]:
    return [_MAGIC, _FORMAT, b"%08x" % zlib.crc32(body), b"%d" % len(body)]


def _pack(cluster: Path) -> tuple[list[str], list[File], list[bytes]]:
    folders: list[str] = []
    files: list[File] = []
    offsets: dict[bytes, int] = {}
    length = 0
    for folder, below, names, opened in os.fwalk(cluster):
        below.sort()
        place = os.path.relpath(folder, cluster)
        folders.append(place)
        for name in sorted(_kept(place, names, opened)):
            whole = _read(name, opened)
            kept = whole.rstrip(b"\0")
            if kept not in offsets:
                offsets[kept] = length
                length += len(kept)
            files.append((place, name, len(whole), offsets[kept], len(kept)))
    return folders, files, list(offsets)


def _read(name: str, folder: int, max_bytes: int = 2**30) -> bytes:
    # Of a folder that another user owns, root follows no link: relation files end at 1 GB by themselves.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        return os.read(descriptor, min(max_bytes, os.fstat(descriptor).st_size))
    finally:
        os.close(descriptor)


def _kept(place: str, names: list[str], folder: int) -> list[str]:
    if place == "pg_wal":
        return [max(name for name in names if _is_written(name, folder))]
    if place.startswith(("base", "global")):
        return [name for name in names if not name.endswith(("_fsm", "_vm", "pg_internal.init"))]
    return names


def _is_written(name: str, folder: int) -> bool:
    """Whether the segment holds WAL of its own number: a recycled one still has an older one's page addresses."""
    if len(name) != 24:
        return False
    address: int = struct.unpack("=HHIQ", _read(name, folder, 16))[3]  # XLogPageHeaderData's xlp_pageaddr
    number = int(name[8:16], 16) * (2**32 // _WAL_SEGMENT_BYTES) + int(name[16:], 16)
    return address == number * _WAL_SEGMENT_BYTES


@contextmanager
def planting(seed: Seed, cluster: Path, *, owner: tuple[int, int] | None) -> Iterator[Rest]:
    """Plants what a postmaster reads to start, and yields the call that plants the databases while it does so.

    A postmaster opens no database before someone connects. Every file is made new, in a folder opened before `owner`
    (uid, gid) got it: when we are root, that user cannot turn a name into a way out of the cluster.
    """
    cluster.mkdir(mode=0o700)
    folder_flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    with ExitStack() as stack:
        opened = {".": os.open(cluster, folder_flags)}
        stack.callback(os.close, opened["."])
        for place in seed.index["folders"][1:]:
            os.mkdir(place, 0o700, dir_fd=opened["."])
            opened[place] = os.open(place, folder_flags, dir_fd=opened["."])
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
