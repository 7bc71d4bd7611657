"""Liquibase: changesets of formatted SQL (`--liquibase formatted sql`, `--changeset author:id`), as a changelog has them.

Tried with Liquibase 4.27: file by file as the changelog in XML, YAML or JSON includes them, or by name where none is
there; each changeset in a transaction of its own, with its record, unless it says runInTransaction:false, and statement
by statement unless it says splitStatements:false.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import ignored_issue, own_key, unread_folders
from pgcontract.contract.liquibase_changelogs import PRINTED, changelog_of, read_changelog
from pgcontract.contract.liquibase_changesets import Changeset, changesets, is_formatted, whole_file
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.errors import InputError
from pgcontract.result import Severity

NAME: Final = "liquibase"
SENTENCE: Final = "changeset by changeset, each in a transaction but where it says runInTransaction:false"
DEPLOY: Final = "liquibase update"
BACK: Final = "liquibase rollback-count --count=1"
HISTORY: Final = ToolHistory(
    table="databasechangelog",
    columns=("id", "filename"),
    order="orderexecuted",
    names=lambda row, migration: migration.key == _key(Path(row.get("filename", "")), row["id"]),
    late=Late.RUNS,
    compares=True,
    blanks=False,
)

_OUTSIDE: Final = "Give it a changeset of its own that says runInTransaction:false."
_WHOLE: Final = "Write splitStatements:false behind its author and id."
_DOWN: Final = "Write it into the changeset, in lines that begin with “--rollback”."
_BY_NAME: Final = (
    "Taken by the files' names: no changelog in the folder says otherwise. Where one above includes them, name that."
)


def recognises(folder: Folder) -> str | None:
    """A file that opens as formatted SQL, or a changelog that includes SQL alone."""
    changelog = changelog_of(folder)
    if changelog is not None:
        return f"has {changelog.name}" if folder.only is None else "is a changelog"
    formatted = next((path for path in folder.files() if is_formatted(folder.opening(path))), None)
    return f"has “--liquibase formatted sql” in {formatted.name}" if formatted else None


def read_folder(folder: Folder) -> FolderReading:
    """Every changeset that runs on PostgreSQL, in its changelog's order, or by its file's name and then as it stands."""
    changelog = changelog_of(folder)
    included = read_changelog(folder, changelog) if changelog is not None else None
    files = included.files if included is not None else folder.files()
    values = {**(included.values if included is not None else {}), **folder.values}
    migrations, issues, keys = list[Migration](), list[FolderIssue](), set[str]()
    formatted = set[Path]()
    for path in files:
        source = folder.any_text(path)
        if is_formatted(source.text):
            formatted.add(path)
            found = list(changesets(source, values))
        elif included is not None:
            found = [whole_file(source, values)]
        else:
            continue
        first: dict[str, int] = {}
        for changeset in found:
            migrations.append(_migration(folder, path, changeset, keys))
            name = f"{changeset.author}:{changeset.name}"
            if first.setdefault(name, changeset.line) != changeset.line:
                issues.append(_taken(migrations[-1], name, changeset.line, first[name]))
            issues += [_missing_value(migrations[-1], name, changeset.line) for name in changeset.unset]
    if not migrations:
        raise InputError(f"holds no changeset of SQL for PostgreSQL. {PRINTED}", file=str(changelog or folder.path))
    assumptions = () if included is not None or folder.only is not None or len(files) == 1 else (_BY_NAME,)
    return FolderReading(
        migrations=tuple(migrations),
        issues=(*issues, *_ignored(folder, set(files), formatted, included is None)),
        assumptions=assumptions,
    )


def _key(path: Path, name: str) -> str:
    return f"{path.stem}-{name}".replace("/", "-").replace(" ", "-")


def _migration(folder: Folder, path: Path, changeset: Changeset, keys: set[str]) -> Migration:
    key = _key(path, changeset.name)
    file = folder.name(path) if path.is_relative_to(folder.path) else path.name
    key = own_key(key, f"{file.removesuffix(path.suffix)}-{changeset.author}-{changeset.name}", keys)
    return Migration(
        key=key,
        display_name=key,
        file=file,
        up=changeset.up,
        down=changeset.down,
        outside_remedy=_OUTSIDE,
        whole_remedy=_WHOLE,
        down_remedy=_DOWN,
    )


def _taken(migration: Migration, name: str, line: int, first: int) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.DUPLICATE,
        subject=name,
        summary=f"The changeset at line {line} is {name}, as is that at line {first}: Liquibase refuses both.",
        remedy="Give the later one an id of its own.",
        severity=Severity.ERROR,
        key=migration.key,
        path=migration.up.path,
        line=line,
    )


def _missing_value(migration: Migration, name: str, line: int) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.PLACEHOLDER,
        subject=name,
        summary=f"The parameter ${{{name}}} has no value, so Liquibase sends its name.",
        remedy=f"Give it with --set {name}=VALUE.",
        severity=Severity.ERROR,
        key=migration.key,
        path=migration.up.path,
        line=line,
    )


def _ignored(folder: Folder, files: set[Path], formatted: set[Path], by_name: bool) -> Iterator[FolderIssue]:
    if folder.only is not None:
        return
    for path in folder.files():
        if path not in files:
            yield ignored_issue(folder, path, "is in no changelog: Liquibase never runs it.", "Include it, or remove it.")
        elif by_name and path not in formatted:
            why = "does not open with “--liquibase formatted sql”, and was passed over."
            yield ignored_issue(folder, path, why, "Write that line at its top, and --changeset author:id below it.")
    if by_name:
        yield from unread_folders(folder, "a changelog of files by name")
