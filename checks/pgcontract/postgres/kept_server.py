"""One server that runs on for many projects, one after another: each finds it as it was when it started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from pgcontract.postgres.ownership import drop_database
from pgcontract.postgres.providers import NO_SETTINGS, Probe, Provider, Server

# What belongs to no database, roles included; the predefined roles are nobody's to alter but ours.
_SHARED_OBJECTS = r"""
    SELECT 'role', to_jsonb(r) - 'oid' FROM pg_authid AS r WHERE rolname !~ '^pg_'
    UNION ALL SELECT 'member', to_jsonb(m) - 'oid' FROM pg_auth_members AS m
    UNION ALL SELECT 'setting', to_jsonb(s) FROM pg_db_role_setting AS s
    UNION ALL SELECT 'file setting', to_jsonb(s) FROM pg_file_settings AS s
    UNION ALL SELECT 'database', jsonb_build_array(datname, datdba, datacl, datconnlimit) FROM pg_database
    UNION ALL SELECT 'tablespace', to_jsonb(t) FROM pg_tablespace AS t
    UNION ALL SELECT 'slot', to_jsonb(slot_name) FROM pg_replication_slots
    ORDER BY 1, 2
"""
_NEW_DATABASES = """
    SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')
"""
_NEW_ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> current_user"


@dataclass
class KeptServer:
    """A Provider whose server, of one `locale`, runs on between projects; one that it cannot put right is replaced.

    A server of an owner's is not kept, for nothing there is ours to put right.
    """

    provider: Provider
    locale: str | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _server: Server | None = None
    # Open from one project to the next: in a new session each of the queries takes milliseconds more.
    _connection: psycopg.Connection = field(init=False)
    _before: list[tuple[object, ...]] = field(default_factory=list)
    _in_use: bool = False

    @property
    def name(self) -> str:
        return self.provider.name

    def probe(self) -> Probe:
        return self.provider.probe()

    @contextmanager
    def start(self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None) -> Iterator[Server]:
        """The server that runs; a fresh one beside it for a project that asks for a second or for another kind."""
        if self._in_use or settings or locale != self.locale:
            with self.provider.start(settings=settings, locale=locale) as another:
                yield another
            return
        if self._server is None:
            server = self._stack.enter_context(self.provider.start(locale=locale))
            if "own_server" not in server.capabilities:
                try:
                    yield server
                finally:
                    self._stack.close()
                return
            self._server = server
            self._connection = self._stack.enter_context(_connection(self._server))
            self._before = _shared_objects(self._connection)
        self._in_use = True
        is_as_before = False
        try:
            yield self._server
            # An error: it is lost, or something of the project cannot be dropped.
            with suppress(psycopg.Error):
                _drop_new(self._connection, self._server)
                is_as_before = _shared_objects(self._connection) == self._before
        finally:
            self._in_use = False
            if not is_as_before:
                self.stop()

    def stop(self) -> None:
        self._server = None
        self._stack.close()


def _connection(server: Server, database: str | None = None) -> psycopg.Connection:
    return psycopg.connect(server.conninfo(dbname=database or server.maintenance_database), autocommit=True)


def _shared_objects(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(_SHARED_OBJECTS).fetchall()


def _drop_new(connection: psycopg.Connection, server: Server) -> None:
    """Drop every database and role but those that each new server has."""
    for (name,) in connection.execute(_NEW_DATABASES).fetchall():
        drop_database(connection, name, lambda name: _connection(server, name))
    for (name,) in connection.execute(_NEW_ROLES).fetchall():
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))
