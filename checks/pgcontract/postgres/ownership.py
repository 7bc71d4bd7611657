"""What belongs to a run on an owner's server: recognised by its name, with the runs that are alive.

Everything that a run makes there is called `pgcontract_<token>…`: eight random digits and four that check them, so a
name alone identifies its run, from the moment it exists. A run is alive while a session shows its token as
application_name, which every role may see of every session; what carries the token of no living run is an orphan.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

PREFIX = "pgcontract_"
ROLE_COMMENT = "made by pgcontract, which drops it with its last run on this server"
_RUN_NAME = re.compile(rf"{PREFIX}([0-9a-f]{{8}})([0-9a-f]{{4}})(_\w+)?")
_APPLICATION_PREFIX = "pgcontract "
_DROP_ROUNDS = 2
# Of advisory locks, which count within one database: runs meet where they connect to the same one.
PLATFORM_LOCK, ROLES_LOCK = 0x7067636F6E740001, 0x7067636F6E740002

# The roles that a role has made, or those have: since 16 their maker is given the right to give them on.
_ROLES_OF_RUN = """
WITH RECURSIVE made AS (
    SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = %(run)s
    UNION
    SELECT r.oid, r.rolname FROM made
    JOIN pg_catalog.pg_auth_members m ON m.member = made.oid AND m.admin_option
    JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
)
SELECT rolname FROM made ORDER BY oid DESC
"""
_DATABASES_OF_RUN = """
SELECT d.datname FROM pg_catalog.pg_database d
WHERE (pg_catalog.starts_with(d.datname, %(run)s || '_') OR pg_catalog.pg_get_userbyid(d.datdba) = %(run)s)
    AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
ORDER BY d.oid DESC
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
    """The tokens of the runs that are connected to the server right now."""
    query = "SELECT DISTINCT application_name FROM pg_catalog.pg_stat_activity WHERE application_name LIKE %s"
    return frozenset(
        name[len(_APPLICATION_PREFIX) :][:12] for (name,) in connection.execute(query, [f"{_APPLICATION_PREFIX}%"])
    )


def drop_orphans(connection: psycopg.Connection) -> None:
    """Drop what dead runs have left, as far as this role may; only objects whose names carry a run's token."""
    query = "SELECT datname FROM pg_catalog.pg_database UNION ALL SELECT rolname FROM pg_catalog.pg_roles"
    tokens = {token for (name,) in connection.execute(query) if (token := token_of(name))}
    # In this order: a run connects before it makes anything.
    for token in sorted(tokens - living_tokens(connection)):
        drop_run_objects(connection, token)


def drop_run_objects(connection: psycopg.Connection, token: str) -> tuple[str, ...]:
    """Drop every database and role of a run: its own and those that its migrations made. The names of what is left."""
    for _ in range(_DROP_ROUNDS):
        databases, roles = _objects_of_run(connection, token)
        if not databases and not roles:
            return ()
        _execute_each(connection, "DROP DATABASE {} WITH (FORCE)", ([database] for database in databases))
        # Privileges on shared objects, such as a granted setting; in this database there are none.
        _execute_each(connection, "DROP OWNED BY {}", ([role] for role in roles))
        # Together, since each may have granted another; then one by one, since one may be in use in another database.
        _execute_each(connection, "DROP ROLE {}", [roles, *([role] for role in roles)] if roles else [])
    databases, roles = _objects_of_run(connection, token)
    return (*databases, *roles)


def _objects_of_run(connection: psycopg.Connection, token: str) -> tuple[list[str], list[str]]:
    role = f"{PREFIX}{token}"
    databases = [name for (name,) in connection.execute(_DATABASES_OF_RUN, {"run": role})]
    return databases, [name for (name,) in connection.execute(_ROLES_OF_RUN, {"run": role})]


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
