"""A server that stands for an owner's: with people's databases and roles on it, and passwords asked of all but us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pgcontract.postgres.providers import Server, provider_for

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
ALL = tuple(os.environ.get("HOSTILE_SERVERS", "").split())  # as `nox -s hostile` sets it
MAJORS = ALL or ("wheel", *([f"binaries:{DEBIAN_15}"] if DEBIAN_15.is_dir() else []))
PASSWORD = "hunter2-%41 'quoted\\"

# The boss may do everything, the maker makes databases and roles, the plain one only databases, for which migrations run
# as the expendable login, and one has five lines.
ROLES = {
    "boss": "SUPERUSER",
    "maker": "CREATEDB CREATEROLE",
    "plain": "CREATEDB",
    "five": "CREATEDB CREATEROLE CONNECTION LIMIT 5",
    "nobody_much": "",
    "expendable": "",
}
# What a run may not change, by name, as rows of text.
_KEPT = {
    "roles": "SELECT * FROM pg_catalog.pg_authid ORDER BY oid",
    "memberships": "SELECT * FROM pg_catalog.pg_auth_members ORDER BY 1, 2, 3",
    "role settings": "SELECT * FROM pg_catalog.pg_db_role_setting ORDER BY 1, 2",
    "rights on settings": "SELECT * FROM pg_catalog.pg_parameter_acl ORDER BY oid",
    "comments": "SELECT * FROM pg_catalog.pg_shdescription ORDER BY 1, 2",
    "dependencies": "SELECT * FROM pg_catalog.pg_shdepend ORDER BY 1, 2, 3, 4, 5, 6",
    "databases": "SELECT oid, datname, datdba, datacl, datconnlimit FROM pg_catalog.pg_database ORDER BY oid",
}
# Every counter that moves when somebody so much as looks into a database.
_COUNTED = """
SELECT datname, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched, tup_inserted, tup_updated,
    tup_deleted, temp_files, sessions
FROM pg_catalog.pg_stat_database WHERE datname = 'app'
"""
# In the database that runs connect to they look, and write nothing.
_WRITTEN = (
    "SELECT datname, tup_inserted, tup_updated, tup_deleted FROM pg_catalog.pg_stat_database WHERE datname = 'lobby'"
)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The server, and the questions of the one who owns it."""

    server: Server

    def spec(self, user: str, *, dbname: str = "lobby", password: str = PASSWORD) -> str:
        """The `--pg` that names it as this role."""
        return "dsn:" + psycopg.conninfo.make_conninfo(
            host=self.server.host, port=self.server.port, user=user, dbname=dbname, password=password
        )

    def options(self, user: str) -> dict[str, Any]:
        """What a run is told to administer as this role."""
        return {"pg": self.spec(user), "pg_run_as": run_as() if user == "plain" else None}

    def ask(self, query: str, *parameters: object, dbname: str = "postgres") -> list[Any]:
        with psycopg.connect(self.server.conninfo(dbname=dbname), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def everything(self) -> dict[str, list[Any]]:
        """What must be as it was, by name."""
        # The server counts a session's work when that ends.
        return {**self.shared(), "looked at": self.ask(_COUNTED), "written to": self.ask(_WRITTEN)}

    def shared(self) -> dict[str, list[Any]]:
        """Of that, what all databases share."""
        with psycopg.connect(self.server.conninfo(dbname="postgres"), autocommit=True) as connection:
            return {name: connection.execute(query.encode()).fetchall() for name, query in _KEPT.items()}

    def ours(self) -> set[str]:
        """The databases and roles that carry the tool's prefix, or are roles of the stage."""
        query = "SELECT datname::text FROM pg_database UNION ALL SELECT rolname FROM pg_roles"
        stage = {"anon", "authenticated", "service_role", "authenticator"}
        return {name for (name,) in self.ask(query) if name.startswith("pgcontract") or name in stage}


def run_as(user: str = "expendable", password: str = PASSWORD) -> str:
    """The `--pg-run-as` that names this login."""
    return psycopg.conninfo.make_conninfo(user=user, password=password)


@contextmanager
def owner_of(spec: str, **settings: str) -> Iterator[Owner]:
    """A server of this source with people on it; they log in by password."""
    with provider_for(spec).start(settings={"track_counts": "on", **settings}) as server:
        owner = Owner(server=server)
        with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection:
            for name, attributes in ROLES.items():
                hidden = connection.pgconn.encrypt_password(PASSWORD.encode(), name.encode(), b"scram-sha-256").decode()
                owner.ask(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD '{hidden}'")
        owner.ask("GRANT expendable TO plain")
        for name in ("lobby", "app"):
            owner.ask(f"CREATE DATABASE {name}")
        owner.ask("CREATE TABLE customer (id integer PRIMARY KEY, name text)", dbname="app")
        owner.ask("INSERT INTO customer VALUES (1, 'Ann'), (2, 'Bob')", dbname="app")
        [(hba,)] = owner.ask("SHOW hba_file")
        Path(hba).write_text("local all supabase_admin trust\nlocal all all scram-sha-256\n", encoding="utf-8")
        owner.ask("SELECT pg_reload_conf()")
        yield owner
