"""The files of a folder of migrations that its configuration leaves out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pgcontract.contract.configuration import Configuration
from pgcontract.contract.folder_walk import walk
from pgcontract.contract.layouts import Layout, read_what_is_sql
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind, from_the_top
from pgcontract.contract.tool_history import history_of
from pgcontract.errors import InputError
from pgcontract.model.wording import first_of
from pgcontract.result import Severity
from pgcontract.values import dataclass

KEY: Final = "leave_out"
_MAX_NAMES: Final = 5


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """The paths, a folder among them where all of its files are, and a sentence for each glob."""

    paths: frozenset[Path] = frozenset()
    sentences: tuple[str, ...] = ()


def left_out(folder: Path, configuration: Configuration) -> LeftOut:
    """What is left out of a folder. Raises ContractError for a glob that leads out of its file's folder, or matches
    nothing below that."""
    file = configuration.file_of(KEY)
    if file is None:
        return LeftOut()
    matched, paths = _matched(folder, from_the_top(file.path.parent), configuration.spec.leave_out)
    require_globs(configuration, matching=[at for at, files in matched.items() if files])
    return LeftOut(paths=frozenset(paths), sentences=tuple(_sentences(folder, matched, configuration)))


def require_globs(configuration: Configuration, *, matching: Collection[int] = ()) -> None:
    """Raises ContractError for a glob that leads out of its file's folder, or matches nothing below that; those of these
    numbers do."""
    file = configuration.file_of(KEY)
    if file is None:
        return
    base = from_the_top(file.path.parent)
    for at, glob in enumerate(configuration.spec.leave_out):
        if not glob or glob.startswith("/") or ".." in glob.split("/"):
            configuration.raise_mistake((KEY, at), f"{glob!r} is no path below {base}; write one as from there")
        if at not in matching and not _is_anywhere(base, glob):
            hint = "write / for \\" if "\\" in glob else "correct it, or remove it"
            configuration.raise_mistake((KEY, at), f"{glob!r} matches no file below {base}; {hint}")


def left_out_migrations(
    folder: Folder, layout: Layout, reading: FolderReading, configuration: Configuration
) -> Iterator[FolderIssue]:
    """What the folder's own tool runs all the same, for it does not read our configuration."""
    if not folder.left_out or not history_of(layout).table:
        return
    try:
        whole = read_what_is_sql(layout, replace(folder, left_out=frozenset(), _openings={}, _answers={}))
    except InputError:
        return  # with those files it is no folder of its tool's
    read = {migration.key for migration in reading.migrations}
    for migration in whole.migrations:
        if migration.key not in read and _is_left_out(Path(migration.up.path), folder):
            yield FolderIssue(
                kind=IssueKind.IGNORED,
                subject=migration.file,
                summary=f"{migration.file} is left out by {configuration.origin(KEY)}, and {layout.NAME} runs it: "
                "nothing here says what it does.",
                remedy=f"Take it out of {KEY}; or move the file to where {layout.NAME} does not look.",
                severity=Severity.WARNING,
                path=migration.up.path,
            )


def _is_left_out(path: Path, folder: Folder) -> bool:
    """Whether the file, or a folder that it lies in, is left out."""
    return not folder.left_out.isdisjoint((path, *path.parents))


def paths_left_out(folder: Path, configuration: Configuration) -> frozenset[Path]:
    """The paths alone, whatever else the globs say."""
    file = configuration.file_of(KEY)
    if file is None:
        return frozenset()
    return frozenset(_matched(folder, from_the_top(file.path.parent), configuration.spec.leave_out)[1])


def _matched(folder: Path, base: Path, globs: Sequence[str]) -> tuple[dict[int, list[Path]], set[Path]]:
    """The files by the glob's number, and all that is left out, folders too."""
    matched: dict[int, list[Path]] = {at: [] for at in range(len(globs))}
    paths: set[Path] = set()
    levels = list(walk(folder))
    for level in levels:
        for name in level.files:
            place = from_the_top(level.path / name).relative_to(base).parts
            for at, glob in enumerate(globs):
                if matches(glob, place):
                    matched[at].append(level.path / name)
                    paths.add(level.path / name)
    for level in reversed(levels):
        inner = [level.path / name for name in (*level.files, *level.folders)]
        if inner and level.path != folder and all(path in paths for path in inner):
            paths.add(level.path)
    return matched, paths


def _sentences(folder: Path, matched: dict[int, list[Path]], configuration: Configuration) -> Iterator[str]:
    for at, paths in matched.items():
        if paths:
            names = [path.relative_to(folder).as_posix() for path in paths]
            counted = f"{len(names)} file{'s' * (len(names) != 1)} left out by {configuration.origin(KEY, at)}"
            yield f"{counted}: {first_of(names, _MAX_NAMES)}."


def _is_anywhere(base: Path, glob: str) -> bool:
    return any(matches(glob, (level.path / name).relative_to(base).parts) for level in walk(base) for name in level.files)


def matches(glob: str, place: tuple[str, ...]) -> bool:
    """Whether a glob names a file, or a folder that it lies in, by its path from the configuration's folder."""
    parts = tuple(part for part in glob.split("/") if part)
    if len(parts) == 1 and not glob.startswith("./"):
        return any(fnmatchcase(name, parts[0]) for name in place)
    return _leads_to(tuple(part for part in parts if part != "."), place)


def _leads_to(parts: tuple[str, ...], place: tuple[str, ...]) -> bool:
    if not parts:
        return True
    if parts[0] == "**":
        return any(_leads_to(parts[1:], place[at:]) for at in range(len(place) + 1))
    return bool(place) and fnmatchcase(place[0], parts[0]) and _leads_to(parts[1:], place[1:])
