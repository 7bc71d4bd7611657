r"""An initialised data directory in one file: unpacked in some 20 ms, where initdb takes half a second.

    pgcontract-seed 1 <crc32 of the rest> <bytes of the rest> <bytes of the index>\n<JSON index><contents>

Equal files are kept once (the three databases of a new cluster are equal), without the zeros they end in; large ones
as they are. Left out is what a server makes again by itself: of a new cluster free space and visibility maps, always
every WAL segment but the one that holds the last checkpoint. An image is written to a draft and renamed, so it
is complete or absent; one whose CRC does not match is treated as absent.
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


class UnpackDatabases(Protocol):
    """Unpacks the databases, which a starting postmaster does not read."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ClusterImage:
    """A mapped image: `index` has version, folders (parents first) and files (folder, name, size, offset, kept bytes).
    `release_memory` gives back the pages that were read of a large one; they are read again when needed."""

    index: dict[str, Any]
    contents: memoryview
    release_memory: Callable[[], None]


def read_image(path: Path) -> ClusterImage | None:
    """The image, or None where it is absent, damaged, or writable by others."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            # Mapped, not read: a copy in our own memory would cost as much again as unpacking one database.
            large = status.st_size > _MAPPED_AT_ONCE_BYTES
            pages = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED if large else _MAP_FLAGS, prot=mmap.PROT_READ)
    except (OSError, ValueError):  # ValueError: the file is empty
        return None
    mapped = memoryview(pages)
    release_memory = partial(pages.madvise, mmap.MADV_DONTNEED) if large else _release_nothing
    head, _, _ = bytes(mapped[:_HEAD_MAX_BYTES]).partition(b"\n")
    body = mapped[len(head) + 1 :]
    *stamp, index_length = head.split() or [b""]
    if stamp != _stamp(body, release_memory):
        return None
    index_bytes = int(index_length)
    return ClusterImage(
        index=json.loads(bytes(body[:index_bytes])), contents=body[index_bytes:], release_memory=release_memory
    )


def _release_nothing() -> None:
    """Of a small image nothing is given back."""


def pack_image(cluster: Path, *, version: dict[str, Any]) -> list[bytes]:
    """The image of a cleanly stopped, empty cluster, in pieces; afterwards the cluster may be started."""
    gathered = _collect_files(cluster, large_bytes=None)
    return [gathered.index(version), *gathered.contents]


def write_image(path: Path, pieces: list[bytes]) -> None:
    """Writes the image atomically; raises OSError where the cache cannot be written."""
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
    gathered = _collect_files(cluster, large_bytes=_LARGE_BYTES)
    index = gathered.index(version)
    length = len(index) + sum(map(len, gathered.contents)) + sum(size for *_, size, _, _ in gathered.large)
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
            for piece in (index, *gathered.contents):
                put(piece)
            streamed = {(folder_name, name): size for folder_name, name, size, _, _ in gathered.large}
            for folder_name, name, opened in _walk_files(cluster):
                if (folder_name, name) in streamed:
                    _stream(name, opened, streamed[folder_name, name], put)
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


def _stamp(body: bytes | memoryview, release_memory: Callable[[], None] = _release_nothing) -> list[bytes]:
    crc = 0
    for start in range(0, len(body), _STEP_BYTES):
        crc = zlib.crc32(body[start : start + _STEP_BYTES], crc)
        release_memory()
    return [_MAGIC, _FORMAT, b"%08x" % crc, b"%d" % len(body)]


def _head(crc: int, length: int, index_length: int) -> bytes:
    return b"%s %s %08x %d %d\n" % (_MAGIC, _FORMAT, crc, length, index_length)


@dataclass(frozen=True, kw_only=True)
class _CollectedFiles:
    """What of a cluster goes into an image: `contents` in memory, then the `large` files, whose offsets follow theirs."""

    folders: list[str]
    files: list[File]
    contents: list[bytes]
    large: list[File]

    def index(self, version: dict[str, Any]) -> bytes:
        document = {"version": version, "folders": self.folders, "files": [*self.files, *self.large]}
        return json.dumps(document, separators=(",", ":")).encode()


def _collect_files(cluster: Path, *, large_bytes: int | None) -> _CollectedFiles:
    """The files to keep, those of so many bytes and more by name only, and then maps as well; None: all, no maps."""
    folders = [os.path.relpath(folder, cluster) for folder, *_ in _walk_folders(cluster)]
    files: list[File] = []
    sizes: list[tuple[str, str, int]] = []
    offsets: dict[bytes, int] = {}
    length = 0
    for folder_name, name, opened in _walk_files(cluster, maps=large_bytes is not None):
        size = os.stat(name, dir_fd=opened, follow_symlinks=False).st_size
        if large_bytes is not None and size >= large_bytes and folder_name.startswith("base/"):
            sizes.append((folder_name, name, size))
            continue
        whole = _read(name, opened)
        content = whole.rstrip(b"\0")
        if content not in offsets:
            offsets[content] = length
            length += len(content)
        files.append((folder_name, name, len(whole), offsets[content], len(content)))
    large: list[File] = []
    for folder_name, name, size in sizes:
        large.append((folder_name, name, size, length, size))
        length += size
    return _CollectedFiles(folders=folders, files=files, contents=list(offsets), large=large)


def _walk_folders(cluster: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    for entry in os.fwalk(cluster):
        entry[1].sort()
        yield entry


def _walk_files(cluster: Path, *, maps: bool = True) -> Iterator[tuple[str, str, int]]:
    """Folder, name and the open folder of every file that is worth keeping, always in the same order."""
    for folder, _, names, opened in _walk_folders(cluster):
        folder_name = os.path.relpath(folder, cluster)
        for name in sorted(_needed_files(folder_name, names, opened, maps=maps)):
            yield folder_name, name, opened


def _read(name: str, folder: int, max_bytes: int = 2**30) -> bytes:
    # Of a folder that another user owns, root follows no link: relation files end at 1 GB by themselves.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        return os.read(descriptor, min(max_bytes, os.fstat(descriptor).st_size))
    finally:
        os.close(descriptor)


def _needed_files(folder_name: str, names: list[str], folder: int, *, maps: bool) -> list[str]:
    if folder_name == "pg_wal":
        return [max(name for name in names if _has_own_wal(name, folder))]
    if folder_name.startswith(("base", "global")):
        left_out = ("pg_internal.init",) if maps else ("_fsm", "_vm", "pg_internal.init")
        return [name for name in names if not name.endswith(left_out)]
    return names


def _has_own_wal(name: str, folder: int) -> bool:
    """Whether the segment holds WAL of its own number: a recycled one still has an older one's page addresses."""
    if len(name) != 24:
        return False
    address: int = struct.unpack("=HHIQ", _read(name, folder, 16))[3]  # XLogPageHeaderData's xlp_pageaddr
    number = int(name[8:16], 16) * (2**32 // _WAL_SEGMENT_BYTES) + int(name[16:], 16)
    return address == number * _WAL_SEGMENT_BYTES


@contextmanager
def unpacked_for_start(image: ClusterImage, cluster: Path, *, owner: tuple[int, int] | None) -> Iterator[UnpackDatabases]:
    """Unpacks what a postmaster reads to start, and yields the call that unpacks the databases while it starts.

    A postmaster opens no database before someone connects. Every file is made new, in a folder opened before `owner`
    (uid, gid) got it: when we are root, that user cannot redirect a name outside the cluster.
    """
    cluster.mkdir(mode=0o700)
    folder_flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    with ExitStack() as stack:
        opened = {".": os.open(cluster, folder_flags)}
        stack.callback(os.close, opened["."])
        for folder_name in image.index["folders"][1:]:
            os.mkdir(folder_name, 0o700, dir_fd=opened["."])
            opened[folder_name] = os.open(folder_name, folder_flags, dir_fd=opened["."])
            stack.callback(os.close, opened[folder_name])
        needed_to_start = [file for file in image.index["files"] if not file[0].startswith("base/")]
        databases = [file for file in image.index["files"] if file[0].startswith("base/")]
        _unpack(image, needed_to_start, opened, owner)
        if owner:
            for descriptor in opened.values():
                os.fchown(descriptor, *owner)
        yield lambda: _unpack(image, databases, opened, owner)


def _unpack(image: ClusterImage, files: list[File], opened: dict[str, int], owner: tuple[int, int] | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    for folder_name, name, size, offset, length in files:
        descriptor = os.open(name, flags, 0o600, dir_fd=opened[folder_name])
        try:
            remaining = image.contents[offset : offset + length]
            while remaining:
                remaining = remaining[os.write(descriptor, remaining[:_STEP_BYTES]) :]
                if length >= _LARGE_BYTES:
                    image.release_memory()
            if size > length:
                os.ftruncate(descriptor, size)
            if owner:
                os.fchown(descriptor, *owner)
        finally:
            os.close(descriptor)
