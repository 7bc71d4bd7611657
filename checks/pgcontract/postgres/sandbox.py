"""The stage on one server: databases as Supabase (or a plain PostgreSQL) has them, and cheap clones of them.

A State is a database that nobody is connected to, with the cluster's roles as they were when it was made. Work is
done in clones of a State, or in a transaction on a standing clone that is always rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.errors import CouldNotAsk, PgcontractError, ServerUnavailable
from pgcontract.model.schema import Schema
from pgcontract.postgres.cluster_settings import Cluster, close_ways_out, copy_settings, read_cluster, restore_cluster
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.connection_pool import Lines
from pgcontract.postgres.ownership import PREFIX, ROLES_LOCK, application, new_token, remove, remove_orphans
from pgcontract.postgres.platform import Regime, Stage
from pgcontract.postgres.providers import Server
from pgcontract.postgres.restrictions import ELSEWHERE, beyond, makes_roles, shortfall
from pgcontract.postgres.roles import as_told, cast_on, dismiss

T = TypeVar("T")

STATEMENT_TIMEOUT_MS = 120_000
_LOCK_TRIES = 12  # of lines.LOCK_TIMEOUT_MS each


@dataclass(frozen=True, kw_only=True)
class State:
    """A database at rest, to be cloned, with the roles that belong to it."""

    database: str
    cluster: Cluster


class Workbench:
    """Makes states and clones on one server; everything it made is gone when it is left.

    `elsewhere` starts another server like this one with a workbench of its own: for what a neighbouring database
    would disturb, such as the DROP of a role that has rights in all of them.
    """

    def __init__(
        self,
        server: Server,
        stage: Stage,
        *,
        elsewhere: Callable[[], AbstractContextManager[Workbench]] | None = None,
        timeout_ms: int = STATEMENT_TIMEOUT_MS,
    ) -> None:
        self.stage = stage
        self.elsewhere = elsewhere
        self.timeout_ms = timeout_ms
        self._own = "own_server" in server.capabilities
        self._token = new_token()
        self._holds_roles = False
        self._stages: dict[str, State] = {}
        name = "pgcontract" if self._own else application(self._token)
        with ExitStack() as stack:
            self._lines = Lines(server, application=name, timeout_ms=timeout_ms)
            self.admin = self._lines.admin = self._lines.open(server.maintenance, user=server.superuser)
            stack.callback(lambda: self.admin.close())
            if not self._own:
                remove_orphans(self.admin)
                stack.push(self._leave)
            elif "superuser" in server.capabilities:
                close_ways_out(self.admin)
            self.cast = cast_on(self.admin, server, stage, self._token)
            passwords = {**server.passwords, self.cast.migrator: self.cast.password}
            self.server = self._lines.server = replace(server, passwords=passwords) if self.cast.password else server
            self._within = None if self._own else self.cast.migrator
            self._file_copy = self._own and self._setting("fsync") == "off"
            self._number = self._last_number() if self._own else 0
            # Those that stand are closed first, without a COMMIT: an interruption may have left one in mid-answer.
            stack.callback(self._lines.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> Workbench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def migrator(self) -> str:
        """The role that migrates here; reports call it by production's name."""
        return self.cast.migrator

    def stage_state(self, regime: Regime) -> State:
        """The stage before the first migration, under one regime of default privileges."""
        if regime.name not in self._stages:
            name = self._create("template0")
            if regime.database_sql:
                with self.connect(name, user=self.server.superuser) as connection:
                    connection.execute("SELECT pg_catalog.set_config('pgcontract.migrator', %s, false)", [self.migrator])
                    for text in regime.database_sql:
                        connection.execute(text.encode())
            self._stages[regime.name] = self.rest(name)
        return self._stages[regime.name]

    def rest(self, database: str) -> State:
        """Make a State of a database whose connections are closed."""
        return State(database=database, cluster=read_cluster(self.admin, within=self._within))

    @contextmanager
    def clone(self, state: State, *, keep: bool = False) -> Iterator[str]:
        """The name of a fresh copy; dropped afterwards unless `keep` (then `rest` may make a State of it)."""
        restore_cluster(self.admin, state.cluster, within=self._within)
        name = self._create(state.database)
        try:
            yield name
        finally:
            if not keep and not self.admin.closed:
                self.drop(name)

    @contextmanager
    def rolled_back(self, state: State, *, user: str | None = None) -> Iterator[psycopg.Connection]:
        """A connection in an open transaction on a copy of the state; whatever is done in it is undone.

        The copy stands for as long as the workbench, so that this costs no more than a BEGIN. Work that ends its
        own transaction must use `clone`.
        """
        restore_cluster(self.admin, state.cluster, within=self._within)
        user = user or self.migrator
        with self._lines.standing(f"{state.database}/{user}", user, lambda: self._create(state.database)) as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.execute("ROLLBACK")

    def connect(self, database: str, *, user: str | None = None) -> Connection:
        """An autocommit connection with time-outs set, the server's and our own; the caller closes it.

        CouldNotAsk where the server lets us have no more connections.
        """
        return self._lines.open(database, user=user or self.migrator)

    def keep(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that lasts as long as this workbench."""
        return self._stack.enter_context(context)

    def drop(self, database: str) -> None:
        """Drop a database that this workbench made, whoever is still connected to it."""
        assert database.startswith(PREFIX)
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def told(self, schema: Schema) -> Schema:
        """The catalog as a report tells it: without what is others' or out of the way, and with production's names."""
        return as_told(schema, self.cast, self.stage, all_roles=self._own)

    def demand_reach(self, text: str) -> None:
        """CouldNotAsk for a script that names a role which goes by another name here."""
        if reason := beyond(text, self.cast):
            raise CouldNotAsk(reason)
        if not self._own and not self._holds_roles and makes_roles(text):
            self._hold_roles()

    def demand_fault(self, sqlstate: str, statement: str) -> None:
        """CouldNotAsk where what the server refused says nothing of the script: where a role is in its way, or short."""
        if reason := "" if self._own else shortfall(sqlstate, statement, self.cast):
            raise CouldNotAsk(reason)

    def demand_rights(self, catalog: Schema) -> None:
        """CouldNotAsk where row security would hold who migrates here, and does not in production."""
        lack = f"BYPASSRLS of {self.stage.migrator.name}"
        forced = [table.name for table in catalog.tables if table.force_row_security]
        if forced and lack in self.cast.lacking:
            raise CouldNotAsk(
                f"the role that migrates on this server, {self.migrator}, is without BYPASSRLS, and row security is "
                f"forced on {forced[0]}; {ELSEWHERE}"
            )

    @property
    def has_superuser(self) -> bool:
        """Whether the one who administers is a superuser."""
        return "superuser" in self.server.capabilities

    def demand_superuser(self) -> None:
        """CouldNotAsk where nobody of ours is a superuser."""
        if not self.has_superuser:
            raise CouldNotAsk(f"this needs a superuser, which {self.server.superuser} is not; {ELSEWHERE}")

    def _hold_roles(self) -> None:
        """A role's name is the whole server's: one run at a time makes any. It lets go when it is left."""
        for _ in range(_LOCK_TRIES):
            with suppress(psycopg.errors.LockNotAvailable):
                self.admin.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [ROLES_LOCK])
                self._holds_roles = True
                remove_orphans(self.admin)  # of the one before us, if it was killed
                return
        raise CouldNotAsk("another run makes roles on this server, and does not end; run it again when it has")

    def _leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove what we made on a server of somebody else's. Where it cannot be reached, the next run will."""
        left: tuple[str, ...] = ()
        with suppress(PgcontractError, CouldNotAsk, psycopg.Error):
            if self.admin.closed or self.admin.info.transaction_status is not TransactionStatus.IDLE:
                self.admin.close()
                self.admin = self._lines.open(self.server.maintenance, user=self.server.superuser)
            left = remove(self.admin, self._token)
            dismiss(self.admin, self.stage, self._token)
        if left and kind is None:
            raise ServerUnavailable(
                f"on the server are left {', '.join(left)}: something else depends on them; see what, and drop them"
            )

    def _last_number(self) -> int:
        """The highest that a database here has: a server out of the cache has some already."""
        asked = "SELECT max(substring(datname from %s)::int4) FROM pg_catalog.pg_database"
        found = self.admin.execute(asked, [f"^{PREFIX}([0-9]{{1,9}})$"]).fetchone()
        return found[0] or 0 if found else 0

    def _create(self, template: str) -> str:
        self._number += 1
        name = f"{PREFIX}{self._number}" if self._own else f"{PREFIX}{self._token}_{self._number}"
        text = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(self.migrator), sql.Identifier(template)
        )
        if template == "template0":
            text += self._locale()
        # Without fsync a copy is cheaper than logging every page of a small database; with it, it is dearer, and the
        # checkpoints it needs are everybody's.
        text += sql.SQL(" STRATEGY file_copy" if self._file_copy else " STRATEGY wal_log")
        self.admin.execute(text)
        copy_settings(self.admin, template, name)
        return name

    def _locale(self) -> sql.Composable:
        """What a first database needs that its template has not: the declared locale, and UTF-8."""
        if self.server.locale is not None:
            return sql.SQL(" ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE {}").format(sql.Literal(self.server.locale))
        asked = "SELECT pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database WHERE datname = 'template0'"
        found = self.admin.execute(asked).fetchone()
        return sql.SQL("" if found == ("UTF8",) else " ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")

    def _setting(self, name: str) -> str | None:
        found = self.admin.execute("SELECT pg_catalog.current_setting(%s)", [name]).fetchone()
        return str(found[0]) if found else None
