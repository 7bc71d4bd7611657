"""What is wrong with a folder whose migrations production has already: changed, late, gone, or never ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.contract.applied_history import AppliedHistory
from pgcontract.contract.changes_since import Changes
from pgcontract.contract.folder_issues import issue_of
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.result import Severity

_NEW_MIGRATION: Final = "Take the change back, and write it as a migration of its own behind the others."
_NOT_APPLIED: Final = "; where no database has it yet, --applied ID says so"


def issues_since(
    chain: Sequence[Migration],
    changes: Changes,
    ref: str,
    tool: ToolHistory,
    name: str,
    *,
    applied: frozenset[str] | None,
) -> Iterator[FolderIssue]:
    """What was there at the commit and is not as it was, and what is new and sorts before it. Where it is known what is
    `applied`, only that is held against anybody."""
    here = {migration.key: migration for migration in chain}

    def counts(key: str) -> bool:
        return applied is None or key in applied

    for key in changes.edited:
        if not counts(key) or here[key].up.execution.repeatable:
            continue
        if key in changes.by_settings:
            yield _run_otherwise(here[key], ref, applied is None)
        else:
            yield _edited(here[key], f"has other statements than at {ref}", tool, name, applied is None)
    for key in changes.reworded:
        if counts(key) and tool.compares and not here[key].up.execution.repeatable:
            yield _edited(here[key], f"has other comments than at {ref}", tool, name, applied is None)
    for key, old in changes.renamed.items():
        if applied is None or key not in applied:
            yield _renamed(here[key], old, ref, tool, name)
    for migration in changes.gone:
        yield _gone(migration.file, f"was there at {ref}", tool, name)
    if applied is None:
        new = frozenset(changes.added) | changes.of_another_version
        yield from _late(chain, _in_order(new, here), tool, name, f"which was there at {ref}")
    for key in changes.moved:
        if key not in changes.renamed:
            yield _moved(here[key], ref)


def issues_once_merged(
    chain: Sequence[Migration],
    merged: FolderReading,
    changes: Changes,
    ref: str,
    tool: ToolHistory,
    name: str,
    *,
    applied: bool,
) -> Iterator[FolderIssue]:
    """What is wrong with the new migrations once they are beside those that came to the commit's branch meanwhile: one
    sorts before those, or has a version that is taken. Where it is said what is `applied`, those are not."""
    here = {migration.key: migration for migration in chain}
    new = frozenset(changes.added) | changes.of_another_version
    together = [here.get(each.key, each) for each in merged.migrations if each.key in new or each.key not in here]
    if not applied:
        yield from _late(together, _in_order(new, here), tool, name, f"which came to {ref} meanwhile")
    theirs = {migration.key for migration in together} - new
    for issue in merged.issues:
        if issue.kind is IssueKind.DUPLICATE and (issue.key in new or issue.key in theirs):
            own = here.get(issue.key or "")
            summary = f"{issue.summary.rstrip('.')}: so it will be with what came to {ref} meanwhile."
            yield replace(issue, summary=summary, path=own.up.path if own else None, line=None)


def issues_of_history(
    chain: Sequence[Migration], history: AppliedHistory, tool: ToolHistory, name: str
) -> Iterator[FolderIssue]:
    """What the tool's own table and the folder do not agree in."""
    here = {migration.key: migration for migration in chain}
    for called, why in history.failed:
        yield FolderIssue(
            kind=IssueKind.FAILED,
            subject=called,
            summary=f"{called} did not end in production: {why}.",
            remedy="See what of it is there, mend that, and correct the tool's own table before you deploy.",
            severity=Severity.ERROR,
        )
    for key in history.altered:
        yield _edited(here[key], f"is not what {history.table} says was applied", tool, name, False)
    for called in history.gone:
        yield _gone(called, f"stands in {history.table}", tool, name)
    new = frozenset(here) - history.applied
    yield from _late(chain, _in_order(new, here), tool, name, "which is applied")


def _in_order(new: frozenset[str], here: Mapping[str, Migration]) -> frozenset[str]:
    """Those that have a place in the order: what is run again whenever it changes comes last anyway."""
    return frozenset(key for key in new if not here[key].up.execution.repeatable)


def _edited(migration: Migration, how: str, tool: ToolHistory, name: str, knows_applied: bool) -> FolderIssue:
    then = (
        f"{name} compares, and stops there."
        if tool.compares
        else "a database that has applied it never gets the change, and an empty one does."
    )
    return issue_of(
        migration,
        IssueKind.CHANGED,
        f"{how}: {then}",
        f"{_NEW_MIGRATION[:-1]}{_NOT_APPLIED}." if knows_applied else _NEW_MIGRATION,
        severity=Severity.ERROR,
    )


def _run_otherwise(migration: Migration, ref: str, knows_applied: bool) -> FolderIssue:
    """Warnings: settings may be another in each place where it runs, as values of placeholders are."""
    return issue_of(
        migration,
        IssueKind.CHANGED,
        f"is the file that it was at {ref}, and runs otherwise: a setting of its tool, or a "
        "file that it reads, has changed. A database that has applied it never gets that, and an empty one does.",
        f"Take that back, unless it is meant{_NOT_APPLIED if knows_applied else ''}.",
    )


def _renamed(migration: Migration, old: str, ref: str, tool: ToolHistory, name: str) -> FolderIssue:
    runs = "its tool runs it a second time, where it goes by names"
    then = f"{name} stops where one that it has applied is gone." if tool.misses else f"{runs}."
    return issue_of(
        migration,
        IssueKind.CHANGED,
        f"was called {old} at {ref}: {then}",
        "Give it back its name; where no database has it yet, --applied ID says so.",
        severity=Severity.ERROR if tool.misses else Severity.WARNING,
    )


def _gone(called: str, how: str, tool: ToolHistory, name: str) -> FolderIssue:
    then = f"{name} stops there" if tool.misses else "an empty database does not get what it made"
    return FolderIssue(
        kind=IssueKind.CHANGED,
        subject=called,
        summary=f"{called} {how}, and is not in the folder: {then}.",
        remedy="Restore the file; what it made is taken back by a migration of its own.",
        severity=Severity.ERROR if tool.misses else Severity.WARNING,
    )


def _late(
    chain: Sequence[Migration], new: frozenset[str], tool: ToolHistory, name: str, what: str
) -> Iterator[FolderIssue]:
    last: Migration | None = None
    for migration in reversed(chain):
        if migration.up.execution.repeatable:
            continue
        if migration.key not in new:
            last = last or migration
        elif last is not None and not tool.may_be_late(migration):
            yield _comes_late(migration, last, tool, name, what)


def _comes_late(migration: Migration, last: Migration, tool: ToolHistory, name: str, what: str) -> FolderIssue:
    then = (
        f"{name} {tool.late.value}"
        if tool.late is not Late.UNKNOWN
        else "production gets it behind that, or not at all; here it was applied before"
    )
    if tool.late is Late.RUNS:
        then += ", while here, as in an empty database, it was applied before"
    return issue_of(
        migration,
        IssueKind.LATE,
        f"sorts before {last.file}, {what}: {then}.",
        "Rename it so that it comes last.",
        severity=Severity.ERROR if tool.late in (Late.REFUSED, Late.SKIPPED) else Severity.WARNING,
    )


def _moved(migration: Migration, ref: str) -> FolderIssue:
    return issue_of(
        migration,
        IssueKind.LATE,
        f"stands elsewhere among the others than at {ref}: a database that has them ran them in "
        "another order than an empty one will.",
        "Give it back its place.",
    )
