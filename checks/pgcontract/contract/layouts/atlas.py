"""Atlas: versioned `<version>_<name>.sql` in one folder with an atlas.sum.

As we understand it (its source, sql/migrate/dir.go and lex.go, and its documentation): by the files' names; each is cut
into statements, sent one by one in a transaction a file, unless `-- atlas:txmode none` stands at its top, an empty line
behind it. Nothing is applied where atlas.sum does not fit the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.atlas_sum import SUM_FILE, sum_issues
from pgcontract.contract.folder_issues import issue_of, name_order_issues, unread_folders
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import mark_in
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, Script, TransactionScope, make_script, statements_between

NAME: Final = "atlas"
SENTENCE: Final = "by name, statement by statement, each file in a transaction but where its txmode says otherwise"
DEPLOY: Final = 'atlas migrate apply --dir file://{folder} --url "$DATABASE_URL"'
HISTORY: Final = ToolHistory(
    table="atlas_schema_revisions",
    columns=("version", "error"),
    order="version",
    names=lambda row, migration: row["version"] == migration.display_name,
    failed=lambda row: "Atlas has kept an error of it" if row.get("error") else "",
    late=Late.REFUSED,
    compares=True,
)

_DIRECTIVE: Final = re.compile(r"^-- *atlas:(?P<name>\w+)(?: +(?P<value>.*?))?[ \r]*$", re.MULTILINE)
_HEADER: Final = re.compile(r"(?:--[^\n]*\n)+(?=\r?\n|\Z)")
_OF_OTHERS: Final = re.compile(r".*\.(?:up|down)\.sql|[VUBR][\d._]*__.*")
_ESCAPES: Final = {r"\n": "\n", r"\t": "\t", r"\r": "\r"}
_OUTSIDE: Final = "Give it a file of its own with “-- atlas:txmode none” at its top, and an empty line behind that."


def recognises(folder: Folder) -> str | None:
    """atlas.sum in it, unless its files are laid out as another tool's, which Atlas reads too."""
    if folder.only is not None or not folder.has(folder.path / SUM_FILE) or mark_in(folder):
        return None
    return None if any(_OF_OTHERS.fullmatch(path.name) for path in folder.files()) else f"has {SUM_FILE}"


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file by its name; a checkpoint only where it is the first."""
    paths = folder.files()
    if not paths:
        raise InputError("holds no migration; Atlas's are called <version>_<name>.sql", file=str(folder.path))
    checkpoints = [path for path in paths[1:] if "checkpoint" in _directives(folder.source(path).text)]
    migrations = tuple(_migration(folder, path) for path in paths if path not in checkpoints)
    issues = [*name_order_issues(migrations, "Atlas"), *_not_read(migrations), *sum_issues(folder)]
    issues += unread_folders(folder, "Atlas")
    issues += [
        FolderIssue(
            kind=IssueKind.IGNORED,
            subject=folder.name(path),
            summary=f"{folder.name(path)} is a checkpoint, run in the place of earlier files where nothing is applied; "
            "those were replayed.",
            remedy="Nothing, where it makes what they make.",
            severity=None,
            path=str(path),
        )
        for path in checkpoints
    ]
    return FolderReading(migrations=migrations, issues=tuple(issues))


def _directives(text: str) -> dict[str, str]:
    """Those of the comments at the top that an empty line follows."""
    header = _HEADER.match(text)
    return {match["name"]: match["value"] or "" for match in _DIRECTIVE.finditer(header[0])} if header else {}


def _migration(folder: Folder, path: Path) -> Migration:
    key = path.name.removesuffix(".sql")
    return Migration(
        key=key,
        display_name=key.partition("_")[0],
        file=folder.name(path),
        up=_script(folder, path),
        outside_remedy=_OUTSIDE,
        down_remedy="Atlas plans a way back itself (`atlas migrate down`): it keeps none in a file.",
    )


def _script(folder: Folder, path: Path) -> Script:
    source = folder.source(path)
    directives = _directives(source.text)
    outside = directives.get("txmode") == "none"
    execution = Execution(
        transaction=TransactionScope.MESSAGE if outside else TransactionScope.FILE,
        by_statement=True,
        outside_transaction=False,
    )
    delimiter = re.sub(r"\\[ntr]", lambda match: _ESCAPES[match[0]], directives.get("delimiter", ""))
    if not delimiter:
        return make_script(source, execution=execution)
    spans = list(_between(source.text, delimiter))
    statements = tuple(statements_between(source.text, spans, source.path))
    return make_script(source, statements=statements, execution=execution)


def _between(text: str, delimiter: str) -> Iterator[tuple[int, int]]:
    header = _HEADER.match(text)
    start = header.end() if header else 0
    while (end := text.find(delimiter, start)) >= 0:
        yield start, end
        start = end + len(delimiter)
    yield start, len(text)


def _not_read(migrations: tuple[Migration, ...]) -> Iterator[FolderIssue]:
    """Directives that Atlas takes for a comment of the first statement."""
    for migration in migrations:
        text = migration.up.text
        match = _DIRECTIVE.match(text)
        if match and match["name"] in ("txmode", "delimiter") and match["name"] not in _directives(text):
            yield issue_of(
                migration,
                IssueKind.REFUSED,
                f"has “{match[0].strip()}” with no empty line behind it: Atlas takes it for the statement's comment.",
                "Write an empty line behind it.",
                line=1,
            )
