"""The stage on one server: databases as Supabase (or a plain PostgreSQL) has them, and cheap clones of them.

A State is a database that nobody is connected to, with the cluster's roles as they were when it was made. Work is
done in clones of a State, or in a transaction on a standing clone that is always rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, TypeVar

import psycopg
from psycopg import sql

from pgcontract.cluster import Cluster, close_ways_out, copy_settings, read_cluster, restore_cluster
from pgcontract.connection import Connection, Limits
from pgcontract.errors import ServerUnavailable
from pgcontract.stage import MIGRATOR, Regime, Stage

T = TypeVar("T")

PREFIX = "pgcontract_"
STATEMENT_TIMEOUT_MS = 120_000
LOCK_TIMEOUT_MS = 10_000


class Server(Protocol):
    """What the workbench needs of a server, whoever provides it."""

    @property
    def superuser(self) -> str: ...

    def conninfo(self, *, dbname: str, user: str | None = None) -> str: ...


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
        staged: bool = False,
    ) -> None:
        self.server = server
        self.stage = stage
        self.elsewhere = elsewhere
        self.timeout_ms = timeout_ms
        self._number = 0
        self._stack = ExitStack()
        self._standing: dict[str, psycopg.Connection] = {}
        self._stages: dict[str, State] = {}
        self.admin = self._kept(self.connect("postgres", user=server.superuser))
        if {"own_server", "superuser"} <= getattr(server, "capabilities", frozenset()):
            close_ways_out(self.admin)
        if not staged:
            self.admin.execute(stage.cluster_sql.encode())

    def __enter__(self) -> Workbench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def stage_state(self, regime: Regime) -> State:
        """The stage before the first migration, under one regime of default privileges."""
        if regime.name not in self._stages:
            name = self._create("template0")
            if regime.database_sql:
                with self.connect(name, user=self.server.superuser) as connection:
                    for text in regime.database_sql:
                        connection.execute(text.encode())
            self._stages[regime.name] = self.rest(name)
        return self._stages[regime.name]

    def rest(self, database: str) -> State:
        """Make a State of a database whose connections are closed."""
        return State(database=database, cluster=read_cluster(self.admin))

    @contextmanager
    def clone(self, state: State, *, keep: bool = False) -> Iterator[str]:
        """The name of a fresh copy; dropped afterwards unless `keep` (then `rest` may make a State of it)."""
        restore_cluster(self.admin, state.cluster)
        name = self._create(state.database)
        try:
            yield name
        finally:
            if not keep and not self.admin.closed:
                self.drop(name)

    @contextmanager
    def rolled_back(self, state: State, *, user: str = MIGRATOR) -> Iterator[psycopg.Connection]:
        """A connection in an open transaction on a copy of the state; whatever is done in it is undone.

        The copy stands for as long as the workbench, so that this costs no more than a BEGIN. Work that ends its
        own transaction must use `clone`.
        """
        restore_cluster(self.admin, state.cluster)
        key = f"{state.database}/{user}"
        connection = self._standing.get(key)
        if connection is None or connection.closed:
            with self.clone(state, keep=True) as name:
                connection = self._standing[key] = self._kept(self.connect(name, user=user))
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")

    def connect(self, database: str, *, user: str = MIGRATOR) -> Connection:
        """An autocommit connection with time-outs set, the server's and our own; the caller closes it."""
        try:
            connection = Connection.connect(
                self.server.conninfo(dbname=database, user=user),
                autocommit=True,
                application_name="pgcontract",
                # psycopg would prepare what it sees often and, at every ROLLBACK, deallocate it and all else.
                prepare_threshold=None,
                options=f"-c statement_timeout={self.timeout_ms} -c lock_timeout={LOCK_TIMEOUT_MS}",
            )
        except psycopg.OperationalError as error:
            raise ServerUnavailable(
                f"connecting to the scratch server as {user} failed: {' '.join(str(error).split()).rstrip('.')}. "
                "Run it again; if it persists, look for a full disk, or for others who hold its connections."
            ) from error
        log = getattr(self.server, "log_file", None)
        connection.limits = Limits(
            seconds=self.timeout_ms / 1000,
            files=log.parent if log else None,
            # Who administers cannot be asked to end the session in which it waits itself.
            end=self._end if hasattr(self, "admin") else None,
        )
        return connection

    def keep(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that lasts as long as this workbench."""
        return self._stack.enter_context(context)

    def drop(self, database: str) -> None:
        """Drop a database that this workbench made, whoever is still connected to it."""
        assert database.startswith(PREFIX)
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _end(self, pid: int) -> None:
        """End a session; a server that does not even take that is not waited for as long again."""
        limits = self.admin.limits
        self.admin.limits = replace(limits, seconds=1)
        try:
            self.admin.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
        finally:
            self.admin.limits = limits

    def _kept(self, connection: Connection) -> Connection:
        """The connection, closed with the workbench: not left as a context, which would COMMIT first, and cannot after
        an interruption in the middle of an answer."""
        self._stack.callback(connection.close)
        return connection

    def _create(self, template: str) -> str:
        self._number += 1
        name = f"{PREFIX}{self._number}"
        # file_copy: on a server without fsync it is cheaper than logging every page of a small database.
        self.admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(MIGRATOR), sql.Identifier(template)
            )
        )
        copy_settings(self.admin, template, name)
        return name
