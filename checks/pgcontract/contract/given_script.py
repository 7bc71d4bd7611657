"""A script that is no file, as a layout reads it: under a name that its tool would take, told by the one that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pgcontract.contract.layouts import Layout, dump, layout_called, psql
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.errors import InputError
from pgcontract.model.sql import Script, Source

_NAMES: Final = {
    "dump": "{}.sql",
    "flat": "{}.sql",
    "flyway": "V1__{}.sql",
    "golang-migrate": "1_{}.up.sql",
    "prisma": "migration.sql",
    "psql": "{}.sql",
    "refinery": "V1__{}.sql",
}
_ANY_NAME: Final = "1_{}.sql"


def read_given(source: Source, layout: str | None, values: Mapping[str, str]) -> tuple[Layout, Folder, str]:
    """The layout, the folder that it is to read, and why it is this layout."""
    if layout is not None:
        taken, shown = layout_called(layout), "as --layout says"
    else:
        folder = _folder(source, psql, values)
        recognised = dump.recognises(folder)
        taken, shown = (dump, f"it {recognised}") if recognised else (psql, "as one script is")
    return taken, _folder(source, taken, values), shown


def _folder(source: Source, layout: Layout, values: Mapping[str, str]) -> Folder:
    only = Path(_NAMES.get(layout.NAME, _ANY_NAME).format(source.path))
    return Folder(path=Path(), root=Path(), only=only, values=values, given=replace(source, path=str(only)))


def read_given_folder(layout: Layout, folder: Folder, name: str) -> FolderReading:
    """What the layout makes of it. Raises InputError, with the name that it has."""
    file = str(folder.only)
    try:
        reading = layout.read_folder(folder)
    except InputError as error:
        raise InputError(
            error.message.replace(file, name), file=name if error.file == file else error.file, line=error.line
        ) from None
    migrations = tuple(_renamed(migration, file, name) for migration in reading.migrations)
    issues = (
        replace(
            issue,
            key=name,
            path=name if issue.path == file else issue.path,
            subject=issue.subject.replace(file, name),
            summary=issue.summary.replace(file, name),
            remedy=issue.remedy.replace(file, name),
        )
        for issue in reading.issues
    )
    return FolderReading(migrations=migrations, issues=tuple(issues), assumptions=reading.assumptions)


def _renamed(migration: Migration, file: str, name: str) -> Migration:
    return replace(
        migration,
        key=name,
        display_name=name,
        file=name,
        up=_script(migration.up, file, name),
        down=_script(migration.down, file, name) if migration.down else None,
    )


def _script(script: Script, file: str, name: str) -> Script:
    return replace(
        script,
        path=name,
        statements=tuple(
            replace(statement, path=name if statement.path == file else statement.path) for statement in script.statements
        ),
        passages=tuple(
            replace(passage, path=name if passage.path == file else passage.path) for passage in script.passages
        ),
    )
