"""One scratch database as a test has it: an address, connections, whoever one acts as, and what was sent to it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.abc import Params, Query
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from pgcontract.contract import Migration
from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import CouldNotAsk, InputError
from pgcontract.postgres.acting_identity import Identity, require_role
from pgcontract.postgres.connection import without_overriding_variables

if TYPE_CHECKING:
    from pgcontract.runner.scratch_databases import ScratchDatabases

Statement: TypeAlias = str | bytes | sql.SQL | sql.Composed

_MAX_SENT: Final = 12
_MAX_WORDS: Final = 400
_SECRET: Final = re.compile(r"(\b(?:PASSWORD|SECRET)\s+)E?'(?:[^']|'')*'", re.IGNORECASE)


class ScratchDatabase:
    """A database that is its test's alone. Connections that it opened are closed with it.

    `url` is for drivers and libraries that take an address, `dsn` for libpq; both are those of the role that owns what
    the migrations made. `sent` is what its connections were last sent, oldest first, for a report.
    """

    def __init__(self, databases: ScratchDatabases, name: str, applied: int) -> None:
        self.name = name
        self.sent: deque[str] = deque(maxlen=_MAX_SENT)
        self._databases = databases
        self._applied = applied
        self._opened: list[psycopg.Connection[Any]] = []
        self._own: psycopg.Connection[TupleRow] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} at {self.migration.key if self.migration else 'no migration'}>"

    @property
    def migration(self) -> Migration | None:
        """The last one that was applied; None before the first."""
        return self._databases.project.chain[self._applied - 1] if self._applied else None

    @property
    def dsn(self) -> str:
        """libpq's connection string, password included."""
        return self._databases.server.conninfo(dbname=self.name, user=self._databases.user)

    @property
    def url(self) -> str:
        """The same as `postgresql://user@host:port/name`; a server on a socket has its folder in the parameter host."""
        words = {key: value for key, value in conninfo_to_dict(self.dsn).items() if value not in (None, "")}
        user, password = quote(str(words.pop("user")), safe=""), words.pop("password", None)
        words.pop("client_encoding", None)
        whom = f"{user}:{quote(str(password), safe='')}" if password else user
        place = ""
        if not str(words["host"]).startswith(("/", "@")):
            host, port = str(words.pop("host")), words.pop("port")
            place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        name = quote(str(words.pop("dbname")), safe="")
        more = urlencode({key: str(value) for key, value in words.items()})
        return f"postgresql://{whom}@{place}/{name}{f'?{more}' if more else ''}"

    def connect(self, **keywords: Any) -> psycopg.Connection[Any]:
        """A psycopg connection, with psycopg's own defaults: what is sent is in a transaction until a commit.

        `keywords` are psycopg.connect's, such as autocommit=True or row_factory=dict_row.
        """
        connection = self._open(**keywords)
        if "cursor_factory" not in keywords:
            connection.cursor_factory = _noting(self.sent)
        return connection

    def execute(self, query: Statement, params: Params | None = None) -> list[TupleRow]:
        """The rows of one statement, which is committed at once; none where it has none."""
        if self._own is None or self._own.closed:
            self._own = self.connect(autocommit=True)
        cursor = self._own.execute(query, params)
        return cursor.fetchall() if cursor.description is not None else []

    def as_role(
        self, role: str, *, user: object | None = None, claims: Mapping[str, Any] | None = None
    ) -> psycopg.Connection[TupleRow]:
        """A connection that acts as the role, with the claims of a token in request.jwt.claims, as Supabase's API does;
        `user` is the claim `sub`, which auth.uid() reads. Each statement is committed at once, or refused alone.

        InputError where there is no such role, or the role that migrated may not act as it.
        """
        __tracebackhide__ = True
        identity = Identity.of(role, {**({} if user is None else {"sub": str(user)}), **(claims or {})})
        assert identity is not None
        connection = self._open(autocommit=True)
        try:
            require_role(connection, identity)
        except CouldNotAsk as error:
            hint = self._role_hint(connection, role)
            raise InputError(f"as_role({role!r}): {error}{hint}") from None
        connection.execute(identity.settings(local=False))
        connection.cursor_factory = _noting(self.sent, whom=role)
        return connection

    def migrate(self, to: str | None = None) -> None:
        """Apply the migrations that follow, through `to`, else all. What its test wrote is there while they run.

        InputError for one that is not ahead, and, with file and line, for one that the server refuses: those before it
        stay applied.
        """
        __tracebackhide__ = True
        chain = self._databases.project.chain
        last = len(chain) if to is None else self._databases.number(to)
        if last < self._applied or (last == self._applied and to is not None):
            raise InputError(f"migrate({to!r}): it is applied already; the database is at {self._place}")
        for migration in chain[self._applied : last]:
            self._databases.migrate(self.name, migration)
            self._applied += 1

    def roll_back(self) -> None:
        """Run the way back of the migration that it is at. InputError where there is none, or the server refuses it."""
        __tracebackhide__ = True
        if self.migration is None:
            raise InputError("roll_back(): no migration is applied")
        self._databases.roll_back(self.name, self.migration)
        self._applied -= 1

    def close(self) -> None:
        """Close every connection that was opened here."""
        for connection in self._opened:
            connection.close()

    @property
    def evidence(self) -> str:
        """Where the database stands, on which server, and what was last sent to it, for the report of a failure."""
        server, root = self._databases.server, self._databases.project.root
        place = f"of {root} at {self._place}"
        head = f"{place}, on PostgreSQL {server.version} ({server.provider}), as {self._databases.user}"
        return "\n".join((head, *self.sent))

    def _open(self, **keywords: Any) -> psycopg.Connection[Any]:
        keywords.setdefault("application_name", "pgcontract")
        keywords.setdefault("options", f"-c statement_timeout={self._databases.statement_timeout_ms}")
        with without_overriding_variables():
            connection: psycopg.Connection[Any] = psycopg.connect(self.dsn, **keywords)
        self._opened.append(connection)
        return connection

    def _role_hint(self, connection: psycopg.Connection[TupleRow], role: str) -> str:
        query = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"
        roles = [name for (name,) in connection.execute(query)]
        if role not in roles:
            return f"; {nearest(role, roles)}"
        if "own_server" in self._databases.server.capabilities:
            return ""
        return " On a server of yours the login that migrates has no other power: name another with --pgcontract-pg"

    @property
    def _place(self) -> str:
        return self.migration.key if self.migration else "no migration"


def _noting(sent: deque[str], *, whom: str = "") -> type[psycopg.Cursor[Any]]:
    """psycopg's cursor, which notes what is sent and how many rows it was, or why it was refused."""

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Query, *arguments: Any, **keywords: Any) -> Self:
            params = arguments[0] if arguments else keywords.get("params")
            text = f"{f'as {whom}: ' if whom else ''}{_words(query, params, self.connection)}"
            try:
                super().execute(query, *arguments, **keywords)
            except psycopg.Error as error:
                sent.append(
                    f"{text}\n  → {error.sqlstate or type(error).__name__}: {error.diag.message_primary or error}"
                )
                raise
            sent.append(f"{text}\n  → {self.statusmessage or 'nothing'}")
            return self

    return Cursor


def _words(query: Query, params: Params | None, connection: psycopg.Connection[Any]) -> str:
    if isinstance(query, sql.Composable):
        text = query.as_string(connection)
    else:
        text = query.decode(errors="replace") if isinstance(query, bytes) else str(query)
    line = _SECRET.sub(r"\1'…'", " ".join(text.split()))
    return _short(line) + (f"\n  with {_short(repr(params))}" if params else "")


def _short(text: str) -> str:
    return text if len(text) <= _MAX_WORDS else f"{text[:_MAX_WORDS]}…"
