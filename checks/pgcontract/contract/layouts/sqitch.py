"""Sqitch: the changes of sqitch.plan, `deploy/<change>.sql` each, its way back in `revert/<change>.sql`.

As we understand it (Sqitch's documentation, sqitchtutorial and sqitch-rework, and its engine for PostgreSQL): in the
plan's order, each script by psql with ON_ERROR_STOP and in no transaction but its own; what a later change of the same
name reworks is in `<change>@<tag>.sql`, by the first tag behind it. What the plan does not list is never run. Where plan
and scripts are is said by sqitch.conf.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import ignored_issue
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.psql_scripts import ReadScript, read_as_psql
from pgcontract.contract.sqitch_settings import SqitchProject, sqitch_project
from pgcontract.contract.tool_history import ToolHistory
from pgcontract.errors import InputError
from pgcontract.result import Severity
from pgcontract.values import dataclass

NAME: Final = "sqitch"
SENTENCE: Final = "in the order of its plan, each file as psql runs it"
DEPLOY: Final = "sqitch deploy"
BACK: Final = "sqitch revert -y --to @HEAD^"
HISTORY: Final = ToolHistory(
    table="sqitch.changes",
    columns=("change",),
    order="committed_at",
    names=lambda row, migration: row["change"].replace("/", ".") == migration.key.partition("@")[0],
)

_CHANGE: Final = re.compile(r"[ \t]*\+?[ \t]*(?P<name>[^\s@:#%+-][^\s@:#\[]*)(?=\s|\[|$)")
_TAG: Final = re.compile(r"[ \t]*@(?P<name>[^\s@:#]+)")


@dataclass(frozen=True, kw_only=True)
class _Change:
    """One line of the plan. `stem` is what its scripts are called, with the tag behind which it was reworked."""

    name: str
    stem: str
    line: int


def recognises(folder: Folder) -> str | None:
    """The plan in it, or where sqitch.conf says that it is."""
    project = sqitch_project(folder)
    if project is None:
        return None
    inside = project.plan.is_relative_to(folder.path)
    return f"has {folder.name(project.plan)}" if inside else f"is the top folder of {project.plan}"


def read_folder(folder: Folder) -> FolderReading:
    """Every change of the plan whose script is there."""
    project = sqitch_project(folder)
    if project is None:
        raise InputError("has no sqitch.plan, and no sqitch.conf that says where it is", file=str(folder.path))
    changes = tuple(_changes(folder.text(project.plan)))
    present = [change for change in changes if folder.has(_script(project, "deploy", change))]
    if not present:
        below = folder.name(project.scripts["deploy"])
        raise InputError(f"lists no change whose script is in {below}/", file=str(project.plan))
    migrations, issues = [], []
    up_folder = replace(folder, values={**project.variables, **folder.values})
    down_folder = replace(folder, values={**project.back, **folder.values})
    for change in present:
        up = read_as_psql(up_folder, _script(project, "deploy", change))
        revert = _script(project, "revert", change)
        down = read_as_psql(down_folder, revert) if folder.has(revert) else None
        migrations.append(_migration(folder, project, change, up, down))
        issues += [*up.issues(migrations[-1].key), *(down.issues(migrations[-1].key) if down else ())]
    return FolderReading(
        migrations=tuple(migrations),
        issues=(*issues, *_missing(folder, project, changes), *_unlisted(folder, project, changes)),
    )


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


def _script(project: SqitchProject, kind: str, change: _Change) -> Path:
    place = f"reworked_{kind}" if change.stem != change.name else kind
    return project.scripts[place] / f"{change.stem}.{project.extension}"


def _migration(
    folder: Folder, project: SqitchProject, change: _Change, up: ReadScript, down: ReadScript | None
) -> Migration:
    return Migration(
        key=change.stem.replace("/", "."),
        display_name=change.stem.replace("/", "."),
        file=folder.name(_script(project, "deploy", change)),
        up=up.script,
        down=down.script if down else None,
        down_remedy=f"Write {folder.name(_script(project, 'revert', change))}.",
    )


def _missing(folder: Folder, project: SqitchProject, changes: tuple[_Change, ...]) -> Iterator[FolderIssue]:
    for change in changes:
        script = _script(project, "deploy", change)
        if not folder.has(script):
            yield FolderIssue(
                kind=IssueKind.REFUSED,
                subject=change.stem,
                summary=f"The plan lists {change.stem}, and there is no {folder.name(script)}: Sqitch stops there.",
                remedy="Restore the script, or take the change out of the plan where it is deployed nowhere.",
                severity=Severity.ERROR,
                path=str(project.plan),
                line=change.line,
            )


def _unlisted(folder: Folder, project: SqitchProject, changes: tuple[_Change, ...]) -> Iterator[FolderIssue]:
    listed = {_script(project, "deploy", change) for change in changes}
    for path in sorted(project.scripts["deploy"].rglob(f"*.{project.extension}")):
        if path.is_file() and path not in listed:
            yield ignored_issue(
                folder,
                path,
                f"is not in {project.plan.name}, so Sqitch never runs it.",
                "Add it with `sqitch add`, or remove it.",
            )
