"""The connections to one server: opened with limits, kept where that saves time, given up where the server has no more.

A server may let us have five and not say so before the sixth. So nothing is counted beforehand: where one is refused
and others stand idle, the one that was used longest ago is closed, and opened again when it is next needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import psycopg

from pgcontract.errors import CouldNotAsk, ServerUnavailable
from pgcontract.postgres.connection import Connection, Limits
from pgcontract.postgres.providers import Server

LOCK_TIMEOUT_MS: Final = 10_000
_CONNECT_TIMEOUT_S: Final = 10
_PATIENCE: Final = 50  # waits of 20 ms, since a session's place is free a moment after its end; once, until one opens
# What an owner may have set for others, or for good reason, on a server that is not made for us.
_AS_ON_OURS: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO,MDY",
    "IntervalStyle": "postgres",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_isolation": r"read\ committed",
}
# A refused connection has no SQLSTATE; other languages than English are asked of the server itself.
_CROWDED_WORDS: Final = re.compile(r"too many (connections|clients)|connection slots")
_CROWDED: Final = """
SELECT count(*) FILTER (WHERE a.usename = r.rolname) >= nullif(r.rolconnlimit, -1)
    OR count(*) >= pg_catalog.current_setting('max_connections')::int
        - pg_catalog.current_setting('superuser_reserved_connections')::int
        - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0)
FROM pg_catalog.pg_roles r, pg_catalog.pg_stat_activity a
WHERE r.rolname = %s AND a.datid IS NOT NULL
GROUP BY r.rolname, r.rolconnlimit
"""


@dataclass(kw_only=True)
class _Standing:
    """A database that stands, and the connection to it, while there is one; `busy` counts who uses it."""

    database: str
    connection: Connection | None = None
    busy: int = 0


class Lines:
    """Opens connections and keeps those that stand; `admin` is the one that is asked about the others, once there."""

    def __init__(self, server: Server, *, application: str, timeout_ms: int) -> None:
        self.server = server
        self.admin: Connection | None = None
        self._application = application
        self._timeout_ms = timeout_ms
        self._patience = _PATIENCE
        self._standing: dict[str, _Standing] = {}

    def open(self, database: str, *, user: str) -> Connection:
        """An autocommit connection with time-outs set, the server's and our own; the caller closes it.

        CouldNotAsk where the server lets us have no more; ServerUnavailable where it answers nobody.
        """
        while True:
            try:
                connection = self._connect(database, user)
            except psycopg.OperationalError as error:
                said = " ".join(str(error).split())
                if not self._is_crowded(said, user):
                    raise ServerUnavailable(
                        f"connecting to the scratch server as {user} failed: {said.rstrip('.')}. Run it again; if it "
                        "persists, look for a full disk, or for others who hold its connections."
                    ) from error
                if self._give_one_up():
                    continue
                if not self._patience:
                    raise CouldNotAsk(
                        f"this needs more connections at once than the server lets {user} have ({said.rstrip('.')}); "
                        "raise the limit, or take a server of its own: --pg wheel"
                    ) from None
                self._patience -= 1
                self._wait()
            else:
                self._patience = _PATIENCE
                return connection

    @contextmanager
    def standing(self, key: str, user: str, make: Callable[[], str]) -> Iterator[Connection]:
        """The connection that stands under this key, to the database that `make` gives when it is first needed.

        A session that something ended is not replaced on the same database: who knows what became of that.
        """
        kept = self._standing.pop(key, None)
        if kept is None or (kept.connection is not None and kept.connection.closed):
            kept = _Standing(database=make())
        self._standing[key] = kept  # the one used last is the last
        kept.busy += 1
        try:
            if kept.connection is None:
                kept.connection = self.open(kept.database, user=user)
            yield kept.connection
        finally:
            kept.busy -= 1

    def close(self) -> None:
        """Close those that stand: without a COMMIT, which cannot be sent in the middle of an answer."""
        for kept in self._standing.values():
            if kept.connection is not None:
                kept.connection.close()
        self._standing.clear()

    def _connect(self, database: str, user: str) -> Connection:
        settings = {"statement_timeout": str(self._timeout_ms), "lock_timeout": str(LOCK_TIMEOUT_MS)}
        if "own_server" not in self.server.capabilities:
            settings |= _AS_ON_OURS
        theirs = self.server.parameters.get("options", "")
        connection = Connection.connect(
            self.server.conninfo(dbname=database, user=user),
            autocommit=True,
            application_name=self._application,
            # psycopg would prepare what it sees often and, at every ROLLBACK, deallocate it and all else.
            prepare_threshold=None,
            connect_timeout=int(self.server.parameters.get("connect_timeout", "0")) or _CONNECT_TIMEOUT_S,
            options=" ".join([theirs, *(f"-c {name}={value}" for name, value in settings.items())]).strip(),
        )
        log = self.server.log_file
        connection.limits = Limits(
            seconds=self._timeout_ms / 1000,
            files=log.parent if log else None,
            # Who administers cannot be asked to end the session in which it waits itself.
            end=self._end if self.admin is not None else None,
        )
        return connection

    def _end(self, pid: int) -> None:
        """End a session; a server that does not even take that is not waited for as long again."""
        assert self.admin is not None
        limits = self.admin.limits
        self.admin.limits = replace(limits, seconds=1)
        try:
            self.admin.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
        finally:
            self.admin.limits = limits

    def _is_crowded(self, said: str, user: str) -> bool:
        if self.admin is None or self.admin.closed:
            return False
        if _CROWDED_WORDS.search(said):
            return True
        found = self.admin.execute(_CROWDED, [user]).fetchone()
        return bool(found and found[0])

    def _give_one_up(self) -> bool:
        for kept in self._standing.values():
            if kept.connection is not None and not kept.busy:
                kept.connection.close()
                kept.connection = None
                # Its place is free a moment later, when the server has seen it go.
                self._wait()
                return True
        return False

    def _wait(self) -> None:
        if self.admin is not None:
            self.admin.execute("SELECT pg_catalog.pg_sleep(0.02)")
