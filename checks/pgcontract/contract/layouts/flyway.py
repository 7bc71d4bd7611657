"""Flyway: `V<version>__<name>.sql`, `U<version>__<name>.sql`, which takes it back, and `R__<name>.sql`, in any depth.

As we understand it (Flyway's source and documentation): versions are numbers between `.` or `_`; repeatable scripts come
behind them, by their names, and again whenever they change; names such as `${name}` are replaced wherever they stand.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pgcontract.contract import flyway_history
from pgcontract.contract.flyway_names import FlywayFile, Kind, NotTaken, callback_place, read_name
from pgcontract.contract.flyway_scripts import FlywayScript, is_to_be_run, read_flyway_script
from pgcontract.contract.flyway_settings import OTHER_DATABASES, POSTGRES, FlywaySettings, read_settings
from pgcontract.contract.folder_issues import Refusal, ignored_issue, is_sql, refused_issue
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind, from_the_top
from pgcontract.contract.tool_evidence import rust_evidence, shows_another_tool
from pgcontract.contract.tool_history import Late, ToolHistory, is_true
from pgcontract.errors import InputError
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Severity

NAME: Final = "flyway"
SENTENCE: Final = "by version, each file in a transaction, repeatable ones last"
DEPLOY: Final = "flyway -locations={locations} migrate"
HISTORY: Final = ToolHistory(
    table="flyway_schema_history",
    columns=("version", "script", "type", "checksum", "success"),
    order="installed_rank",
    names=flyway_history.names,
    covers=flyway_history.covers,
    in_force=flyway_history.in_force,
    failed=lambda row: "" if is_true(row.get("success", "t")) else "Flyway calls it failed, and applies nothing more",
    agrees=flyway_history.agrees,
    late=Late.REFUSED,
    may_be_late=flyway_history.may_be_late,
    compares=True,
    misses=True,
)

_OUTSIDE: Final = "Move it to a file of its own, with executeInTransaction=false in <file>.conf beside it."
_OTHERS: Final = (".java", ".class", ".kt")
# From src/main/resources/db/migration up to where Maven and Gradle are started.
_LEVELS: Final = 5
_MAX_NAMED: Final = 5
_FIRST_DATE: Final = (1000,)  # versions from there on are years and days, of which any may be the first


def recognises(folder: Folder) -> str | None:
    """Files called so in it or, where it holds no others, in the folders in it; but not where a rollback script would
    take their version again. Those of Rust's refinery are called alike."""
    settings = read_settings(folder.parents(_LEVELS))
    endings = settings.sql_migration_suffixes
    files = folder.files(endings)
    if not files:
        places = (folder.path / place.relative_to(folder.place) for place in _inside(folder, settings))
        inner_folders = dict.fromkeys((*folder.folders(), *places))
        files = tuple(path for inner in inner_folders for path in _files_in(folder.below(inner), endings))
    if not files or any(path.name.endswith((".up.sql", ".down.sql")) for path in files):
        return None
    if shows_another_tool(folder) or rust_evidence(folder, "refinery"):
        return None
    named = (path.name for path in files if _is_named(path, settings))
    return next((f"holds {name}" for name in named), None)


def _files_in(folder: Folder, endings: tuple[str, ...]) -> tuple[Path, ...]:
    try:
        return folder.files(endings)
    except InputError:  # it is not said to be of Flyway, so that this is no mistake
        return ()


def _is_named(path: Path, settings: FlywaySettings) -> bool:
    file = read_name(path, settings)
    return isinstance(file, FlywayFile) and bool(file.description)


def read_folder(folder: Folder) -> FolderReading:
    """Every versioned script by its version, then every repeatable one by its name."""
    settings = read_settings(folder.parents(_LEVELS))
    paths = _files(folder, settings) if folder.only is None else (folder.only,)
    names = {path: read_name(path, settings) for path in paths if is_sql(path) or _has_suffix(path, settings)}
    taken = [file for file in names.values() if isinstance(file, FlywayFile)]
    files = _with_one_baseline([file for file in taken if is_to_be_run(folder, file.path)])
    ups = _in_order(files)
    if not ups and folder.only is not None and any(file.kind is Kind.UNDO for file in taken):
        raise InputError("is a rollback script; name the migration it belongs to", file=str(folder.only))
    if not ups:
        raise InputError("holds no migration; Flyway's are called V<version>__<name>.sql", file=str(folder.path))
    scripts = {file.path: read_flyway_script(folder, file.path, settings) for file in files}
    downs = {file.version: file for file in reversed(files) if file.kind is Kind.UNDO}
    migrations = tuple(_migration(folder, file, scripts, downs.get(file.version)) for file in ups)
    issues = [*_duplicates(folder, files), *_refused(migrations, scripts, settings), *_missing(migrations, scripts)]
    callbacks: list[Path] = []
    if folder.only is None:
        callbacks = _callbacks(path for path, name in names.items() if isinstance(name, NotTaken))
        names = {path: name for path, name in names.items() if path not in callbacks}
        issues += [*_not_taken(folder, names), *_not_run(folder, taken, files, ups), *_other_languages(folder, paths)]
    read = [(path, read_flyway_script(folder, path, settings)) for path in callbacks]
    for path, script in read:
        if script.missing:
            name = next(iter(script.missing))
            why = f"is a callback and was not run: the placeholder {name} has no value."
            issues.append(ignored_issue(folder, path, why, f"Give it with --set {name}=VALUE."))
    run = tuple(script.script for _, script in read if not script.missing)
    return FolderReading(
        migrations=migrations,
        issues=tuple(issues),
        assumptions=(*_environment(settings), *_other_schema(settings), *_other_folders(folder, settings, paths)),
        callbacks=run,
    )


def _other_schema(settings: FlywaySettings) -> Iterator[str]:
    if settings.default_schema != "public":
        yield (
            f"Flyway makes the schema {settings.default_schema}, as its settings say, and names without one are of it; "
            "here they are public's, and --setup FILE makes the schema."
        )


def _environment(settings: FlywaySettings) -> Iterator[str]:
    if settings.environment_is_guessed:
        yield (
            f"Of the environments in flyway.toml, {settings.environment} is taken, the first; --set NAME=VALUE gives "
            "what another has."
        )


def _callbacks(paths: Iterable[Path]) -> list[Path]:
    """The callbacks of a deploy, in the order in which Flyway runs them."""
    places = {path: place for path in paths if is_sql(path) and (place := callback_place(path)) is not None}
    return sorted(places, key=lambda path: (places[path], path.name))


def _other_folders(folder: Folder, settings: FlywaySettings, read: Collection[Path]) -> Iterator[str]:
    """What of the folder is not read, and what Flyway reads beside it."""
    if folder.only is not None:
        return
    others = {folder.name(path.parent) for path in _walked(folder) if path not in read and _has_suffix(path, settings)}
    if others:
        names = ", ".join(f"{name}/" for name in sorted(others)[:_MAX_NAMED])
        why = "the locations in Flyway's settings do not name it" if settings.locations else "it is another database's"
        yield f"Not read: {names}; {why}."
    around = [place for place in settings.locations if not _is_near(place, folder.place)]
    if around and len(around) < len(settings.locations):
        names = ", ".join(os.path.relpath(place) for place in around)
        yield f"Flyway's settings name {names} as well, which was not read: name a folder that holds both."


def _is_near(place: Path, other: Path) -> bool:
    return place.is_relative_to(other) or other.is_relative_to(place)


def _inside(folder: Folder, settings: FlywaySettings) -> tuple[Path, ...]:
    return tuple(place for place in settings.locations if place.is_relative_to(folder.place))


def _files(folder: Folder, settings: FlywaySettings) -> tuple[Path, ...]:
    """Those in the locations of the settings, where some are in the folder; else all but those of other databases beside
    PostgreSQL's."""
    if places := _inside(folder, settings):
        return tuple(path for path in _walked(folder) if any(map(from_the_top(path).is_relative_to, places)))
    return tuple(path for path in _walked(folder) if not _is_other_databases(folder, path))


def _is_other_databases(folder: Folder, path: Path) -> bool:
    """Whether it is in a folder called after another database, and beside that is one called after PostgreSQL."""
    return any(
        inner.name.lower() in OTHER_DATABASES and any((inner.parent / name).is_dir() for name in POSTGRES)
        for inner in path.parents
        if inner != folder.path and inner.is_relative_to(folder.path)
    )


def _walked(folder: Folder) -> Iterator[Path]:
    yield from folder.files("")
    for inner in folder.folders():
        if not inner.is_symlink():  # it may lead back to where it stands
            yield from _walked(folder.below(inner))


def _has_suffix(path: Path, settings: FlywaySettings) -> bool:
    return path.name.endswith(settings.sql_migration_suffixes)


def _with_one_baseline(files: Sequence[FlywayFile]) -> list[FlywayFile]:
    """The files with the last baseline that stands for versions of which none is there, as the first; else with none."""
    first = min((file.version for file in files if file.kind is Kind.VERSIONED), default=None)
    # Of the first version there can be, the versioned script is what was always run; before another, some are gone.
    gone = first is not None and (1,) < (first[0],) < _FIRST_DATE
    able = [
        file
        for file in files
        if file.kind is Kind.BASELINE and (first is None or gone or file.version < first or file.version == first > (1,))
    ]
    start = max(able, key=lambda file: file.version, default=None)
    return [
        file
        for file in files
        if (file.kind is not Kind.BASELINE or file is start)
        and (start is None or file.kind is not Kind.VERSIONED or file.version > start.version)
    ]


def _in_order(files: Sequence[FlywayFile]) -> list[FlywayFile]:
    """The ways up; of two files of one name in two folders, at which Flyway stops, the first."""
    once = {file.stem: file for file in reversed(files)}.values()
    versioned = [file for file in once if file.kind in (Kind.VERSIONED, Kind.BASELINE)]
    repeatable = [file for file in once if file.kind is Kind.REPEATABLE]
    versioned.sort(key=lambda file: (file.version, str(file.path)))
    repeatable.sort(key=lambda file: (file.description, str(file.path)))
    return versioned + repeatable


def _migration(
    folder: Folder, file: FlywayFile, scripts: Mapping[Path, FlywayScript], undo: FlywayFile | None
) -> Migration:
    up = scripts[file.path].script
    if file.kind is Kind.REPEATABLE:
        up = replace(up, execution=replace(up.execution, repeatable=True))
    if file.kind is not Kind.VERSIONED:
        undo = None
    return Migration(
        key=file.stem,
        display_name=file.shown,
        file=folder.name(file.path),
        up=up,
        down=scripts[undo.path].script if undo else None,
        outside_remedy=_OUTSIDE,
        down_remedy="Flyway takes no repeatable script back."
        if file.kind is Kind.REPEATABLE
        else f"Write U{file.path.name[1:]} beside it, which Flyway's paid editions run.",
    )


def _duplicates(folder: Folder, files: Sequence[FlywayFile]) -> Iterator[FolderIssue]:
    first: dict[tuple[Kind, tuple[int, ...], str], FlywayFile] = {}
    for file in files:
        repeatable = file.kind is Kind.REPEATABLE
        taken = first.setdefault((file.kind, file.version, file.description if repeatable else ""), file)
        if taken is not file:
            what = "name" if repeatable else f"version {file.shown}"
            yield FolderIssue(
                kind=IssueKind.DUPLICATE,
                subject=folder.name(file.path),
                summary=f"{folder.name(file.path)} has the {what} of {folder.name(taken.path)}, and Flyway runs nothing.",
                remedy=f"Give it a {what.split()[0]} of its own, unless it is applied somewhere; else the other.",
                severity=Severity.ERROR,
                key=file.stem,
                path=str(file.path),
            )


def _refused(
    migrations: Sequence[Migration], scripts: Mapping[Path, FlywayScript], settings: FlywaySettings
) -> Iterator[FolderIssue]:
    """Statements, and in one group files, of which some may be in a transaction and some not."""
    outside: Migration | None = None
    for migration in migrations:
        script = scripts[Path(migration.up.path)]
        if script.mixed is not None:
            refusal = Refusal(
                why="has statements that no transaction allows beside others, and Flyway stops at it",
                line=script.mixed.line,
                remedy="Give the statement a file of its own, or set flyway.mixed.",
            )
            yield refused_issue(migration.file, migration.key, migration.up.path, refusal)
        if not script.in_transaction:
            outside = outside or migration
    if settings.group and not settings.mixed and outside and any(map(_is_in_transaction, migrations)):
        refusal = Refusal(
            why="runs outside of a transaction, and Flyway stops where others are pending that are one group",
            line=1,
            remedy="Deploy it alone, or set flyway.mixed.",
        )
        yield refused_issue(outside.file, outside.key, outside.up.path, refusal, severity=Severity.WARNING)


def _is_in_transaction(migration: Migration) -> bool:
    return migration.up.execution.transaction is not TransactionScope.MESSAGE


def _missing(migrations: Sequence[Migration], scripts: Mapping[Path, FlywayScript]) -> Iterator[FolderIssue]:
    """One for each name, at its first place."""
    reported: set[str] = set()
    for migration in migrations:
        for script in filter(None, (migration.up, migration.down)):
            for name, line in scripts[Path(script.path)].missing.items():
                if name.lower() in reported:
                    continue
                reported.add(name.lower())
                yield FolderIssue(
                    kind=IssueKind.PLACEHOLDER,
                    subject=name,
                    summary=f"The placeholder {name} has no value, and Flyway stops there; it was sent as it is.",
                    remedy=f"Give it with --set {name}=VALUE.",
                    severity=Severity.ERROR,
                    key=migration.key,
                    path=script.path,
                    line=line,
                )


def _not_taken(folder: Folder, names: Mapping[Path, FlywayFile | NotTaken]) -> Iterator[FolderIssue]:
    for path, name in names.items():
        if isinstance(name, NotTaken):
            issue = ignored_issue(folder, path, name.why, name.remedy)
            kind = IssueKind.REFUSED if name.severity is Severity.ERROR else IssueKind.IGNORED
            yield replace(issue, kind=kind, severity=name.severity)


def _not_run(
    folder: Folder, taken: Sequence[FlywayFile], files: Sequence[FlywayFile], ups: Sequence[FlywayFile]
) -> Iterator[FolderIssue]:
    for file in taken:
        if file.kind is Kind.BASELINE and file not in files:
            why = "is a baseline, run in the place of earlier versions where nothing is applied; those were replayed."
            yield replace(ignored_issue(folder, file.path, why, "Nothing, where it makes what they make."), severity=None)
        elif file not in files and any(other.kind is Kind.BASELINE and other.version >= file.version for other in files):
            why = "is not run where nothing is applied: the baseline of its version, or a later one, stands in its place."
            yield replace(
                ignored_issue(folder, file.path, why, "Nothing, where that makes what it makes."), severity=None
            )
        elif file not in files:
            why = "is passed over: its own settings have shouldExecute=false."
            yield ignored_issue(folder, file.path, why, f"Remove that from {file.path.name}.conf.")
    versions = {file.version for file in ups}
    for file in files:
        if file.kind is Kind.UNDO and file.version not in versions:
            why = f"takes back the version {file.shown}, and there is none."
            yield ignored_issue(folder, file.path, why, "Remove it, or give it the version of its migration.")


def _other_languages(folder: Folder, paths: Iterable[Path]) -> Iterator[FolderIssue]:
    for path in paths:
        if path.name.startswith(("V", "R")) and "__" in path.name and path.suffix in _OTHERS:
            yield ignored_issue(
                folder,
                path,
                "is a migration in code, which Flyway runs in its place among the others; it was not replayed.",
                "Give what it does to the schema with --setup FILE, or write it as SQL.",
            )
