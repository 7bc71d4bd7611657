"""Drizzle since 1.0: `<time>_<name>/migration.sql`, each beside a snapshot.json, and no journal.

As we understand it (drizzle-orm 1.0.0-rc.5, migrator.js and migrator.utils.js): every folder with a migration.sql, by its
name, whose first 14 digits are kept as its time; what its table does not name is pending, however early, and all of that
runs in one transaction, each file cut at its breakpoints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import ignored_issue, is_sql, issue_of, sent_byte_order_marks
from pgcontract.contract.layouts import drizzle
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind, from_the_top
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import mark_in
from pgcontract.errors import InputError
from pgcontract.model.sql import make_script
from pgcontract.result import Severity

NAME: Final = "drizzle-1"
SENTENCE: Final = "by the folders' names, all pending files in one transaction"
DEPLOY: Final = drizzle.DEPLOY
HISTORY: Final = ToolHistory(
    table=drizzle.HISTORY.table,
    columns=("name", "hash"),
    order="created_at",
    names=lambda row, migration: row["name"] == migration.key,
    agrees=drizzle.HISTORY.agrees,
    late=Late.RUNS,
)

_UP: Final = "migration.sql"
_DOWN: Final = "down.sql"
_SNAPSHOT: Final = "snapshot.json"
_TIME: Final = re.compile(r"\d{14}")
_DIALECTS: Final = ("postgres", "postgresql", "pg")


def recognises(folder: Folder) -> str | None:
    """Folders with a migration.sql and a snapshot.json in them, where no journal lists them; or one such folder."""
    if folder.has(folder.path / drizzle.JOURNAL) or mark_in(folder):
        return None
    if _is_one_migration(folder):
        return f"has {_UP} beside {_SNAPSHOT}"
    inner = next((path for path in _migration_folders(folder) if folder.has(path / _SNAPSHOT)), None)
    return f"holds folders with {_UP} and {_SNAPSHOT}" if inner else None


def read_folder(folder: Folder) -> FolderReading:
    """Every folder that has a migration.sql, by name."""
    alone = _is_one_migration(folder)
    inner = [folder.path] if alone else _migration_folders(folder)
    if not inner:
        raise InputError(f"holds no migration; drizzle-kit's are folders with a {_UP} in them", file=str(folder.path))
    _require_postgres(folder, inner[-1] / _SNAPSHOT)
    migrations = tuple(_migration(folder, path) for path in inner)
    issues = [*sent_byte_order_marks(folder, migrations, "Drizzle"), *_without_a_time(migrations)]
    return FolderReading(migrations=migrations, issues=(*issues, *(() if alone else _ignored(folder))))


def _is_one_migration(folder: Folder) -> bool:
    named = folder.given is None and (folder.only is None or folder.only.name == _UP)
    return named and folder.has(folder.path / _UP) and folder.has(folder.path / _SNAPSHOT)


def _migration_folders(folder: Folder) -> list[Path]:
    return [path for path in folder.folders() if folder.has(path / _UP)]


def _require_postgres(folder: Folder, snapshot: Path) -> None:
    """Raises InputError where the snapshot says that it is another database's."""
    try:
        document = json.loads(folder.text(snapshot)) if folder.has(snapshot) else None
    except (InputError, json.JSONDecodeError, RecursionError):
        return  # only drizzle-kit reads it
    dialect = document.get("dialect") if isinstance(document, dict) else None
    if isinstance(dialect, str) and dialect not in _DIALECTS:
        raise InputError(
            f"these migrations are for the dialect {dialect!r}; only those for postgresql can be verified",
            file=str(snapshot),
        )


def _migration(folder: Folder, inner: Path) -> Migration:
    name, up, down = from_the_top(inner).name, inner / _UP, inner / _DOWN
    time = _TIME.match(name)
    return Migration(
        key=name,
        display_name=time[0] if time else name,
        file=folder.name(up),
        up=drizzle.read_script(folder, up),
        down=make_script(folder.source(down)) if folder.has(down) else None,
        outside_remedy=drizzle.OUTSIDE,
        down_remedy=f"Drizzle has no way back: write {name}/{_DOWN}, which it does not look at.",
    )


def _without_a_time(migrations: tuple[Migration, ...]) -> Iterator[FolderIssue]:
    for migration in migrations:
        if not _TIME.match(migration.key):
            yield issue_of(
                migration,
                IssueKind.REFUSED,
                "is in a folder whose name begins with no time of 14 digits: Drizzle cannot keep that it ran, and takes "
                "it back with all that is pending.",
                "Name the folder as drizzle-kit does: 20260131120000_name.",
                severity=Severity.ERROR,
            )


def _ignored(folder: Folder) -> Iterator[FolderIssue]:
    for path in folder.files(""):
        if is_sql(path):
            yield ignored_issue(
                folder,
                path,
                "lies beside the migrations' folders, where Drizzle does not look.",
                f"Let drizzle-kit generate a folder for it (`drizzle-kit generate --custom`), with it as {_UP}.",
            )
