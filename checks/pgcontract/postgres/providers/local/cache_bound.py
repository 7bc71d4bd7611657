"""How large the cache may become: 500 MB, or PGCONTRACT_CACHE_MAX. What was used longest ago goes first."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import Final

from pgcontract.errors import InputError
from pgcontract.postgres.providers.local.account import Account
from pgcontract.postgres.providers.local.cache_usage import is_running, own_entries, size_of, usage_folders
from pgcontract.postgres.providers.local.cluster_image import DRAFT

SETTING: Final = "PGCONTRACT_CACHE_MAX"
_DEFAULT: Final = "500MB"
_UNITS: Final = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
# Programs that a run has chosen and not started yet, and drafts, which a killed run leaves behind; images are open files,
# which may be removed at any time.
_STARTING_S: Final = 3600


def cache_max_bytes() -> int:
    """The bound; InputError where the setting is no size."""
    word = os.environ.get(SETTING) or _DEFAULT
    match = re.fullmatch(r"(\d+)\s*([KMGT]B|)", word.strip().upper())
    if match is None:
        raise InputError(f"{SETTING}={word} is no size; write one as 500MB or 2GB")
    return int(match[1]) * _UNITS[match[2]]


def drop_least_used(account: Account) -> None:
    """Removes entries until the rest is within the bound: not what a program runs from, nor what a run writes now."""
    entries = []
    for folder in usage_folders(account):
        for entry in own_entries(folder):
            with contextlib.suppress(OSError):
                entries.append((entry.stat().st_mtime_ns, size_of(entry), entry))
    excess = sum(size for _, size, _ in entries) - cache_max_bytes()
    for used_ns, size, entry in sorted(entries):
        if excess <= 0:
            return
        if not size or ((entry.is_dir() or entry.name.startswith(DRAFT)) and _may_be_in_use(entry, used_ns)):
            continue
        with contextlib.suppress(OSError):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
                entry.with_suffix(".lock").unlink(missing_ok=True)
            excess -= size


def _may_be_in_use(entry: Path, used_ns: int) -> bool:
    return time.time() - used_ns / 1e9 < _STARTING_S or is_running(entry)
