"""Who `--pg-run-as` names: the login that an admin made for migrations where the administering role makes no roles.

It is expendable: it owns nothing but a run's databases, and a migration may do to it what it likes.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import field
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgcontract.errors import InputError
from pgcontract.values import dataclass

SUGGESTED_NAME: Final = "pgcontract_run"
# What a connection string may say besides who logs in: where, which has to be what --pg says.
_WHERE: Final = ("host", "hostaddr", "port", "dbname", "service")
_CONNECTION_STRING: Final = re.compile(r"\w+://|\s*\w+\s*=")
_LOGIN: Final = """
SELECT r.rolcanlogin, pg_catalog.pg_has_role(r.oid, 'USAGE'), a.rolinherit, pg_catalog.quote_ident(r.rolname)
FROM pg_catalog.pg_roles r, pg_catalog.pg_roles a WHERE r.rolname = %s AND a.rolname = current_user
"""


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """Who `--pg-run-as` names: a login, and its password where the text has one."""

    user: str
    password: str = field(default="", repr=False)


def read_run_as(text: str, dsn: str) -> RunAs:
    """A role's name, or a connection string of libpq whose server, if it names one, is the one that `dsn` names.

    Raises InputError, in which the text is not repeated: it may hold a password.
    """
    if not _CONNECTION_STRING.match(text):
        if not text:
            raise InputError("--pg-run-as names no login; write the role's name, or postgresql://role:password@")
        return RunAs(user=text)
    try:
        parameters, server = conninfo_to_dict(text), conninfo_to_dict(dsn)
    except psycopg.Error:
        # libpq's message quotes the text, and with it a password.
        raise InputError(
            "the text of --pg-run-as is no connection string of libpq; write the role's name, or postgresql://role@"
        ) from None
    user, password = parameters.pop("user", None), parameters.pop("password", None)
    if not user:
        raise InputError("--pg-run-as names no user; write the role's name, or postgresql://role:password@")
    for key, value in parameters.items():
        if key not in _WHERE or str(value) != str(server.get(key)):
            raise InputError(
                f"--pg-run-as says who logs in on the server of --pg, and its {key} is another than there; write the "
                "role's name, or postgresql://role:password@"
            )
    return RunAs(user=str(user), password=str(password or ""))


def redact_run_as(text: str) -> str:
    """The login's name alone, as it may be printed and stored."""
    try:
        return read_run_as(text, text).user
    except InputError:
        return "…"


def setup_sql(connection: psycopg.Connection, login: str, *, exists: bool = False, noinherit: bool = False) -> str:
    """What an admin runs once, so that the administering role can give databases to the login and drop them again.

    Since 16 a GRANT says whether it inherits and may SET ROLE; before that the member's own INHERIT says the first.
    """
    admin = sql.Identifier(connection.info.user)
    lines = []
    if not exists:
        password = sql.Literal(secrets.token_urlsafe(24))
        lines.append(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {};").format(sql.Identifier(login), password))
    if connection.info.server_version >= 160000:
        grant = sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET TRUE;")
        lines.append(grant.format(sql.Identifier(login), admin))
    else:
        lines.append(sql.SQL("GRANT {} TO {};").format(sql.Identifier(login), admin))
        if noinherit:
            lines.append(sql.SQL("ALTER ROLE {} INHERIT;").format(admin))
    return "\n".join(f"    {line.as_string(connection)}" for line in lines)


def require_usable(connection: psycopg.Connection, login: str) -> None:
    """InputError unless the login is there, may log in, and the administering role may make databases of its own.

    `connection` is the administering role's.
    """
    admin = connection.info.user
    if login == admin:
        raise InputError(f"--pg-run-as names {admin}, who administers; migrations run as another, without any power")
    row = connection.execute(_LOGIN, [login]).fetchone()
    if row is None:
        raise InputError(
            f"there is no role {login} on the server at {connection.info.host}:{connection.info.port}. Let an admin run "
            f"this once, and keep the password in .pgpass:\n\n{setup_sql(connection, login)}"
        )
    can_login, usable, inherits, quoted = row
    if not can_login:
        raise InputError(f"the role {login} of --pg-run-as may not log in. Let it: ALTER ROLE {quoted} LOGIN;")
    if usable and connection.info.server_version >= 160000:
        [(usable,)] = connection.execute("SELECT pg_catalog.pg_has_role(%s, 'SET')", [login])
    if not usable:
        raise InputError(
            f"the role {admin} may not make databases for {login}, as whom migrations run. Let an admin run this once:\n"
            f"\n{setup_sql(connection, login, exists=True, noinherit=not inherits)}"
        )
