r"""An initialised data directory in one file: unpacked in some 20 ms, where initdb takes half a second.

    <contents><JSON index>pgcontract-seed <format> <crc32 of what stands before> <bytes of the index>\n

Equal files are kept once (the three databases of a new cluster are equal), without the zeros they end in: two fifths of
what a copy of the folder takes, which would be there no sooner. Left out is what a server makes again by itself: of a
new cluster free space and visibility maps, always every WAL segment but the one that holds the last checkpoint. An image
is written to a draft and renamed, so it is complete or absent; one whose CRC does not match is treated as absent.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pgcontract.values import dataclass

DRAFT = ".draft-"
FORMAT = 2
_TRAILER = f"pgcontract-seed {FORMAT} %08x %012d\n"
_TRAILER_BYTES = len(_TRAILER % (0, 0))
_TRAILER_PATTERN = re.compile(rb"pgcontract-seed %d ([0-9a-f]{8}) ([0-9]{12})\n" % FORMAT)
_BLOCK_BYTES = 4 * 1024 * 1024
_WAL_SEGMENT_BYTES = 1024 * 1024


# Folder, name, size, offset in the contents, bytes kept there.
File = tuple[str, str, int, int, int]


class UnpackDatabases(Protocol):
    """Unpacks the databases, which a starting postmaster does not read."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ClusterImage:
    """A mapped image: `index` has version, folders (parents first) and files (folder, name, size, offset, kept bytes)."""

    index: dict[str, Any]
    contents: memoryview


def read_image(path: Path) -> ClusterImage | None:
    """The image, or None where it is absent, damaged, or writable by others."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            # Mapped, not read: a copy in our own memory would cost as much again as unpacking one database.
            mapped = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    except (OSError, ValueError):  # ValueError: the file is empty
        return None
    body, trailer = mapped[:-_TRAILER_BYTES], _TRAILER_PATTERN.fullmatch(mapped[-_TRAILER_BYTES:])
    if trailer is None or int(trailer[1], 16) != zlib.crc32(body):
        return None
    index_start = len(body) - int(trailer[2])
    return ClusterImage(index=json.loads(bytes(body[index_start:])), contents=body[:index_start])


def write_image(path: Path, cluster: Path, *, version: dict[str, Any], draft: Path, maps: bool) -> None:
    """Writes the image of a cleanly stopped cluster, by way of the draft; OSError where the cache cannot be written.

    Of one with rows the maps are kept: without them an index-only scan would have to look at every row.
    """
    files: list[File] = []
    offsets: dict[bytes, int] = {}
    crc = length = 0
    draft.unlink(missing_ok=True)
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)

            def put(block: bytes) -> None:
                nonlocal crc, length
                crc = zlib.crc32(block, crc)
                length += file.write(block)

            for folder_name, name, folder in _walk_files(cluster, maps=maps):
                with _open(name, folder) as source:
                    block = source.read(_BLOCK_BYTES)
                    if len(block) < _BLOCK_BYTES:
                        content = block.rstrip(b"\0")
                        start = offsets.setdefault(hashlib.sha256(content).digest(), length)
                        if start == length:
                            put(content)
                        files.append((folder_name, name, len(block), start, len(content)))
                        continue
                    start = length
                    while block:
                        put(block)
                        block = source.read(_BLOCK_BYTES)
                    files.append((folder_name, name, length - start, start, length - start))
            folders = [os.path.relpath(folder, cluster) for folder, *_ in _walk_folders(cluster)]
            index = json.dumps({"version": version, "folders": folders, "files": files}, separators=(",", ":")).encode()
            put(index)
            file.write((_TRAILER % (crc, len(index))).encode())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _walk_folders(cluster: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    for entry in os.fwalk(cluster):
        entry[1].sort()
        yield entry


def _walk_files(cluster: Path, *, maps: bool) -> Iterator[tuple[str, str, int]]:
    """Folder, name and the open folder of every file that is worth keeping, always in the same order."""
    for folder, _, names, opened in _walk_folders(cluster):
        folder_name = os.path.relpath(folder, cluster)
        for name in sorted(_needed_files(folder_name, names, opened, maps=maps)):
            yield folder_name, name, opened


def _open(name: str, folder: int) -> BinaryIO:
    # Of a folder that another user owns, root follows no link.
    return os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb")


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
    with _open(name, folder) as segment:
        address: int = struct.unpack("=HHIQ", segment.read(16))[3]  # XLogPageHeaderData's xlp_pageaddr
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
                remaining = remaining[os.write(descriptor, remaining) :]
            if size > length:
                os.ftruncate(descriptor, size)
            if owner:
                os.fchown(descriptor, *owner)
        finally:
            os.close(descriptor)
