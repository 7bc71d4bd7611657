"""One server that runs on for many projects, one after another: each finds it as it was when it started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql

from pgcontract.errors import PgcontractError
from pgcontract.postgres.cluster_settings import restore_cluster_roles
from pgcontract.postgres.ownership import drop_database
from pgcontract.postgres.platform import Platform
from pgcontract.postgres.providers import NO_SETTINGS, Probe, Provider, Server
from pgcontract.postgres.sandbox import Sandbox

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
_DATABASES = "SELECT datname FROM pg_database"
_ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"


@dataclass
class KeptServer:
    """A Provider whose server, of one `locale`, runs on between projects; one that it cannot put right is replaced.

    A server of an owner's is not kept, for nothing there is ours to put right. The `platform` is made once on each, and
    is there for every project that asks for just that one.
    """

    provider: Provider
    locale: str | None = None
    platform: Platform | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _server: Server | None = None
    # Open from one project to the next: in a new session each of the queries takes milliseconds more.
    _connection: psycopg.Connection = field(init=False)
    _before: list[tuple[object, ...]] = field(default_factory=list)
    _names: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())  # of databases and roles that stay
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
            if self.platform is not None:
                # An error: the project meets it too, and says it.
                with suppress(psycopg.Error, PgcontractError), Sandbox(server, self.platform) as sandbox:
                    server = replace(server, platform_states=sandbox.platform_states())
            self._server = server
            self._connection = self._stack.enter_context(_connection(self._server))
            self._before = _shared_objects(self._connection)
            self._names = _read_names(self._connection, _DATABASES), _read_names(self._connection, _ROLES)
        self._in_use = True
        is_as_before = False
        try:
            yield self._server
            # An error: it is lost, or something of the project cannot be dropped.
            with suppress(psycopg.Error):
                is_as_before = self._put_right(self._server)
        finally:
            self._in_use = False
            if not is_as_before:
                self.stop()

    def stop(self) -> None:
        self._server = None
        self._stack.close()

    def _put_right(self, server: Server) -> bool:
        """Drop every database and role that came since; whether all else is as it was."""
        databases, roles = self._names
        for name in _read_names(self._connection, _DATABASES) - databases:
            drop_database(self._connection, name, lambda name: _connection(server, name))
        if _shared_objects(self._connection) == self._before:
            return True
        if server.platform_states is not None:
            restore_cluster_roles(self._connection, server.platform_states.cluster_roles)
        for name in _read_names(self._connection, _ROLES) - roles:
            self._connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))
        return _shared_objects(self._connection) == self._before


def _connection(server: Server, database: str | None = None) -> psycopg.Connection:
    return psycopg.connect(server.conninfo(dbname=database or server.maintenance_database), autocommit=True)


def _shared_objects(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(_SHARED_OBJECTS).fetchall()


def _read_names(connection: psycopg.Connection, query: str) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute(query.encode()))
