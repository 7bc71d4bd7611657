"""A file that pg_dump wrote, as Rails' structure.sql is one: one migration, which makes the whole schema.

It is restored as psql does it, into an empty database: what is refused there because the roles, the extensions' owner or
the version are another's is gone past, as psql goes past it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pgcontract.contract.layouts import flat
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.contract.psql_scripts import is_dump, read_as_dump
from pgcontract.contract.tool_history import ToolHistory

NAME: Final = "dump"
SENTENCE: Final = "restored as psql does it, each statement sent by itself, past what belongs to roles that are not here"
HISTORY: Final = ToolHistory()


def recognises(folder: Folder) -> str | None:
    """One file that is named, or the only .sql file of the folder, which opens as pg_dump's do."""
    if folder.given is not None:
        return "opens as pg_dump's files do" if folder.only and is_dump(folder, folder.only) else None
    files = (folder.only,) if folder.only is not None else _sql_files(folder)
    if len(files) != 1 or not is_dump(folder, files[0]):
        return None
    return "opens as pg_dump's files do" if folder.only is not None else f"holds {files[0].name}, which pg_dump wrote"


def _sql_files(folder: Folder) -> tuple[Path, ...]:
    return tuple(path for path in folder.files("") if path.name.lower().endswith(".sql"))


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file as `flat` orders them, each restored."""
    return flat.read_files(folder, read_as_dump)
