"""Databases on one server as Supabase (or a plain PostgreSQL) has them, and cheap clones of them.

A DatabaseState is a database without connections, with the cluster's roles as they were when it was made. Work is done
in clones of it, or in a transaction on a reused clone that is always rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.catalog import read_catalog
from pgcontract.errors import CouldNotAsk, InputError, PgcontractError, ServerUnavailable
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script
from pgcontract.postgres.cluster_settings import (
    ClusterRoles,
    copy_settings,
    protect_file_access_roles,
    read_cluster_roles,
    restore_cluster_roles,
)
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.connection_pool import ConnectionPool
from pgcontract.postgres.ownership import (
    PREFIX,
    application_name,
    drop_database,
    drop_orphans,
    drop_run_objects,
    new_token,
)
from pgcontract.postgres.platform import GrantRegime, Platform
from pgcontract.postgres.providers import Server
from pgcontract.postgres.restrictions import (
    OWN_SERVER_HINT,
    creates_roles,
    explain_neighbours,
    explain_refusal,
    explain_untestable,
)
from pgcontract.postgres.roles import Roles, as_in_production, drop_platform_roles, offer_stand_ins, prepare_roles
from pgcontract.postgres.run_login import RunAsGuard, restore_password, set_search_path
from pgcontract.postgres.setup import require_runnable, run_setup, with_power
from pgcontract.result import RunOptions
from pgcontract.values import dataclass

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class DatabaseState:
    """A database without connections, to be cloned, with the roles that belong to it."""

    database: str
    cluster_roles: ClusterRoles


@dataclass(frozen=True, kw_only=True)
class PlatformStates:
    """A platform as it was made once on a server that runs on: its roles, and by regime its database and catalog."""

    platform: Platform
    roles: Roles
    states: Mapping[str, DatabaseState]
    catalogs: Mapping[str, Schema]

    @property
    def cluster_roles(self) -> ClusterRoles:
        """The roles that are there between two projects."""
        return [*self.states.values()][-1].cluster_roles


class Sandbox:
    """Creates database states and clones on one server; drops everything it created on exit.

    `second_sandbox` starts another server like this one with a sandbox of its own: for what a neighbouring database
    would disturb, such as the DROP of a role that has rights in all of them.
    """

    def __init__(
        self,
        server: Server,
        platform: Platform,
        *,
        second_sandbox: Callable[[], AbstractContextManager[Sandbox]] | None = None,
        timeout_ms: int = RunOptions.timeout_ms,
    ) -> None:
        self.platform = platform
        self.second_sandbox = second_sandbox
        self.timeout_ms = timeout_ms
        self._owns_server = "own_server" in server.capabilities
        self._token = new_token()
        self._chain_makes_roles = False
        self._login: str | None = None  # on an owner's server, once it is known to have no power
        self._platform_states: dict[str, DatabaseState] = {}
        self._catalogs: dict[str, Schema] = {}  # by the database of the state
        self._roles_before_setup: ClusterRoles | None = None
        name = "pgcontract" if self._owns_server else application_name(self._token)
        with ExitStack() as stack:
            self._pool = ConnectionPool(server, application_name=name, timeout_ms=timeout_ms)
            self.admin = self._pool.admin = self._pool.open(server.maintenance_database, user=server.superuser)
            stack.callback(lambda: self.admin.close())
            self._guard: RunAsGuard | None = None
            if not self._owns_server:
                self._clear_owners_server(server)
                stack.push(self._drop_run_objects)
            elif "superuser" in server.capabilities:
                protect_file_access_roles(self.admin)
            made = server.platform_states
            if made is not None and made.platform == platform:
                self.roles = made.roles
                self._platform_states.update(made.states)
                self._catalogs.update((state.database, made.catalogs[name]) for name, state in made.states.items())
            else:
                self.roles = prepare_roles(self.admin, server, platform, self._token)
            passwords = {**server.passwords, self.roles.migrator: self.roles.password}
            self.server = self._pool.server = replace(server, passwords=passwords) if self.roles.password else server
            self._login = None if self._owns_server else self.roles.migrator
            if server.stand_ins is not None:
                server.stand_ins.lead_to(platform.name)
                if path := server.stand_ins.search_path(platform.name):
                    offer_stand_ins(self.admin, self.roles.migrator, path)
            self._pool.explain_refusal = explain_neighbours
            if self._login is not None:
                self._pool.login = self._login
                self._pool.explain_refusal = self._explain_refusal
                self._pool.let_in_again = self._let_in_again
            self._file_copy = self._owns_server and self._setting("fsync") == "off"
            self._database_number = self._last_database_number() if self._owns_server else 0
            # Reused connections are closed first, without a COMMIT: an interruption may have left one in mid-answer.
            stack.callback(self._pool.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def migrator(self) -> str:
        """The role that migrates here; reports call it by production's name."""
        return self.roles.migrator

    @property
    def stand_ins(self) -> frozenset[str]:
        """The extensions that something of ours stands in for on this server."""
        return self.server.stand_ins.names if self.server.stand_ins is not None else frozenset()

    def platform_state(self, regime: GrantRegime) -> DatabaseState:
        """The platform's database before the first migration, under one regime of default privileges."""
        if regime.name not in self._platform_states:
            name = self._create_database("template0")
            path = self.platform.migrator.search_path
            if self._login is not None and path is not None and not self._platform_states:
                # Not before there is a database that tells the next run whose setting this was, if we are killed.
                set_search_path(self.admin, self._login, path)
            if regime.database_sql:
                with self.connect(name, user=self.server.superuser) as connection:
                    connection.execute("SELECT pg_catalog.set_config('pgcontract.migrator', %s, false)", [self.migrator])
                    owners = "off" if self._owns_server else "on"
                    connection.execute("SELECT pg_catalog.set_config('pgcontract.owners_server', %s, false)", [owners])
                    if self.server.stand_ins and (path := self.server.stand_ins.search_path(self.platform.name)):
                        connection.execute("SELECT pg_catalog.set_config('extension_control_path', %s, false)", [path])
                    for text in regime.database_sql:
                        connection.execute(text.encode())
            if self.platform.setup is not None:
                self._run_setup(name, self.platform.setup)
            self._platform_states[regime.name] = self.read_state(name)
        return self._platform_states[regime.name]

    def platform_states(self) -> PlatformStates:
        """The platform under every regime, for the sandboxes that follow on this server."""
        catalogs: dict[str, Schema] = {}
        for regime in self.platform.regimes:
            state = self.platform_state(regime)
            with self.clone(state) as name, self.connect(name) as connection:
                catalogs[regime.name] = self.catalog(state, connection)
        return PlatformStates(
            platform=self.platform, roles=self.roles, states=dict(self._platform_states), catalogs=catalogs
        )

    @cached_property
    def starting_catalog(self) -> Schema:
        """The catalog before the first migration, under the first regime of default privileges."""
        state = self.platform_state(self.platform.regimes[0])
        if state.database in self._catalogs:
            return self._catalogs[state.database]
        with self.rolled_back(state) as connection:
            return self.catalog(state, connection)

    def catalog(self, state: DatabaseState, connection: psycopg.Connection) -> Schema:
        """The catalog of a state, read once: by this connection to a clone of it, if nobody has asked before."""
        if state.database not in self._catalogs:
            self._catalogs[state.database] = self.as_production(read_catalog(connection))
        return self._catalogs[state.database]

    def remember_catalog(self, state: DatabaseState, catalog: Schema) -> None:
        """What was read of the state's database when it was made."""
        self._catalogs[state.database] = catalog

    def _run_setup(self, database: str, script: Script) -> None:
        """Each state has the roles that the script makes: those of another state are out of the way meanwhile."""
        require_runnable(script)
        self._require_testable_setup(script)
        if self._roles_before_setup is None:
            self._roles_before_setup = read_cluster_roles(self.admin, login=self._login)
        restore_cluster_roles(self.admin, self._roles_before_setup, login=self._login)
        has_power = self._owns_server and self.has_superuser
        with (
            with_power(self.admin, self.migrator, script) if has_power else nullcontext(),
            self.connect(database) as connection,
        ):
            run_setup(connection, script)

    def _require_testable_setup(self, script: Script) -> None:
        try:
            self.require_testable(script.text)
        except CouldNotAsk as error:
            raise InputError(f"the setup cannot be run on this server: {error}", file=script.path) from error

    def read_state(self, database: str) -> DatabaseState:
        """The state of a database whose connections are closed."""
        return DatabaseState(database=database, cluster_roles=read_cluster_roles(self.admin, login=self._login))

    def restore_roles(self, state: DatabaseState) -> None:
        """Give the cluster the roles of that state, as `clone` does."""
        restore_cluster_roles(self.admin, state.cluster_roles, login=self._login)

    @contextmanager
    def clone(self, state: DatabaseState, *, keep: bool = False) -> Iterator[str]:
        """The name of a fresh copy; dropped afterwards unless `keep` (then `read_state` may be called on it)."""
        self.restore_roles(state)
        name = self._create_database(state.database)
        try:
            yield name
        finally:
            if not keep and not self.admin.closed:
                self.drop(name)

    @contextmanager
    def rolled_back(self, state: DatabaseState, *, user: str | None = None) -> Iterator[psycopg.Connection]:
        """A connection in an open transaction on a copy of the state; whatever is done in it is undone.

        The copy lasts as long as the sandbox, so that this costs no more than a BEGIN. Work that ends its
        own transaction must use `clone`.
        """
        self.restore_roles(state)
        user = user or self.migrator
        with self._pool.reuse(
            f"{state.database}/{user}", user, lambda: self._create_database(state.database)
        ) as connection:
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
        return self._pool.open(database, user=user or self.migrator)

    def enter_context(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that lasts as long as this sandbox."""
        return self._stack.enter_context(context)

    def drop(self, database: str) -> None:
        """Drop a database that this sandbox created, whoever is still connected to it."""
        assert database.startswith(PREFIX)
        drop_database(self.admin, database, self._connect_as_admin)

    def as_production(self, schema: Schema) -> Schema:
        """The catalog as reports show it: without other owners' and renamed roles, and with production's names."""
        return as_in_production(schema, self.roles, self.platform, all_roles=self._owns_server)

    def require_testable(self, text: str) -> None:
        """CouldNotAsk for a script that names a role which has another name on this server."""
        if reason := explain_untestable(text, self.roles):
            raise CouldNotAsk(reason)
        self._chain_makes_roles |= creates_roles(text)

    def _explain_refusal(self, error: psycopg.Error) -> str:
        return explain_refusal(error, self.roles, self.platform, roles_to_make=self._chain_makes_roles)

    def require_bypass_rls(self, catalog: Schema) -> None:
        """CouldNotAsk where row security would apply to the migrating role here, but does not in production."""
        missing_privilege = f"BYPASSRLS of {self.platform.migrator.name}"
        forced = [table.name for table in catalog.tables if table.force_row_security]
        if forced and missing_privilege in self.roles.missing_privileges:
            raise CouldNotAsk(
                f"the role that migrates on this server, {self.migrator}, is without BYPASSRLS, and row security is "
                f"forced on {forced[0]}; {OWN_SERVER_HINT}"
            )

    @property
    def has_superuser(self) -> bool:
        """Whether a superuser may work where a migration was, as nobody may on an owner's server."""
        return "superuser" in self.server.capabilities

    def require_superuser(self) -> None:
        """CouldNotAsk where no role available is a superuser."""
        if not self.has_superuser:
            raise CouldNotAsk(f"this needs a superuser, and nobody is one on an owner's server; {OWN_SERVER_HINT}")

    def _connect_as_admin(self, database: str) -> Connection:
        return self._pool.open(database, user=self._pool.server.superuser)

    def _clear_owners_server(self, server: Server) -> None:
        """Remove what dead runs left, and hold the login that the owner gave, if any."""
        if server.run_as:
            self._guard = RunAsGuard(self.admin, server.run_as)
        drop_orphans(self.admin, self._connect_as_admin)
        if self._guard is not None:
            self._guard.hold(self.admin)

    def _let_in_again(self) -> None:
        """A script may have changed the password of its login."""
        if self._login is not None and self.roles.password:
            with suppress(psycopg.Error):
                restore_password(self.admin, self._login, self.roles.password)

    def _drop_run_objects(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what this run created on an owner's server. Where it cannot be reached, the next run does."""
        left: tuple[str, ...] = ()
        with suppress(PgcontractError, CouldNotAsk, psycopg.Error):
            if self.admin.closed or self.admin.info.transaction_status is not TransactionStatus.IDLE:
                self.admin.close()
                self.admin = self._pool.admin = self._connect_as_admin(self._pool.server.maintenance_database)
            left = drop_run_objects(self.admin, self._token, self._connect_as_admin)
            if self._guard is not None and self._login is not None:
                self._guard.release(self.admin, self._pool.server)
            drop_platform_roles(self.admin, self.platform, self._token)
        if left and kind is None:
            raise ServerUnavailable(
                f"on the server are left {', '.join(left)}: something else depends on them; see what, and drop them"
            )

    def _last_database_number(self) -> int:
        """The highest that a database here has: a server out of the cache has some already."""
        query = "SELECT max(substring(datname from %s)::int4) FROM pg_catalog.pg_database"
        row = self.admin.execute(query, [f"^{PREFIX}([0-9]{{1,9}})$"]).fetchone()
        return row[0] or 0 if row else 0

    def _create_database(self, template: str) -> str:
        self._database_number += 1
        name = (
            f"{PREFIX}{self._database_number}" if self._owns_server else f"{PREFIX}{self._token}_{self._database_number}"
        )
        text = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(self.migrator), sql.Identifier(template)
        )
        if template == "template0":
            text += self._locale_options()
        # Without fsync a copy is cheaper than logging every page of a small database; with it, it is dearer, and the
        # checkpoints it needs are everybody's.
        text += sql.SQL(" STRATEGY file_copy" if self._file_copy else " STRATEGY wal_log")
        self.admin.execute(text)
        if template != "template0":  # what stands of that one, its comment and who may do what, is of no other database
            copy_settings(self.admin, template, name, login=self._login)
        return name

    def _locale_options(self) -> sql.Composable:
        """What a first database needs that its template has not: the declared locale, and UTF-8."""
        if self.server.locale is not None:
            return sql.SQL(" ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE {}").format(sql.Literal(self.server.locale))
        query = "SELECT pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database WHERE datname = 'template0'"
        row = self.admin.execute(query).fetchone()
        return sql.SQL("" if row == ("UTF8",) else " ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")

    def _setting(self, name: str) -> str | None:
        row = self.admin.execute("SELECT pg_catalog.current_setting(%s)", [name]).fetchone()
        return str(row[0]) if row else None
