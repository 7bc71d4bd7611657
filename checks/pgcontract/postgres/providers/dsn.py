"""A server that the owner names: scratch databases are made on it, and nothing that was there before is changed.

The text after `dsn:` is libpq's: a URL, or keywords as in `service=prod`; what it leaves out comes from PG* variables,
the service and the password file, as for psql. What libpq made of it is then pinned, so a run has one server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.server import NO_SETTINGS, Capability, Probe, Server

USAGE = "dsn:URL"
_OLDEST: Final = 15
_TIMEOUT_S: Final = 10
# Of what libpq resolved, these are said anew for each connection, or were only the way to the rest.
_APART: Final = frozenset(
    (
        *("host", "port", "dbname", "user", "password", "service", "passfile", "client_encoding", "replication"),
        *("application_name", "fallback_application_name", "target_session_attrs", "load_balance_hosts"),
    )
)
_SHOWN: Final = ("service", "host", "hostaddr", "port", "user", "dbname")
_FORM: Final = "write dsn:postgresql://user@host:5432/database, or dsn:service=name; the password is best left to .pgpass"
_ASKED: Final = """
SELECT current_user::text, r.rolsuper, r.rolcreatedb, r.rolcreaterole, pg_catalog.pg_is_in_recovery(),
    pg_catalog.current_setting('transaction_read_only') = 'on', pg_catalog.current_database()
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
"""


def claim(spec: str) -> Dsn | None:
    """The provider for `dsn:URL`; InputError for a text that libpq cannot read, which is not repeated."""
    word, colon, dsn = spec.partition(":")
    if word != "dsn":
        return None
    if not colon:
        raise InputError(f"dsn names no server; {_FORM}")
    try:
        conninfo_to_dict(dsn)
    except psycopg.Error:
        # libpq's words quote the text, and with it a password.
        raise InputError(f"the text after dsn: is no connection string of libpq; {_FORM}") from None
    return Dsn(dsn=dsn)


def shown(spec: str) -> str:
    """The spec as it may be printed: where it leads and as whom, and nothing else of it."""
    word, _, dsn = spec.partition(":")
    if word != "dsn":
        return spec
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error:
        return "dsn:…"
    return "dsn:" + " ".join(f"{key}={given[key]}" for key in _SHOWN if given.get(key))


@dataclass(frozen=True, kw_only=True)
class Dsn:
    """The server that libpq finds by this text."""

    dsn: str = field(repr=False)
    name: str = "dsn"

    def probe(self) -> Probe:
        """Whether the server can be used, found by connecting to it."""
        try:
            with self.start() as server:
                return Probe(provider=self.name, ok=True, found=f"PostgreSQL {server.version}, as {server.superuser}")
        except (InputError, ServerUnavailable) as error:
            return Probe(provider=self.name, ok=False, found=error.message, remedy="name another server with --pg")

    @contextmanager
    def start(self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None) -> Iterator[Server]:
        """The server as it is: nothing is started, nothing made.

        Raises InputError for a server that cannot be used, ServerUnavailable for one that cannot be reached.
        """
        if settings:
            raise InputError("a server that dsn: names keeps its own settings; take one that is made for the run")
        with closing(_connected(self.dsn)) as first:
            _demand_server(first)
            with closing(_connected(self.dsn)) as second:
                _demand_sessions(first, second)
            superuser, database = _demand_rights(first)
            server = _server(first, superuser=superuser, database=database, locale=locale)
        yield server


def _connected(dsn: str) -> psycopg.Connection:
    try:
        given = conninfo_to_dict(dsn)
        given.setdefault("connect_timeout", os.environ.get("PGCONNECT_TIMEOUT") or str(_TIMEOUT_S))
        return psycopg.connect(**given, autocommit=True, application_name="pgcontract", prepare_threshold=None)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        raise ServerUnavailable(
            f"connecting to the server that dsn: names failed{_tried(error)}: {_said(error)}. Look at host, port, user "
            "and password; a password belongs in PGPASSWORD or .pgpass."
        ) from None
    except psycopg.Error as error:
        raise InputError(f"dsn: cannot be used: {_said(error)}") from None


def _tried(error: psycopg.OperationalError) -> str:
    """Where to and as whom, where libpq got as far as that."""
    found = {each.keyword: each.val for each in (error.pgconn.info if error.pgconn else ())}
    told = [f"{key} {value.decode()}" for key in ("host", "port", "user") if (value := found.get(key.encode()))]
    return f" ({', '.join(told)})" if told else ""


def _said(error: psycopg.Error) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    found = {each.keyword: each.val for each in (error.pgconn.info if error.pgconn else ())}
    password = (found.get(b"password") or b"").decode() or os.environ.get("PGPASSWORD", "")
    return said.replace(password, "…") if password else said


def _where(connection: psycopg.Connection) -> str:
    return f"{connection.info.host}:{connection.info.port}"


def _demand_server(first: psycopg.Connection) -> None:
    """A server that is not too old; told by its greeting, before anything is asked."""
    if first.info.server_version // 10000 < _OLDEST:
        version = first.info.parameter_status("server_version")
        raise InputError(
            f"the server at {_where(first)} is PostgreSQL {version}; {_OLDEST} is the oldest that is supported. Name "
            "another with --pg."
        )


def _demand_sessions(first: psycopg.Connection, second: psycopg.Connection) -> None:
    """Sessions that stay: a pooler in transaction mode lends one backend to whoever asks next.

    It lends both of us the same one; or, while one of us keeps it in a transaction, the other gets another.
    """
    asked = "SELECT pg_catalog.pg_backend_pid()"
    mine, other = first.execute(asked).fetchone(), second.execute(asked).fetchone()
    lent = mine == other
    if not lent:
        second.execute("BEGIN")
        second.execute(asked)
        lent = first.execute(asked).fetchone() != mine
        second.execute("ROLLBACK")
    if lent:
        host = first.info.host
        hint = "Supabase's has its sessions on port 5432. " if host.endswith((".supabase.com", ".supabase.co")) else ""
        raise InputError(
            f"{_where(first)} is a pooler in transaction mode: two sessions were answered by one backend, and what a "
            f"session sets or holds is lost. {hint}Name the server itself, or a pooler in session mode."
        )


def _demand_rights(first: psycopg.Connection) -> tuple[bool, str]:
    """Whether the role is a superuser, and the database it is in; InputError where it may not make what we need."""
    found = first.execute(_ASKED).fetchone()
    assert found is not None
    user, superuser, createdb, createrole, standby, read_only, database = found
    if standby or read_only:
        why = "a standby" if standby else "read-only (default_transaction_read_only is on)"
        raise InputError(
            f"the server at {_where(first)} is {why}, and the gate makes databases on it; name the primary, or another "
            "server, with --pg"
        )
    short = [word for word, may in (("CREATEDB", createdb), ("CREATEROLE", createrole)) if not (superuser or may)]
    if short:
        raise InputError(
            f"the role {user} is without {' and '.join(short)} on the server at {_where(first)}, and the gate loads "
            "migrations into databases of its own, as a role that it makes for the run and drops: a migration never runs "
            f"as a role of yours. Let it: ALTER ROLE {sql.Identifier(user).as_string(first)} {' '.join(short)}; or use a "
            "server of the run's own: --pg wheel, or --pg docker."
        )
    return superuser, database


def _server(first: psycopg.Connection, *, superuser: bool, database: str, locale: str | None) -> Server:
    resolved = {each.keyword.decode(): each.val.decode() for each in first.pgconn.info if each.val}
    host, user = first.info.host, first.info.user
    parameters = {key: value for key, value in resolved.items() if key not in _APART}
    # Of several addresses, the one that answered.
    if "," in parameters.get("hostaddr", "") or "," in resolved.get("host", ""):
        parameters["hostaddr"] = first.info.hostaddr
    # What libpq would try by itself; ours are pinned for a server without a network.
    parameters |= {key: "" for key in ("sslmode", "gssencmode", "channel_binding") if key not in parameters}
    capabilities: frozenset[Capability] = frozenset(("superuser", "second_role") if superuser else ())
    return Server(
        provider="dsn",
        version_num=first.info.server_version,
        version=(first.info.parameter_status("server_version") or "").split()[0],
        host=host,
        port=first.info.port,
        superuser=user,
        capabilities=capabilities,
        started_from="owner",
        storage="unknown",
        maintenance=database,
        locale=locale,
        passwords={user: first.info.password},
        parameters=parameters,
    )
