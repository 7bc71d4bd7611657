"""Tools whose migrations are recognised and not read: code instead of SQL, or SQL that only the tool can put in order.

An owner is told which tool it is, and how to hand its SQL over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.liquibase_changelogs import PRINTED
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.sqitch_settings import sqitch_project
from pgcontract.errors import InputError
from pgcontract.values import dataclass

SCRATCH: Final = "migrate a scratch database, then `pg_dump -s DATABASE | pgcontract verify -`"
_CODE: Final = "They are code, and there is no SQL in them to read"
_JAVASCRIPT: Final = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts")
CODE: Final = (".py", ".php", ".rb", ".go", ".rs", ".cs", ".java", ".kt", ".scala", ".exs", *_JAVASCRIPT)
_JAVASCRIPT_FOLDERS: Final = tuple(
    f"{above}{name}"
    for above in ("", "src/", "db/", "src/db/", "database/", "src/database/")
    for name in ("migrations", "migration")
)
_NUMBERED: Final = re.compile(r"\d+[_-].*")
_DJANGO: Final = re.compile(r"\d{4}_\w+\.py")
_RAILS: Final = re.compile(r"\d+_\w+(?:\.\w+)?\.rb")
_ECTO: Final = re.compile(r"\d+_\w+\.exs")
_ENTITY_FRAMEWORK: Final = re.compile(r"\d{14}_\w+\.cs")
_LARAVEL: Final = re.compile(r"\d{4}_\d\d_\d\d_\d{6}_\w+\.php")
_GO: Final = re.compile(r"\d+_\w+\.go")
_RUST: Final = re.compile(r"[UV]\d+__\w+\.rs")
_CHANGELOG: Final = re.compile(r".*\.(?:xml|ya?ml|json)", re.I)
_LEVELS_OF_CHANGES: Final = 2  # of db/changelog/changes/1.0
_PGROLL: Final = re.compile(r"\d+[_-].*\.(?:json|ya?ml)")
_MAX_FILES: Final = 20


@dataclass(frozen=True, kw_only=True)
class UnreadTool:
    """`shows` says what shows that a folder is the tool's, as it reads behind "it"; `instead` how to get at its SQL."""

    name: str
    shows: Callable[[Folder], str | None]
    instead: Callable[[Folder], str]


def unread_tool(folder: Folder) -> UnreadTool | None:
    """The tool, where the folder of migrations, or the project's folder above it, is one's that is not read."""
    return next((tool for tool in TOOLS if tool.shows(_asked(folder))), None)


def refuse_unread(folder: Folder) -> None:
    """Raises InputError where `unread_tool` finds one."""
    asked = _asked(folder)
    if tool := unread_tool(folder):
        raise InputError(
            f"these are {tool.name} migrations: it {tool.shows(asked)}. {tool.instead(asked)}", file=str(folder.path)
        )


def refuse_unread_layout(name: str) -> None:
    """Raises InputError where `--layout` names such a tool."""
    tool = next((tool for tool in TOOLS if tool.name.lower() == name.lower()), None)
    if tool is not None:
        nowhere = Folder(path=Path(), root=Path(), only=Path())
        raise InputError(f"--layout {name}: {tool.name} migrations are not read. {tool.instead(nowhere)}")


def _asked(folder: Folder) -> Folder:
    """The folder around a file of code that is named; of a named .sql file, only its text is asked."""
    if folder.only is None or folder.given is not None or folder.only.suffix.lower() == ".sql":
        return folder
    return Folder(path=folder.path, root=folder.root)


def _is_project(folder: Folder) -> bool:
    """Whether a folder can be the project's, above its migrations: one with SQL of its own was named for that."""
    return folder.only is None and not folder.files()


def _below(folder: Folder, *names: str) -> Iterator[Folder]:
    """The folder itself, and those of these names below it that are there."""
    if folder.only is not None:
        return
    yield folder
    for name in names:
        inner = folder.path / name
        if inner.is_dir():
            yield Folder(path=inner, root=folder.root)


def _files(folder: Folder, name: re.Pattern[str], *endings: str) -> list[Path]:
    files = [path for path in folder.files("") if name.fullmatch(path.name)]
    return [path for path in files if not endings or path.name.endswith(endings)]


def _shows_files(name: re.Pattern[str], says: str, *below: str) -> Callable[[Folder], str | None]:
    """What shows it where a file is called so and says so, in the folder or in one of those below."""

    def shows(folder: Folder) -> str | None:
        for inner in _below(folder, *below):
            for path in _files(inner, name)[:_MAX_FILES]:
                if re.search(says, inner.opening(path)):
                    return f"has {path.relative_to(folder.path).as_posix()}"
        return None

    return shows


def _shows_javascript(says: str) -> Callable[[Folder], str | None]:
    def shows(folder: Folder) -> str | None:
        for inner in _below(folder, *(_JAVASCRIPT_FOLDERS if _is_project(folder) else ())):
            for path in _files(inner, _NUMBERED, *_JAVASCRIPT)[:_MAX_FILES]:
                if not path.name.endswith(".d.ts") and re.search(says, inner.opening(path)):
                    return f"has {path.relative_to(folder.path).as_posix()}"
        return None

    return shows


def _shows_alembic(folder: Folder) -> str | None:
    if folder.only is not None:
        return None
    if _is_project(folder) and folder.has(folder.path / "alembic.ini"):
        return "has alembic.ini"
    own = folder.place
    if own.name == "versions" and folder.has(own.parent / "env.py") and _files(folder, re.compile(r".*\.py")):
        return "is versions/ beside env.py"
    for inner in (folder.path, *(folder.folders() if _is_project(folder) else ())):
        if folder.has(inner / "env.py") and (inner / "versions").is_dir():
            return f"has {(inner / 'env.py').relative_to(folder.path).as_posix()} beside versions/"
    return None


def _shows_django(folder: Folder) -> str | None:
    if folder.only is not None:
        return None
    if folder.has(folder.path / "__init__.py") and (files := _files(folder, _DJANGO)):
        return f"has {files[0].name} beside __init__.py"
    if _is_project(folder) and "DJANGO_SETTINGS_MODULE" in folder.settings(folder.path / "manage.py"):
        return "has manage.py"
    return None


def _instead_of_django(folder: Folder) -> str:
    """The command with the app and the migration in it, where they can be told."""
    names = "APP NAME"
    if folder.only is None and (files := _files(folder, _DJANGO)):
        names = f"{folder.place.parent.name} {files[-1].stem}"
    return f"{_CODE}. Django prints one: {_deploy(f'python manage.py sqlmigrate {names}')}. For all of them, {SCRATCH}"


def _instead_of_rails(folder: Folder) -> str:
    places = (folder.path / "db", folder.path, folder.path.parent if folder.path.name else folder.path / "..")
    written = next((path / "structure.sql" for path in places if folder.has(path / "structure.sql")), None)
    if written is not None and folder.only is None:
        return f"{_CODE}; what they make is in structure.sql: `pgcontract verify {written}`"
    return f"{_CODE}, and Rails prints none: {SCRATCH}"


def _deploy(command: str) -> str:
    """What judges the SQL that a command prints over rows: behind a file of what production has."""
    return (
        f"`mkdir judged; pg_dump -s DATABASE > judged/1_before.sql; {command} > judged/2_pending.sql; pgcontract verify "
        "judged`"
    )


def _shows_pgroll(folder: Folder) -> str | None:
    for inner in _below(folder, *(("migrations",) if _is_project(folder) else ())):
        for path in _files(inner, _PGROLL)[:_MAX_FILES]:
            if re.search(r"[\"']?operations[\"']?\s*:", inner.opening(path)):
                return f"has {path.relative_to(folder.path).as_posix()}"
    return None


def _shows_ecto(folder: Folder) -> str | None:
    inner = folder.path.glob("priv/*/migrations") if _is_project(folder) else ()
    repositories = sorted(path.relative_to(folder.path).as_posix() for path in inner)
    return _shows_files(_ECTO, r"Ecto\.Migration", *repositories)(folder)


def _sqitch_above(folder: Folder) -> Path | None:
    """The folder of the project whose scripts these are."""
    for above in folder.place.parents[:_LEVELS_OF_CHANGES] if folder.only is None else ():
        project = sqitch_project(Folder(path=above, root=folder.root))
        for path in project.scripts.values() if project is not None else ():
            if folder.place.is_relative_to(path) or path.is_relative_to(folder.place):
                return above
    return None


def _shows_atlas(folder: Folder) -> str | None:
    if folder.only is None and folder.has(folder.path / "atlas.sum"):
        return "has atlas.sum"
    hashed = any(folder.has(path / "atlas.sum") for inner in _below(folder) for path in inner.folders())
    return "has atlas.hcl" if _is_project(folder) and not hashed and folder.has(folder.path / "atlas.hcl") else None


def _shows_liquibase(folder: Folder) -> str | None:
    if _is_project(folder) and folder.has(folder.path / "liquibase.properties"):
        return "has liquibase.properties"
    if folder.only is not None:
        return None
    for above in folder.place.parents[:_LEVELS_OF_CHANGES]:
        for path in sorted(path for path in above.glob("*.*") if _CHANGELOG.fullmatch(path.name))[:_MAX_FILES]:
            if "databaseChangeLog" in (text := folder.settings(path)) and f"{folder.place.name}/" in text:
                return f"is in {path.name}, a changelog"
    return None


def _instead(text: str) -> Callable[[Folder], str]:
    return lambda folder: text


TOOLS: Final = (
    UnreadTool(
        name="Alembic",
        shows=_shows_alembic,
        instead=_instead(
            f"{_CODE}. `alembic upgrade head --sql | pgcontract verify -` shows what they make; for a deploy over "
            f"production's rows: {_deploy('alembic upgrade FROM:head --sql')}. Where a migration reads the database, "
            f"which it cannot while it prints, {SCRATCH}"
        ),
    ),
    UnreadTool(name="Django", shows=_shows_django, instead=_instead_of_django),
    UnreadTool(
        name="Rails",
        shows=_shows_files(_RAILS, r"ActiveRecord::Migration", "db/migrate", "migrate"),
        instead=_instead_of_rails,
    ),
    UnreadTool(
        name="TypeORM",
        shows=_shows_javascript(r"MigrationInterface|\bqueryRunner\b"),
        instead=_instead(f"{_CODE}, and TypeORM prints none: {SCRATCH}"),
    ),
    UnreadTool(
        name="Sequelize",
        shows=_shows_javascript(r"\bqueryInterface\b"),
        instead=_instead(f"{_CODE}, and Sequelize prints none: {SCRATCH}"),
    ),
    UnreadTool(
        name="node-pg-migrate",
        shows=_shows_javascript(r"\bpgm\b"),
        instead=_instead(f"{_CODE}. `node-pg-migrate up --dry-run` prints it where it reaches a database; or {SCRATCH}"),
    ),
    UnreadTool(
        name="Knex",
        shows=_shows_javascript(r"\b[Kk]nex\b"),
        instead=_instead(f"{_CODE}, and Knex prints none: {SCRATCH}"),
    ),
    UnreadTool(
        name="Ecto",
        shows=_shows_ecto,
        instead=_instead(
            f"{_CODE}. `mix ecto.dump` writes what they made as structure.sql: name that file. Or {SCRATCH}"
        ),
    ),
    UnreadTool(
        name="Entity Framework",
        shows=_shows_files(_ENTITY_FRAMEWORK, r":\s*Migration\b", "Migrations"),
        instead=_instead(
            f"{_CODE}. `dotnet ef migrations script --output migrations.sql` writes it: name that file. Or {SCRATCH}"
        ),
    ),
    UnreadTool(
        name="Laravel",
        shows=_shows_files(_LARAVEL, r"Illuminate\\Database", "database/migrations"),
        instead=_instead(f"{_CODE}, and Laravel prints it for people alone: {SCRATCH}"),
    ),
    UnreadTool(
        name="goose",
        shows=_shows_files(_GO, r"goose\.(?:Add\w*Migration|NewGoMigration)", "db/migrations"),
        instead=_instead(f"{_CODE}, and goose prints none: {SCRATCH}"),
    ),
    UnreadTool(
        name="refinery",
        shows=_shows_files(_RUST, r"fn\s+migration\s*\("),
        instead=_instead(f"{_CODE}, and refinery prints none: {SCRATCH}"),
    ),
    UnreadTool(
        name="pgroll",
        shows=_shows_pgroll,
        instead=_instead(f"They are operations, and there is no SQL in them to read: {SCRATCH}"),
    ),
    UnreadTool(
        name="Sqitch",
        shows=lambda folder: "is below sqitch.plan" if _sqitch_above(folder) else None,
        instead=lambda folder: f"Name the folder that holds the plan: `pgcontract verify {_sqitch_above(folder)}`",
    ),
    UnreadTool(
        name="Atlas",
        shows=_shows_atlas,
        instead=_instead(
            "Name the folder with its migrations, beside atlas.sum. Where those are laid out as another tool's, say "
            "whose: `--layout golang-migrate`, flyway, goose or dbmate"
        ),
    ),
    UnreadTool(
        name="Liquibase",
        shows=_shows_liquibase,
        instead=_instead(
            f"Name its changelog, which is read where it includes SQL alone. Else {PRINTED}. `--layout flat` "
            "takes a folder's plain .sql files by the digits in front of their names"
        ),
    ),
)
