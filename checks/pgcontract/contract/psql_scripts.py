"""Files that may be psql's or pg_dump's: which they are by their text, and what they include, from the folder alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from pgcontract.contract.migration_folder import Folder, FolderIssue, IssueKind
from pgcontract.contract.ways_back import without_plays_comments
from pgcontract.errors import InputError
from pgcontract.model.sql import (
    Execution,
    PsqlReading,
    Script,
    SkippedText,
    Source,
    UnsetVariable,
    make_script,
    read_psql,
    require_sql,
    require_sql_text,
)
from pgcontract.model.sql.psql_arguments import VARIABLE
from pgcontract.model.wording import first_of
from pgcontract.patterns import lazy_pattern
from pgcontract.result import Severity
from pgcontract.values import dataclass

PSQL: Final = Execution(by_statement=True)
RESTORE: Final = Execution(by_statement=True, restores=True)

# Cheap: most files hold none of it, and are not read as psql would to be told.
_MAYBE_PSQL: Final = lazy_pattern(r"\\|(?<!:):[\w'\"{]|\bstdin\b", re.IGNORECASE)
_PG_DUMP: Final = lazy_pattern(
    r"\A(?:[ \t]*(?:--[^\n]*|\\restrict[^\n]*)?\r?\n)*?--\r?\n-- PostgreSQL database (?:cluster )?dump\r?\n--"
)
# What Rails leaves of it in structure.sql: its own comments at the top are cut off.
_CUT_HEADER: Final = lazy_pattern(
    r"\A(?:\s|--[^\n]*\n|\\restrict[^\n]*\n)*SET statement_timeout = 0;.*^SELECT pg_catalog\.set_config\('search_path'",
    re.DOTALL | re.MULTILINE,
)
_VARIABLE: Final = lazy_pattern(rf"(?<!:){VARIABLE}")
_MAX_NAMES: Final = 3
_OPENING: Final = 65_536


@dataclass(frozen=True, kw_only=True)
class ReadScript:
    """A script with what its owner should know of how psql reads it; `tool` is psql, pg_dump or nobody's."""

    script: Script
    tool: str = ""
    unset: tuple[UnsetVariable, ...] = ()
    skipped: tuple[SkippedText, ...] = ()
    included: tuple[str, ...] = ()

    def issues(self, key: str) -> Iterator[FolderIssue]:
        """The same, as issues of the migration that has that key."""
        for variable in self.unset:
            yield FolderIssue(
                kind=IssueKind.PLACEHOLDER,
                subject=variable.name,
                summary=f"psql sets {variable.name} from its connection, which is not known here."
                if variable.is_of_psql
                else f"The variable {variable.name} has no value, so psql sends its name.",
                remedy=f"Give it with --set {variable.name}=VALUE.",
                severity=Severity.ERROR,
                key=key,
                path=variable.place.path,
                line=variable.place.line,
            )
        for passage in self.skipped:
            yield FolderIssue(
                kind=IssueKind.IGNORED,
                subject=f"{passage.place.path}:{passage.place.line}",
                summary=passage.sentence,
                remedy="Remove what is not meant to run.",
                severity=Severity.WARNING,
                key=key,
                path=passage.place.path,
                line=passage.place.line,
            )


Reader: TypeAlias = Callable[[Folder, Path], ReadScript]


def read_by_its_text(folder: Folder, path: Path) -> ReadScript:
    """The file as psql reads it where it uses what only psql has, as a restore where pg_dump wrote it; else as it is.
    Raises InputError where it cannot be read, holds no SQL, or asks psql for what is not done here."""
    source = folder.any_text(path)
    if _opens_as_dump(source.text):
        return _read_script(_read(folder, source, RESTORE), "pg_dump")
    if _MAYBE_PSQL.search(source.text):
        read = _read(folder, source, PSQL)
        if read.uses_psql:
            return _read_script(read, "psql")
    if source is not folder.given:
        require_sql_text(without_plays_comments(source.text), source.path)
    return ReadScript(script=make_script(source))


def read_as_psql(folder: Folder, path: Path) -> ReadScript:
    """The file as psql reads it, whatever is in it."""
    return _read_script(_read(folder, folder.any_text(path), PSQL), "psql")


def read_as_dump(folder: Folder, path: Path) -> ReadScript:
    """The file as psql reads it when it restores a dump."""
    return _read_script(_read(folder, folder.any_text(path), RESTORE), "pg_dump")


def read_alone(path: Path, values: Mapping[str, str]) -> Script:
    """A file that is no migration, as psql runs it. Raises InputError as `read_as_psql`, and at a variable without a
    value."""
    folder = Folder(path=path.parent, root=path.parent, only=path, values=values)
    read = read_as_dump(folder, path) if is_dump(folder, path) else read_as_psql(folder, path)
    for issue in read.issues(path.name):
        if issue.kind is IssueKind.PLACEHOLDER:
            raise InputError(f"{issue.summary} {issue.remedy}", file=issue.path, line=issue.line)
    return read.script


def uses_psql(folder: Folder, path: Path) -> bool:
    """Whether only psql understands the file, as far as it can be read."""
    try:
        return read_by_its_text(folder, path).tool == "psql"
    except InputError:
        return "\\" in folder.opening(path)


def is_dump(folder: Folder, path: Path) -> bool:
    """Whether the file opens as pg_dump's do, or as Rails' structure.sql, which is one."""
    return _opens_as_dump(folder.opening(path))


def _opens_as_dump(text: str) -> bool:
    return bool(_PG_DUMP.match(text[:4_000]) or _CUT_HEADER.match(text[:_OPENING]))


def describe_tools(scripts: tuple[ReadScript, ...]) -> tuple[str, ...]:
    """A sentence for those that are read otherwise than the rest of their folder."""
    sentences = []
    for tool, how in (
        ("psql", "use psql's commands and are read as psql reads them, each statement sent by itself"),
        ("pg_dump", "are dumps and are read as psql restores them"),
    ):
        names = [Path(script.script.path).name for script in scripts if script.tool == tool]
        if names:
            subject = first_of(names, _MAX_NAMES)
            if len(names) == 1:
                how = how.replace("use ", "uses ", 1).replace("are dumps", "is a dump").replace("are read", "is read")
                how = how.replace("reads them", "reads it").replace("restores them", "restores it")
            sentences.append(f"{subject} {how}.")
    return tuple(sentences)


def _read_script(read: PsqlReading, tool: str) -> ReadScript:
    statements = read.script.statements
    if read.unset:  # there may be SQL around the names
        statements = tuple(replace(statement, text=_VARIABLE.sub("x", statement.text)) for statement in statements)
    require_sql(statements)
    return ReadScript(script=read.script, tool=tool, unset=read.unset, skipped=read.skipped, included=read.included)


def _read(folder: Folder, source: Source, execution: Execution) -> PsqlReading:
    def open_file(name: str, *, beside: str | None, rows: bool) -> Source:
        return _open(folder, name, beside)

    return read_psql(source, open_file=open_file, variables=folder.values, execution=execution)


def _open(folder: Folder, name: str, beside: str | None) -> Source:
    """The file of the folder's project that a script includes; psql looks in the folder that it is started in."""
    root = folder.root.resolve()
    folders = [folder.start, folder.root, folder.path] if beside is None else [Path(beside).parent]
    places = [start / name for start in folders]
    outside = None
    for place in dict.fromkeys(Path(os.path.normpath(place)) for place in places):
        if not place.resolve().is_relative_to(root):
            outside = outside or place
        elif place.is_file():
            return replace(folder.any_text(place), path=str(place))
    looked = ", ".join(dict.fromkeys(os.path.normpath(place) for place in places if place != outside))
    if outside is not None and (outside.exists() or len(places) == 1):
        raise InputError(f"{outside} is outside of {folder.root}, and only what is in there is read; put a copy there")
    raise InputError(f"there is no such file; looked for {looked}")
