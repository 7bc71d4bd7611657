"""The folder that is meant where none is named: the one project, or folder of migrations, below the working folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Final

from pgcontract.contract.configuration import PROJECT_FILE
from pgcontract.contract.flyway_settings import OTHER_DATABASES, POSTGRES, SETTINGS_FILES
from pgcontract.contract.folder_walk import NOT_LOOKED_INTO, Level, walk
from pgcontract.contract.layouts import dump, flat, is_recognised, layout_of_tool, layouts, psql, shows_any_folder
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.unread_tools import unread_tool
from pgcontract.errors import InputError
from pgcontract.values import dataclass

_TESTS: Final = frozenset(("test", "tests", "__tests__", "spec", "specs", "fixtures", "testdata", "example", "examples"))
_CALLED: Final = ("migrat", "versions", "changelog")
_MARKS: Final = frozenset(
    ("migration_lock.toml", "atlas.sum", "_journal.json", "sqitch.plan", "sqitch.conf", *SETTINGS_FILES)
)
_OF_ONE_MIGRATION: Final = frozenset(("up.sql", "migration.sql"))
# As every tool names its files that goes by their names; whatever else holds SQL is not looked through.
_NUMBERED: Final = re.compile(r"(?:[VUB]?\d|R__).*\.sql$|V\d[\d._]*__", re.IGNORECASE)
_MIGRATIONS: Final = "migrations"
_CONTRACTS: Final = "contracts"
_MAX_LISTED: Final = 20


@dataclass(frozen=True, kw_only=True)
class FoundFolder:
    """A path, from the working folder, and what it is: a project, or the tool whose migrations it holds."""

    path: Path
    name: str
    named: str | None = None  # the PATH that was given, which holds no migrations itself

    @property
    def sentence(self) -> str:
        what = "project" if self.name == "project" else f"folder of migrations ({self.name})"
        if self.named is not None:
            return f"There are no migrations in {self.named} itself: taken is {self.path}, the one {what} below it."
        place = "the working folder" if self.path == Path() else f"the one {what} below the working folder"
        return f"No PATH was given: taken is {self.path}, {place}."


def find_folder(command: str, *, below: Path = Path()) -> FoundFolder:
    """The only one there is. Raises InputError, with what to type, where there are several, and where there is none, with
    what was looked for; `command` is what PATH is left out of."""
    found: list[FoundFolder] = []
    unread: list[FoundFolder] = []
    for folder, is_read in _candidates(below):
        (found if is_read else unread).append(folder)
        if len(found) > _MAX_LISTED:
            break
    taken = found or unread
    if len(taken) == 1:
        return taken[0]
    if taken:
        lines = "".join(f"\n  {command} {folder.path}  ({folder.name})" for folder in taken[:_MAX_LISTED])
        more = "\nand more" if len(taken) > _MAX_LISTED else ""
        raise InputError(f"PATH is left out, and there are several below the working folder. Name one:{lines}{more}")
    if scripts := list(islice(_scripts(below), _MAX_LISTED + 1)):
        lines = "".join(f"\n  {command} {quote(str(path))}" for path in scripts[:_MAX_LISTED])
        more = "\nand more" if len(scripts) > _MAX_LISTED else ""
        raise InputError(
            "PATH is left out, and nothing below the working folder shows that it is migrations: no tool's marks, and no "
            f"digits in front of the names of .sql files. Name what is to be verified:{lines}{more}"
        )
    passed_over = ", ".join(sorted(NOT_LOOKED_INTO | _TESTS))
    raise InputError(
        f"PATH is left out, and below {Path.cwd()} there is no project (contracts/ beside migrations/) and no folder of "
        f"migrations of {', '.join(name for name in layouts() if name not in ('dump', 'psql'))}. Not looked into: hidden "
        f"folders, virtual environments, links, {passed_over}. Name it: {command} PATH"
    )


def folder_below(path: Path) -> FoundFolder | None:
    """The only one below a folder that was named and holds no migrations itself; None where it holds some, where there
    are several or none below it, or where they are of a tool that is not read."""
    try:
        if not path.is_dir() or is_recognised(path):
            return None
    except OSError as error:  # its name is too long, or it is in a folder that may not be looked into
        raise InputError(f"cannot be read: {error.strerror}; check its name and permissions", file=str(path)) from None
    found = list(islice((folder for folder, is_read in _candidates(path) if is_read), 2))
    return replace(found[0], named=str(path)) if len(found) == 1 and found[0].path != path else None


def _scripts(working: Path) -> Iterator[Path]:
    """Each folder with several .sql files, and of others the one file."""
    for level in walk(working):
        level.folders[:] = [name for name in level.folders if name not in _TESTS]
        names = [name for name in level.files if name.lower().endswith(".sql")]
        if names:
            yield level.path / names[0] if len(names) == 1 else level.path


def _candidates(working: Path) -> Iterator[tuple[FoundFolder, bool]]:
    """Each with whether it is read here; none lies within another."""
    whole: set[Path] = set()
    for level in walk(working):
        others = _TESTS if POSTGRES.isdisjoint(level.folders) else _TESTS | OTHER_DATABASES
        level.folders[:] = [name for name in level.folders if name not in others]
        if level.path.parent in whole and level.path != working:
            level.folders.clear()  # one of the migrations that are folders of their own, told by the first
            continue
        if _MIGRATIONS in level.folders and (_CONTRACTS in level.folders or PROJECT_FILE in level.files):
            name, path, is_read = "project", level.path, True
        elif not _OF_ONE_MIGRATION.isdisjoint(level.files) and level.path != working:
            path = level.path.parent
            whole.add(path)
            name, is_read = _read_as(path, None)
        elif _may_hold_migrations(level):
            path = level.path
            name, is_read = _read_as(path, level)
        else:
            continue
        if name:
            level.folders.clear()
            whole.add(path)
            yield FoundFolder(path=path, name=name), is_read


def _may_hold_migrations(level: Level) -> bool:
    called = level.path.absolute().name.lower().startswith(_CALLED)
    return called or not _MARKS.isdisjoint(level.files) or any(map(_NUMBERED.match, level.files))


def _read_as(path: Path, level: Level | None) -> tuple[str, bool]:
    """The layout, or the tool that is not read; nothing where it holds no migrations. Files of SQL that no tool is known
    of are migrations where their folder is called so, or most of them begin with digits."""
    folder = Folder(path=path, root=path)
    try:
        of_a_tool = layout_of_tool(folder)
        if of_a_tool and of_a_tool[0] not in (dump, psql):
            return of_a_tool[0].NAME, True
        tool = unread_tool(folder)
        if tool is not None:
            return tool.name, False
        scripts = [name for name in level.files if name.endswith(".sql")] if level else []
        name = path.absolute().name.lower()
        if level and name.startswith("migrat") and shows_any_folder(folder):
            return flat.NAME, True
        in_order = 2 * sum(script[0].isdigit() for script in scripts) > len(scripts) and not name.startswith("seed")
        if scripts and in_order and flat.recognises(folder):
            return flat.NAME, True
    except InputError:
        pass
    return "", False
