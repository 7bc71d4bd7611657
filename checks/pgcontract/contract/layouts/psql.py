"""One script of psql: a file that uses what only psql has, or any that is said to be read so.

psql itself never runs. As we understand `psql -v ON_ERROR_STOP=1 -f`: each statement is a transaction of its own unless
the script says BEGIN, and the first that fails ends it.
"""

from __future__ import annotations

from typing import Final

from pgcontract.contract.layouts import flat
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.contract.psql_scripts import read_as_psql, uses_psql
from pgcontract.contract.tool_history import ToolHistory

NAME: Final = "psql"
SENTENCE: Final = "each statement sent by itself, up to the first that fails"
HISTORY: Final = ToolHistory()


def recognises(folder: Folder) -> str | None:
    """One file that is named, with psql's commands, variables or rows in it."""
    if folder.only is None:
        return None
    return "uses psql's commands" if folder.only.suffix == ".sql" and uses_psql(folder, folder.only) else None


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file as `flat` orders them, each as psql reads it."""
    return flat.read_files(folder, read_as_psql)
