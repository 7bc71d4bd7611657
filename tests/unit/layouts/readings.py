"""What a layout makes of a folder, in words that fit into a table of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pgcontract import FolderOptions, load_project
from pgcontract.contract import FolderIssue
from pgcontract.model.sql import Script, TransactionScope, messages
from written_files import write_files


@dataclass(frozen=True, kw_only=True)
class Read:
    """The layout's name, the keys in their order, those that have a way back, and each issue as
    `migration.order warning 9_b.sql`; with its place where the test is about that."""

    layout: str
    order: list[str]
    back: list[str]
    issues: list[str]


def read(tmp_path: Path, files: Mapping[str, str], path: str = ".", *, layout: str | None = None, **values: str) -> Read:
    """The files, written below the path and read by whichever layout takes them."""
    project = load_project(write_files(tmp_path, files) / path, options=FolderOptions(values=values, layout=layout))
    return Read(
        layout=project.layout,
        order=[migration.key for migration in project.chain],
        back=[migration.key for migration in project.chain if migration.down],
        issues=[issue_line(issue) for issue in project.issues],
    )


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What its tool sends of one file, message by message, each way; in whose transaction; and the issues, each as
    `migration.accepted error 1_a.sql:2`."""

    up: list[str]
    down: list[str] | None = None
    transaction: TransactionScope = TransactionScope.FILE
    issues: tuple[str, ...] = ()


def sent(tmp_path: Path, files: Mapping[str, str], path: str, **values: str) -> Sent:
    """The last migration of the files, read by whichever layout takes them."""
    project = load_project(write_files(tmp_path, files) / path, options=FolderOptions(values=values))
    last = project.head
    return Sent(
        up=_messages(last.up),
        down=_messages(last.down) if last.down else None,
        transaction=last.up.execution.transaction,
        issues=tuple(
            issue_line(issue) + (f":{issue.line}" if issue.line else "")
            for issue in project.issues
            if issue.key == last.key
        ),
    )


def _messages(script: Script) -> list[str]:
    if script.execution.by_statement:
        return [message.text for message in messages(script)]
    return [script.text.strip()] if script.text.strip() else []


def issue_line(issue: FolderIssue) -> str:
    """`migration.order warning 9_b.sql`; a note has no severity."""
    return f"{issue.kind.value} {issue.severity.value if issue.severity else 'note'} {issue.subject}"
