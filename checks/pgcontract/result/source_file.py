"""A file that a verification read, by its digest: what a report is true of."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """`role` is migration, rollback, contract, claims, project, baseline, setup or seed; `path` as it was given.

    `migration` is the key of the one that it is of, empty for what holds for the whole chain; of a seed it is its path.
    `sha256` is of the file's bytes, of TOML without a byte order mark, of pyproject.toml of what it says of us.
    """

    role: str
    migration: str = ""
    path: str
    sha256: str
