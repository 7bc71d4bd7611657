"""The layout of a folder of migrations, and what it makes of the folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pgcontract.contract.configuration import Configuration
from pgcontract.contract.folder_options import FolderOptions
from pgcontract.contract.layouts import Layout, layout_called, layout_of, layouts
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError, UnreadableScript
from pgcontract.result import Severity


def read_folder(
    folder: Folder, options: FolderOptions, configuration: Configuration
) -> tuple[Layout, FolderReading, str]:
    """The layout, what it makes of the folder, and the sentence that tells which it is."""
    if options.layout is not None:
        layout, shown = layout_called(options.layout), "as --layout says"
    elif (name := configuration.spec.runner.layout) is not None:
        key = ("runner", "layout")
        if name not in layouts():
            configuration.raise_mistake(key, f"no layout is called {name!r}; {nearest(name, sorted(layouts()))}")
        layout, shown = layouts()[name], f"as [runner] in {configuration.name_of(*key)} says"
    else:
        layout, recognised = layout_of(folder)
        shown = f"it {recognised}"
    reading = layout.read_folder(folder)
    return layout, reading, layout_sentence(layout, shown)


def read_what_is_sql(
    folder: Folder, options: FolderOptions, configuration: Configuration
) -> tuple[Layout, FolderReading, str]:
    """The same of a folder without contracts, where a file that is no SQL is a finding and stops no other. Raises
    InputError where it is named alone, or nothing else is there."""
    issues: list[FolderIssue] = []
    first: UnreadableScript | None = None
    while True:
        try:
            layout, reading, sentence = read_folder(folder, options, configuration)
            return layout, replace(reading, issues=(*reading.issues, *issues)), sentence
        except UnreadableScript as error:
            path, first = Path(error.file or ""), first or error
            if folder.only is not None or path in folder.unreadable:
                raise
            issues.append(_is_unreadable(folder, path, error))
            # What was found out of the folder with the file in it is no more true.
            folder = replace(folder, unreadable=folder.unreadable | {path}, _openings={}, _answers={})
        except InputError as error:
            raise (first or error) from None


def _is_unreadable(folder: Folder, path: Path, error: UnreadableScript) -> FolderIssue:
    name = folder.name(path)
    return FolderIssue(
        kind=IssueKind.REFUSED,
        subject=name,
        summary=f"{name} {error.message.rstrip('.')}{'' if error.message.endswith('?') else '.'} It was passed over.",
        remedy="Correct it, or move it out of the folder.",
        severity=Severity.ERROR,
        path=str(path),
        line=error.line,
    )


def layout_sentence(layout: Layout, shown: str) -> str:
    return f"Read as {layout.NAME} ({shown}): {layout.SENTENCE}. --layout reads it as another."
