"""dbmate: `<version>_<name>.sql`, with both ways in one file, told apart by `-- migrate:up` and `-- migrate:down`.

Tried with dbmate 2.37: by name; each section is sent whole, in one transaction with its record unless its mark says
transaction:false. A file may hold several pairs of sections, which run one after the other, each in a transaction of its
own, and back in reverse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import (
    Refusal,
    ended_transaction,
    ignored_issue,
    is_sql,
    name_order_issues,
    refused_issue,
    taken_issues,
    unread_folders,
)
from pgcontract.contract.line_statements import comments_between
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
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
from pgcontract.result import Severity
from pgcontract.values import dataclass

NAME: Final = "dbmate"
SENTENCE: Final = "by name, each section in a transaction but where its mark says transaction:false"
DEPLOY: Final = "dbmate --migrations-dir {folder} up"
BACK: Final = "dbmate --migrations-dir {folder} rollback"
HISTORY: Final = ToolHistory(
    table="schema_migrations",
    columns=("version",),
    names=lambda row, migration: row["version"] == migration.display_name,
    late=Late.RUNS,
)

_OUTSIDE: Final = "Move it to a file of its own, with transaction:false behind its “-- migrate:up”."
_FILE: Final = re.compile(r"(\d+).*\.sql")
_MARK: Final = re.compile(r"^--\s*migrate:(up|down)(\s*$|\s+\S+)", re.M)
_OPTION: Final = re.compile(r"(\S+?):(\S+)")
_NOTHING: Final = re.compile(r"(?:[^\S\n]*(?:--[^\n]*)?(?:\n|\Z))*")


@dataclass(frozen=True, kw_only=True)
class _Section:
    """`text[start:end]`, from its mark on."""

    direction: str
    start: int
    end: int
    in_transaction: bool


def recognises(folder: Folder) -> str | None:
    """One of dbmate's marks before any statement of a file."""
    return shows(folder, NAME)


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file with digits in front, by name."""
    files = [path for path in folder.files() if folder.only is not None or _FILE.fullmatch(path.name)]
    if not files:
        raise InputError("holds no migration; dbmate's are called <digits>_<name>.sql", file=str(folder.path))
    migrations, issues = [], []
    for path in files:
        migration, own = _read(folder, path)
        migrations.append(migration)
        issues += own
    issues += name_order_issues(migrations, NAME)
    issues += taken_issues(
        migrations, lambda one: one.display_name, "dbmate runs it, cannot record it (23505), takes it back and stops."
    )
    issues += _ignored(folder)
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues))


def _read(folder: Folder, path: Path) -> tuple[Migration, list[FolderIssue]]:
    source = folder.source(path)
    key, file = path.name.removesuffix(".sql"), folder.name(path)
    digits = _FILE.fullmatch(path.name)
    sections = tuple(_sections(source.text))
    ups = [section for section in sections if section.direction == "up"]
    downs = [section for section in sections if section.direction == "down"]
    issues = []
    whole = _Section(direction="up", start=0, end=len(source.text), in_transaction=True)
    up = _script(source, ups or [whole])
    remedy = "Remove it, with its BEGIN, or write transaction:false behind “-- migrate:up”."
    if refusal := _refusal(source, sections) or ended_transaction(up, NAME, remedy):
        issues.append(refused_issue(file, key, source.path, refusal))
    elif len(ups) > 1:
        issues.append(_several_pairs(file, key, source, ups[1]))
    migration = Migration(
        key=key,
        display_name=digits[1] if digits else key,
        file=file,
        up=up,
        down=_script(source, downs[::-1]) if downs else None,
        outside_remedy=_OUTSIDE,
        down_remedy=f"Write it into {path.name}, below “-- migrate:down”.",
    )
    return migration, issues


def _sections(text: str) -> Iterator[_Section]:
    marks = list(_MARK.finditer(text))
    for mark, following in zip_longest(marks, marks[1:]):
        line = text[mark.start() :].lstrip("-").lstrip().partition("\n")[0]
        options = {match[1]: match[2] for match in map(_OPTION.fullmatch, line.split()[1:]) if match}
        yield _Section(
            direction=mark[1],
            start=mark.start(),
            end=following.start() if following else len(text),
            in_transaction=options.get("transaction") != "false",
        )


def _refusal(source: Source, sections: Sequence[_Section]) -> Refusal | None:
    """Why dbmate runs nothing of the file."""
    both = "Write “-- migrate:up” before the statements and “-- migrate:down” before those of the way back."
    last = max(source.lines, 1)
    if source.has_byte_order_mark:
        why = "opens with a byte order mark, behind which dbmate does not see “-- migrate:up”"
        return Refusal(why=why, line=1, remedy="Save the file as UTF-8 without a byte order mark.")
    if not any(section.direction == "up" for section in sections):
        return Refusal(why="has no “-- migrate:up”, without which dbmate takes no file", line=last, remedy=both)
    nothing = _NOTHING.match(source.text)
    first = sections[0].start
    if nothing is not None and nothing.end() < first:
        line = source.text.count("\n", 0, nothing.end()) + 1
        why = "has something other than line comments before its first section, where dbmate takes nothing"
        return Refusal(why=why, line=line, remedy="Move it below “-- migrate:up”.")
    for number, section in enumerate(sections):
        line = source.text.count("\n", 0, section.start) + 1
        follows = sections[number + 1].direction if number + 1 < len(sections) else None
        if section.direction == "up" and follows != "down":
            return Refusal(why="has a “-- migrate:up” that no “-- migrate:down” follows", line=line, remedy=both)
        if section.direction == "down" and (number == 0 or sections[number - 1].direction == "down"):
            return Refusal(why="has a “-- migrate:down” that belongs to no “-- migrate:up”", line=line, remedy=both)
    return None


def _several_pairs(file: str, key: str, source: Source, second: _Section) -> FolderIssue:
    return FolderIssue(
        kind=IssueKind.REFUSED,
        subject=file,
        summary=f"{file} has several pairs of sections. dbmate 2.37 runs each in a transaction of its own, so that the "
        "first stays where the second fails; older versions fail when they record the second (23505).",
        remedy="Make a file of each pair.",
        severity=Severity.WARNING,
        key=key,
        path=source.path,
        line=source.text.count("\n", 0, second.start) + 1,
    )


def _script(source: Source, sections: Sequence[_Section]) -> Script:
    """The sections in the order in which they are sent; of several, each is a message, which is a transaction."""
    spans = [(section.start, section.end) for section in sections]
    first = min(start for start, _ in spans)
    header = comments_between(source.text, ((0, first),), ()) if sections[0].direction == "up" else ()
    text = keep_only(source.text, *spans, *header)
    if len(sections) == 1:
        scope = TransactionScope.FILE if sections[0].in_transaction else TransactionScope.MESSAGE
        return make_script(source, text=text, execution=Execution(transaction=scope, outside_transaction=False))
    return make_script(
        source,
        text=text,
        statements=tuple(statements_between(text, spans, source.path)),
        execution=Execution(by_statement=True, outside_transaction=False),
    )


def _ignored(folder: Folder) -> Iterator[FolderIssue]:
    for path in folder.files(""):
        if is_sql(path) and not _FILE.fullmatch(path.name):
            why = "is passed over: its name is not <digits>_<name>.sql."
            yield ignored_issue(folder, path, why, "Rename it, or move it out of the folder.")
    yield from unread_folders(folder, NAME)
