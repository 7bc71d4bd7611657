"""The modes in which a session locks a table, and whom each keeps out."""

from __future__ import annotations

from enum import Enum


class LockMode(Enum):
    """A table-level lock mode, weakest first; the value is what pg_locks calls it (PostgreSQL, Explicit Locking)."""

    ACCESS_SHARE = "AccessShareLock"
    ROW_SHARE = "RowShareLock"
    ROW_EXCLUSIVE = "RowExclusiveLock"
    SHARE_UPDATE_EXCLUSIVE = "ShareUpdateExclusiveLock"
    SHARE = "ShareLock"
    SHARE_ROW_EXCLUSIVE = "ShareRowExclusiveLock"
    EXCLUSIVE = "ExclusiveLock"
    ACCESS_EXCLUSIVE = "AccessExclusiveLock"

    @property
    def rank(self) -> int:
        """Stronger is greater."""
        return list(LockMode).index(self)

    @property
    def sql(self) -> str:
        """As SQL and the manual write it: ACCESS EXCLUSIVE."""
        return self.name.replace("_", " ")

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE of others wait."""
        return self.rank >= LockMode.SHARE.rank

    @property
    def blocks_reads(self) -> bool:
        """Whether SELECT of others waits too."""
        return self is LockMode.ACCESS_EXCLUSIVE

    @property
    def blocked(self) -> str:
        """What of others waits, as a sentence names it; empty where nothing that an application does."""
        if self.blocks_reads:
            return "reads and writes"
        return "writes" if self.blocks_writes else ""
