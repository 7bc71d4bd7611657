"""What belongs to a run on an owner's server: recognised by its name, with the runs that are alive.

Everything that a run makes there is called `pgcontract_<token>…`: eight random digits and four that check them, so a
name alone identifies its run, from the moment it exists. A run is alive while its administering session shows its token
as application_name, which every role may see of every session; what carries the token of no living run is an orphan.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg import sql

# Connects to a database by name, as who administers.
Connect = Callable[[str], psycopg.Connection]

PREFIX = "pgcontract_"
ROLE_COMMENT = "made by pgcontract, which drops it with its last run on this server"
_RUN_NAME = re.compile(rf"{PREFIX}([0-9a-f]{{8}})([0-9a-f]{{4}})(_\w+)?")
_APPLICATION_PREFIX = "pgcontract "
_DROP_ROUNDS = 2
_MAX_WAITS = 10  # of 2 ms each
# Of advisory locks, which count within one database: runs meet where they connect to the same one.
PLATFORM_LOCK = 0x7067636F6E740001
# Plus the oid of the login that --pg-run-as names.
RUN_AS_LOCK = 0x70676370_00000000

# Migrations make no databases or roles on an owner's server, and rename none, so the name decides.
_OBJECTS_OF_RUN = """
SELECT 'database', d.datname FROM pg_catalog.pg_database d
WHERE pg_catalog.starts_with(d.datname, %(run)s || '_') AND pg_catalog.pg_has_role(d.datdba, 'MEMBER')
UNION ALL SELECT 'role', r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = %(run)s
"""
# Whoever administers is never in a run's own database, but a migration is, and may call itself what it likes.
_LIVING = """
SELECT DISTINCT application_name, datname FROM pg_catalog.pg_stat_activity
WHERE pg_catalog.starts_with(application_name, %s) AND datname IS NOT NULL
"""


def new_token() -> str:
    """Twelve hexadecimal digits, other ones in every run."""
    drawn = secrets.token_hex(4)
    return drawn + _checksum(drawn)


def token_of(name: str) -> str | None:
    """The token in the name of a run's database or role; None for every other name."""
    match = _RUN_NAME.fullmatch(name)
    return match[1] + match[2] if match and match[2] == _checksum(match[1]) else None


def application_name(token: str) -> str:
    """The application_name of a run's sessions."""
    return f"{_APPLICATION_PREFIX}{token}"


def living_tokens(connection: psycopg.Connection) -> frozenset[str]:
    """The tokens of the runs that administer the server right now."""
    rows = connection.execute(_LIVING, [_APPLICATION_PREFIX])
    return frozenset(name[len(_APPLICATION_PREFIX) :][:12] for name, database in rows if token_of(database) is None)


def drop_orphans(connection: psycopg.Connection, connect: Connect) -> None:
    """Drop what dead runs have left, as far as this role may; only objects whose names carry a run's token."""
    # In this order: a run connects before it makes anything.
    for token in sorted(_all_tokens(connection) - living_tokens(connection)):
        drop_run_objects(connection, token, connect)


def was_left_with(connection: psycopg.Connection, login: str) -> bool:
    """Whether a dead run has left databases that this login owns."""
    query = "SELECT datname FROM pg_catalog.pg_database WHERE pg_catalog.pg_get_userbyid(datdba) = %s"
    tokens = {token for (name,) in connection.execute(query, [login]) if (token := token_of(name))}
    return bool(tokens - living_tokens(connection))


def drop_run_objects(connection: psycopg.Connection, token: str, connect: Connect) -> tuple[str, ...]:
    """Drop every database of a run and the role that was made for it. The names of what is left."""
    for _ in range(_DROP_ROUNDS):
        databases, roles = _objects_of_run(connection, token)
        if not databases and not roles:
            return ()
        for database in databases:
            with suppress(psycopg.errors.Error):
                drop_database(connection, database, connect)
        # Privileges on shared objects; in this database there are none.
        _execute_each(connection, "DROP OWNED BY {}", ([role] for role in roles))
        _execute_each(connection, "DROP ROLE {}", ([role] for role in roles))
    databases, roles = _objects_of_run(connection, token)
    return (*databases, *roles)


def drop_database(connection: psycopg.Connection, name: str, connect: Connect) -> None:
    """Drop a run's database, whoever is connected to it and whatever its owner, the migrations' role, made of it."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    _wait_for_sessions(connection, name)
    try:
        connection.execute(drop)
    except (psycopg.errors.WrongObjectType, psycopg.errors.ObjectInUse):
        # It may be called a template, or hold transactions that somebody prepared and did not end.
        options = sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false ALLOW_CONNECTIONS true CONNECTION LIMIT -1")
        connection.execute(options.format(sql.Identifier(name)))
        query = "SELECT gid, owner FROM pg_catalog.pg_prepared_xacts WHERE database = %s"
        if prepared := connection.execute(query, [name]).fetchall():
            with closing(connect(name)) as inside:
                for gid, owner in prepared:
                    inside.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
                    inside.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
        connection.execute(drop)


def _wait_for_sessions(connection: psycopg.Connection, name: str) -> None:
    """A session that was closed ends a moment later; DROP DATABASE, where it still finds it, looks again after 100 ms."""
    query = "SELECT pg_catalog.pg_stat_get_db_numbackends(oid) FROM pg_catalog.pg_database WHERE datname = %s"
    for _ in range(_MAX_WAITS):
        if connection.execute(query, [name]).fetchone() in (None, (0,)):
            return
        connection.execute("SELECT pg_catalog.pg_sleep(0.002)")


def _all_tokens(connection: psycopg.Connection) -> set[str]:
    query = "SELECT datname FROM pg_catalog.pg_database UNION ALL SELECT rolname FROM pg_catalog.pg_roles"
    return {token for (name,) in connection.execute(query) if (token := token_of(name))}


def _objects_of_run(connection: psycopg.Connection, token: str) -> tuple[list[str], list[str]]:
    rows = connection.execute(_OBJECTS_OF_RUN, {"run": f"{PREFIX}{token}"}).fetchall()
    databases, roles = ([name for kind, name in rows if kind == wanted] for wanted in ("database", "role"))
    return databases, roles


def drop_commented_roles(connection: psycopg.Connection, names: Iterable[str]) -> None:
    """Drop those of the roles that carry our comment, unless a run that is alive may use them."""
    query = """
        SELECT r.rolname FROM pg_catalog.pg_roles r
        WHERE r.rolname = ANY (%s) AND pg_catalog.shobj_description(r.oid, 'pg_authid') = %s
    """
    roles = [name for (name,) in connection.execute(query, [[*names], ROLE_COMMENT])]
    _execute_each(connection, "DROP ROLE {}", [roles, *([role] for role in roles)] if roles else [])


def _execute_each(connection: psycopg.Connection, text: str, groups: Iterable[list[str]]) -> None:
    for names in groups:
        # Another run may be at the same orphan, or a database we may not drop may depend on a role.
        with suppress(psycopg.errors.Error):
            connection.execute(sql.SQL(text).format(sql.SQL(", ").join(map(sql.Identifier, names))))


@contextmanager
def advisory_lock(connection: psycopg.Connection, lock: int) -> Iterator[None]:
    """Holds an advisory lock of this database; psycopg.errors.LockNotAvailable after lock_timeout."""
    connection.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [lock])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", [lock])


def _checksum(drawn: str) -> str:
    return f"{zlib.crc32(f'pgcontract {drawn}'.encode()):08x}"[:4]
