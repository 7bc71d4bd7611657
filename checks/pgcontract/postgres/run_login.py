"""The login that migrates on an owner's server: it owns the run's databases and has no power over anything else.

A migration is the session's own user there, so that RESET ROLE gives it nothing. The login is made for the run where the
administering role may make roles; else an admin has made an expendable one, which `--pg-run-as` names.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.errors import InputError
from pgcontract.postgres.cluster_settings import NEVER_RESET, alter_as_itself, reset_settings
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.ownership import RUN_AS_LOCK, token_of, was_left_with
from pgcontract.postgres.providers.server import Server
from pgcontract.postgres.run_as import SUGGESTED_NAME, setup_sql

# Any of these is a power over something that a run did not make, or is lost if a migration changes it. What a role owns
# or was granted in any database of the cluster is in pg_shdepend, settings and tablespaces too; a member's privileges are
# its own, with or without INHERIT; a transaction that waits to be committed is its user's.
_POWERS: Final = """
WITH login AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = %s),
dependency AS (
    SELECT CASE d.deptype WHEN 'o' THEN 'owns ' WHEN 'r' THEN 'is named by policies on ' ELSE 'has privileges on ' END
        || CASE WHEN d.dbid = 0 THEN pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
                ELSE 'objects in database ' || pg_catalog.quote_ident(b.datname) END AS power,
        CASE WHEN d.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND d.deptype = 'o'
            THEN (SELECT o.datname FROM pg_catalog.pg_database o WHERE o.oid = d.objid) END AS database
    FROM login
    JOIN pg_catalog.pg_shdepend d
        ON d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = login.oid
    LEFT JOIN pg_catalog.pg_database b ON b.oid = d.dbid
)
SELECT 'is a superuser' AS power, NULL::name AS database FROM login WHERE rolsuper
UNION SELECT 'has CREATEDB', NULL FROM login WHERE rolcreatedb
UNION SELECT 'has CREATEROLE', NULL FROM login WHERE rolcreaterole
UNION SELECT 'has REPLICATION', NULL FROM login WHERE rolreplication
UNION SELECT 'has BYPASSRLS', NULL FROM login WHERE rolbypassrls
UNION SELECT 'is a member of ' || pg_catalog.quote_ident(r.rolname), NULL
    FROM login JOIN pg_catalog.pg_auth_members m ON m.member = login.oid JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
UNION SELECT power, database FROM dependency
UNION SELECT 'has settings of its own (ALTER ROLE … SET)', NULL
    FROM login JOIN pg_catalog.pg_db_role_setting s ON s.setrole = login.oid
    WHERE EXISTS (SELECT FROM pg_catalog.unnest(s.setconfig) c WHERE pg_catalog.split_part(c, '=', 1) <> ALL (%s))
UNION SELECT 'has prepared transactions', NULL FROM login JOIN pg_catalog.pg_prepared_xacts p ON p.owner = login.rolname
UNION SELECT 'has other sessions, which a migration could end', NULL
    FROM login JOIN pg_catalog.pg_stat_activity a ON a.usesysid = login.oid
    WHERE NOT pg_catalog.starts_with(a.application_name, 'pgcontract')
ORDER BY 1
"""


def try_login(server: Server, database: str, user: str) -> str:
    """The server's message where the user may not log in; empty where it may."""
    try:
        conninfo = server.conninfo(dbname=database, user=user)
        with closing(Connection.connect(conninfo, application_name="pgcontract")):
            return ""
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())


def require_powerless(connection: psycopg.Connection, login: str) -> None:
    """InputError for a login that could reach anything that the run does not make, or would lose something."""
    rows = connection.execute(_POWERS, [login, [*NEVER_RESET]]).fetchall()
    if not rows:
        return
    if any(token_of(database or "") for _, database in rows):
        raise InputError(_busy_message(login))
    raise InputError(
        f"migrations do not run as {login}: it {_join([power for power, _ in rows])}, and whatever it may do, a "
        "migration may. Name a login with --pg-run-as that is a member of nothing, owns nothing and was granted nothing. "
        f"An admin makes one with:\n\n{setup_sql(connection, SUGGESTED_NAME)}"
    )


class RunAsGuard:
    """Keeps the login that `--pg-run-as` names to one run at a time, and gives it back as it was.

    `admin` is the administering connection, before what dead runs left is dropped.
    """

    def __init__(self, admin: psycopg.Connection, login: str) -> None:
        self._login = login
        self._was_left = was_left_with(admin, login)

    def hold(self, admin: psycopg.Connection) -> None:
        """InputError where another run holds it. What migrations of a dead run had it remember goes."""
        query = "SELECT pg_catalog.pg_try_advisory_lock(%s + oid::int8) FROM pg_catalog.pg_roles WHERE rolname = %s"
        if admin.execute(query, [RUN_AS_LOCK, self._login]).fetchone() != (True,):
            raise InputError(_busy_message(self._login))
        if self._was_left:
            reset_settings(admin, self._login)

    def release(self, admin: psycopg.Connection, server: Server) -> None:
        """Without the settings, and with the password, that migrations may have given it."""
        reset_settings(admin, self._login)
        password = server.passwords.get(self._login)
        if password and try_login(server, server.maintenance_database, self._login):
            restore_password(admin, self._login, password)


def _busy_message(login: str) -> str:
    """Why a second run at the same time is refused."""
    return (
        f"another run uses {login} now, and could be changed by this one's migrations; wait for its end, or name another "
        "login with --pg-run-as"
    )


def restore_password(connection: psycopg.Connection, login: str, password: str) -> None:
    """Give the login its password again, whatever a migration made of it."""
    hidden = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    alter_as_itself(
        connection, login, sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(hidden))
    )


def set_search_path(connection: psycopg.Connection, login: str, search_path: str) -> None:
    """Give the login a search_path in every database, as ALTER ROLE spells it."""
    statement = sql.SQL("ALTER ROLE {} SET search_path = {}").format(sql.Identifier(login), sql.SQL(search_path))
    alter_as_itself(connection, login, statement)


def _join(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
