"""Seed files: the rows that a tool loads behind the last migration, into an empty database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pgcontract.contract.migration_folder import Folder, from_the_top
from pgcontract.contract.seed_commands import SeedCommand
from pgcontract.contract.supabase_config import find_config, settings_of
from pgcontract.errors import InputError
from pgcontract.model.sql import Script, read_script

_NAMES: Final = ("seed.sql", "seeds.sql")
_SUPABASE: Final = "supabase"
_MAX_FILES: Final = 50


def seed_scripts(
    folder: Folder, layout: str, *, migrations: Iterable[str], command: SeedCommand | None = None
) -> tuple[Script, ...]:
    """The seeds, in the order in which they are loaded: those that supabase/config.toml names, or the tool's `command`,
    else seed.sql in the folder of the migrations or beside it; none that is one of the `migrations`, by path. What is no
    SQL by itself is left out: its tool runs it otherwise."""
    if folder.only is not None:
        return ()
    named = (path for path in command.files if _is_plain(path)) if command is not None else ()
    paths = _of_supabase(folder) if layout == _SUPABASE else [*named] or _next_to_migrations(folder)
    taken = {from_the_top(Path(path)) for path in migrations}
    scripts: list[Script] = []
    for path in dict.fromkeys(paths):
        if path in taken:
            continue
        try:
            scripts.append(read_script(_as_given(path)))
        except (InputError, OSError):
            continue
        if len(scripts) == _MAX_FILES:
            break
    return tuple(scripts)


def _as_given(path: Path) -> Path:
    """The path from the working folder, where it lies below it."""
    shown = Path(os.path.relpath(path))
    return path if ".." in shown.parts else shown


def _next_to_migrations(folder: Folder) -> Iterator[Path]:
    own, *above = folder.parents(1)
    for parent in (own, *(each for each in above if own.name.lower() in ("migrations", "migration", "sql", "drizzle"))):
        yield from (parent / name for name in _NAMES if _is_plain(parent / name))


def _of_supabase(folder: Folder) -> Iterator[Path]:
    if found := find_config(folder):
        place, document = found
        yield from _named_by(place, settings_of(settings_of(document, "db"), "seed"))


def _named_by(place: Path, settings: Mapping[str, Any]) -> Iterator[Path]:
    """The files of `sql_paths`, each pattern's by name; nothing above the folder of the configuration."""
    if settings.get("enabled") is False:
        return
    named = settings.get("sql_paths", ["./seed.sql"])
    for pattern in [named] if isinstance(named, str) else named if isinstance(named, list) else []:
        parts = PurePosixPath(str(pattern)).parts
        if ".." in parts or not parts or PurePosixPath(str(pattern)).is_absolute():
            continue
        try:
            found = sorted(place.glob("/".join(parts)))
        except (ValueError, NotImplementedError, OSError):
            continue
        yield from (path for path in found if _is_plain(path))


def _is_plain(path: Path) -> bool:
    """A file that is no link, which may lead anywhere."""
    try:
        return path.is_file() and not path.is_symlink()
    except OSError:
        return False


def seed_name(script: Script, root: Path) -> str:
    """What a seed is called: its path below the project, or below what the project lies in."""
    relative = PurePosixPath(Path(os.path.relpath(script.path, root)).as_posix())
    return "/".join(part for part in relative.parts if part != "..")
