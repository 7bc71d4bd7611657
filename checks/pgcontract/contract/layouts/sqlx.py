"""sqlx: `<version>_<name>.sql`, or `<version>_<name>.up.sql` with `.down.sql` beside it.

As we understand it (its source, sqlx-core/src/migrate): by the version as a number; a .sql file with a word where the
version stands stops it, other names are passed over; each file is sent whole, in one transaction with its record, unless
its first words are `-- no-transaction`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha384
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    ignored_issue,
    is_sql,
    own_key,
    refused_issue,
    sent_byte_order_mark,
    taken_issues,
    unread_folders,
)
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_evidence import rust_evidence, shows_another_tool
from pgcontract.contract.tool_history import Late, ToolHistory, is_true
from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes
from pgcontract.model.sql import Execution, Script, Source, TransactionScope, make_script
from pgcontract.result import Severity

NAME: Final = "sqlx"
SENTENCE: Final = "by number, each file in a transaction but where it opens with “-- no-transaction”"
DEPLOY: Final = "sqlx migrate run --source {folder}"
BACK: Final = "sqlx migrate revert --source {folder}"
HISTORY: Final = ToolHistory(
    table="_sqlx_migrations",
    columns=("version", "success", "checksum"),
    failed=lambda row: "" if is_true(row.get("success", "t")) else "sqlx calls it dirty, and applies nothing more",
    agrees=lambda row, migration: row.get("checksum", "").removeprefix("\\x") in ("", _checksum(migration)),
    late=Late.RUNS,
    compares=True,
    misses=True,
)

_OUTSIDE: Final = "Move it to a file of its own that opens with “-- no-transaction”."
_FILE: Final = re.compile(r"([+-]?[0-9]+)_.*\.sql")
_VERSIONS: Final = range(-(2**63), 2**63)
_DOWN: Final = ".down.sql"
_NO_TRANSACTION: Final = "-- no-transaction"
_MEANT: Final = re.compile(r"^[ \t]*--[ \t]*no[-_ ]transaction\b", re.IGNORECASE | re.MULTILINE)


def recognises(folder: Folder) -> str | None:
    """Files called <digits>_<name>.sql, where sqlx's own settings or a Cargo.toml show that sqlx applies them."""
    if not any(_is_up(path) for path in folder.files()) or shows_another_tool(folder):
        return None
    return rust_evidence(folder, NAME)


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file that has a number and `_` in front, by that number."""
    ups = [path for path in folder.files() if _is_up(path)]
    if not ups:
        raise InputError("holds no migration; sqlx's are called <digits>_<name>.sql", file=str(folder.path))
    downs = {_version(path): path for path in folder.files() if _is_file(path) and path.name.endswith(_DOWN)}
    migrations, issues = [], []
    keys: set[str] = set()
    for path in sorted(ups, key=lambda path: (_version(path), path.name)):
        source = folder.source(path)
        migrations.append(_migration(folder, path, source, downs.get(_version(path)), keys))
        last = migrations[-1]
        if (misplaced := _misplaced(source)) is not None:
            issues.append(refused_issue(last.file, last.key, source.path, misplaced, severity=Severity.WARNING))
        if source.has_byte_order_mark:
            issues.append(refused_issue(last.file, last.key, source.path, sent_byte_order_mark(NAME)))
    then = "sqlx runs it, cannot record it (23505), takes it back and stops."
    issues += taken_issues(migrations, lambda one: _version(Path(one.up.path)), then)
    issues += _ignored(folder, {_version(path) for path in ups})
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _checksum(migration: Migration) -> str:
    return sha384(read_bytes(Path(migration.up.path))).hexdigest()


def _is_file(path: Path) -> bool:
    return _FILE.fullmatch(path.name) is not None and _version(path) in _VERSIONS


def _is_up(path: Path) -> bool:
    return _is_file(path) and not path.name.endswith(_DOWN)


def _version(path: Path) -> int:
    match = _FILE.fullmatch(path.name)
    return int(match[1]) if match else 0


def _migration(folder: Folder, path: Path, source: Source, down: Path | None, keys: set[str]) -> Migration:
    key = path.name.removesuffix(".sql").removesuffix(".up")
    if folder.only is not None:
        down_file = path.with_name(f"{key}{_DOWN}")
        down = down_file if folder.has(down_file) else None
    return Migration(
        key=own_key(key, folder.name(path), keys),
        display_name=key.partition("_")[0],
        file=folder.name(path),
        up=_script(source),
        down=_script(folder.source(down)) if down else None,
        outside_remedy=_OUTSIDE,
        down_remedy=f"Write {key}{_DOWN} beside it, and name the file itself {key}.up.sql.",
    )


def _misplaced(source: Source) -> Refusal | None:
    """A comment that is meant to take the file out of the transaction, where sqlx does not look for it."""
    match = _MEANT.search(source.text)
    if match is None or source.text.startswith(_NO_TRANSACTION):
        return None
    return Refusal(
        why=f"has “{match[0].strip()}”, and runs in a transaction all the same: for sqlx the file's first words are "
        f"“{_NO_TRANSACTION}”, or it is a comment like any other",
        line=source.text.count("\n", 0, match.start()) + 1,
        remedy=f"Put {_NO_TRANSACTION} at the very beginning of the file, in these letters.",
    )


def _script(source: Source) -> Script:
    outside = source.text.startswith(_NO_TRANSACTION) and not source.has_byte_order_mark
    scope = TransactionScope.MESSAGE if outside else TransactionScope.FILE
    return make_script(source, execution=Execution(transaction=scope, outside_transaction=False))


def _ignored(folder: Folder, versions: set[int]) -> Iterator[FolderIssue]:
    if folder.only is not None:
        return
    for path in folder.files(""):
        if not is_sql(path):
            continue
        if _is_file(path):
            if path.name.endswith(_DOWN) and _version(path) not in versions:
                why = "is a way back, and there is no migration of its version."
                yield ignored_issue(folder, path, why, "Restore its .up.sql, or remove it.")
        elif "_" in path.name and path.name.endswith(".sql"):
            yield _no_version(folder, path)
        else:
            why = "is passed over: its name is not <digits>_<name>.sql."
            yield ignored_issue(folder, path, why, "Rename it, or move it out of the folder.")
    yield from unread_folders(folder, NAME)


def _no_version(folder: Folder, path: Path) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.REFUSED,
        subject=folder.name(path),
        summary=f"{folder.name(path)} has {path.name.partition('_')[0]!r} where its version should stand: sqlx refuses "
        "the folder, and runs nothing of it.",
        remedy="Move it out of the folder, or name it <digits>_<name>.sql.",
        severity=Severity.ERROR,
        path=str(path),
    )
