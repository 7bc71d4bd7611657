"""Our mark on a server that is somebody else's: names that no one else makes, and who of us is alive.

Everything that a run makes there is called `pgcontract_<token>…`: eight random digits and four that check them, so a
name tells by itself, from the moment it exists, whose it is. A run is alive while a session shows its token as
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
_MARKED = re.compile(rf"{PREFIX}([0-9a-f]{{8}})([0-9a-f]{{4}})(_\w+)?")
_APPLICATION = "pgcontract "
_ROUNDS = 2
# Of advisory locks, which count within one database: runs meet where they connect to the same one.
STAGE_LOCK, ROLES_LOCK = 0x7067636F6E740001, 0x7067636F6E740002

# The roles that a role has made, or those have: since 16 their maker is given the right to give them on.
_MADE_BY = """
WITH RECURSIVE made AS (
    SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = %(run)s
    UNION
    SELECT r.oid, r.rolname FROM made
    JOIN pg_catalog.pg_auth_members m ON m.member = made.oid AND m.admin_option
    JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
)
SELECT rolname FROM made ORDER BY oid DESC
"""
_DATABASES = """
SELECT d.datname FROM pg_catalog.pg_database d
WHERE (pg_catalog.starts_with(d.datname, %(run)s || '_') OR pg_catalog.pg_get_userbyid(d.datdba) = %(run)s)
    AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
ORDER BY d.oid DESC
"""


def new_token() -> str:
    """Twelve hexadecimal digits, other ones in every run."""
    drawn = secrets.token_hex(4)
    return drawn + _check(drawn)


def token_of(name: str) -> str | None:
    """The token in the name of a database or role that a run of ours made; None for every other name."""
    found = _MARKED.fullmatch(name)
    return found[1] + found[2] if found and found[2] == _check(found[1]) else None


def application(token: str) -> str:
    """The application_name of a run's sessions."""
    return f"{_APPLICATION}{token}"


def living(connection: psycopg.Connection) -> frozenset[str]:
    """The tokens of the runs that are connected to the server right now."""
    asked = "SELECT DISTINCT application_name FROM pg_catalog.pg_stat_activity WHERE application_name LIKE %s"
    return frozenset(name[len(_APPLICATION) :][:12] for (name,) in connection.execute(asked, [f"{_APPLICATION}%"]))


def remove_orphans(connection: psycopg.Connection) -> None:
    """Drop what runs that are no more have left, as far as this role may; nothing that does not carry our mark."""
    asked = "SELECT datname FROM pg_catalog.pg_database UNION ALL SELECT rolname FROM pg_catalog.pg_roles"
    tokens = {token for (name,) in connection.execute(asked) if (token := token_of(name))}
    # In this order: a run connects before it makes anything.
    for token in sorted(tokens - living(connection)):
        remove(connection, token)


def remove(connection: psycopg.Connection, token: str) -> tuple[str, ...]:
    """Drop every database and role of a run: its own and those that its migrations made. The names of what is left."""
    for _ in range(_ROUNDS):
        databases, roles = _of_run(connection, token)
        if not databases and not roles:
            return ()
        _run(connection, "DROP DATABASE {} WITH (FORCE)", ([each] for each in databases))
        # Rights on what is everybody's, such as a setting that was lent; in this database there are none.
        _run(connection, "DROP OWNED BY {}", ([each] for each in roles))
        # Together, since each may have given another on; then one by one, since one may be held elsewhere.
        _run(connection, "DROP ROLE {}", [roles, *([each] for each in roles)] if roles else [])
    databases, roles = _of_run(connection, token)
    return (*databases, *roles)


def _of_run(connection: psycopg.Connection, token: str) -> tuple[list[str], list[str]]:
    role = f"{PREFIX}{token}"
    databases = [name for (name,) in connection.execute(_DATABASES, {"run": role})]
    return databases, [name for (name,) in connection.execute(_MADE_BY, {"run": role})]


def drop_stage_roles(connection: psycopg.Connection, names: Iterable[str]) -> None:
    """Drop those of the roles that carry our comment, unless a run that is alive may use them."""
    asked = """
        SELECT r.rolname FROM pg_catalog.pg_roles r
        WHERE r.rolname = ANY (%s) AND pg_catalog.shobj_description(r.oid, 'pg_authid') = %s
    """
    ours = [name for (name,) in connection.execute(asked, [[*names], ROLE_COMMENT])]
    _run(connection, "DROP ROLE {}", [ours, *([each] for each in ours)] if ours else [])


def _run(connection: psycopg.Connection, text: str, groups: Iterable[list[str]]) -> None:
    for names in groups:
        # Another run may be at the same orphan, or a database we may not drop may depend on a role.
        with suppress(psycopg.errors.Error):
            connection.execute(sql.SQL(text).format(sql.SQL(", ").join(map(sql.Identifier, names))))


@contextmanager
def locked(connection: psycopg.Connection, lock: int) -> Iterator[None]:
    """Alone among the runs that connect to this database; psycopg.errors.LockNotAvailable after lock_timeout."""
    connection.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [lock])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", [lock])


def _check(drawn: str) -> str:
    return f"{zlib.crc32(f'pgcontract {drawn}'.encode()):08x}"[:4]
