"""What several tools do alike with a folder, and its owner may not expect: an order by name, a version that is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, IssueKind
from pgcontract.result import Severity

_DIGITS: Final = re.compile(r"\d+")


def name_order_issues(migrations: Sequence[Migration], tool: str) -> Iterator[FolderIssue]:
    """Where the order by name is not that of the numbers in front of the names."""
    for migration, following in pairwise(migrations):
        first, second = _DIGITS.match(migration.key), _DIGITS.match(following.key)
        if first and second and int(second[0]) < int(first[0]):
            yield FolderIssue(
                kind=IssueKind.ORDER,
                subject=migration.file,
                summary=f"{migration.file} runs before {following.file}: {tool} goes by name, in which {first[0]} stands "
                f"before {second[0]}.",
                remedy=f"Give all numbers as many digits, as in {second[0].zfill(len(first[0]))}, before anything is "
                "applied.",
                severity=Severity.WARNING,
                key=migration.key,
                path=migration.up.path,
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


def is_sql(path: Path) -> bool:
    """Whether its name says that it is SQL, in capitals or not."""
    return path.name.lower().endswith(".sql")
