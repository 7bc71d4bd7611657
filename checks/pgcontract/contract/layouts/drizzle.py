"""Drizzle before 1.0: `<tag>.sql` for each entry of meta/_journal.json.

As we understand it (its migrator for PostgreSQL): all entries that are pending run in one transaction, in the journal's
order; each file is cut at its breakpoints, wherever they stand. Pending is what has a later `when` than the last entry
that was applied; files that are not listed are never looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pgcontract.contract.folder_issues import ignored_issue, is_sql, sent_byte_order_marks
from pgcontract.contract.layouts import supabase
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import mark_in
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, Script, TransactionScope, make_script, statements_between
from pgcontract.result import Severity
from pgcontract.values import dataclass

NAME: Final = "drizzle"
SENTENCE: Final = "in the order of meta/_journal.json, all pending files in one transaction"
DEPLOY: Final = "npx drizzle-kit migrate"
HISTORY: Final = ToolHistory(
    table="drizzle.__drizzle_migrations",
    columns=("created_at", "hash"),
    names=lambda row, migration: _when(migration) == float(row["created_at"]),
    agrees=lambda row, migration: row.get("hash", "") in ("", migration.up.sha256),
    late=Late.SKIPPED,
)

OUTSIDE: Final = "Drizzle has no way out of its transaction: run it by hand, or leave CONCURRENTLY out."
JOURNAL: Final = Path("meta") / "_journal.json"
_BREAKPOINT: Final = "--> statement-breakpoint"
_UP: Final = ".sql"
_DOWN: Final = ".down.sql"
_DIALECTS: Final = ("postgresql", "pg")
_DIGITS: Final = re.compile(r"\d+")
_EXECUTION: Final = Execution(transaction=TransactionScope.ALL, by_statement=True, outside_transaction=False)


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One entry of the journal and the line of its tag."""

    tag: str
    when: float
    line: int


def recognises(folder: Folder) -> str | None:
    """meta/_journal.json in it, unless Supabase's command line, or a tool with marks of its own, runs the files."""
    if not folder.has(folder.path / JOURNAL) or supabase.recognises(folder) or mark_in(folder):
        return None
    return f"has {JOURNAL.as_posix()}"


def read_folder(folder: Folder) -> FolderReading:
    """Every file that the journal lists, as it lists them."""
    entries = _read_journal(folder)
    listed = {entry.tag: entry for entry in reversed(entries) if folder.has(_file(folder, entry))}
    present = [entry for entry in reversed(listed.values()) if folder.only in (None, _file(folder, entry))]
    if not present and folder.only is not None:
        raise InputError(f"is not listed in {JOURNAL.as_posix()}, so Drizzle never runs it", file=str(folder.only))
    if not present:
        raise InputError("lists no migration that is there", file=str(folder.path / JOURNAL))
    migrations = tuple(_migration(folder, entry) for entry in present)
    issues = [*sent_byte_order_marks(folder, migrations, "Drizzle")]
    if folder.only is None:
        issues += [*_journal_issues(folder, entries), *_unlisted(folder, entries)]
    return FolderReading(migrations=migrations, issues=tuple(issues))


def _file(folder: Folder, entry: _Entry) -> Path:
    return folder.path / f"{entry.tag}{_UP}"


def _migration(folder: Folder, entry: _Entry) -> Migration:
    up = _file(folder, entry)
    down = up.with_name(f"{up.name.removesuffix(_UP)}{_DOWN}")
    digits = _DIGITS.match(entry.tag)
    return Migration(
        key=entry.tag,
        display_name=digits[0] if digits else entry.tag,
        file=folder.name(up),
        up=read_script(folder, up),
        down=make_script(folder.source(down)) if folder.has(down) else None,
        outside_remedy=OUTSIDE,
        down_remedy=f"Drizzle has no way back: write {down.name} beside it, which it does not look at.",
    )


def read_script(folder: Folder, path: Path) -> Script:
    """The file, cut at its breakpoints."""
    source = folder.source(path)
    statements = tuple(statements_between(source.text, _pieces(source.text), source.path))
    return make_script(source, statements=statements, execution=_EXECUTION)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """From breakpoint to breakpoint; one within quotes is one too."""
    start = 0
    while (end := text.find(_BREAKPOINT, start)) >= 0:
        yield start, end
        start = end + len(_BREAKPOINT)
    yield start, len(text)


def _read_journal(folder: Folder) -> tuple[_Entry, ...]:
    """The entries in their order. Raises InputError where it is no journal, or another database's."""
    path = folder.path / JOURNAL
    if not folder.has(path):
        raise InputError(
            f"has no {JOURNAL.as_posix()}; folders of drizzle-kit 1.0 are read with --layout drizzle-1",
            file=str(folder.path),
        )
    text = folder.text(path)
    try:
        journal = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        what, line = (error.msg, error.lineno) if isinstance(error, json.JSONDecodeError) else ("it is too deep", None)
        raise InputError(f"this is not JSON: {what}. Mend it", file=str(path), line=line) from None
    entries = journal.get("entries") if isinstance(journal, dict) else None
    if not isinstance(entries, list):
        raise InputError("is no journal of Drizzle's: it has no list of entries", file=str(path))
    if (dialect := journal.get("dialect", _DIALECTS[0])) not in _DIALECTS:
        raise InputError(
            f"these migrations are for the dialect {dialect!r}; only those for postgresql can be verified",
            file=str(path),
            line=_line(text, '"dialect"'),
        )
    return tuple(_entry(entry, number, text, path) for number, entry in enumerate(entries, 1))


def _entry(entry: Any, number: int, text: str, path: Path) -> _Entry:
    tag, when = (entry.get("tag"), entry.get("when")) if isinstance(entry, dict) else (None, None)
    if not isinstance(tag, str) or not isinstance(when, int | float):
        raise InputError(f"entry {number} has no `tag` that is a text, or no `when` that is a number", file=str(path))
    return _Entry(tag=tag, when=when, line=_line(text, json.dumps(tag, ensure_ascii=False)))


def _line(text: str, piece: str) -> int:
    return text.count("\n", 0, max(text.find(piece), 0)) + 1


def _journal_issues(folder: Folder, entries: tuple[_Entry, ...]) -> Iterator[FolderIssue]:
    """What the journal says that its owner may not have meant."""
    latest: _Entry | None = None
    read: set[str] = set()
    for entry in entries:
        name = f"{entry.tag}{_UP}"
        if not folder.has(_file(folder, entry)):
            why = f"The journal lists {name}, which is not there, and Drizzle stops."
            yield _issue(folder, entry, IssueKind.REFUSED, Severity.ERROR, why, "Restore it, or remove its entry.")
        elif entry.tag in read:
            why = f"The journal lists {name} twice, and Drizzle runs it twice; it was applied once."
            yield _issue(folder, entry, IssueKind.DUPLICATE, Severity.WARNING, why, "Remove one of the entries.")
        elif latest is not None and entry.when <= latest.when:
            why = (
                f"{name} has no later `when` than {latest.tag}{_UP} before it: an empty database gets it, and one that "
                f"has {latest.tag} never does."
            )
            yield _issue(
                folder, entry, IssueKind.IGNORED, Severity.WARNING, why, f"Give it a `when` above {latest.when:.0f}."
            )
        if latest is not None and _is_lower(entry.tag, latest.tag):
            why = f"{name} runs after {latest.tag}{_UP}, since the journal lists it behind."
            yield _issue(folder, entry, IssueKind.ORDER, Severity.WARNING, why, "Order the journal's entries.")
        read.add(entry.tag)
        latest = entry if latest is None or entry.when > latest.when else latest


def _is_lower(tag: str, before: str) -> bool:
    number, number_before = _DIGITS.match(tag), _DIGITS.match(before)
    return bool(number and number_before and int(number[0]) < int(number_before[0]))


def _issue(folder: Folder, entry: _Entry, kind: IssueKind, severity: Severity, summary: str, remedy: str) -> FolderIssue:
    """One about an entry, at its line."""
    return FolderIssue(
        kind=kind,
        subject=f"{entry.tag}{_UP}",
        summary=summary,
        remedy=remedy,
        severity=severity,
        key=entry.tag,
        path=str(folder.path / JOURNAL),
        line=entry.line,
    )


def _unlisted(folder: Folder, entries: tuple[_Entry, ...]) -> Iterator[FolderIssue]:
    """Files beside the listed ones that are neither those nor a way back."""
    known = {f"{entry.tag}{ending}" for entry in entries for ending in (_UP, _DOWN)}
    for path in folder.files(""):
        if is_sql(path) and path.name not in known:
            yield ignored_issue(
                folder,
                path,
                f"is not listed in {JOURNAL.as_posix()}, so Drizzle never runs it.",
                "Let drizzle-kit generate it, or remove it.",
            )


def _when(migration: Migration) -> float:
    """What the journal beside the file says of it; above everything where it says nothing."""
    inner = Path(migration.up.path).parent
    entries = _read_journal(Folder(path=inner, root=inner))
    return next((entry.when for entry in entries if entry.tag == migration.key), float("inf"))
