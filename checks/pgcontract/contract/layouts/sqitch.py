"""Sqitch: the changes of sqitch.plan, `deploy/<change>.sql` each, its way back in `revert/<change>.sql`.

As we understand it (Sqitch's documentation, sqitchtutorial and sqitch-rework, and its engine for PostgreSQL): in the
plan's order, each script by psql with ON_ERROR_STOP and in no transaction but its own; what a later change of the same
name reworks is in `<change>@<tag>.sql`, by the first tag behind it. What the plan does not list is never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import ignored_issue, is_sql
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.psql_scripts import ReadScript, read_as_psql
from pgcontract.contract.tool_history import ToolHistory
from pgcontract.errors import InputError
from pgcontract.result import Severity
from pgcontract.values import dataclass

NAME: Final = "sqitch"
SENTENCE: Final = "in the order of sqitch.plan, each file as psql runs it"
DEPLOY: Final = "sqitch deploy"
BACK: Final = "sqitch revert -y --to @HEAD^"
HISTORY: Final = ToolHistory(
    table="sqitch.changes",
    columns=("change",),
    order="committed_at",
    names=lambda row, migration: row["change"].replace("/", ".") == migration.key.partition("@")[0],
)

_PLAN: Final = "sqitch.plan"
_CHANGE: Final = re.compile(r"[ \t]*\+?[ \t]*(?P<name>[^\s@:#%+-][^\s@:#\[]*)(?=\s|\[|$)")
_TAG: Final = re.compile(r"[ \t]*@(?P<name>[^\s@:#]+)")
_ENGINE: Final = re.compile(r"^[ \t]*engine[ \t]*=[ \t]*(\w+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class _Change:
    """One line of the plan. `stem` is what its scripts are called, with the tag behind which it was reworked."""

    name: str
    stem: str
    line: int


def recognises(folder: Folder) -> str | None:
    """sqitch.plan in it."""
    return f"has {_PLAN}" if folder.only is None and folder.has(folder.path / _PLAN) else None


def read_folder(folder: Folder) -> FolderReading:
    """Every change of the plan whose script is there."""
    _require_postgres(folder)
    changes = tuple(_changes(folder.text(folder.path / _PLAN)))
    present = [change for change in changes if folder.has(_script(folder, "deploy", change))]
    if not present:
        raise InputError(
            "lists no change whose script is in deploy/ beside it; where sqitch.conf names other folders, name that of "
            "the scripts with --layout psql",
            file=str(folder.path / _PLAN),
        )
    migrations, issues = [], []
    for change in present:
        up = read_as_psql(folder, _script(folder, "deploy", change))
        revert = _script(folder, "revert", change)
        down = read_as_psql(folder, revert) if folder.has(revert) else None
        migrations.append(_migration(folder, change, up, down))
        issues += [*up.issues(migrations[-1].key), *(down.issues(migrations[-1].key) if down else ())]
    return FolderReading(
        migrations=tuple(migrations), issues=(*issues, *_missing(folder, changes), *_unlisted(folder, changes))
    )


def _require_postgres(folder: Folder) -> None:
    """Raises InputError where sqitch.conf, beside the plan or above it, names another database's engine."""
    for parent in folder.parents():
        if match := _ENGINE.search(folder.settings(parent / "sqitch.conf")):
            if match[1].lower() not in ("pg", "yugabyte"):
                raise InputError(
                    f"these changes are for the engine {match[1]!r}; only those for pg can be verified",
                    file=str(parent / "sqitch.conf"),
                )
            return


def _changes(plan: str) -> Iterator[_Change]:
    waiting: list[tuple[str, int]] = []
    tags: dict[int, str] = {}  # by the line of a change, the first tag behind it
    untagged: list[int] = []
    for number, line in enumerate(plan.splitlines(), 1):
        if tag := _TAG.match(line):
            tags |= dict.fromkeys(untagged, tag["name"])
            untagged.clear()
        elif change := _CHANGE.match(line):
            waiting.append((change["name"], number))
            untagged.append(number)
    last = dict(waiting)
    for name, number in waiting:
        reworked = number != last[name] and number in tags
        yield _Change(name=name, stem=f"{name}@{tags[number]}" if reworked else name, line=number)


def _script(folder: Folder, kind: str, change: _Change) -> Path:
    return folder.path / kind / f"{change.stem}.sql"


def _migration(folder: Folder, change: _Change, up: ReadScript, down: ReadScript | None) -> Migration:
    return Migration(
        key=change.stem.replace("/", "."),
        display_name=change.stem.replace("/", "."),
        file=folder.name(_script(folder, "deploy", change)),
        up=up.script,
        down=down.script if down else None,
        down_remedy=f"Write revert/{change.stem}.sql.",
    )


def _missing(folder: Folder, changes: tuple[_Change, ...]) -> Iterator[FolderIssue]:
    for change in changes:
        if not folder.has(_script(folder, "deploy", change)):
            yield FolderIssue(
                kind=IssueKind.REFUSED,
                subject=change.stem,
                summary=f"The plan lists {change.stem}, and there is no deploy/{change.stem}.sql: Sqitch stops there.",
                remedy="Restore the script, or take the change out of the plan where it is deployed nowhere.",
                severity=Severity.ERROR,
                path=str(folder.path / _PLAN),
                line=change.line,
            )


def _unlisted(folder: Folder, changes: tuple[_Change, ...]) -> Iterator[FolderIssue]:
    listed = {_script(folder, "deploy", change) for change in changes}
    for path in sorted((folder.path / "deploy").rglob("*")):
        if is_sql(path) and path.is_file() and path not in listed:
            yield ignored_issue(
                folder, path, f"is not in {_PLAN}, so Sqitch never runs it.", "Add it with `sqitch add`, or remove it."
            )
