"""The folder of migrations as its tool reads it: order, duplicates, gaps, files that are passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pgcontract.contract import FolderIssue, IssueKind
from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

_FOLDER: Final = "folder"
_MAX_COUNTED_DIGITS: Final = 7  # longer ones are days and times


def _issues(promise: Promise, kind: IssueKind) -> Iterator[FolderIssue]:
    """Those of the migration; of the last one, those of no migration too."""
    project = promise.project
    if not project.issues:
        return
    keys = {migration.key for migration in project.chain}
    for issue in project.issues:
        key = issue.key if issue.key in keys else project.head.key
        if issue.kind is kind and key == promise.migration.key:
            yield issue


def _subjects(kind: IssueKind) -> Callable[[Promise], Iterable[str]]:
    """What there is to tell of each migration; where there is nothing, the whole folder, once."""

    def subjects(promise: Promise) -> Iterator[str]:
        yield from (issue.subject for issue in _issues(promise, kind))
        if _is_last(promise) and not any(issue.kind is kind for issue in promise.project.issues):
            yield _FOLDER

    return subjects


def _is_last(promise: Promise) -> bool:
    return promise.migration.key == promise.project.head.key


def _answers(context: Context, kind: IssueKind, kept: str) -> Iterator[Answer]:
    project = context.promise.project
    if not any(issue.kind is kind for issue in project.issues):
        yield Answer(Status.KEPT, _FOLDER, kept)
    for issue in _issues(context.promise, kind):
        yield Answer(
            Status.BROKEN if issue.severity else Status.NOTED,
            issue.subject,
            issue.summary,
            remedy=issue.remedy,
            severity=issue.severity,
            origin=Origin(file=issue.path, line=issue.line) if issue.path else None,
        )


@check("migration.order", subjects=_subjects(IssueKind.ORDER), severity=Severity.WARNING, replays=True)
def migration_order(context: Context) -> Iterator[Answer]:
    """The migrations run in the order that their names suggest.

    Why it matters: tools sort by number or by text, and 10 stands before 9 as text; an empty database then gets another
    schema than production, or none.
    How it is measured: the folder is read as its tool reads it; where another order could be meant, it is told.
    What to do: give all versions the same number of digits, before anything is applied under the old name.
    """
    yield from _answers(context, IssueKind.ORDER, "The migrations run in the order that their names suggest.")


@check("migration.unique", subjects=_subjects(IssueKind.DUPLICATE), severity=Severity.WARNING, replays=True)
def migration_unique(context: Context) -> Iterator[Answer]:
    """Each migration has a version of its own.

    Why it matters: of two files with one version some tools run one, some both, and some refuse the whole folder.
    How it is measured: the versions are read from the names as the tool reads them.
    What to do: rename the one that is not applied anywhere yet.
    """
    yield from _answers(context, IssueKind.DUPLICATE, "Each migration has a version of its own.")


@check(
    "migration.consecutive",
    subjects=lambda promise: (_FOLDER,) if _is_last(promise) else (),
    severity=Severity.INFO,
    replays=True,
)
def migration_consecutive(context: Context) -> Iterator[Answer]:
    """No number is left out between the first migration and the last.

    Why it matters: a number that is missing is often a file that was not committed.
    How it is measured: where versions count up, the numbers between the first and the last are looked for.
    What to do: look whether the file is missing; else nothing.
    """
    names = [migration.display_name for migration in context.promise.project.chain]
    numbers = [int(name) for name in names if name.isdecimal() and len(name) <= _MAX_COUNTED_DIGITS]
    missing = sorted(set(range(min(numbers), max(numbers))) - set(numbers)) if len(numbers) == len(names) else []
    if not missing or len(missing) >= len(numbers):  # more gaps than files: they count otherwise
        yield Answer(Status.KEPT, _FOLDER, "No number is left out.")
        return
    first = str(missing[0]).zfill(len(names[0]) if names[0].startswith("0") else 0)
    more = f", nor {len(missing) - 1} more" if len(missing) > 1 else ""
    yield Answer(
        Status.NOTED,
        _FOLDER,
        f"No migration has the number {first}{more}, between {names[0]} and {names[-1]}.",
        remedy="Look whether a file was not committed.",
    )


@check("migration.read", subjects=_subjects(IssueKind.IGNORED), severity=Severity.WARNING, replays=True)
def migration_read(context: Context) -> Iterator[Answer]:
    """Every SQL file in the folder is a migration, or a part of one, that the tool runs.

    Why it matters: a file that the tool passes over never runs, and nobody is told.
    How it is measured: the files of the folder that the tool does not take for migrations are listed.
    What to do: rename the file as the tool wants it, or move it elsewhere.
    """
    yield from _answers(context, IssueKind.IGNORED, "Every SQL file in the folder is read.")


@check("migration.accepted", subjects=_subjects(IssueKind.REFUSED), replays=True)
def migration_accepted(context: Context) -> Iterator[Answer]:
    """The tool accepts every file.

    Why it matters: a file that the tool cannot read stops it, and nothing behind that file is applied.
    How it is measured: the files are read by the tool's own rules for sections, markers and settings.
    What to do: write the file as the tool wants it.
    """
    yield from _answers(context, IssueKind.REFUSED, "The tool accepts every file.")


@check("migration.placeholders", subjects=_subjects(IssueKind.PLACEHOLDER), replays=True)
def migration_placeholders(context: Context) -> Iterator[Answer]:
    """Each placeholder has a value.

    Why it matters: without one the tool stops, or sends the placeholder's name as SQL.
    How it is measured: the placeholders of all scripts are looked up among the values given.
    What to do: give it with --set name=value.
    """
    yield from _answers(context, IssueKind.PLACEHOLDER, "No placeholder is without a value.")


def _compared(kind: IssueKind) -> Callable[[Promise], Iterable[str]]:
    """As `_subjects`, where there is something that the folder is compared with."""
    subjects = _subjects(kind)
    return lambda promise: subjects(promise) if promise.project.scope or promise.project.history else ()


@check("migration.unchanged", subjects=_compared(IssueKind.CHANGED), replays=True)
def migration_unchanged(context: Context) -> Iterator[Answer]:
    """Each migration that was there before is there as it was.

    Why it matters: what has run does not run again. A database that has applied the file never gets the change, while an
    empty one does; and tools that keep a checksum stop at it, so that nothing is deployed.
    How it is measured: with --since, the folder is read as it was where the work left that commit, with its tool's
    settings of then, and compared file by file; with --history, the tool's own table says what is applied, and of which
    contents, where it keeps that. What a
    tool runs again whenever it changes may change.
    What to do: take the change back and write it as a migration of its own; where no database has the file yet, say with
    --applied what production has.
    """
    yield from _answers(context, IssueKind.CHANGED, "Every migration that was there before is as it was.")


@check("migration.in_order", subjects=_compared(IssueKind.LATE), replays=True)
def migration_in_order(context: Context) -> Iterator[Answer]:
    """Each new migration comes behind those that were there.

    Why it matters: one that sorts before what is applied is refused by some tools and never run by others; where it is
    run, production gets it in another order than an empty database.
    How it is measured: with --since, new are the files that the commit had not, and before them come those that its
    branch has got since; with --history, new are those that the tool's own table has not. Where the tool's settings allow
    another order, nothing is told.
    What to do: rename it so that it comes last.
    """
    yield from _answers(context, IssueKind.LATE, "Every new migration comes behind those that were there.")


def _recorded(promise: Promise) -> Iterable[str]:
    return _subjects(IssueKind.FAILED)(promise) if promise.project.history else ()


@check("migration.finished", subjects=_recorded, replays=True)
def migration_finished(context: Context) -> Iterator[Answer]:
    """Each migration that production has begun has ended.

    Why it matters: a tool that finds one of its migrations failed applies nothing more, and nobody knows what of it is
    there.
    How it is measured: with --history, the tool's own table is read, with what it says of each migration's end.
    What to do: see what of it is there, mend that, and correct the tool's table as its manual says.
    """
    yield from _answers(context, IssueKind.FAILED, "Every migration that production has begun has ended.")
