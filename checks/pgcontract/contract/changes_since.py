"""What of a folder of migrations has changed since a commit: read then and now by the same tool's rules, and compared."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from pgcontract.contract.configuration import Configuration
from pgcontract.contract.earlier_gate import EarlierGate
from pgcontract.contract.folder_of_commit import FolderCopy, real_path
from pgcontract.contract.git_revision import Revision, find_revision, is_file
from pgcontract.contract.layouts import Layout
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.contract.supabase_config import config_places
from pgcontract.errors import InputError
from pgcontract.model.sql import Script
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The migrations of a commit: `migrations` as its tool reads them, in its order, and `differing` the files that are
    otherwise now, by their path here, the gone and the new among them. `unread` says why they could not be read.
    `ignored` are files that git passes over: they are taken for what was there. `merged` is the folder with what `ref`
    has got since, where that is something. As they were: `texts`, what differs and may be a contract or claims; the
    `configuration`, None where nobody could read it; the `baseline`, None where git passes over it; and `supabase`, the
    config.toml of a Supabase project with its path, where that is otherwise now."""

    ref: str
    commit: str
    migrations: tuple[Migration, ...] = ()
    differing: frozenset[Path] = frozenset()
    ignored: tuple[Path, ...] = ()
    unread: str = ""
    merged: FolderReading | None = None
    texts: Mapping[Path, str] = field(default_factory=dict)
    configuration: Configuration | None = None
    baseline: str | None = None
    supabase: tuple[Path, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is otherwise than at the commit, by key, in the chain's order.

    `added` are new; `edited` have other statements, or are run otherwise, those of them `by_settings` whose file is as it
    was; `reworded` only other comments; `renamed` give the key of then by that of now, `of_another_version` those of them
    that a tool which goes by versions takes for new; `moved` stand elsewhere among those that were there; `gone` are the
    migrations that are there no more.
    `of_way_back` have another way back, `of_contract` another contract or other claims.
    """

    added: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    by_settings: frozenset[str] = frozenset()
    reworded: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    of_another_version: frozenset[str] = frozenset()
    moved: tuple[str, ...] = ()
    gone: tuple[Migration, ...] = ()
    of_way_back: tuple[str, ...] = ()
    of_contract: tuple[str, ...] = ()

    @cached_property
    def scripts(self) -> frozenset[str]:
        """Those of which the way up is not what it was."""
        return frozenset((*self.added, *self.edited, *self.renamed, *self.moved))

    @cached_property
    def every(self) -> frozenset[str]:
        """All of which anything changed."""
        return self.scripts | {*self.reworded, *self.of_way_back, *self.of_contract}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is judged whole: the `changes` since the `commit` at which the work left `ref`. `sentences` tell what else
    there is to know of how the two were compared; `gate` is what asked more then."""

    ref: str
    commit: str
    changes: Changes
    gate: EarlierGate = field(default_factory=EarlierGate)
    sentences: tuple[str, ...] = ()


def read_earlier(
    folder: Folder, layout: Layout, ref: str, *, included: Iterable[Path] = (), baseline: Path | None = None
) -> Earlier:
    """The folder as it was where the work in it left `ref`. Raises InputError where git does not know."""
    revision = find_revision(folder.root, ref).following(folder.root)
    needed = frozenset(map(real_path, included))
    with TemporaryDirectory(prefix="pgcontract-since-") as temporary:
        copy = FolderCopy(folder, revision, Path(temporary), needed)
        copy.write()
        reading, unread = FolderReading(migrations=()), ""
        configuration = copy.configuration()
        try:
            reading = copy.read_by(layout)
        except InputError as error:
            unread = error.message
        except OSError as error:
            unread = str(error.strerror)
    return Earlier(
        ref=ref,
        commit=revision.commit,
        migrations=reading.migrations,
        differing=frozenset(copy.differing),
        ignored=tuple(sorted(copy.ignored)),
        unread=unread,
        merged=_read_merged(folder, layout, revision, needed, copy.differing),
        texts=copy.texts,
        configuration=configuration,
        baseline=_text_then(revision, baseline) if baseline is not None else None,
        supabase=_supabase_then(folder, revision),
    )


def _supabase_then(folder: Folder, revision: Revision) -> tuple[Path, str] | None:
    """The nearest that the commit has, where it is otherwise now, or gone."""
    top = revision.top.resolve()
    below = {path: real_path(path) for path in config_places(folder)}
    inside = {
        path: PurePosixPath(here.relative_to(top).as_posix()) for path, here in below.items() if here.is_relative_to(top)
    }
    if folder.only is not None or not inside or not revision.entries(*inside.values()):
        return None
    differing = revision.differing(*inside.values())
    for path, place in inside.items():
        if place in differing and (text := _text_then(revision, path)) is not None and text:
            return path, text
        if folder.has(path):
            return None
    return None


def _text_then(revision: Revision, path: Path) -> str | None:
    """A file as it was, nothing where it was not there; None where it is out of the repository, or passed over there."""
    top, here = revision.top.resolve(), real_path(path)
    if not here.is_relative_to(top):
        return None
    below = PurePosixPath(here.relative_to(top).as_posix())
    entry = next((entry for entry in revision.entries(below) if entry.path == below and is_file(entry)), None)
    if entry is not None:
        return revision.contents(entry).decode("utf-8-sig", errors="replace")
    return None if below in revision.ignored(below) else ""


def _read_merged(
    folder: Folder, layout: Layout, revision: Revision, included: frozenset[Path], differing: Iterable[Path]
) -> FolderReading | None:
    """The folder as it will be once the work is merged into what `ref` has got meanwhile; None where that is nothing, or
    cannot be read: then git itself has something to say."""
    below = PurePosixPath(os.path.relpath(folder.path.resolve(), revision.top.resolve()))
    if below.parts[:1] == ("..",) or not revision.came_since(below):
        return None
    with TemporaryDirectory(prefix="pgcontract-merged-") as temporary, suppress(InputError, OSError):
        copy = FolderCopy(folder, replace(revision, commit=revision.tip), Path(temporary), included)
        copy.write()
        copy.take(differing)
        return copy.read_by(layout)
    return None


def find_changes(now: Sequence[Migration], earlier: Earlier, *, blanks: bool = True) -> Changes:
    """What has changed, by `blanks` too; where the commit's folder could not be read, everything."""
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
        if not _same_statements(here[key].up, old.up) or here[key].up.execution != old.up.execution:
            edited.append(key)
        elif _plain(here[key].up, blanks=blanks) != _plain(old.up, blanks=blanks):
            reworded.append(key)
        if not _same_way_back(here[key].down, old.down, blanks=blanks):
            ways_back.append(key)
    for migration in now:
        files = migration.contract.files if migration.contract else ()
        places = (place for file in files for place in (real_path(Path(file.path)), Path(file.path).resolve()))
        if not earlier.differing.isdisjoint(places):
            contracts.append(migration.key)
    kept = {old.key for old in before.values()}
    order = {old.key: number for number, old in enumerate(earlier.migrations)}
    return Changes(
        added=tuple(key for key in here if key not in before),
        edited=tuple(edited),
        by_settings=frozenset(key for key in edited if _is_the_same_file(here[key].up, before[key].up)),
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
    if not (script.parsed and old.parsed):
        return _plain(script) == _plain(old)
    return [_as_compared(each) for each in script.statements] == [_as_compared(each) for each in old.statements]


def _is_the_same_file(script: Script, old: Script) -> bool:
    """Whether the file itself is as it was, and nothing that it includes is otherwise."""
    return script.sha256 == old.sha256 and all(passage.path == script.path for passage in script.passages)


def _as_compared(statement: object) -> tuple[object, ...]:
    return tuple(getattr(statement, name, None) for name in ("text", "copy_rows", "same_message"))


def _same_way_back(script: Script | None, old: Script | None, *, blanks: bool) -> bool:
    if script is None or old is None:
        return script is old
    return _plain(script, blanks=blanks) == _plain(old, blanks=blanks) and script.execution == old.execution


def _plain(script: Script, *, blanks: bool = True) -> str:
    """Its text whatever its line ends are: a checkout may write others."""
    text = script.text.replace("\r\n", "\n").removeprefix("\ufeff")
    return text if blanks else " ".join(text.split())


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
