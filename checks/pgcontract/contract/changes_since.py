"""What of a folder of migrations has changed since a commit: read then and now by the same tool's rules, and compared."""

from __future__ import annotations

import os
import shutil
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from pgcontract.contract.git_revision import Revision, find_revision, is_link, is_submodule
from pgcontract.contract.layouts import Layout
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.errors import InputError, UnreadableScript
from pgcontract.model.sql import Script

_INCLUDED: Final = (".sql", ".psql", ".pgsql", ".ddl", ".txt")
_LEVELS: Final = 4  # a tool's settings stand up to three folders above the migrations
_SETTINGS: Final = ("conf", "supabase")  # folders beside them


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The migrations of a commit: `migrations` as its tool reads them, in its order, and `differing` the files that are
    otherwise now, by their path here, the gone and the new among them. `unread` says why they could not be read.
    `ignored` are files that git passes over: they are taken for what was there."""

    ref: str
    commit: str
    migrations: tuple[Migration, ...] = ()
    differing: frozenset[Path] = frozenset()
    ignored: tuple[Path, ...] = ()
    unread: str = ""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is otherwise than at the commit, by key, in the chain's order.

    `added` are new, `edited` have other statements, `reworded` only other comments; `renamed` give the key of then by
    that of now, `of_another_version` those of them that a tool which goes by versions takes for new; `moved` stand
    elsewhere among those that were there; `gone` are the migrations that are there no more.
    `of_way_back` have another way back, `of_contract` another contract or other claims.
    """

    added: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    reworded: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    of_another_version: frozenset[str] = frozenset()
    moved: tuple[str, ...] = ()
    gone: tuple[Migration, ...] = ()
    of_way_back: tuple[str, ...] = ()
    of_contract: tuple[str, ...] = ()

    @property
    def scripts(self) -> frozenset[str]:
        """Those of which the way up is not what it was."""
        return frozenset((*self.added, *self.edited, *self.renamed, *self.moved))

    @property
    def every(self) -> frozenset[str]:
        """All of which anything changed."""
        return self.scripts | {*self.reworded, *self.of_way_back, *self.of_contract}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is judged whole: the `changes` since the `commit` at which the work left `ref`. `sentences` tell what else
    there is to know of how the two were compared."""

    ref: str
    commit: str
    changes: Changes
    sentences: tuple[str, ...] = ()


def read_earlier(folder: Folder, layout: Layout, ref: str, *, included: Iterable[Path] = ()) -> Earlier:
    """The folder as it was where the work in it left `ref`. Raises InputError where git does not know."""
    revision = find_revision(folder.root, ref)
    with TemporaryDirectory(prefix="pgcontract-since-") as temporary:
        copy = _Copy(folder, revision, Path(temporary), frozenset(map(_real, included)))
        copy.write()
        then = replace(
            folder,
            path=copy.place_of(folder.path),
            root=copy.root,
            start=copy.place_of(Path()),
            only=None,
            _openings={},
            _answers={},
        )
        if folder.only is not None:
            then = replace(then, only=copy.place_of(folder.only))
        nothing = not then.path.is_dir() or (then.only is not None and not then.only.exists())
        reading, unread = FolderReading(migrations=()), ""
        try:
            reading = reading if nothing else _read_what_is_sql(layout, then)
        except InputError as error:
            unread = "" if not any(then.path.iterdir()) else error.message
        except OSError as error:
            unread = str(error.strerror)
        return Earlier(
            ref=ref,
            commit=revision.commit,
            migrations=reading.migrations,
            differing=frozenset(copy.differing),
            ignored=tuple(sorted(copy.ignored)),
            unread=unread,
        )


def _read_what_is_sql(layout: Layout, folder: Folder) -> FolderReading:
    """As a folder is read now, where a file that is no SQL stops no other."""
    while True:
        try:
            return layout.read_folder(folder)
        except UnreadableScript as error:
            path = Path(error.file or "")
            if folder.only is not None or path in folder.unreadable:
                raise
            folder = replace(folder, unreadable=folder.unreadable | {path}, _openings={}, _answers={})


def find_changes(now: Sequence[Migration], earlier: Earlier) -> Changes:
    """What has changed; where the commit's folder could not be read, everything."""
    if earlier.unread:
        return Changes(added=tuple(migration.key for migration in now))
    then = {migration.key: migration for migration in earlier.migrations}
    here = {migration.key: migration for migration in now}
    renamed = _renamed(
        [each for each in now if each.key not in then], [each for each in then.values() if each.key not in here]
    )
    before = {key: then[renamed.get(key, key)] for key in here if renamed.get(key, key) in then}
    edited, reworded, ways_back, contracts = [], [], [], []
    for key, old in before.items():
        if not _same_statements(here[key].up, old.up):
            edited.append(key)
        elif _plain(here[key].up) != _plain(old.up):
            reworded.append(key)
        if not _same_way_back(here[key].down, old.down):
            ways_back.append(key)
    for migration in now:
        files = migration.contract.files if migration.contract else ()
        if any(_real(Path(file.path)) in earlier.differing for file in files):
            contracts.append(migration.key)
    kept = {old.key for old in before.values()}
    order = {old.key: number for number, old in enumerate(earlier.migrations)}
    return Changes(
        added=tuple(key for key in here if key not in before),
        edited=tuple(edited),
        reworded=tuple(reworded),
        renamed=renamed,
        of_another_version=frozenset(
            key for key, old in renamed.items() if here[key].display_name != then[old].display_name
        ),
        moved=_moved([(key, order[old.key]) for key, old in before.items()]),
        gone=tuple(old for old in earlier.migrations if old.key not in kept),
        of_way_back=tuple(ways_back),
        of_contract=tuple(contracts),
    )


def _renamed(added: Sequence[Migration], gone: Sequence[Migration]) -> dict[str, str]:
    """The keys of then by those of now: of the same contents, else of the same version. Each is taken once."""
    left = {old.key: old for old in gone}
    found: dict[str, str] = {}
    for alike in (_same_script, _same_version):
        for migration in added:
            if migration.key in found:
                continue
            old = next((old for old in left.values() if alike(migration, old)), None)
            if old is not None:
                found[migration.key] = old.key
                del left[old.key]
    return found


def _same_script(migration: Migration, old: Migration) -> bool:
    return bool(_plain(old.up).strip()) and _plain(migration.up) == _plain(old.up)


def _same_version(migration: Migration, old: Migration) -> bool:
    return migration.display_name == old.display_name and not migration.up.execution.repeatable


def _same_statements(script: Script, old: Script) -> bool:
    if _plain(script) == _plain(old):
        return True
    if not (script.parsed and old.parsed):
        return False
    return [_told(each) for each in script.statements] == [_told(each) for each in old.statements]


def _told(statement: object) -> tuple[object, ...]:
    return tuple(getattr(statement, name, None) for name in ("text", "copy_rows", "same_message"))


def _same_way_back(script: Script | None, old: Script | None) -> bool:
    if script is None or old is None:
        return script is old
    return _plain(script) == _plain(old)


def _plain(script: Script) -> str:
    """Its text whatever its line ends are: a checkout may write others."""
    return script.text.replace("\r\n", "\n").removeprefix("\ufeff")


def _moved(places: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """The fewest that must have moved: those outside of the longest run whose old places go up."""
    runs: list[tuple[int, ...]] = []  # of each length the one that ends lowest
    ends: list[int] = []
    for number, (_, place) in enumerate(places):
        length = bisect_left(ends, place)
        run = (*(runs[length - 1] if length else ()), number)
        runs[length:] = [run, *runs[length + 1 :]]
        ends[length:] = [place, *ends[length + 1 :]]
    stayed = frozenset(runs[-1] if runs else ())
    return tuple(key for number, (key, _) in enumerate(places) if number not in stayed)


def _real(path: Path) -> Path:
    """From the top, links of the folders above followed: as git names its files."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - the file itself may be a link
    return whole.parent.resolve() / whole.name


class _Copy:
    """The folder's project as the commit had it, in a folder of its own, below folders that are called as the real ones:
    by these a tool tells what it reads. Settings that stand above are those of now, in a link."""

    def __init__(self, folder: Folder, revision: Revision, temporary: Path, included: frozenset[Path]) -> None:
        self._folder = folder
        self._top = revision
        self._real_root = folder.root.resolve()
        self._real_path = folder.path.resolve()
        self._included = included
        names = folder.place.parts[-_LEVELS:] if folder.place.parts[1:] else ()
        self._temporary = temporary
        self._place = temporary.joinpath(*(name for name in names if name != os.sep))
        self.root = self.place_of(folder.root)
        self.differing: set[Path] = set()
        self.ignored: set[Path] = set()

    def place_of(self, path: Path) -> Path:
        """Where a file or folder of the project stands in the copy."""
        return Path(os.path.normpath(self._place / os.path.relpath(path.resolve(), self._real_path)))

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
        self._keep_ignored(revision, mine if mine.is_relative_to(below) else below)
        links = []
        for entry in revision.entries(below):
            here = top / entry.path
            if is_submodule(entry):
                if (here / ".git").exists():
                    self._write(revision.submodule(entry), PurePosixPath("."))
                continue
            if not self._is_needed(here):
                continue
            if is_link(entry):
                links.append((here, os.fsdecode(revision.contents(entry))))
                continue
            place = self._make_room(here)
            if entry.path in differing or not here.is_file() or here.is_symlink():
                place.write_bytes(revision.contents(entry))
            else:
                shutil.copyfile(here, place)
        for here, target in links:
            with suppress(OSError):
                self._make_room(here).symlink_to(target)

    def _keep_ignored(self, revision: Revision, below: PurePosixPath) -> None:
        for path in revision.ignored(below):
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
        while place.is_relative_to(self._temporary):
            with suppress(OSError):
                for entry in os.scandir(real):
                    if (entry.is_file() and not entry.name.endswith(".sql")) or entry.name in _SETTINGS:
                        with suppress(OSError):
                            (place / entry.name).symlink_to(entry.path)
            real, place = real.parent, place.parent
