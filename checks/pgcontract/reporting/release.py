"""What an operator is handed for a deployment: the files that were judged, their checksums, and a list of steps to tick.

A way to deploy is offered where it works for these files: a tool with a history of its own would run once more what was
pasted by hand, so there its command is the only one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Final

from pgcontract.contract.layouts import FOLDER_FILES, back_command, deploy_command
from pgcontract.contract.migration import Migration
from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes
from pgcontract.model.sql import Statement
from pgcontract.model.sql.transactions import may_be_one_transaction
from pgcontract.reporting import formats, render
from pgcontract.reporting.deploy_commands import folders_of, psql_command
from pgcontract.reporting.heading import SUPABASE
from pgcontract.reporting.live_tables import worst_lock
from pgcontract.reporting.markdown import render_template
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Run
from pgcontract.values import dataclass

CHECKLIST: Final = "CHECKLIST.md"
CHECKSUMS: Final = "SHA256SUMS"
_SQL, _BACK, _REPORT, _PUSHED = "sql", "back", "report", "supabase-migrations"
_PSQL: Final = ("psql", "dump")  # layouts whose files are written for psql
_HISTORY: Final = "supabase_migrations.schema_migrations"
# As the CLI makes it: a project that was never pushed to has none.
_HISTORY_IS_THERE: Final = (
    "CREATE SCHEMA IF NOT EXISTS supabase_migrations;",
    f"CREATE TABLE IF NOT EXISTS {_HISTORY} (version text PRIMARY KEY, statements text[], name text);",
)


class Method(Enum):
    """A way to deploy: pasted into Supabase's SQL editor, `supabase db push`, psql, or the command of its own tool."""

    EDITOR = "editor"
    PUSH = "db-push"
    PSQL = "psql"
    TOOL = "tool"


@dataclass(frozen=True, kw_only=True)
class ReleasedFile:
    """A pending migration: its file in the release, and what has to be known to run it.

    `pushed` is its name for `supabase db push`; `goes_back` is whether it has a way back, and `back` that way's own
    file, where it has one. `alone` are the statements that no transaction may hold; `whole` is whether psql may make the
    file one transaction; `back_alone` and `back_whole` are the same of the way back.
    """

    name: str
    path: str
    sha256: str
    goes_back: bool
    back: str | None
    pushed: str
    alone: tuple[Statement, ...]
    whole: bool
    back_alone: tuple[Statement, ...]
    back_whole: bool

    @property
    def remembered(self) -> str:
        """The statement by which Supabase's history knows the file."""
        version, _, name = self.pushed.removesuffix(".sql").partition("_")
        values = f"({_literal(version)}, {_literal(name)})"
        return f"INSERT INTO {_HISTORY} (version, name) VALUES {values} ON CONFLICT DO NOTHING;"  # noqa: S608 - printed

    @property
    def forgotten(self) -> str:
        """The statement by which it knows it no more."""
        return f"DELETE FROM {_HISTORY} WHERE version = {_literal(self.pushed.partition('_')[0])};"  # noqa: S608 - printed


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, kw_only=True)
class Release:
    """The files of a release by their paths in its folder, and the ways that are offered."""

    contents: Mapping[str, str | bytes]
    methods: tuple[Method, ...]


def methods_of(run: Run) -> tuple[Method, ...]:
    """The ways to deploy that work for a folder of the Run's layout and platform."""
    if deploy_command(run.layout, [run.project]) is not None:
        return (Method.TOOL,)
    if run.layout in _PSQL or run.platform != SUPABASE:
        return (Method.PSQL,)
    return (Method.PUSH, Method.EDITOR, Method.PSQL) if run.layout == SUPABASE else tuple(Method)[:3]


def release(
    run: Run,
    pending: Sequence[Migration],
    *,
    methods: Sequence[Method] = (),
    project_ref: str | None = None,
    pooler: str | None = None,
) -> Release:
    """The release of the Run's pending migrations. `project_ref` is the Supabase project, the document's own where it is
    None; `pooler` the host of its session pooler, where psql cannot take the direct one.

    Raises InputError where a way is asked for that does not work for these files.
    """
    able = methods_of(run)
    if wrong := [method.value for method in methods if method not in able]:
        raise InputError(
            f"{', '.join(wrong)} is no way to deploy {run.project}, read as {run.layout} for {run.platform}. "
            f"Choose of: {', '.join(method.value for method in able)}."
        )
    both = [migration.file for migration in pending if migration.down and migration.down.path == migration.up.path]
    if both and Method.TOOL not in able:
        raise InputError(
            f"{both[0]} holds its way back as well, and psql and the SQL editor would run both: have the tool that "
            "divides it run it, or move what stands behind the mark to a file of its own"
        )
    chosen = tuple(method for method in able if not methods or method in methods)
    files = tuple(_released(run, pending))
    contents: dict[str, str | bytes] = {}
    for migration, file in zip(pending, files, strict=True):
        raw = read_bytes(Path(migration.up.path))
        contents[file.path] = raw
        if Method.PUSH in chosen:
            contents[f"{_PUSHED}/{file.pushed}"] = raw
        if file.back is not None and migration.down is not None:
            contents[file.back] = read_bytes(Path(migration.down.path))
    for name, module in formats().items():
        if hasattr(module, "FILE"):
            contents[f"{_REPORT}/{module.FILE}"] = render(run, name)
    contents[CHECKLIST] = _checklist(run, files, chosen, project_ref=project_ref, pooler=pooler)
    contents[CHECKSUMS] = "".join(f"{_digest(contents[name])}  {name}\n" for name in sorted(contents))
    return Release(contents=contents, methods=chosen)


def _digest(content: str | bytes) -> str:
    return sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def _released(run: Run, pending: Sequence[Migration]) -> Iterator[ReleasedFile]:
    several = len({PurePosixPath(migration.up.path).name for migration in pending}) < len(pending)
    for place, migration in enumerate(pending):
        name = PurePosixPath(migration.up.path).name
        down = migration.down
        back = PurePosixPath(down.path).name if down is not None and down.path != migration.up.path else None
        # Where each file is called alike (migration.sql in a folder each), it is called by its key.
        if several or name in FOLDER_FILES:
            name, back = f"{_file_name(migration.key)}.sql", back and f"{_file_name(migration.key)}.down.sql"
        ahead, behind = migration.up.statements or (), (down.statements if down else None) or ()
        yield ReleasedFile(
            name=name,
            path=f"{_SQL}/{name}",
            sha256=migration.up.sha256,
            goes_back=down is not None,
            back=f"{_BACK}/{back}" if back else None,
            pushed=_pushed(run, migration, place),
            alone=tuple(each for each in ahead if each.forbids_transaction_block),
            whole=may_be_one_transaction(ahead),
            back_alone=tuple(each for each in behind if each.forbids_transaction_block),
            back_whole=may_be_one_transaction(behind),
        )


def _pushed(run: Run, migration: Migration, place: int) -> str:
    """`<digits>_<name>.sql`: of Supabase's own folder as it is, else with the time of the run in UTC as its digits."""
    name = PurePosixPath(migration.up.path).name
    if run.layout == SUPABASE:
        return name
    at = datetime.fromisoformat(run.started) + timedelta(seconds=place)
    words = _file_name(migration.key).removeprefix(f"{migration.display_name}_")
    return f"{at:%Y%m%d%H%M%S}_{words}.sql"


def _file_name(key: str) -> str:
    return key.replace("/", "_").removesuffix(".sql")


def _checklist(
    run: Run, files: Sequence[ReleasedFile], methods: Sequence[Method], *, project_ref: str | None, pooler: str | None
) -> str:
    ref = project_ref or run.document.project_ref or "<project-ref>"
    keys = set(run.pending)
    view = RunView(run)
    back = back_command(run.layout, folders_of(run), count=len(files)) if Method.TOOL in methods else None
    return render_template(
        "release.md.j2",
        run,
        files=files,
        methods=[method.value for method in methods],
        ref=ref,
        people=view.people,
        stops=[stop for stop in run.stops if stop.migration in keys and stop.counting],
        losses=[loss for loss in run.losses if loss.migration in keys],
        psql={file.path: psql_command(run, file.path, ref=ref, pooler=pooler, whole=file.whole) for file in files},
        backs=[
            (file, psql_command(run, file.back, ref=ref, pooler=pooler, whole=file.back_whole))
            for file in reversed(files)
            if file.back
        ],
        no_way_back=[file.name for file in files if not (file.goes_back if back else file.back)],
        tool_back=back if all(file.goes_back for file in files) else None,
        pooler=pooler,
        ref_word=quote(ref),
        lock=worst_lock(run),
        remembered="\n".join((*_HISTORY_IS_THERE, *(file.remembered for file in files))),
        forgotten="\n".join(file.forgotten for file in files),
        tool=deploy_command(run.layout, folders_of(run)),
        checksums=CHECKSUMS,
        pushed_folder=_PUSHED,
        verifications=view.family("verification"),
    )
