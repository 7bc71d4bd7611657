"""diesel: `<version>_<name>/up.sql`, the way back in `down.sql` beside it.

As its source (migrations_internals 2.0) has it, and diesel_migrations as we understand it: by the name up to its first
`_`, without `-`, as text; each file is sent whole, in a transaction with its record, unless metadata.toml says otherwise.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    ignored_issue,
    is_sql,
    name_order_issues,
    refused_issue,
    sent_byte_order_mark,
)
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind, from_the_top
from pgcontract.contract.tool_evidence import is_hasuras
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, Source, TransactionScope, make_script
from pgcontract.result import Severity

NAME: Final = "diesel"
SENTENCE: Final = "by the folders' versions as text, each file in a transaction but where metadata.toml says otherwise"
DEPLOY: Final = "diesel migration run --migration-dir {folder}"
BACK: Final = "diesel migration revert --migration-dir {folder}"
HISTORY: Final = ToolHistory(
    table="__diesel_schema_migrations",
    columns=("version",),
    names=lambda row, migration: row["version"].replace("-", "") == migration.display_name.replace("-", ""),
    late=Late.RUNS,
)

_OUTSIDE: Final = "Move it to a migration of its own, with run_in_transaction = false in its metadata.toml."
_UP: Final = "up.sql"
_DOWN: Final = "down.sql"
_METADATA: Final = "metadata.toml"
_IN_TRANSACTION: Final = "run_in_transaction"
_LINE: Final = re.compile(r"at line (\d+)")


def recognises(folder: Folder) -> str | None:
    """Folders with a digit in front of their names and an up.sql in them; or one such folder, with nothing else in it.
    Those of Hasura look alike."""
    return None if is_hasuras(folder) else shown_by(folder)


def shown_by(folder: Folder) -> str | None:
    """The same, whosever they are."""
    if any(path.name[0].isdigit() and folder.has(path / _UP) for path in _migration_folders(folder)):
        return f"holds folders with {_UP}"
    if _is_way_back(folder) or _is_one_migration(folder):
        return f"is a folder with {_UP}"
    return None


def read_folder(folder: Folder) -> FolderReading:
    """Every folder that has an up.sql, by its version; of those with one version, the last by name."""
    alone = _is_one_migration(folder)
    if _is_way_back(folder):
        raise InputError(f"is a rollback script; name {_UP} beside it", file=str(folder.only))
    inner = [folder.path] if alone else [path for path in _migration_folders(folder) if folder.has(path / _UP)]
    if not inner:
        raise InputError(f"holds no migration: no folder in it has an {_UP}", file=str(folder.path))
    chosen = {_version(path): path for path in inner}
    migrations, issues = [], []
    for path in sorted(chosen.values(), key=lambda path: (_version(path), path.name)):
        migration, own = _read(folder, path)
        migrations.append(migration)
        issues += own
    if not alone:
        issues += name_order_issues(migrations, NAME)
        issues += [_collapsed(folder, path, chosen[_version(path)]) for path in inner if path not in chosen.values()]
        issues += _ignored(folder)
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _migration_folders(folder: Folder) -> list[Path]:
    return [path for path in folder.folders() if not path.name.startswith(".")]


def _is_way_back(folder: Folder) -> bool:
    return folder.only is not None and folder.only.name == _DOWN and folder.has(folder.path / _UP)


def _is_one_migration(folder: Folder) -> bool:
    names = {path.name for path in folder.files()}
    return _UP in names and names <= {_UP, _DOWN}


def _version(path: Path) -> str:
    return from_the_top(path).name.partition("_")[0].replace("-", "")


def _read(folder: Folder, inner: Path) -> tuple[Migration, list[FolderIssue]]:
    key, up, down = from_the_top(inner).name, inner / _UP, inner / _DOWN
    source, file = folder.source(up), folder.name(up)
    in_transaction, issues = _in_transaction(folder, inner, file, key)
    scope = TransactionScope.FILE if in_transaction else TransactionScope.MESSAGE
    execution = Execution(transaction=scope, outside_transaction=False)
    if refusal := _refusal(source):
        issues.append(refused_issue(file, key, source.path, refusal))
    migration = Migration(
        key=key,
        display_name=_version(inner),
        file=file,
        up=make_script(source, execution=execution),
        down=make_script(folder.source(down), execution=execution) if folder.has(down) else None,
        outside_remedy=_OUTSIDE,
        down_remedy=f"Write {key}/{_DOWN}.",
    )
    return migration, issues


def _refusal(source: Source) -> Refusal | None:
    if source.has_byte_order_mark:
        return sent_byte_order_mark(NAME)
    if not source.bytes:
        return Refusal(why="is empty, and diesel stops at such a file", line=1, remedy="Write a comment into it.")
    return None


def _in_transaction(folder: Folder, inner: Path, file: str, key: str) -> tuple[bool, list[FolderIssue]]:
    """What metadata.toml says; where it is there and does not say it, diesel takes that for false."""
    path = inner / _METADATA
    if not folder.has(path):
        return True, []
    text = folder.text(path)
    try:
        value = tomllib.loads(text).get(_IN_TRANSACTION)
    except tomllib.TOMLDecodeError as error:
        place = _LINE.search(str(error))
        refusal = Refusal(
            why=f"has a {_METADATA} that is no TOML, and diesel stops there: {error}",
            line=int(place[1]) if place else 1,
            remedy="Mend the line.",
        )
        return True, [refused_issue(file, key, str(path), refusal)]
    line = next((number for number, line in enumerate(text.splitlines(), 1) if _IN_TRANSACTION in line), 1)
    if value is None:
        refusal = Refusal(
            why=f"runs in no transaction: its {_METADATA} does not say {_IN_TRANSACTION}, which diesel takes for false",
            line=line,
            remedy=f"Write {_IN_TRANSACTION} = true into it, or false if that is meant.",
        )
        return False, [refused_issue(file, key, str(path), refusal, severity=Severity.WARNING)]
    if not isinstance(value, bool):
        refusal = Refusal(
            why=f"has a {_METADATA} in which {_IN_TRANSACTION} is neither true nor false, and diesel stops there",
            line=line,
            remedy="Write true or false.",
        )
        return True, [refused_issue(file, key, str(path), refusal)]
    return value, []


def _collapsed(folder: Folder, path: Path, other: Path) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.DUPLICATE,
        subject=folder.name(path),
        summary=f"{folder.name(path)} has the version {_version(path)} of {folder.name(other)}: diesel runs one of them, "
        f"whichever the disk names last, and is silent about it; {folder.name(other)} was applied.",
        remedy="Give one of them a version of its own.",
        severity=Severity.WARNING,
        path=str(path / _UP),
    )


def _ignored(folder: Folder) -> Iterator[FolderIssue]:
    for path in folder.files(""):
        if is_sql(path) and not path.name.startswith("."):
            why = "lies beside the migrations' folders, where diesel does not look."
            yield ignored_issue(folder, path, why, f"Put it into a folder of its own as {_UP}, or move it elsewhere.")
    for inner in _migration_folders(folder):
        if not folder.has(inner / _UP):
            yield FolderIssue(
                kind=IssueKind.REFUSED,
                subject=folder.name(inner),
                summary=f"{folder.name(inner)} has no {_UP}: diesel takes it for no migration, and refuses the folder.",
                remedy=f"Restore its {_UP}, or move it elsewhere.",
                severity=Severity.ERROR,
                path=str(inner),
            )
            continue
        for path in folder.below(inner).files(""):
            if is_sql(path) and path.name not in (_UP, _DOWN):
                yield ignored_issue(
                    folder, path, f"lies beside {_UP}, and diesel runs that alone.", f"Move it into {_UP}, or elsewhere."
                )
