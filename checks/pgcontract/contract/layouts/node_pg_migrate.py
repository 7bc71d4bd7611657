"""node-pg-migrate's SQL: `<number>_<name>.sql`, both ways in one file, below `-- Up Migration` and `-- Down Migration`.

As its source (9.0) has it: by the number in front, one of 17 digits being a time in UTC and one of 13 the milliseconds of
one; each section is sent whole, and all that are pending are one transaction, which a file of SQL cannot leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    code_issue,
    dropped_statement,
    ignored_issue,
    is_sql,
    refused_issue,
    sent_byte_order_mark,
    unread_folders,
)
from pgcontract.contract.line_statements import comments_between
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading
from pgcontract.contract.tool_evidence import node_evidence, shows_another_tool
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import NODE_DOWN, NODE_UP, shows
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, Source, TransactionScope, keep_only, make_script, split_statements
from pgcontract.result import Severity

NAME: Final = "node-pg-migrate"
SENTENCE: Final = "by number, all pending files in one transaction"
DEPLOY: Final = "npx node-pg-migrate up --migrations-dir {folder}"
BACK: Final = "npx node-pg-migrate down --migrations-dir {folder}"
HISTORY: Final = ToolHistory(
    table="pgmigrations",
    columns=("name",),
    order="id",
    names=lambda row, migration: row["name"] == migration.key,
    late=Late.REFUSED,
    misses=True,
)

_OUTSIDE: Final = "Write it as a migration in JavaScript with pgm.noTransaction(), which SQL files cannot say."
_DIGITS: Final = re.compile(r"\d+")
_PUNCTUATION: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"\d+|\D+")
_NUMBERED: Final = re.compile(r"\d+.*(?<!\.up)(?<!\.down)\.sql")
_TIME_DIGITS: Final = 17
_CODE: Final = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts")
_EXECUTION: Final = Execution(transaction=TransactionScope.ALL, outside_transaction=False)


def recognises(folder: Folder) -> str | None:
    """A file with both of its marks; or a package.json that names it, above numbered files that no other tool has."""
    if shown := shows(folder, NAME):
        return shown
    files = folder.files()
    if not files or not all(_NUMBERED.fullmatch(path.name) for path in files) or shows_another_tool(folder):
        return None
    return node_evidence(folder, NAME)


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file that does not open with a dot, by the number in front."""
    files = [path for path in folder.files() if not path.name.startswith(".")]
    if not files:
        raise InputError("holds no migration; node-pg-migrate's are called <number>_<name>.sql", file=str(folder.path))
    migrations: list[Migration] = []
    issues: list[FolderIssue] = []
    for path in sorted(files, key=_place):
        migration, own = _read(folder, path)
        migrations.append(migration)
        issues += own
    issues += _others(folder)
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _place(path: Path) -> tuple[int, list[tuple[bool, int, str]], str, str]:
    """By the number; of those with one, by the name as people read it: no punctuation, numbers as such, small letters
    before the same in capitals."""
    name = _PUNCTUATION.sub("", path.name)
    words = [(False, int(word), "") if word.isdecimal() else (True, 0, word.lower()) for word in _WORD.findall(name)]
    return _number(path), words, name.swapcase(), path.name


def _number(path: Path) -> int:
    """What node-pg-migrate sorts by: of 17 digits, the milliseconds since 1970; 0 for none."""
    match = _DIGITS.match(path.name)
    digits = match[0] if match else "0"
    if len(digits) == _TIME_DIGITS:
        try:
            time = datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return 0
        return int(time.timestamp()) * 1000 + int(digits[14:])
    return int(digits)


def _read(folder: Folder, path: Path) -> tuple[Migration, list[FolderIssue]]:
    source = folder.source(path)
    key, file = path.name.removesuffix(".sql"), folder.name(path)
    digits = _DIGITS.match(path.name)
    up, down = _sections(source.text)
    issues = [
        refused_issue(file, key, source.path, refusal, severity=severity)
        for refusal, severity in _refusals(source, up, down, numbered=digits is not None)
    ]
    first = min(up[0], down[0]) if down else up[0]
    header = comments_between(source.text, ((0, first),), ())
    if dropped := next(split_statements(source.text[:first], refuse_psql=False), None):
        issues.append(dropped_statement(file, key, source.path, dropped.line, NAME, "-- Up Migration"))
    migration = Migration(
        key=key,
        display_name=digits[0] if digits else key,
        file=file,
        up=make_script(source, text=keep_only(source.text, up, *header), execution=_EXECUTION),
        down=make_script(source, text=keep_only(source.text, down), execution=_EXECUTION) if down else None,
        outside_remedy=_OUTSIDE,
        down_remedy=f"Write it into {path.name}, below “-- Down Migration”.",
    )
    return migration, issues


def _sections(text: str) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Where the way up and the way back stand: without a mark for the way up it is the whole file."""
    up, down = NODE_UP.search(text), NODE_DOWN.search(text)
    way_back = None
    if down is not None:
        way_back = (down.start(), up.start() if up and up.start() > down.start() else len(text))
    if up is None:
        return (0, len(text)), way_back
    return (up.start(), down.start() if down and down.start() > up.start() else len(text)), way_back


def _refusals(
    source: Source, up: tuple[int, int], down: tuple[int, int] | None, *, numbered: bool
) -> Iterator[tuple[Refusal, Severity]]:
    if source.has_byte_order_mark and up[0] == 0:
        yield sent_byte_order_mark(NAME), Severity.ERROR
    if down is not None and up == (0, len(source.text)) and NODE_UP.search(source.text) is None:
        why = "has no “-- Up Migration”, so that node-pg-migrate runs the whole file as the way up, the way back with it"
        line = source.text.count("\n", 0, down[0]) + 1
        yield Refusal(why=why, line=line, remedy="Write “-- Up Migration” in front of the way up."), Severity.WARNING
    if not numbered:
        why = "has no number in front, and node-pg-migrate 9 stops at it; older versions run it first"
        yield Refusal(why=why, line=1, remedy="Name it <number>_<name>.sql."), Severity.WARNING


def _others(folder: Folder) -> Iterator[FolderIssue]:
    """node-pg-migrate takes every file for a migration, unless it is told to ignore it."""
    for path in folder.files(""):
        if path.name.startswith(".") or path.name.endswith(".sql"):
            continue
        if path.suffix in _CODE:
            yield code_issue(folder, path, "in code, which runs")
        elif is_sql(path):
            yield ignored_issue(folder, path, "does not end in .sql, and is taken for code.", "Rename it.")
        else:
            why = "is taken for a migration in code, at which node-pg-migrate stops unless its ignore-pattern names it."
            yield ignored_issue(folder, path, why, "Move it out of the folder, or name it in ignore-pattern.")
    yield from unread_folders(folder, NAME)
