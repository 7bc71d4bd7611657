"""Databases of a project for somebody's own tests: migrated to a point of the chain, one for each who asks.

Each point of the chain that is asked for is migrated to once and kept as a template; a database is a copy of it, which
costs a CREATE DATABASE. Where the platform has several grant regimes, the first one, as new projects have it, counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from pgcontract.contract import Migration, Project
from pgcontract.errors import CouldNotAsk, InputError
from pgcontract.model.sql import Script, TransactionScope, last_uncommitted
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import Production, Provider, Server, provider_for
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal
from pgcontract.result import RunOptions
from pgcontract.runner.scratch_database import ScratchDatabase

NO_SERVER = "none"


class ScratchDatabases:
    """Databases of one project, on a server that starts when the first is asked for. Use as a context manager.

    `options` name the server and the longest that a script may take. Raises InputError for a server that cannot be had
    as it is named, ServerUnavailable where none can start.
    """

    def __init__(
        self,
        project: Project,
        options: RunOptions = RunOptions(),  # noqa: B008 - a frozen value
        *,
        provider: Provider | None = None,
    ) -> None:
        self.project = project
        self._options = options
        if provider is None:
            if options.pg == NO_SERVER:
                raise InputError("a database needs a server, and --pg none names no server; name another, or auto")
            production = Production(platform=project.platform, postgres=project.postgres)
            provider = provider_for(options.pg, production=production, run_as=options.pg_run_as)
        self._provider = provider
        self._stack = ExitStack()
        self._sandbox: Sandbox | None = None
        self._templates: dict[int, DatabaseState] = {}  # by how many migrations of the chain are applied

    def __enter__(self) -> ScratchDatabases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop every template and stop the server."""
        self._sandbox = None
        self._templates.clear()
        self._stack.close()

    @contextmanager
    def database(self, at: str | None = None, *, before: str | None = None) -> Iterator[ScratchDatabase]:
        """A database right after the migration `at`, or right `before` one, else at the head; dropped afterwards, whoever
        is still connected.

        InputError for a migration that there is not, and, with its file and line, for one that the server refuses.
        """
        applied = self._number(at, before)
        template = self._template(applied)
        sandbox = self._started()
        with sandbox.clone(template) as name:
            database = ScratchDatabase(self, name, applied)
            try:
                yield database
            finally:
                database.close()

    @property
    def server(self) -> Server:
        """The server, started if it was not yet."""
        return self._started().server

    @property
    def user(self) -> str:
        """The role that migrated, and owns what the migrations made."""
        return self._started().migrator

    @property
    def statement_timeout_ms(self) -> int:
        return self._options.timeout_ms

    def number(self, name: str) -> int:
        """How many migrations are applied right after that one. InputError where none is called so."""
        __tracebackhide__ = True
        return self.project.chain.index(self.project.migration(name)) + 1

    def migrate(self, database: str, migration: Migration) -> None:
        """Apply one migration to a database, as its tool does. InputError where it is refused."""
        __tracebackhide__ = True
        self._run(database, migration.up)

    def roll_back(self, database: str, migration: Migration) -> None:
        """Run the way back of one migration. InputError where it has none, or it is refused."""
        __tracebackhide__ = True
        if migration.down is None:
            raise InputError(f"there is no way back: {migration.down_remedy}", file=migration.up.path)
        self._run(database, migration.down)

    def _number(self, at: str | None, before: str | None) -> int:
        if at is not None and before is not None:
            raise InputError(f"a database is at a migration or before one, not both: at={at!r}, before={before!r}")
        if before is not None:
            return self.number(before) - 1
        return len(self.project.chain) if at is None else self.number(at)

    def _started(self) -> Sandbox:
        if self._sandbox is None:
            server = self._stack.enter_context(self._provider.start(locale=self.project.locale))
            project = self.project
            platform = platform_of(project.platform, setup=project.setup, has_webhooks=project.has_webhooks)
            self._sandbox = self._stack.enter_context(Sandbox(server, platform, timeout_ms=self._options.timeout_ms))
        return self._sandbox

    def _template(self, applied: int) -> DatabaseState:
        """The state with that many migrations applied, begun from the nearest one before it that there is."""
        sandbox = self._started()
        if not self._templates:
            self._templates[0] = sandbox.platform_state(sandbox.platform.regimes[0])
        if applied not in self._templates:
            nearest = max(number for number in self._templates if number < applied)
            with sandbox.clone(self._templates[nearest], keep=True) as name:
                try:
                    for migration in self.project.chain[nearest:applied]:
                        self.migrate(name, migration)
                except BaseException:
                    if not sandbox.admin.closed:
                        sandbox.drop(name)
                    raise
                self._templates[applied] = sandbox.read_state(name)
        return self._templates[applied]

    def _run(self, database: str, script: Script) -> None:
        __tracebackhide__ = True
        sandbox = self._started()
        try:
            sandbox.require_testable(script.text)
            with sandbox.connect(database) as connection:
                refusal = apply_as_production(connection, script)
                if refusal is not None and not connection.closed:
                    refusal = locate_refusal(connection, script, refusal)
        except CouldNotAsk as error:
            raise InputError(f"it cannot be applied here: {error}", file=script.path) from error
        if refusal is not None:
            raise _refused(script, refusal)
        by_message = script.execution.transaction is TransactionScope.MESSAGE
        if by_message and (uncommitted := last_uncommitted(script)) and uncommitted.rolled_back is None:
            raise InputError(
                "the transaction that begins here is never committed, so nothing of it stays; write COMMIT; behind the "
                "last statement, or leave BEGIN out",
                file=script.path,
                line=uncommitted.begun.line,
            )


def _refused(script: Script, refusal: Refusal) -> InputError:
    more = (("DETAIL", refusal.detail), ("HINT", refusal.hint))
    words = [str(refusal), *(f"{word}: {text}" for word, text in more if text)]
    return InputError(
        f"the server refuses it: {'; '.join(words)}",
        file=refusal.path or script.path,
        line=refusal.line,
    )
