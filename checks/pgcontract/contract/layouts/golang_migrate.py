"""golang-migrate: `<version>_<name>.up.sql`, the way back in `<version>_<name>.down.sql` beside it.

As we understand it (its source, parse.go, iofs.go and postgres.go): by the version as a number; what is named otherwise
is passed over, two of one version and direction are refused; each file is sent whole, in no transaction of the tool's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    ignored_issue,
    is_sql,
    refused_issue,
    sent_byte_order_mark,
    unread_folders,
)
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_evidence import rust_evidence, shows_another_tool
from pgcontract.contract.tool_history import Late, Row, ToolHistory, is_true
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, make_script
from pgcontract.result import Severity

NAME: Final = "golang-migrate"
SENTENCE: Final = "by number, each file sent as one message"
DEPLOY: Final = 'migrate -path {folder} -database "$DATABASE_URL" up'
BACK: Final = 'migrate -path {folder} -database "$DATABASE_URL" down 1'
HISTORY: Final = ToolHistory(
    table="schema_migrations",
    columns=("version", "dirty"),
    covers=lambda row, migration: int(migration.display_name) <= int(row["version"] or -1) - _is_dirty(row),
    failed=lambda row: "golang-migrate calls it dirty" if _is_dirty(row) else "",
    late=Late.SKIPPED,
    keeps_last=True,
)

_FILE: Final = re.compile(r"([0-9]+)_(.*)\.(down|up)\.(.*)")
_UP: Final = re.compile(r"[0-9]+_.*\.up\.sql")
_MAX_VERSION: Final = 2**64 - 1
_ONE_MESSAGE: Final = Execution(outside_transaction=False)


def _is_dirty(row: Row) -> bool:
    """As the table says it, or as `migrate version` does."""
    word = row.get("dirty", "")
    return is_true(word) or word.strip("()").lower() == "dirty"


def recognises(folder: Folder) -> str | None:
    """Files called <digits>_<name>.up.sql, unless something shows that sqlx or another tool applies them."""
    if not any(_UP.fullmatch(path.name) for path in folder.files()):
        return None
    if rust_evidence(folder, "sqlx") or shows_another_tool(folder):
        return None
    return "has files called <digits>_<name>.up.sql"


def read_folder(folder: Folder) -> FolderReading:
    """Every file called <digits>_<name>.up.<anything>, by its digits as a number."""
    taken: dict[tuple[int, str], Path] = {}
    ups: list[Path] = []
    issues = list(_passed_over(folder))
    for path in sorted(filter(_is_file, folder.files("")), key=lambda path: (_version(path), path.name)):
        first = taken.setdefault((_version(path), _direction(path)), path)
        if first is not path:
            issues.append(_taken(folder, path, first))
        if _direction(path) == "up" and (first is path or is_sql(path)):
            ups.append(path)
    if not ups:
        raise InputError("holds no migration; golang-migrate's are called <digits>_<name>.up.sql", file=str(folder.path))
    downs = {version: path for (version, direction), path in taken.items() if direction == "down"}
    migrations = []
    for path in ups:
        migrations.append(_migration(folder, path, downs.get(_version(path))))
        issues += _byte_order_mark(folder, migrations[-1])
    ways_up = {_version(path) for path in ups}
    issues += [_alone(folder, path) for version, path in downs.items() if version not in ways_up]
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _is_file(path: Path) -> bool:
    return _FILE.fullmatch(path.name) is not None and _version(path) <= _MAX_VERSION


def _version(path: Path) -> int:
    return int(path.name.partition("_")[0])


def _direction(path: Path) -> str:
    match = _FILE.fullmatch(path.name)
    return match[3] if match else ""


def _migration(folder: Folder, path: Path, down: Path | None) -> Migration:
    key = path.name.removesuffix(".sql").removesuffix(".up")
    if folder.only is not None:
        down_file = path.with_name(f"{key}.down.sql")
        down = down_file if folder.has(down_file) else None
    return Migration(
        key=key,
        display_name=key.partition("_")[0],
        file=folder.name(path),
        up=make_script(folder.source(path), execution=_ONE_MESSAGE),
        down=make_script(folder.source(down), execution=_ONE_MESSAGE) if down else None,
        down_remedy=f"Write {key}.down.sql beside it.",
    )


def _byte_order_mark(folder: Folder, migration: Migration) -> Iterator[FolderIssue]:
    if folder.source(Path(migration.up.path)).has_byte_order_mark:
        yield refused_issue(migration.file, migration.key, migration.up.path, sent_byte_order_mark(NAME))


def _taken(folder: Folder, path: Path, first: Path) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.DUPLICATE,
        subject=folder.name(path),
        summary=f"{folder.name(path)} has the version and the direction of {folder.name(first)}, and golang-migrate "
        "takes a file for a migration whatever its ending: it refuses the folder, and runs nothing of it.",
        remedy="Give one of them a version of its own, or move it out of the folder.",
        severity=Severity.ERROR,
        path=str(path),
    )


def _passed_over(folder: Folder) -> Iterator[FolderIssue]:
    for path in folder.files(""):
        if is_sql(path) and not _is_file(path):
            why = "is passed over: its name is not <digits>_<name>.up.sql, nor .down.sql."
            yield ignored_issue(folder, path, why, "Rename it, or move it out of the folder.")
    yield from unread_folders(folder, NAME)


def _alone(folder: Folder, path: Path) -> FolderIssue:
    why = "is a way back, and there is no way up of its version: golang-migrate counts the version, and applies nothing."
    return ignored_issue(folder, path, why, "Restore its .up.sql, or remove it.")
