"""refinery: `V<version>__<name>.sql`, or `U…` for one that may come late; there is no way back.

As we understand it (its source, refinery_core): folders in the folder are looked into; by the version as a number, two of
one version are refused; each file is sent whole, in one transaction. Flyway's files are called alike: a Cargo.toml or
refinery.toml must show whose they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    code_issue,
    ignored_issue,
    is_sql,
    own_key,
    refused_issue,
    sent_byte_order_mark,
    taken_issues,
)
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading
from pgcontract.contract.tool_evidence import rust_evidence, shows_another_tool
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, TransactionScope, make_script
from pgcontract.result import Severity

NAME: Final = "refinery"
SENTENCE: Final = "by number, folders in it too, each file in a transaction"
DEPLOY: Final = "refinery migrate -p {folder}"
HISTORY: Final = ToolHistory(
    table="refinery_schema_history",
    columns=("version", "name"),
    late=Late.REFUSED,
    may_be_late=lambda migration: Path(migration.file).name.startswith("U"),
    compares=True,
    misses=True,
)

_OUTSIDE: Final = "refinery has no way out of its transaction: run it by hand, or leave CONCURRENTLY out."
_FILE: Final = re.compile(r"([UV])(\d+(?:\.\d+)?)__(\w+)\.(rs|sql)")
_MAX_NUMBER: Final = 2**31 - 1
_EXECUTION: Final = Execution(transaction=TransactionScope.FILE, outside_transaction=False)


def recognises(folder: Folder) -> str | None:
    """Files called V<number>__<name>.sql, where refinery.toml or a Cargo.toml shows that refinery applies them."""
    if folder.only is not None and not _FILE.fullmatch(folder.only.name):
        return None
    shown = rust_evidence(folder, NAME)
    if shown is None or shows_another_tool(folder):
        return None
    return shown if any(_is_sql_file(path) for path in _files(folder)) else None


def read_folder(folder: Folder) -> FolderReading:
    """Every file of that name, in folders in it too, by its number."""
    paths = [path for path in _files(folder) if _is_sql_file(path)]
    if not paths:
        raise InputError("holds no migration; refinery's are called V<number>__<name>.sql", file=str(folder.path))
    migrations, issues = [], []
    keys: set[str] = set()
    for path in sorted(paths, key=lambda path: (_number(path), path.name, path)):
        source = folder.source(path)
        key = own_key(path.name.removesuffix(".sql"), folder.name(path), keys)
        migration = Migration(
            key=key,
            display_name=_written_number(path),
            file=folder.name(path),
            up=make_script(source, execution=_EXECUTION),
            outside_remedy=_OUTSIDE,
            down_remedy="refinery has no way back: write a migration that takes this one back.",
        )
        migrations.append(migration)
        if source.has_byte_order_mark:
            issues.append(refused_issue(migration.file, key, source.path, sent_byte_order_mark(NAME)))
        issues += _unreadable_number(migration, path)
    then = "refinery refuses both, and runs nothing."
    issues += taken_issues(migrations, lambda one: _number(Path(one.up.path)), then)
    issues += _ignored(folder)
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _is_sql_file(path: Path) -> bool:
    return _FILE.fullmatch(path.name) is not None and path.suffix == ".sql"


def _files(folder: Folder) -> Iterator[Path]:
    yield from folder.files("")
    for inner in folder.folders():
        if not inner.is_symlink():
            yield from _files(folder.below(inner))


def _written_number(path: Path) -> str:
    match = _FILE.fullmatch(path.name)
    return match[2] if match else ""


def _number(path: Path) -> tuple[int, int]:
    whole, *part = map(int, re.findall(r"\d+", _written_number(path)))
    return whole, part[0] if part else 0


def _unreadable_number(migration: Migration, path: Path) -> Iterator[FolderIssue]:
    number = _written_number(path)
    why = ""
    if "." in number:
        why = f"has the version {number}, and refinery reads whole numbers alone"
    elif int(number) > _MAX_NUMBER:
        why = f"has the version {number}, which refinery reads with its feature int8-versions alone"
    if why:
        refusal = Refusal(why=why, line=1, remedy="Number it by a smaller whole number, unless yours reads it.")
        yield refused_issue(migration.file, migration.key, migration.up.path, refusal, severity=Severity.WARNING)


def _ignored(folder: Folder) -> Iterator[FolderIssue]:
    for path in _files(folder):
        match = _FILE.fullmatch(path.name)
        if match is None and is_sql(path):
            why = "is passed over: its name is not V<number>__<name>.sql."
            yield ignored_issue(folder, path, why, "Rename it, or move it out of the folder.")
        elif match is not None and match[4] == "rs":
            yield code_issue(folder, path, "in Rust, which refinery runs")
