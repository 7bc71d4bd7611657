"""A server that the owner names: scratch databases are made on it, and nothing that was there before is changed.

The text after `dsn:` is libpq's: a URL, or keywords as in `service=prod`; what it leaves out comes from PG* variables,
the service and the password file, as for psql. What libpq made of it is then pinned, so a run has one server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import field, replace
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.server import NO_SETTINGS, Probe, Server
from pgcontract.postgres.run_as import SUGGESTED_NAME, RunAs, read_run_as, require_usable, setup_sql
from pgcontract.values import dataclass

USAGE = "dsn:URL"
_OLDEST: Final = 15
_TIMEOUT_S: Final = 10
# Of what libpq resolved, these are given anew for each connection, or only served to resolve the others.
_PER_CONNECTION: Final = frozenset(
    (
        *("host", "port", "dbname", "user", "password", "service", "passfile", "client_encoding", "replication"),
        *("application_name", "fallback_application_name", "target_session_attrs", "load_balance_hosts"),
    )
)
_PRINTABLE: Final = ("service", "host", "hostaddr", "port", "user", "dbname")
_USAGE_HINT: Final = (
    "write dsn:postgresql://user@host:5432/database, or dsn:service=name; the password is best left to .pgpass"
)
_ROLE_RIGHTS: Final = """
SELECT current_user::text, r.rolsuper, r.rolcreatedb, r.rolcreaterole, pg_catalog.pg_is_in_recovery(),
    pg_catalog.current_setting('transaction_read_only') = 'on', pg_catalog.current_database()
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
"""


def parse_spec(spec: str) -> Dsn | None:
    """The provider for `dsn:URL`; InputError for a text that libpq cannot read, which is not repeated."""
    word, colon, dsn = spec.partition(":")
    if word != "dsn":
        return None
    if not colon:
        raise InputError(f"dsn names no server; {_USAGE_HINT}")
    try:
        conninfo_to_dict(dsn)
    except psycopg.Error:
        # libpq's message quotes the text, and with it a password.
        raise InputError(f"the text after dsn: is no connection string of libpq; {_USAGE_HINT}") from None
    return Dsn(dsn=dsn)


def redact_spec(spec: str) -> str:
    """The spec as it may be printed: where it leads and as whom, and nothing else of it."""
    word, _, dsn = spec.partition(":")
    if word != "dsn":
        return spec
    try:
        parameters = conninfo_to_dict(dsn)
    except psycopg.Error:
        return "dsn:…"
    return "dsn:" + " ".join(f"{key}={parameters[key]}" for key in _PRINTABLE if parameters.get(key))


@dataclass(frozen=True, kw_only=True)
class Dsn:
    """The server that libpq finds by this text; `run_as` is the login that `--pg-run-as` names, if any."""

    dsn: str = field(repr=False)
    run_as: RunAs | None = None
    name: str = "dsn"

    def running_as(self, text: str) -> Dsn:
        """The same server, where migrations run as the login that the text names."""
        return replace(self, run_as=read_run_as(text, self.dsn))

    def probe(self) -> Probe:
        """Whether the server can be used, found by connecting to it."""
        try:
            with self.start() as server:
                whom = f"migrations as {server.run_as or 'a login made for the run'}"
                summary = f"PostgreSQL {server.version}, as {server.superuser}, {whom}"
                return Probe(provider=self.name, ok=True, summary=summary)
        except (InputError, ServerUnavailable) as error:
            return Probe(provider=self.name, ok=False, summary=error.message, remedy="name another server with --pg")

    @contextmanager
    def start(self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None) -> Iterator[Server]:
        """The server as it is: nothing is started, nothing made.

        Raises InputError for a server that cannot be used, ServerUnavailable for one that cannot be reached.
        """
        if settings:
            raise InputError("a server that dsn: names keeps its own settings; take one that is made for the run")
        with closing(_connect(self.dsn)) as first:
            _require_supported_major(first)
            with closing(_connect(self.dsn)) as second:
                _require_session_mode(first, second)
            database = _require_rights(first, makes_login=self.run_as is None)
            server = _server(first, database=database, locale=locale)
            if self.run_as is not None:
                require_usable(first, self.run_as.user)
                password = self.run_as.password or _find_password(self.dsn, self.run_as.user)
                passwords = {**server.passwords, self.run_as.user: password}
                server = replace(server, run_as=self.run_as.user, passwords=passwords)
        yield server


def _connect(dsn: str) -> psycopg.Connection:
    try:
        parameters = conninfo_to_dict(dsn)
        parameters.setdefault("connect_timeout", os.environ.get("PGCONNECT_TIMEOUT") or str(_TIMEOUT_S))
        return psycopg.connect(**parameters, autocommit=True, application_name="pgcontract", prepare_threshold=None)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        raise ServerUnavailable(
            f"connecting to the server that dsn: names failed{_describe_target(error)}: "
            f"{_message_without_password(error)}. Look at host, port, user "
            "and password; a password belongs in PGPASSWORD or .pgpass."
        ) from None
    except psycopg.Error as error:
        raise InputError(f"dsn: cannot be used: {_message_without_password(error)}") from None


def _find_password(dsn: str, user: str) -> str:
    """The password that libpq finds for another user of the same server: in the password file alone.

    PGPASSWORD and the service's are for who administers. Whether it lets the login in is found where that has a database.
    """
    parameters = {**conninfo_to_dict(dsn), "user": user}
    parameters.pop("password", None)
    parameters.setdefault("connect_timeout", os.environ.get("PGCONNECT_TIMEOUT") or str(_TIMEOUT_S))
    hidden = os.environ.pop("PGPASSWORD", None)
    try:
        with closing(psycopg.connect(**parameters, application_name="pgcontract")) as connection:  # type: ignore[arg-type]
            return connection.info.password
    except psycopg.OperationalError as error:
        options = {option.keyword: option.val for option in (error.pgconn.info if error.pgconn else ())}
        return (options.get(b"password") or b"").decode()
    finally:
        if hidden is not None:
            os.environ["PGPASSWORD"] = hidden


def _describe_target(error: psycopg.OperationalError) -> str:
    """Host, port and user of the attempt, where libpq got as far as that."""
    options = {option.keyword: option.val for option in (error.pgconn.info if error.pgconn else ())}
    parts = [f"{key} {value.decode()}" for key in ("host", "port", "user") if (value := options.get(key.encode()))]
    return f" ({', '.join(parts)})" if parts else ""


def _message_without_password(error: psycopg.Error) -> str:
    message = " ".join(str(error).split()).rstrip(".")
    options = {option.keyword: option.val for option in (error.pgconn.info if error.pgconn else ())}
    password = (options.get(b"password") or b"").decode() or os.environ.get("PGPASSWORD", "")
    return message.replace(password, "…") if password else message


def _address(connection: psycopg.Connection) -> str:
    return f"{connection.info.host}:{connection.info.port}"


def _require_supported_major(first: psycopg.Connection) -> None:
    """Require a supported major, known from the connection's start, before any query."""
    if first.info.server_version // 10000 < _OLDEST:
        version = first.info.parameter_status("server_version")
        raise InputError(
            f"the server at {_address(first)} is PostgreSQL {version}; {_OLDEST} is the oldest that is supported. Name "
            "another with --pg."
        )


def _require_session_mode(first: psycopg.Connection, second: psycopg.Connection) -> None:
    """Require one backend per session: a pooler in transaction mode lends a backend to whichever session asks next.

    It lends both of us the same one; or, while one of us keeps it in a transaction, the other gets another.
    """
    query = "SELECT pg_catalog.pg_backend_pid()"
    own_pid, other = first.execute(query).fetchone(), second.execute(query).fetchone()
    backend_shared = own_pid == other
    if not backend_shared:
        second.execute("BEGIN")
        second.execute(query)
        backend_shared = first.execute(query).fetchone() != own_pid
        second.execute("ROLLBACK")
    if backend_shared:
        host = first.info.host
        hint = "Supabase's has its sessions on port 5432. " if host.endswith((".supabase.com", ".supabase.co")) else ""
        raise InputError(
            f"{_address(first)} is a pooler in transaction mode: two sessions were answered by one backend, and what a "
            f"session sets or holds is lost. {hint}Name the server itself, or a pooler in session mode."
        )


def _require_rights(first: psycopg.Connection, *, makes_login: bool) -> str:
    """The database that the role is in; InputError where it may not make what we need."""
    row = first.execute(_ROLE_RIGHTS).fetchone()
    assert row is not None
    user, superuser, createdb, createrole, standby, read_only, database = row
    if standby or read_only:
        why = "a standby" if standby else "read-only (default_transaction_read_only is on)"
        raise InputError(
            f"the server at {_address(first)} is {why}, and the gate makes databases on it; name the primary, or another "
            "server, with --pg"
        )
    quoted = sql.Identifier(user).as_string(first)
    if not (superuser or createdb):
        raise InputError(
            f"the role {user} is without CREATEDB on the server at {_address(first)}, and the gate loads migrations into "
            f"databases of its own. Let it: ALTER ROLE {quoted} CREATEDB; or use a server of the run's own: --pg wheel, "
            "or --pg docker."
        )
    if makes_login and not (superuser or createrole):
        raise InputError(
            f"the role {user} is without CREATEROLE on the server at {_address(first)}, so it cannot make the login that "
            "migrations run as, and a migration never runs as a role of yours. Let an admin make one, once:\n\n"
            f"{setup_sql(first, SUGGESTED_NAME)}\n\n"
            f"Then name it: --pg-run-as {SUGGESTED_NAME}, or PGCONTRACT_PG_RUN_AS={SUGGESTED_NAME}, with the password in "
            ".pgpass. It is expendable: it owns nothing but a run's databases, and a migration may do to it what it "
            "likes. Or use a server of the run's own: --pg wheel, or --pg docker."
        )
    return str(database)


def _server(first: psycopg.Connection, *, database: str, locale: str | None) -> Server:
    resolved = {option.keyword.decode(): option.val.decode() for option in first.pgconn.info if option.val}
    host, user = first.info.host, first.info.user
    parameters = {key: value for key, value in resolved.items() if key not in _PER_CONNECTION}
    # Of several addresses, the one that answered.
    if "," in parameters.get("hostaddr", "") or "," in resolved.get("host", ""):
        parameters["hostaddr"] = first.info.hostaddr
    # What libpq would try by itself; ours are pinned for a server without a network.
    parameters |= {key: "" for key in ("sslmode", "gssencmode", "channel_binding") if key not in parameters}
    return Server(
        provider="dsn",
        version_num=first.info.server_version,
        version=(first.info.parameter_status("server_version") or "").split()[0],
        host=host,
        port=first.info.port,
        superuser=user,
        started_from="owner",
        storage="unknown",
        maintenance_database=database,
        locale=locale,
        passwords={user: first.info.password},
        parameters=parameters,
    )
