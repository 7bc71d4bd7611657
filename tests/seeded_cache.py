"""A cache of a test's own, in which no run has kept anything yet."""

from __future__ import annotations

import shutil
from pathlib import Path

from pgcontract.postgres.providers.local.directories import cache_directory


def seeded_cache(folder: Path) -> Path:
    """The folder, with what servers start from: making that anew takes `initdb` a second."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in cache_directory().glob("*.seed"):
        shutil.copy2(seed, folder)
    return folder
