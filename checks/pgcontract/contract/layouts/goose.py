"""goose: `<number>_<name>.sql`, with both ways in one file, told apart by `-- +goose Up` and `-- +goose Down`.

As we understand it (its source, provider_collect.go and provider_run.go): by number; a file that has none is passed over,
two with one number are refused; the statements are sent one by one, in one transaction a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    code_issue,
    ignored_issue,
    is_sql,
    refused_issue,
    taken_issues,
    unread_folders,
)
from pgcontract.contract.goose_sections import GooseSection, in_transaction, read_section, substitutions
from pgcontract.contract.line_statements import comments_between
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import Late, Row, ToolHistory, is_true, whole_number
from pgcontract.contract.tool_marks import shows
from pgcontract.errors import InputError
from pgcontract.model.sql import (
    Execution,
    Passage,
    Script,
    Source,
    TransactionScope,
    fill,
    keep_only,
    make_script,
    require_sql_text,
    statements_between,
)
from pgcontract.result import Severity

NAME: Final = "goose"
SENTENCE: Final = "by number, statement by statement, each file in a transaction but where it says NO TRANSACTION"
DEPLOY: Final = 'goose -dir {folder} postgres "$DATABASE_URL" up'
BACK: Final = 'goose -dir {folder} postgres "$DATABASE_URL" down'
HISTORY: Final = ToolHistory(
    table="goose_db_version",
    columns=("version_id", "is_applied"),
    order="id",
    names=lambda row, migration: whole_number(row["version_id"]) == whole_number(migration.display_name),
    in_force=lambda rows: _last_of_each(rows),
    late=Late.REFUSED,
)

_WHOLE: Final = (
    "goose ends a statement at each line that ends in a semicolon: put it between "
    "“-- +goose StatementBegin” and “-- +goose StatementEnd”."
)
_OUTSIDE: Final = "Move it to a file of its own with “-- +goose NO TRANSACTION” at its top."
_ANY_NAME: Final = "x"  # for one without a value, to see whether there is SQL around it
_NUMBER: Final = re.compile(r"\+?(\d+)_")
_MAX_NUMBER: Final = 2**63 - 1
_DOWN: Final = re.compile(r"^--\s*\+goose\s+(?i:down)\s*$", re.M)
_UP: Final = re.compile(r"^--\s*\+goose\s+(?i:up)\s*$", re.M)


def recognises(folder: Folder) -> str | None:
    """One of goose's annotations before any statement of a file."""
    return shows(folder, NAME)


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file with a number and `_` in front, by that number."""
    files = [path for path in folder.files() if folder.only is not None or _number(path)]
    if not files:
        raise InputError("holds no migration; goose's are called <number>_<name>.sql", file=str(folder.path))
    migrations, issues = [], []
    for path in sorted(files, key=lambda path: (_number(path), path.name)):
        migration, own = _read(folder, path)
        migrations.append(migration)
        issues += own
    then = "goose refuses the folder, and runs nothing of it."
    issues += taken_issues(migrations, lambda one: _number(Path(one.up.path)), then, "number")
    issues += _ignored(folder, set(files))
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _number(path: Path) -> int:
    """The number that goose reads from the name; 0, which it refuses, for none."""
    match = _NUMBER.match(path.name)
    return int(match[1]) if match and int(match[1]) <= _MAX_NUMBER else 0


def _read(folder: Folder, path: Path) -> tuple[Migration, list[FolderIssue]]:
    source = folder.any_text(path)
    key, file = path.name.removesuffix(".sql"), folder.name(path)
    placeholders, missing, refusal = substitutions(source.text, folder.values)
    text, passages = fill(source.text, source.path, placeholders)
    named = [replace(placeholder, value=placeholder.value or _ANY_NAME) for placeholder in placeholders]
    require_sql_text(fill(source.text, source.path, named)[0], source.path)
    if source.has_byte_order_mark:
        refusal = Refusal(
            why="opens with a byte order mark, which goose takes for a statement before “-- +goose Up”",
            line=1,
            remedy="Save the file as UTF-8 without a byte order mark.",
        )
    execution = Execution(
        transaction=TransactionScope.FILE if in_transaction(text) else TransactionScope.MESSAGE,
        by_statement=True,
        outside_transaction=False,
    )
    up, down = read_section(text, "up"), read_section(text, "down")
    refusal = refusal or up.refusal
    issues = [_missing_value(file, key, source, name, line) for name, line in missing.items()]
    if refusal is not None:
        issues.append(refused_issue(file, key, source.path, refusal))
    elif down.exists and down.refusal is not None:  # goose goes up, and not back
        issues.append(refused_issue(file, key, source.path, down.refusal, severity=Severity.WARNING))
    migration = Migration(
        key=key,
        display_name=key.partition("_")[0] if _number(path) else key,
        file=file,
        up=_script(source, text, passages, up, execution),
        down=_script(source, text, passages, down, execution) if down.exists else None,
        outside_remedy=_OUTSIDE,
        whole_remedy=_WHOLE,
        down_remedy=f"Write it into {path.name}, below “-- +goose Down”.",
    )
    return migration, issues


def _script(
    source: Source, text: str, passages: Sequence[Passage], section: GooseSection, execution: Execution
) -> Script:
    """What goose sends; where it refuses the file, the section as a whole, so that the files behind it can be read."""
    opened, closed = _UP.search(text), _DOWN.search(text)
    end_of_up = closed.start() if closed else len(text)
    if section.refusal is None:
        region = (0, end_of_up) if section.direction == "up" else (end_of_up, len(text))
        statements = tuple(statements_between(text, section.messages, source.path, passages))
        text = keep_only(text, *section.messages, *comments_between(text, (region,), section.messages))
        return make_script(source, text=text, passages=tuple(passages), statements=statements, execution=execution)
    start, end = opened.end() if opened else 0, end_of_up
    if section.direction == "down":
        start, end = closed.end() if closed else len(text), len(text)
    return make_script(source, text=keep_only(text, (start, end)), passages=tuple(passages), execution=execution)


def _missing_value(file: str, key: str, source: Source, name: str, line: int) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.PLACEHOLDER,
        subject=name,
        summary=f"${{{name}}} has no value, and nothing stands in its place: goose takes it from the environment.",
        remedy=f"Give it with --set {name}=VALUE.",
        severity=Severity.WARNING,
        key=key,
        path=source.path,
        line=line,
    )


def _ignored(folder: Folder, files: set[Path]) -> Iterator[FolderIssue]:
    for path in folder.files(""):
        if path.suffix == ".go" and _number(path) and not path.name.endswith("_test.go"):
            yield code_issue(folder, path, "in Go, which goose runs")
        elif is_sql(path) and (path not in files or not _number(path)):
            yield ignored_issue(
                folder,
                path,
                "is passed over, and goose's command stops at it: its name is not <number>_<name>.sql.",
                "Rename it, or move it out of the folder.",
            )
    yield from unread_folders(folder, NAME)


def _last_of_each(rows: Sequence[Row]) -> list[Row]:
    """A version is applied where its last row says so; the row of version 0 is goose's own."""
    last = {row["version_id"]: row for row in rows}
    return [
        row for row in last.values() if is_true(row.get("is_applied", "t")) and whole_number(row["version_id"]) != "0"
    ]
