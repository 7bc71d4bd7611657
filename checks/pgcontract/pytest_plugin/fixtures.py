"""Fixtures for those who test their own programs: a migrated database of the test's own, at any point of the chain.

Loaded by every pytest, so it imports nothing of the package before a test asks for a database.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

import pytest

if TYPE_CHECKING:
    import psycopg

    from pgcontract.runner.scratch_database import ScratchDatabase
    from pgcontract.runner.scratch_databases import ScratchDatabases

MARKER: Final = "pgcontract"
FIXTURES: Final = frozenset({"pgcontract_databases", "pgcontract_database_at", "pgcontract_db", "as_role"})
_MARKED: Final = frozenset({"at", "path"})
_PLUGIN: Final = "pgcontract-databases"
# Where migrations lie that nobody names: the first that is there, in the nearest folder from the test's up to the root.
_PLACES: Final = (
    "schema/migrations",
    "supabase/migrations",
    "prisma/migrations",
    "db/migrations",
    "database/migrations",
    "migrations",
)
_USED: Final = pytest.StashKey["list[ScratchDatabase]"]()


class DatabaseAt(Protocol):
    """Makes a database of the test's own: right after a migration, right before one, else at the head of the chain."""

    def __call__(self, at: str | None = None, *, before: str | None = None) -> ScratchDatabase: ...


class DatabasesPlugin:
    """The databases of this process, a server for each project that a test asks for; closed with pytest's session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._projects: dict[Path, ScratchDatabases] = {}

    def of(self, named: Path | str | None, *, seen_from: Path) -> ScratchDatabases:
        """Those of the project at that path, taken from the root folder; of the one that is configured, else of the
        nearest one seen from a folder, if none is named. The test fails, in one message, where there is none or its
        options are wrong."""
        from pgcontract.contract import load_project
        from pgcontract.errors import PgcontractError
        from pgcontract.pytest_plugin.shared_session import folder_options, run_options
        from pgcontract.runner.scratch_databases import ScratchDatabases

        try:
            path = _project_path(self._config, named, seen_from)
            if path not in self._projects:
                project = load_project(path, options=folder_options(self._config))
                self._projects[path] = ScratchDatabases(project, run_options(self._config))
        except PgcontractError as error:
            _fail(str(error))
        return self._projects[path]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A failure is told with where its databases stand and what was last sent to them."""
        report = yield
        if call.when == "call" and report.failed:
            for database in item.stash.get(_USED, []):
                report.sections.append((f"pgcontract: database {database.name}", database.evidence))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """After the fixtures are torn down, on an interruption too."""
        with ExitStack() as stack:
            for databases in self._projects.values():
                stack.callback(databases.close)
        self._projects.clear()


@pytest.fixture(scope="session")
def pgcontract_databases(pytestconfig: pytest.Config) -> ScratchDatabases:
    """Databases of the project, for fixtures of your own scope: `with pgcontract_databases.database("020") as db`."""
    return _plugin(pytestconfig).of(None, seen_from=pytestconfig.invocation_params.dir)


@pytest.fixture
def pgcontract_database_at(request: pytest.FixtureRequest) -> Iterator[DatabaseAt]:
    """Makes a scratch database at any point of the chain: `pgcontract_database_at("020")`, or `(before="020")`."""
    databases = _plugin(request.config).of(_marked(request, "path"), seen_from=request.path.parent)
    used = request.node.stash.setdefault(_USED, [])
    with ExitStack() as stack:

        def make(at: str | None = None, *, before: str | None = None) -> ScratchDatabase:
            database = _entered(stack, databases.database(at, before=before))
            used.append(database)
            return database

        yield make


@pytest.fixture
def pgcontract_db(request: pytest.FixtureRequest, pgcontract_database_at: DatabaseAt) -> ScratchDatabase:
    """A scratch database of the test's own at the head of the chain, or where `@pytest.mark.pgcontract(at=…)` says."""
    return pgcontract_database_at(_marked(request, "at"))


@pytest.fixture
def as_role(pgcontract_db: ScratchDatabase) -> Callable[..., psycopg.Connection[Any]]:
    """Connections to `pgcontract_db` that act as a role: `with as_role("authenticated", user=ann) as connection`."""
    return pgcontract_db.as_role


def _plugin(config: pytest.Config) -> DatabasesPlugin:
    plugin = config.pluginmanager.get_plugin(_PLUGIN)
    if plugin is None:
        plugin = DatabasesPlugin(config)
        config.pluginmanager.register(plugin, _PLUGIN)
    assert isinstance(plugin, DatabasesPlugin)
    return plugin


def _entered(stack: ExitStack, context: AbstractContextManager[ScratchDatabase]) -> ScratchDatabase:
    from pgcontract.errors import PgcontractError

    try:
        return stack.enter_context(context)
    except PgcontractError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    """The test fails with one message, and no traceback."""
    from pgcontract.reporting.markup import visible

    # Not the error that is being handled: it would be printed as well.
    raise pytest.fail.Exception(f"pgcontract: {visible(message, lines=True)}", pytrace=False) from None


def _marked(request: pytest.FixtureRequest, word: str) -> Any:
    """What the nearest marker that says it says; None where none does."""
    markers = list(request.node.iter_markers(MARKER))
    for marker in markers:
        if marker.args or not marker.kwargs.keys() <= _MARKED:
            known, given = " and ".join(sorted(_MARKED)), marker.args or marker.kwargs
            _fail(f"@pytest.mark.{MARKER} takes {known}, by name; it is given {given}")
    return next((marker.kwargs[word] for marker in markers if word in marker.kwargs), None)


def _project_path(config: pytest.Config, named: Path | str | None, seen_from: Path) -> Path:
    """Where the project lies. InputError where none is named and none is found."""
    from pgcontract.contract.found_folder import find_folder
    from pgcontract.errors import InputError

    configured = named or config.getini("pgcontract_path")
    if configured:
        return config.rootpath / configured
    folders = [folder for folder in (seen_from, *seen_from.parents) if folder.is_relative_to(config.rootpath)]
    for folder in folders or [config.rootpath]:
        for place in _PLACES:
            if (folder / place).is_dir():
                return folder / place
    with suppress(InputError):
        return find_folder("pytest", below=config.rootpath).path
    raise InputError(
        f"no migrations to make a database of: there is none of {', '.join(_PLACES)} in {seen_from} or above it, up to "
        f"pytest's root folder {config.rootpath}, and below that not one folder of migrations, or several. Name them "
        'with pgcontract_path in pytest\'s configuration, as in pgcontract_path = "src/migrations"'
    )
