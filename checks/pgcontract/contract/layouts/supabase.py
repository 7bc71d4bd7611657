"""Supabase's command line: `supabase/migrations/<digits>_<name>.sql`, which `supabase db push` applies.

As we understand it (its source, pkg/migration): files are sorted by name; the others are skipped with a notice; each is
sent as one pipeline, which the server takes for one transaction, but for statements that no transaction allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import ignored_issue, is_sql, name_order_issues
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import mark_in
from pgcontract.errors import InputError
from pgcontract.model.sql import make_script
from pgcontract.result import Severity

NAME: Final = "supabase"
SENTENCE: Final = "by name, each file in one transaction"
HISTORY: Final = ToolHistory(
    table="supabase_migrations.schema_migrations",
    columns=("version", "name"),
    names=lambda row, migration: row["version"] == migration.display_name,
    late=Late.REFUSED,
    misses=True,
)

_FILE: Final = re.compile(r"([0-9]+)_(.*)\.sql")
_STAMPED: Final = re.compile(r"[0-9]{14}_.*\.sql")
_OLD_INIT: Final = re.compile(r"([0-9]{14})_init\.sql")
_FIRST_KEPT_INIT: Final = 20211209000000
_MARKS_OF_OTHERS: Final = ("meta/_journal.json", "migration_lock.toml", "atlas.sum", "sqitch.plan")


def recognises(folder: Folder) -> str | None:
    """Files with digits in supabase/migrations; or with a time in front, and supabase/config.toml above; or in a project
    that is for Supabase, unless it has rollback scripts, which this tool would run as migrations."""
    files = [path for path in folder.files() if _FILE.fullmatch(path.name)]
    if not files or _is_laid_out_by_another(folder, files):
        return None
    own, above, *_ = folder.parents(1)
    if (own.name, above.name) == ("migrations", "supabase"):
        return "is supabase/migrations"
    if all(map(_is_stamped, files)) and any(folder.has(path / "supabase" / "config.toml") for path in folder.parents()):
        return "has times in front of its names, and supabase/config.toml above"
    if folder.platform == NAME and not any(path.name.endswith(".down.sql") for path in folder.files()):
        return "is of a project for Supabase"
    return None


def _is_stamped(path: Path) -> bool:
    return _STAMPED.fullmatch(path.name) is not None


def _is_laid_out_by_another(folder: Folder, files: list[Path]) -> bool:
    """Drizzle names files with a time in front where it is told to write them for this tool."""
    if mark_in(folder):
        return True
    marks = [mark for mark in _MARKS_OF_OTHERS if folder.has(folder.path / mark)]
    return bool(marks) and not (marks == [_MARKS_OF_OTHERS[0]] and all(map(_is_stamped, files)))


def read_folder(folder: Folder) -> FolderReading:
    """Every file whose name is digits, `_`, anything and .sql, by name."""
    files = [path for path in folder.files() if _FILE.fullmatch(path.name)]
    skipped = files[:1] if files and _is_old_init(files[0]) else []
    migrations = tuple(_migration(folder, path) for path in files if path not in skipped)
    if not migrations:
        raise InputError("holds no migration; Supabase's are called <digits>_<name>.sql", file=str(folder.path))
    issues = (
        *name_order_issues(migrations, "Supabase's command line"),
        *_taken_versions(migrations),
        *_ignored(folder, skipped),
    )
    return FolderReading(migrations=migrations, issues=issues)


def _is_old_init(path: Path) -> bool:
    match = _OLD_INIT.fullmatch(path.name)
    return match is not None and int(match[1]) < _FIRST_KEPT_INIT


def _migration(folder: Folder, path: Path) -> Migration:
    key = path.name.removesuffix(".sql")
    return Migration(
        key=key,
        display_name=key.partition("_")[0],
        file=folder.name(path),
        up=make_script(folder.source(path)),
        down_remedy="Supabase's command line has no way back: write a migration that takes this one back.",
    )


def _taken_versions(migrations: tuple[Migration, ...]) -> Iterator[FolderIssue]:
    """The version, as text, is the key of the table of what is applied."""
    first: dict[str, Migration] = {}
    for migration in migrations:
        taken = first.setdefault(migration.display_name, migration)
        if taken is migration:
            continue
        summary = (
            f"{migration.file} has the version {migration.display_name} of {taken.file}, under which that is recorded "
            "as applied: Supabase's command line stops there."
        )
        remedy = "Give it a version of its own."
        if taken.key == f"{migration.key}.down":
            summary += f" {taken.file} is no rollback script to it: it runs first."
            remedy = f"Move {taken.file} out of the folder."
        yield FolderIssue(
            kind=IssueKind.DUPLICATE,
            subject=migration.file,
            summary=summary,
            remedy=remedy,
            severity=Severity.ERROR,
            key=migration.key,
            path=migration.up.path,
        )


def _ignored(folder: Folder, skipped: list[Path]) -> Iterator[FolderIssue]:
    """What looks like a migration and never runs."""
    if folder.only is not None:
        return
    for path in skipped:
        yield ignored_issue(
            folder, path, "is skipped: it is the first, called init, and older than December 2021.", "Rename it."
        )
    for path in folder.files(""):
        if is_sql(path) and not _FILE.fullmatch(path.name):
            yield ignored_issue(
                folder,
                path,
                "is skipped: its name is not <digits>_<name>.sql.",
                "Rename it, or move it out of the folder.",
            )
    for inner in folder.folders():
        if any(is_sql(path) for path in folder.below(inner).files("")):
            yield ignored_issue(
                folder, inner, "holds .sql files, and folders in the folder are skipped.", "Move them up, or elsewhere."
            )
