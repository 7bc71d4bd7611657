"""The connections to one server: opened with limits, reused to save time, closed where the server allows no more.

A server may let us have five and not say so before the sixth. So nothing is counted beforehand: where one is refused
and others are idle, the one that was used longest ago is closed, and opened again when it is next needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import psycopg

from pgcontract.errors import CouldNotConnect, ServerUnavailable
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.connection_limits import Limits
from pgcontract.postgres.providers import Server

LOCK_TIMEOUT_MS: Final = 10_000
_CONNECT_TIMEOUT_S: Final = 10
_MAX_WAITS: Final = 50  # waits of 20 ms, since a session's place is free a moment after its end; once, until one opens
# Settings that an owner's server may have changed.
_SESSION_DEFAULTS: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO,MDY",
    "IntervalStyle": "postgres",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_isolation": r"read\ committed",
}
# A refused connection has no SQLSTATE; where its message is not English, the server is queried instead.
_TOO_MANY_MESSAGE: Final = re.compile(r"too many (connections|clients)|connection slots")
_TOO_MANY_CONNECTIONS: Final = """
SELECT count(*) FILTER (WHERE a.usename = r.rolname) >= nullif(r.rolconnlimit, -1)
    OR count(*) >= pg_catalog.current_setting('max_connections')::int
        - pg_catalog.current_setting('superuser_reserved_connections')::int
        - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0)
FROM pg_catalog.pg_roles r, pg_catalog.pg_stat_activity a
WHERE r.rolname = %s AND a.datid IS NOT NULL
GROUP BY r.rolname, r.rolconnlimit
"""


@dataclass(kw_only=True)
class _PooledConnection:
    """A database and the reusable connection to it, while there is one; `busy` counts its users."""

    database: str
    connection: Connection | None = None
    busy: int = 0


class ConnectionPool:
    """Opens connections and keeps the reusable ones; `admin`, once open, queries the server about the others."""

    def __init__(self, server: Server, *, application_name: str, timeout_ms: int) -> None:
        self.server = server
        self.admin: Connection | None = None
        # On an owner's server: who migrates, what its refusals mean, and how a script that locked it out is undone.
        self.login: str | None = None
        self.explain_refusal: Callable[[psycopg.Error], str] | None = None
        self.let_in_again: Callable[[], None] | None = None
        self._application_name = application_name
        self._timeout_ms = timeout_ms
        self._waits_left = _MAX_WAITS
        self._pooled: dict[str, _PooledConnection] = {}

    def open(self, database: str, *, user: str) -> Connection:
        """An autocommit connection with time-outs set, the server's and our own; the caller closes it.

        CouldNotConnect where the server lets us have no more; ServerUnavailable where it answers nobody.
        """
        let_in_again = self.let_in_again if user == self.login else None
        while True:
            try:
                connection = self._connect(database, user)
            except psycopg.OperationalError as error:
                reason = " ".join(str(error).split())
                if not self._is_out_of_connections(reason, user):
                    if let_in_again is not None:
                        let_in_again()
                        let_in_again = None
                        continue
                    hint = "look for a full disk, or for others who hold its connections"
                    if user == self.login:
                        hint = "look for a script that takes its login's rights, or its database's, away"
                    raise ServerUnavailable(
                        f"connecting to the scratch server as {user} failed: {reason.rstrip('.')}. Run it again; if it "
                        f"persists, {hint}."
                    ) from error
                if self._close_idle_connection():
                    continue
                if not self._waits_left:
                    raise CouldNotConnect(
                        f"this needs more connections at once than the server lets {user} have ({reason.rstrip('.')}); "
                        "raise the limit, or take a server of its own: --pg wheel"
                    ) from None
                self._waits_left -= 1
                self._wait()
            else:
                self._waits_left = _MAX_WAITS
                return connection

    @contextmanager
    def reuse(self, key: str, user: str, make: Callable[[], str]) -> Iterator[Connection]:
        """The reusable connection of this key, to the database that `make` creates when it is first needed.

        A session that something ended is not replaced on the same database: who knows what became of that.
        """
        standing_line = self._pooled.pop(key, None)
        if standing_line is None or (standing_line.connection is not None and standing_line.connection.closed):
            standing_line = _PooledConnection(database=make())
        self._pooled[key] = standing_line  # the one used last is the last
        standing_line.busy += 1
        try:
            if standing_line.connection is None:
                standing_line.connection = self.open(standing_line.database, user=user)
            yield standing_line.connection
        finally:
            standing_line.busy -= 1
            connection = standing_line.connection
            if connection is not None and connection.is_set_up and not (standing_line.busy or connection.closed):
                connection.close()
                standing_line.connection = None

    def close(self) -> None:
        """Close the reusable connections: without a COMMIT, which cannot be sent in the middle of an answer."""
        for standing_line in self._pooled.values():
            if standing_line.connection is not None:
                standing_line.connection.close()
        self._pooled.clear()

    def _connect(self, database: str, user: str) -> Connection:
        settings = {"statement_timeout": str(self._timeout_ms), "lock_timeout": str(LOCK_TIMEOUT_MS)}
        if "own_server" not in self.server.capabilities:
            settings |= _SESSION_DEFAULTS
        server_options = self.server.parameters.get("options", "")
        connection = Connection.connect(
            self.server.conninfo(dbname=database, user=user),
            autocommit=True,
            application_name=self._application_name,
            # psycopg would prepare what it sees often and, at every ROLLBACK, deallocate it and all else.
            prepare_threshold=None,
            connect_timeout=int(self.server.parameters.get("connect_timeout", "0")) or _CONNECT_TIMEOUT_S,
            options=" ".join([server_options, *(f"-c {name}={value}" for name, value in settings.items())]).strip(),
        )
        log = self.server.log_file
        connection.limits = Limits(
            seconds=self._timeout_ms / 1000,
            files=log.parent if log else None,
            # Who administers cannot be asked to end the session in which it waits itself.
            end=self._terminate_session if self.admin is not None else None,
        )
        if self.login in (None, user):
            connection.explain_refusal = self.explain_refusal
        if user == self.login:
            self._require_identity(connection, user)
        return connection

    def _require_identity(self, connection: Connection, user: str) -> None:
        """A pooler may give every session the user of its own configuration, whoever was asked for."""
        row = connection.execute("SELECT session_user::text").fetchone()
        if row != (user,):
            connection.close()
            raise ServerUnavailable(
                f"migrations run as {user}, and the server at {self.server.host}:{self.server.port} made its session one "
                f"of {row[0] if row else 'nobody'}. Name the server itself, or a pooler that lets sessions be "
                "who they are."
            )

    def _terminate_session(self, pid: int) -> None:
        """End a session; a server that does not even take that is not waited for as long again."""
        assert self.admin is not None
        limits = self.admin.limits
        self.admin.limits = replace(limits, seconds=1)
        try:
            self.admin.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
        finally:
            self.admin.limits = limits

    def _is_out_of_connections(self, reason: str, user: str) -> bool:
        if self.admin is None or self.admin.closed:
            return False
        if _TOO_MANY_MESSAGE.search(reason):
            return True
        row = self.admin.execute(_TOO_MANY_CONNECTIONS, [user]).fetchone()
        return bool(row and row[0])

    def _close_idle_connection(self) -> bool:
        for standing_line in self._pooled.values():
            if standing_line.connection is not None and not standing_line.busy:
                standing_line.connection.close()
                standing_line.connection = None
                # Its place is free a moment later, when the server has seen it go.
                self._wait()
                return True
        return False

    def _wait(self) -> None:
        if self.admin is not None:
            self.admin.execute("SELECT pg_catalog.pg_sleep(0.02)")
