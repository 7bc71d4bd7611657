"""SQL from standard input: read whole, and never written to a disk."""

from __future__ import annotations

import sys
from typing import Final

from pgcontract.errors import InputError

STANDARD_INPUT: Final = "-"

_MAX_BYTES: Final = 256 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024


def read_standard_input() -> bytes:
    """All of it. Raises InputError where it is a person's terminal, empty, binary or without end."""
    stream = sys.stdin
    if stream is None or stream.closed:
        raise InputError("- reads SQL from standard input, which is closed; pipe a script into it, or name a file")
    if stream.isatty():
        raise InputError("- reads SQL from standard input, which is a terminal; pipe a script into it, or name a file")
    chunks: list[bytes] = []
    length = 0
    while chunk := stream.buffer.read(_CHUNK_BYTES):
        chunks.append(chunk)
        length += len(chunk)
        # What has no end is told by its beginning, or by its length.
        if b"\0" in chunk or length > _MAX_BYTES:
            break
    if length > _MAX_BYTES:
        raise InputError(f"has more than {_MAX_BYTES // 2**20} MB; name a file", file="standard input")
    raw = b"".join(chunks)
    if not raw.strip():
        raise InputError("is empty; pipe a script into it, or name a file", file="standard input")
    return raw
