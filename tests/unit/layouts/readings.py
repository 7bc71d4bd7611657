"""What a layout makes of a folder, in words that fit into a table of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pgcontract import FolderOptions, load_project
from pgcontract.contract import FolderIssue
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


def issue_line(issue: FolderIssue) -> str:
    """`migration.order warning 9_b.sql`; a note has no severity."""
    return f"{issue.kind.value} {issue.severity.value if issue.severity else 'note'} {issue.subject}"
