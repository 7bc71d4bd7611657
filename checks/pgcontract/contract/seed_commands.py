"""How a tool's configuration names its seed where that is a command: the SQL in it, and what only the command can do."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pgcontract.contract.migration_folder import Folder
from pgcontract.values import dataclass

_PACKAGE: Final = "package.json"
_PRISMA: Final = "prisma"
_DRIZZLE: Final = ("drizzle", "drizzle-1")
_PRISMA_CONFIGS: Final = tuple(
    f"{name}.{ending}"
    for name in ("prisma.config", ".config/prisma")
    for ending in ("ts", "mts", "cts", "js", "mjs", "cjs")
)
_SCRIPTS: Final = ("seed", "db:seed", "db-seed", "seed:db")
_COMMENT: Final = re.compile(r"(?<![:\"'`])//[^\n]*|/\*.*?\*/", re.DOTALL)
_SEED: Final = re.compile(r"\bseed[\"']?\s*:\s*(?P<quote>[\"'`])(?P<command>(?:(?!(?P=quote)).)+)(?P=quote)")


@dataclass(frozen=True, kw_only=True)
class SeedCommand:
    """The command, and the file and line that name it. `files` are the SQL that it names, `missing` those that are not
    there."""

    command: str
    path: Path
    line: int
    files: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The command without what may be a secret: settings and addresses."""
        return " ".join("…" if "=" in word or "://" in word else word for word in self.command.split())


def find_seed_command(folder: Folder, layout: str) -> SeedCommand | None:
    """What Prisma's configuration, in package.json or a file of its own, names; with Drizzle, which has no word for it,
    the script of package.json that is called seed."""
    if folder.only is not None or layout not in (_PRISMA, *_DRIZZLE):
        return None
    for place in folder.parents():
        names = (*(_PRISMA_CONFIGS if layout == _PRISMA else ()), _PACKAGE)
        for path in (place / name for name in names):
            text = folder.settings(path) if folder.has(path) else ""
            command = _of_package(text, layout) if path.name == _PACKAGE else _of_config(text)
            if command:
                files = [*_named_files(command)]
                there = tuple(place / name for name in files if (place / name).is_file())
                missing = tuple(name for name in files if not (place / name).is_file())
                line = text[: max(text.find("seed"), 0)].count("\n") + 1
                return SeedCommand(command=command, path=path, line=line, files=there, missing=missing)
    return None


def _of_config(text: str) -> str:
    match = _SEED.search(_COMMENT.sub("", text))
    return match["command"] if match else ""


def _of_package(text: str, layout: str) -> str:
    try:
        document: Any = json.loads(text) if text else {}
    except ValueError:
        return ""
    section = document.get(_PRISMA if layout == _PRISMA else "scripts", {}) if isinstance(document, dict) else {}
    names = ("seed",) if layout == _PRISMA else _SCRIPTS
    found = [section.get(name) for name in names] if isinstance(section, dict) else []
    return next((command for command in found if isinstance(command, str) and command.strip()), "")


def _named_files(command: str) -> Iterator[str]:
    """The paths of SQL below the configuration's folder that stand in the command."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    for word in words:
        name = word.rpartition("=")[2]
        path = PurePosixPath(name)
        if path.suffix.lower() == ".sql" and not path.is_absolute() and ".." not in path.parts:
            yield str(path)
