r"""An initialised data directory in one file: planted in some 20 ms, where initdb takes half a second.

    pgcontract-seed 1 <crc32 of the rest> <bytes of the rest> <bytes of the index>\n<JSON index><contents>

Equal files are kept once (the three databases of a new cluster are equal), without the zeros they end in; large ones
as they are. Left out is what a server makes again by itself: of a new cluster free space and visibility maps, always
every WAL segment but the one that holds the last checkpoint. A seed is written beside its place and renamed, so it is
whole or not there; one that its CRC refuses is as good as none.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

_MAGIC = b"pgcontract-seed"
_FORMAT = b"1"
DRAFT = ".draft-"
_HEAD_MAX_BYTES = 80
# Linux maps every page at once with this; one at a time costs a fault each.
_MAP_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
_MAPPED_AT_ONCE_BYTES = 512 * 1024 * 1024
_LARGE_BYTES = 1024 * 1024
_BLOCK_BYTES = 1024 * 1024
_STEP_BYTES = 64 * 1024 * 1024
_WAL_SEGMENT_BYTES = 1024 * 1024


# Folder, name, size, offset in the contents, bytes kept there.
File = tuple[str, str, int, int, int]


class Rest(Protocol):
    """Plants what the first half left out."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A mapped seed: `index` has version, folders (parents first) and files (folder, name, size, offset, kept). `forget`
    gives back the memory of what was read of a large one; it is read again where it is wanted again."""

    index: dict[str, Any]
    contents: memoryview
    forget: Callable[[], None]


def read_seed(path: Path) -> Seed | None:
    """The seed, or None where there is none, it is not ours alone to write, or it is damaged."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return None
            # Mapped, not read: a copy in our own memory would cost as much again as planting one database.
            large = found.st_size > _MAPPED_AT_ONCE_BYTES
            pages = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED if large else _MAP_FLAGS, prot=mmap.PROT_READ)
    except (OSError, ValueError):  # ValueError: the file is empty
        return None
    mapped = memoryview(pages)
    forget = partial(pages.madvise, mmap.MADV_DONTNEED) if large else _keep
    head, _, _ = bytes(mapped[:_HEAD_MAX_BYTES]).partition(b"\n")
    body = mapped[len(head) + 1 :]
    *stamp, index_length = head.split() or [b""]
    if stamp != _stamp(body, forget):
        return None
    index_bytes = int(index_length)
    return Seed(index=json.loads(bytes(body[:index_bytes])), contents=body[index_bytes:], forget=forget)


def _keep() -> None:
    """Of a small seed nothing is given back."""


def pack(cluster: Path, *, version: dict[str, Any]) -> list[bytes]:
    """The seed of a cleanly stopped cluster that nobody has filled, in pieces; then the cluster may be started."""
    found = _gathered(cluster, large_bytes=None)
    return [found.index(version), *found.contents]


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


def write_state(path: Path, cluster: Path, *, version: dict[str, Any], draft: Path) -> None:
    """The same for a cleanly stopped cluster with rows in it: as a stream, however large, by way of the draft.

    Its maps stay: without them an index-only scan would have to look at every row.
    """
    found = _gathered(cluster, large_bytes=_LARGE_BYTES)
    index = found.index(version)
    length = len(index) + sum(map(len, found.contents)) + sum(size for *_, size, _, _ in found.large)
    crc = 0
    draft.unlink(missing_ok=True)
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)

            def put(block: bytes) -> None:
                nonlocal crc
                crc = zlib.crc32(block, crc)
                file.write(block)

            file.write(_head(0, length, len(index)))
            for piece in (index, *found.contents):
                put(piece)
            streamed = {(place, name): size for place, name, size, _, _ in found.large}
            for place, name, opened in _walked(cluster):
                if (place, name) in streamed:
                    _stream(name, opened, streamed[place, name], put)
            file.seek(0)
            file.write(_head(crc, length, len(index)))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _stream(name: str, folder: int, size: int, put: Callable[[bytes], None]) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        while size:
            block = os.read(descriptor, min(size, _BLOCK_BYTES))
            if not block:
                raise OSError(f"{name} became shorter while it was read")
            size -= len(block)
            put(block)
    finally:
        os.close(descriptor)


def _stamp(body: bytes | memoryview, forget: Callable[[], None] = _keep) -> list[bytes]:
    crc = 0
    for start in range(0, len(body), _STEP_BYTES):
        crc = zlib.crc32(body[start : start + _STEP_BYTES], crc)
        forget()
    return [_MAGIC, _FORMAT, b"%08x" % crc, b"%d" % len(body)]


def _head(crc: int, length: int, index_length: int) -> bytes:
    return b"%s %s %08x %d %d\n" % (_MAGIC, _FORMAT, crc, length, index_length)


@dataclass(frozen=True, kw_only=True)
class _Gathered:
    """What of a cluster goes into a seed: `contents` in memory, then the `large` files, whose offsets follow theirs."""

    folders: list[str]
    files: list[File]
    contents: list[bytes]
    large: list[File]

    def index(self, version: dict[str, Any]) -> bytes:
        told = {"version": version, "folders": self.folders, "files": [*self.files, *self.large]}
        return json.dumps(told, separators=(",", ":")).encode()


def _gathered(cluster: Path, *, large_bytes: int | None) -> _Gathered:
    """The files to keep, those of so many bytes and more by name only, and then maps as well; None: all, no maps."""
    folders = [os.path.relpath(folder, cluster) for folder, *_ in _folders(cluster)]
    files: list[File] = []
    sizes: list[tuple[str, str, int]] = []
    offsets: dict[bytes, int] = {}
    length = 0
    for place, name, opened in _walked(cluster, maps=large_bytes is not None):
        size = os.stat(name, dir_fd=opened, follow_symlinks=False).st_size
        if large_bytes is not None and size >= large_bytes and place.startswith("base/"):
            sizes.append((place, name, size))
            continue
        whole = _read(name, opened)
        kept = whole.rstrip(b"\0")
        if kept not in offsets:
            offsets[kept] = length
            length += len(kept)
        files.append((place, name, len(whole), offsets[kept], len(kept)))
    large: list[File] = []
    for place, name, size in sizes:
        large.append((place, name, size, length, size))
        length += size
    return _Gathered(folders=folders, files=files, contents=list(offsets), large=large)


def _folders(cluster: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    for found in os.fwalk(cluster):
        found[1].sort()
        yield found


def _walked(cluster: Path, *, maps: bool = True) -> Iterator[tuple[str, str, int]]:
    """Folder, name and the open folder of every file that is worth keeping, always in the same order."""
    for folder, _, names, opened in _folders(cluster):
        place = os.path.relpath(folder, cluster)
        for name in sorted(_kept(place, names, opened, maps=maps)):
            yield place, name, opened


def _read(name: str, folder: int, max_bytes: int = 2**30) -> bytes:
    # Of a folder that another user owns, root follows no link: relation files end at 1 GB by themselves.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        return os.read(descriptor, min(max_bytes, os.fstat(descriptor).st_size))
    finally:
        os.close(descriptor)


def _kept(place: str, names: list[str], folder: int, *, maps: bool) -> list[str]:
    if place == "pg_wal":
        return [max(name for name in names if _is_written(name, folder))]
    if place.startswith(("base", "global")):
        left_out = ("pg_internal.init",) if maps else ("_fsm", "_vm", "pg_internal.init")
        return [name for name in names if not name.endswith(left_out)]
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
        _plant(seed, first, opened, owner)
        if owner:
            for descriptor in opened.values():
                os.fchown(descriptor, *owner)
        yield lambda: _plant(seed, rest, opened, owner)


def _plant(seed: Seed, files: list[File], opened: dict[str, int], owner: tuple[int, int] | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    for place, name, size, offset, kept in files:
        descriptor = os.open(name, flags, 0o600, dir_fd=opened[place])
        try:
            left = seed.contents[offset : offset + kept]
            while left:
                left = left[os.write(descriptor, left[:_STEP_BYTES]) :]
                if kept >= _LARGE_BYTES:
                    seed.forget()
            if size > kept:
                os.ftruncate(descriptor, size)
            if owner:
                os.fchown(descriptor, *owner)
        finally:
            os.close(descriptor)
