"""Hasura: `migrations/<database>/<timestamp>_<name>/up.sql`, the way back in `down.sql` beside it, below its config.yaml.

As we understand it (its command line's documentation): by the timestamps, each file sent whole to run_sql, which runs it
in a transaction; what is applied is kept in Hasura's own catalog.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pgcontract.contract.layouts import diesel
from pgcontract.contract.migration_folder import Folder, FolderReading, IssueKind
from pgcontract.contract.tool_evidence import is_hasuras
from pgcontract.contract.tool_history import ToolHistory

NAME: Final = "hasura"
SENTENCE: Final = "by the folders' timestamps, each file in a transaction"
DEPLOY: Final = "hasura migrate apply --all-databases"
BACK: Final = "hasura migrate apply --down 1 --database-name <database>"
HISTORY: Final = ToolHistory()

_OUTSIDE: Final = "Hasura has no way out of its transaction: run it by hand, or leave CONCURRENTLY out."
_TAKEN: Final = "{} has the timestamp of another, and Hasura knows a migration by it alone: this one was not run."


def recognises(folder: Folder) -> str | None:
    """Folders as diesel's, below a config.yaml of Hasura's."""
    shown = diesel.shown_by(folder)
    return f"{shown}, below Hasura's config.yaml" if shown and is_hasuras(folder) else None


def read_folder(folder: Folder) -> FolderReading:
    """Every folder that has an up.sql, by its timestamp; of those with one timestamp, one."""
    reading = diesel.read_folder(folder)
    return FolderReading(
        migrations=tuple(replace(one, outside_remedy=_OUTSIDE) for one in reading.migrations),
        issues=tuple(
            replace(issue, summary=_TAKEN.format(issue.subject))
            for issue in reading.issues
            if issue.kind is IssueKind.DUPLICATE
        ),
    )
