"""What several tools do alike with a folder, and its owner may not expect: an order by name, a version that is taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, IssueKind
from pgcontract.model.sql import Script, Statement, TransactionScope
from pgcontract.result import Severity
from pgcontract.values import dataclass

_TRANSACTION_OPENS: Final = ("BEGIN", "START")
_DIGITS: Final = re.compile(r"\d+")


def issue_of(
    migration: Migration,
    kind: IssueKind,
    why: str,
    remedy: str,
    *,
    severity: Severity = Severity.WARNING,
    line: int | None = None,
) -> FolderIssue:
    """What is wrong with a migration's file: `why` is the whole sentence behind its name."""
    return FolderIssue(
        kind=kind,
        subject=migration.file,
        summary=f"{migration.file} {why}",
        remedy=remedy,
        severity=severity,
        key=migration.key,
        path=migration.up.path,
        line=line,
    )


def name_order_issues(migrations: Sequence[Migration], tool: str) -> Iterator[FolderIssue]:
    """Where the order by name is not that of the numbers in front of the names."""
    for migration, following in pairwise(migrations):
        first, second = _DIGITS.match(migration.display_name), _DIGITS.match(following.display_name)
        if first and second and int(second[0]) < int(first[0]):
            yield issue_of(
                migration,
                IssueKind.ORDER,
                f"runs before {following.file}: {tool} goes by name, in which {first[0]} stands before {second[0]}.",
                f"Give all numbers as many digits, as in {second[0].zfill(len(first[0]))}, before anything is applied.",
            )


def ignored_issue(folder: Folder, path: Path, why: str, remedy: str) -> FolderIssue:
    """A file that the tool passes over: `why` is the whole sentence behind its name."""
    return FolderIssue(
        kind=IssueKind.IGNORED,
        subject=folder.name(path),
        summary=f"{folder.name(path)} {why}",
        remedy=remedy,
        severity=Severity.WARNING,
        path=str(path),
    )


def taken_issues(
    migrations: Iterable[Migration], version: Callable[[Migration], Hashable], then: str, what: str = "version"
) -> Iterator[FolderIssue]:
    """Those whose version an earlier one has: `what` is the tool's word for it, `then` a sentence of what it does."""
    first: dict[Hashable, Migration] = {}
    for migration in migrations:
        taken = first.setdefault(version(migration), migration)
        if taken is not migration:
            yield issue_of(
                migration,
                IssueKind.DUPLICATE,
                f"has the {what} of {taken.file}: {then}",
                f"Give it a {what} of its own, unless it is applied somewhere; else the other.",
                severity=Severity.ERROR,
            )


def code_issue(folder: Folder, path: Path, what: str) -> FolderIssue:
    """A migration that is no SQL: `what` says what it is, as `in Go, which goose runs`."""
    why = f"is a migration {what} in its place among the others; it cannot be replayed here."
    return ignored_issue(folder, path, why, "Give what it does to the schema with --setup FILE, or write it as SQL.")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a tool does not take a file, as a sentence goes on behind the file's name; the line; and what to write."""

    why: str
    line: int
    remedy: str


def refused_issue(
    file: str, key: str, path: str, refusal: Refusal, *, severity: Severity = Severity.ERROR
) -> FolderIssue:
    """A file that the tool does not take."""
    return FolderIssue(
        kind=IssueKind.REFUSED,
        subject=file,
        summary=f"{file} {refusal.why}.",
        remedy=refusal.remedy,
        severity=severity,
        key=key,
        path=path,
        line=refusal.line,
    )


def sent_byte_order_mark(tool: str) -> Refusal:
    """For tools that send a file as it is."""
    return Refusal(
        why=f"opens with a byte order mark; {tool} sends it, and PostgreSQL takes it for part of a word (42601)",
        line=1,
        remedy="Save the file as UTF-8 without a byte order mark.",
    )


def sent_byte_order_marks(folder: Folder, migrations: Sequence[Migration], tool: str) -> Iterator[FolderIssue]:
    """The files that open with one, of a tool that sends it."""
    for migration in migrations:
        if folder.source(Path(migration.up.path)).has_byte_order_mark:
            yield refused_issue(migration.file, migration.key, migration.up.path, sent_byte_order_mark(tool))


def ended_transaction(script: Script, tool: str, remedy: str) -> Refusal | None:
    """Of a script in the tool's transaction, for tools whose driver looks whether that is still open at the end, as Go's
    lib/pq does."""
    if script.execution.transaction is not TransactionScope.FILE:
        return None
    end: Statement | None = None
    for statement in script.statements:
        cut_body = (
            statement.words[:1] == ("END",) and "$" in statement.text
        )  # of a function, by a tool that looks at no quotes
        if statement.is_transaction_control and "CHAIN" not in statement.words and not cut_body:
            end = None if statement.words[0] in _TRANSACTION_OPENS else statement
    if end is None:
        return None
    return Refusal(
        why=f"ends the transaction of {tool}, which applies it and then stops: “unexpected transaction status idle”",
        line=end.line,
        remedy=remedy,
    )


def dropped_statement(file: str, key: str, path: str, line: int, tool: str, mark: str) -> FolderIssue:
    """One that stands before a file's first section, at the line."""
    return FolderIssue(
        kind=IssueKind.IGNORED,
        subject=file,
        summary=f"{file} has a statement before its first section, and {tool} drops it.",
        remedy=f"Move it below “{mark}”.",
        severity=Severity.WARNING,
        key=key,
        path=path,
        line=line,
    )


def own_key(key: str, file: str, taken: set[str]) -> str:
    """The key, or one made of the file's path where an earlier migration has it; it is taken from then on."""
    chosen = key if key not in taken else file.removesuffix(".sql").replace("/", ".")
    taken.add(chosen)
    return chosen


def unread_folders(folder: Folder, tool: str) -> Iterator[FolderIssue]:
    """Folders with SQL in a folder that the tool reads without those in it."""
    for inner in folder.folders():
        if any(is_sql(path) for path in folder.below(inner).files("")):
            yield ignored_issue(
                folder, inner, f"holds .sql files, and {tool} looks into no folder.", "Move them up, or elsewhere."
            )


def is_sql(path: Path) -> bool:
    """Whether its name says that it is SQL, in capitals or not."""
    return path.name.lower().endswith(".sql")
