"""A tree of folders, walked without following links, and without what holds other people's files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.values import dataclass

NOT_LOOKED_INTO: Final = frozenset(
    ("node_modules", "vendor", "target", "build", "dist", "venv", "site-packages", "__pycache__")
)
_VIRTUAL_ENVIRONMENT: Final = "pyvenv.cfg"
# Lies in each folder that pgcontract wrote, as of a report or a release, and says which files of it are its own.
MANIFEST: Final = ".pgcontract.json"


@dataclass(frozen=True, kw_only=True)
class Level:
    """One folder: the names of its files, links among them, and of the folders in it, by name. Whoever walks may take
    names out of `folders`, which are not walked then."""

    path: Path
    files: list[str]
    folders: list[str]


def walk(root: Path) -> Iterator[Level]:
    """The folder and all below it, each before what lies in it; not hidden ones, dependencies, build output, virtual
    environments, and what pgcontract wrote. One that may not be read is passed over."""
    waiting = [root]
    while waiting:
        path = waiting.pop()
        files: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        except OSError:
            continue
        if _VIRTUAL_ENVIRONMENT in files or (MANIFEST in files and path != root):
            continue
        kept = sorted(name for name in folders if not name.startswith(".") and name not in NOT_LOOKED_INTO)
        level = Level(path=path, files=sorted(files), folders=kept)
        yield level
        waiting += [path / name for name in reversed(level.folders)]
