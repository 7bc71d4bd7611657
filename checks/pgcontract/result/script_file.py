"""A file of SQL that was judged, as its reports show it."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class ScriptFile:
    """`path` as it was given; `sha256` and `bytes` are of the file, `text` and `lines` what an editor shows of it.

    `statements` is None where the file was too long to be split.
    """

    path: str
    sha256: str
    lines: int
    bytes: int
    statements: int | None = None
    text: str
