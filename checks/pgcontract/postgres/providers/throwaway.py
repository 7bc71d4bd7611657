"""The settings of a server that is thrown away: its files live no longer than the run that looks at them."""

from __future__ import annotations

from collections.abc import Mapping

from pgcontract.postgres.versions import IO_METHOD

PORT = 5432

# Nothing is made durable and nothing is tidied behind our back.
_SETTINGS: Mapping[str, str] = {
    "port": str(PORT),
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "wal_init_zero": "off",
    "checkpoint_timeout": "1h",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    # Under the data directory, so that no death of the server can leave anything outside it.
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "50",
    "max_locks_per_transaction": "256",
    # Of one session: a script that spills more is refused, and cannot raise it.
    "temp_file_limit": "4GB",
    "max_logical_replication_workers": "0",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    # Clients get their own messages; the log is for a server that fails.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}


def throwaway_settings(major: int | None) -> dict[str, str]:
    """The settings for one major; where it is not known yet, those that every major takes."""
    # Its three I/O processes would be started for files that are in memory.
    return {**_SETTINGS, **({"io_method": "sync"} if major is not None and IO_METHOD.in_major(major) else {})}
