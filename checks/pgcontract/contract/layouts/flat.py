"""The migrations of a folder, in the order in which they are applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError

_DIGITS: Final = re.compile(r"[Vv]?(\d+)")


@dataclass(frozen=True, kw_only=True)
class MigrationFile:
    """One migration's file and its rollback script. `id` is its digits as written, or its stem where it has none."""

    id: str
    stem: str
    path: Path
    down: Path | None


def read_migration_files(folder: Path) -> tuple[MigrationFile, ...]:
    """Every migration in a folder, by file name. Raises InputError where there is no folder or nothing in it."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".sql" and path.is_file())
    except OSError as error:
        raise InputError(f"is no folder to read migrations from: {error.strerror}", file=str(folder)) from None
    migration_files = tuple(read_migration_file(file) for file in files if not file.name.endswith(".down.sql"))
    if not migration_files:
        raise InputError("holds no migration; one is a file called <digits>_<name>.sql", file=str(folder))
    return migration_files


def read_migration_file(path: Path) -> MigrationFile:
    """One migration by its file; its rollback script is `<stem>.down.sql` in the same directory."""
    stem = path.name.removesuffix(".sql").removesuffix(".up")
    down = path.with_name(f"{stem}.down.sql")
    digits = _DIGITS.match(stem)
    return MigrationFile(id=digits[1] if digits else stem, stem=stem, path=path, down=down if down.exists() else None)


def find_migration(word: str, migration_files: Iterable[MigrationFile]) -> MigrationFile | None:
    """The migration that somebody names by its digits, stem or file name."""
    for script in migration_files:
        if word in (script.id, script.stem, script.path.name):
            return script
        if word.isdecimal() and script.id.isdecimal() and int(word) == int(script.id):
            return script
    return None


def order_migrations(
    migration_files: Iterable[MigrationFile], after: Mapping[str, tuple[str, str]]
) -> tuple[MigrationFile, ...]:
    """By digits, each that has an `after` right behind the one it names; `after` is stem to (name, place).

    Raises InputError for two with the same digits, an `after` that names nothing, and a circle.
    """
    migration_files = tuple(migration_files)
    followers: dict[str | None, list[MigrationFile]] = {}
    for script in migration_files:
        previous = None
        if script.stem in after:
            word, place = after[script.stem]
            predecessor = find_migration(word, migration_files)
            if predecessor is None:
                hint = nearest(word, [other.stem for other in migration_files])
                raise InputError(f"after = {word!r} names no migration that is there; {hint}", file=place)
            previous = predecessor.stem
        followers.setdefault(previous, []).append(script)
    ordered: list[MigrationFile] = []

    def follow(previous: str | None) -> None:
        for script in _order_by_digits(followers.get(previous, [])):
            ordered.append(script)
            follow(script.stem)

    follow(None)
    if circle := [script for script in migration_files if script not in ordered]:
        names = ", ".join(f"{script.stem} after {after[script.stem][0]}" for script in circle if script.stem in after)
        raise InputError(
            f"these migrations wait for each other: {names}; take one `after` away", file=after[circle[0].stem][1]
        )
    return tuple(ordered)


def _order_by_digits(migration_files: list[MigrationFile]) -> list[MigrationFile]:
    if len(migration_files) == 1:
        return migration_files
    seen: dict[int, MigrationFile] = {}
    for script in migration_files:
        if not script.id.isdecimal():
            raise InputError(
                "has no digits in front, so its place among the other migrations is not known; "
                "name it <digits>_<name>.sql, or give its contract `after`",
                file=str(script.path),
            )
        number = int(script.id)
        if number in seen:
            raise InputError(
                f"has the digits of {seen[number].path.name}, so their order is not known; "
                "rename one, or give its contract `after`",
                file=str(script.path),
            )
        seen[number] = script
    return [seen[number] for number in sorted(seen)]
