"""A folder of migrations as a commit has it, written beside to be read by the same layout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from pgcontract.contract.configuration import PROJECT_FILE, PYPROJECT, Configuration, read_configuration
from pgcontract.contract.contract_files import CLAIMS_FILE, CONTRACT_FILE
from pgcontract.contract.git_revision import Revision, is_file, is_link, is_submodule
from pgcontract.contract.layouts import Layout, read_what_is_sql
from pgcontract.contract.left_out import paths_left_out
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.errors import InputError

_INCLUDED: Final = (".sql", ".psql", ".pgsql", ".ddl", ".txt")
_LEVELS: Final = 4  # a tool's settings stand up to three folders above the migrations
_SETTINGS: Final = ("conf", "supabase")  # folders beside them
_COPIED: Final = (PROJECT_FILE, PYPROJECT)  # a link that leads out is not read


class FolderCopy:
    """The folder's project as the commit had it, in a folder of its own, below folders that are called as the real ones:
    by these a tool tells what it reads. Settings that stand above are those of then too; what git does not know of, as a
    file of secrets, is that of now, in a link."""

    def __init__(self, folder: Folder, revision: Revision, temporary: Path, included: frozenset[Path]) -> None:
        self._folder = folder
        self._top = revision
        self._real_root = folder.root.resolve()
        self._real_path = folder.path.resolve()
        self._included = included
        names = folder.place.parts[-_levels(folder, revision) :] if folder.place.parts[1:] else ()
        self._temporary = temporary
        self._place = temporary.joinpath(*(name for name in names if name != os.sep))
        self.root = self.place_of(folder.root)
        self.differing: set[Path] = set()
        self.ignored: set[Path] = set()
        self.texts: dict[Path, str] = {}  # what differs and may be a contract or claims, as it was

    def place_of(self, path: Path) -> Path:
        """Where a file or folder of the project stands in the copy."""
        return Path(os.path.normpath(self._place / os.path.relpath(path.resolve(), self._real_path)))

    def read_by(self, layout: Layout) -> FolderReading:
        """What the layout makes of it, without what its configuration left out then. Raises InputError and OSError."""
        then = replace(
            self._folder,
            path=self.place_of(self._folder.path),
            root=self.root,
            start=self.place_of(Path()),
            only=None,
            _openings={},
            _answers={},
        )
        if self._folder.only is not None:
            then = replace(then, only=self.place_of(self._folder.only))
        if not then.path.is_dir() or (then.only is not None and not then.only.exists()):
            return FolderReading(migrations=())
        then = replace(then, left_out=_left_out(then.path) if then.only is None else frozenset())
        try:
            return read_what_is_sql(layout, then)
        except InputError:
            if any(then.path.iterdir()):
                raise
            return FolderReading(migrations=())

    def configuration(self) -> Configuration | None:
        """What was configured then, where that can be read."""
        place = self.place_of(self._folder.path)
        with suppress(InputError):
            return read_configuration(place) if place.is_dir() else Configuration()
        return None

    def take(self, paths: Iterable[Path]) -> None:
        """Put what the working tree has in the place of what the commit had, below the folder."""
        for path in paths:
            if not path.is_relative_to(self._real_path) or path.is_symlink():
                continue
            if path.is_file():
                shutil.copyfile(path, self._make_room(path))
            else:
                self.place_of(path).unlink(missing_ok=True)

    def write(self) -> None:
        self._place.mkdir(parents=True)
        self.root.mkdir(parents=True, exist_ok=True)
        self._write(self._top, PurePosixPath(os.path.relpath(self._real_root, self._top.top.resolve())))
        self._link_settings()

    def _write(self, revision: Revision, below: PurePosixPath) -> None:
        top = revision.top.resolve()
        differing = revision.differing(below)
        self.differing |= {top / path for path in differing}
        inside = self._real_path.relative_to(top) if self._real_path.is_relative_to(top) else None
        mine = PurePosixPath(inside.as_posix()) if inside is not None else below
        entries = revision.entries(below)
        there = {entry.path for entry in entries}
        self._keep_ignored(revision, mine if mine.is_relative_to(below) else below, there)
        links = []
        for entry in entries:
            here = top / entry.path
            if is_submodule(entry):
                if (here / ".git").exists():
                    self._write(revision.submodule(entry), PurePosixPath("."))
                continue
            is_other = is_link(entry) or entry.path in differing or not here.is_file() or here.is_symlink()
            may_promise = entry.path in differing and is_file(entry) and here.suffix == ".toml"  # or a link leads to it
            was = revision.contents(entry) if may_promise or (is_other and self._is_needed(here)) else b""
            if may_promise:
                self.texts[here] = was.decode("utf-8-sig", errors="replace")
            if not self._is_needed(here):
                continue
            if is_link(entry):
                links.append((here, os.fsdecode(was)))
            elif is_other:
                self._make_room(here).write_bytes(was)
            else:
                shutil.copyfile(here, self._make_room(here))
        for here, target in links:
            with suppress(OSError):
                self._make_room(here).symlink_to(target)

    def _keep_ignored(self, revision: Revision, below: PurePosixPath, there: Collection[PurePosixPath]) -> None:
        for path in revision.ignored(below).difference(there):
            here = revision.top.resolve() / path
            if here.is_file() and not here.is_symlink() and here.suffix == ".sql":
                shutil.copyfile(here, self._make_room(here))
                self.ignored.add(here)

    def _make_room(self, here: Path) -> Path:
        place = Path(os.path.normpath(self._place / os.path.relpath(here, self._real_path)))
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _is_needed(self, here: Path) -> bool:
        if here.is_relative_to(self._real_path):
            return True
        return here.suffix.lower() in _INCLUDED or here in self._included

    def _link_settings(self) -> None:
        """Of the folders above the migrations, and of the project's own folder, the files that are no SQL."""
        real, place = self._folder.place.parent, self._place.parent
        linked: dict[Path, Path] = {}  # from the top, and where they stand in the copy
        while place.is_relative_to(self._temporary):
            for folder in (real, *(real / name for name in _SETTINGS)):
                with suppress(OSError):
                    for entry in os.scandir(folder):
                        if entry.is_file() and not entry.name.endswith(".sql") and entry.name != ".git":
                            linked[real_path(Path(entry.path))] = place / os.path.relpath(entry.path, real)
            real, place = real.parent, place.parent
        for path, at in linked.items():
            with suppress(OSError):
                at.parent.mkdir(exist_ok=True)
                if path.name in _COPIED:
                    shutil.copyfile(path, at)
                else:
                    at.symlink_to(path)
        self._take_settings_back(linked)
        top = self._top.top.resolve()
        if self._real_path.is_relative_to(top) and self.place_of(top).is_dir():
            (self.place_of(top) / ".git").mkdir(exist_ok=True)  # no configuration is looked for above it

    def _take_settings_back(self, linked: dict[Path, Path]) -> None:
        """What of the settings is otherwise than at the commit, as it was then."""
        top = self._top.top.resolve()
        folders = {path.parent: at.parent for path, at in linked.items() if path.is_relative_to(top)}
        below = [PurePosixPath(folder.relative_to(top).as_posix()) for folder in folders]
        then = {entry.path: entry for entry in self._top.files_in(below)} if below else {}
        now = {PurePosixPath(path.relative_to(top).as_posix()) for path in linked if path.is_relative_to(top)}
        settings = {path for path, entry in then.items() if is_file(entry) and path.suffix != ".sql"} | now
        for path in self._top.differing(*sorted(settings)) if settings else ():
            at = folders[(top / path).parent] / path.name
            if at.is_symlink() or (top / path) in linked:
                at.unlink(missing_ok=True)
            entry = then.get(path)
            if entry is not None and is_file(entry) and not at.exists():
                at.write_bytes(self._top.contents(entry))


def is_of_contract(path: Path) -> bool:
    return path.name != PROJECT_FILE and path.name.endswith((CONTRACT_FILE, CLAIMS_FILE))


def _left_out(folder: Path) -> frozenset[Path]:
    """What the configuration of then leaves out; what cannot be read leaves out nothing."""
    try:
        return paths_left_out(folder, read_configuration(folder))
    except InputError:
        return frozenset()


def _levels(folder: Folder, revision: Revision) -> int:
    """How many of the folders above are called as they are: as many as a tool looks into, and as its repository has."""
    top = revision.top.resolve()
    inside = len(folder.place.relative_to(top).parts) + 1 if folder.place.is_relative_to(top) else 0
    return max(_LEVELS, inside)


def real_path(path: Path) -> Path:
    """From the top, links of the folders above followed: as git names its files."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - the file itself may be a link
    return whole.parent.resolve() / whole.name
