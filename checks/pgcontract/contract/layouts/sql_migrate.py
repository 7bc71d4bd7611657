"""sql-migrate: `<id>.sql`, with both ways in one file, told apart by `-- +migrate Up` and `-- +migrate Down`.

Tried with sql-migrate 1.0 and read in its source: names with a number in front by that number, then the others, both by
name; every .sql file is a migration; the statements are sent one by one, in a transaction unless the section says
notransaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    dropped_statement,
    ended_transaction,
    ignored_issue,
    is_sql,
    refused_issue,
    unread_folders,
)
from pgcontract.contract.line_statements import comments_between
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading
from pgcontract.contract.sql_migrate_sections import SqlMigrateFile, read_sections
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import shows
from pgcontract.errors import InputError
from pgcontract.model.sql import (
    Execution,
    Script,
    Source,
    TransactionScope,
    keep_only,
    make_script,
    statements_between,
)

NAME: Final = "sql-migrate"
SENTENCE: Final = "by number, statement by statement, each file in a transaction but where it says notransaction"
DEPLOY: Final = "sql-migrate up"
BACK: Final = "sql-migrate down"
HISTORY: Final = ToolHistory(
    table="gorp_migrations",
    columns=("id",),
    names=lambda row, migration: row["id"] == Path(migration.file).name,
    late=Late.RUNS,
    misses=True,
)

_WHOLE: Final = (
    "sql-migrate ends a statement at each line that ends in a semicolon: put it between "
    "“-- +migrate StatementBegin” and “-- +migrate StatementEnd”."
)
_OUTSIDE: Final = "Move it to a file of its own, with notransaction behind its “-- +migrate Up”."
_DIGITS: Final = re.compile(r"\d+")
_UP: Final = re.compile(r"^-- \+migrate Up\b.*$", re.M)
_DOWN: Final = re.compile(r"^-- \+migrate Down\b.*$", re.M)
_SECTION: Final = re.compile(r"^-- \+migrate (Up|Down)\b", re.M)
_MAX_NUMBER: Final = 2**63 - 1


def recognises(folder: Folder) -> str | None:
    """One of sql-migrate's commands before any statement of a file."""
    return shows(folder, NAME)


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file; those with a number in front first, by it."""
    files = folder.files()
    if not files:
        raise InputError("holds no migration; sql-migrate's are .sql files", file=str(folder.path))
    migrations: list[Migration] = []
    issues: list[FolderIssue] = []
    for path in sorted(files, key=_place):
        migration, own = _read(folder, path)
        migrations.append(migration)
        issues += own
    for path in folder.files(""):
        if is_sql(path) and path not in files:
            issues.append(ignored_issue(folder, path, "is passed over: its name does not end in .sql.", "Rename it."))
    return FolderReading(migrations=tuple(migrations), issues=(*issues, *unread_folders(folder, NAME)))


def _place(path: Path) -> tuple[bool, int, str]:
    digits = _DIGITS.match(path.name)
    return digits is None, int(digits[0]) if digits else 0, path.name


def _read(folder: Folder, path: Path) -> tuple[Migration, list[FolderIssue]]:
    source = folder.source(path)
    key, file = path.name.removesuffix(".sql"), folder.name(path)
    digits = _DIGITS.match(path.name)
    sections = read_sections(source.text, hides_first_line=source.has_byte_order_mark)
    up = _script(source, sections, "Up")
    issues = [refused_issue(file, key, source.path, refusal) for refusal in _refusals(source, sections, up, digits)]
    if sections.dropped is not None and not source.has_byte_order_mark:
        issues.append(dropped_statement(file, key, source.path, sections.dropped, NAME, "-- +migrate Up"))
    migration = Migration(
        key=key,
        display_name=digits[0] if digits else key,
        file=file,
        up=up,
        down=_script(source, sections, "Down") if "Down" in sections.messages else None,
        outside_remedy=_OUTSIDE,
        whole_remedy=_WHOLE,
        down_remedy=f"Write it into {path.name}, below “-- +migrate Down”.",
    )
    return migration, issues


def _refusals(source: Source, sections: SqlMigrateFile, up: Script, digits: re.Match[str] | None) -> Iterator[Refusal]:
    if digits is not None and int(digits[0]) > _MAX_NUMBER:
        why = f"has the number {digits[0]}, which is too large for sql-migrate: it stops there"
        yield Refusal(why=why, line=1, remedy="Number it by a time of 14 digits.")
    if sections.refusal is not None:
        yield sections.refusal
    elif source.has_byte_order_mark and "Up" not in sections.messages:
        yield Refusal(
            why="opens with a byte order mark, behind which sql-migrate does not see “-- +migrate Up”: it applies "
            "nothing, and records the file as applied",
            line=1,
            remedy="Save the file as UTF-8 without a byte order mark.",
        )
    remedy = "Remove it, with its BEGIN, or write notransaction behind “-- +migrate Up”."
    if sections.refusal is None and (ended := ended_transaction(up, NAME, remedy)):
        yield ended


def _script(source: Source, sections: SqlMigrateFile, section: str) -> Script:
    """What is sent; where sql-migrate refuses the file, the whole section, so that the files behind it can be read."""
    scope = TransactionScope.MESSAGE if section in sections.outside_transaction else TransactionScope.FILE
    execution = Execution(transaction=scope, by_statement=True, outside_transaction=False)
    if sections.refusal is None:
        spans = sections.messages.get(section, [])
        statements = tuple(statements_between(source.text, spans, source.path))
        comments = comments_between(source.text, _regions(source.text, section), spans)
        return make_script(
            source, text=keep_only(source.text, *spans, *comments), statements=statements, execution=execution
        )
    up, down = _UP.search(source.text), _DOWN.search(source.text)
    if section == "Down":
        start, end = down.end() if down else 0, len(source.text)
    else:
        start, end = up.end() if up else 0, down.start() if down else len(source.text)
    return make_script(source, text=keep_only(source.text, (start, max(start, end))), execution=execution)


def _regions(text: str, section: str) -> Iterator[tuple[int, int]]:
    """Where the section's lines stand, those before the first section with the way up."""
    marks = list(_SECTION.finditer(text))
    if marks and section == "Up":
        yield 0, marks[0].start()
    for mark, following in zip_longest(marks, marks[1:]):
        if mark[1] == section:
            yield mark.start(), following.start() if following else len(text)
