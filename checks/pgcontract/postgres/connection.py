"""Connections with time limits: every statement ends in time, and a lost server is not reported as a refusal.

`statement_timeout` is the server's own limit, and a script may take it away. So the client looks at its clock, too, for
as long as it waits: it asks the server to cancel, then has the session ended, then hangs up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import psycopg
from psycopg import generators, sql
from psycopg.abc import PQGen, Query
from psycopg.pq import ExecStatus, PipelineStatus
from psycopg.rows import TupleRow
from psycopg.waiting import Wait

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.connection_limits import QUERY_CANCELED, ClientTimeout, Limits, T, WaitMonitor

_MAX_STATEMENT: Final = 300
_COPY_CHUNK_CHARACTERS: Final = 256 * 1024
# libpq looks for a service even where everything is given, and its older versions know not all of the other keywords; by
# the last three whoever calls would choose how a script reads dates, and what is kept of it for later runs.
_OVERRIDING_VARIABLES: Final = (
    "PGSERVICE",
    "PGREQUIREAUTH",
    "PGSSLNEGOTIATION",
    "PGMINPROTOCOLVERSION",
    "PGMAXPROTOCOLVERSION",
    "PGTZ",
    "PGDATESTYLE",
    "PGGEQO",
)


@contextmanager
def without_overriding_variables() -> Iterator[None]:
    """libpq's variables that no connection string takes back are not there meanwhile."""
    removed = {name: os.environ.pop(name) for name in _OVERRIDING_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(removed)


class _Cursor(psycopg.Cursor[TupleRow]):
    """psycopg's; its connection knows what was sent last."""

    def execute(self, query: Query, *arguments: Any, **keywords: Any) -> Self:
        if isinstance(self.connection, Connection):
            self.connection.last_sent = query
        return super().execute(query, *arguments, **keywords)


class Connection(psycopg.Connection[TupleRow]):
    """psycopg's, with limits. Raises ServerUnavailable, which no `except psycopg.Error` takes for a refusal, where the
    server is gone or has run out of disk, memory or connections."""

    limits: Limits = Limits()
    runs_script: bool = False
    last_sent: Query | None = None
    # Settings of the owner's are set in it: at the end they are empty, and not unset as in a new one.
    is_set_up: bool = False
    # Why we ended this session: it, not the server, is gone, whoever uses it next.
    stopped: ClientTimeout | None = None
    # Why a refusal is this server's doing and not the script's, in a sentence; empty where it is the script's.
    explain_refusal: Callable[[psycopg.Error], str] | None = None

    @classmethod
    def connect(cls, conninfo: str = "", **keywords: Any) -> Self:
        """psycopg's, whatever the environment says that a connection string cannot take back."""
        with without_overriding_variables():
            return super().connect(conninfo, cursor_factory=_Cursor, **keywords)

    def wait(self, gen: PQGen[T], *arguments: Any, **keywords: Any) -> T:
        """The one method by which psycopg waits for an answer."""
        monitor = WaitMonitor(self)
        try:
            return super().wait(monitor.wrap(gen), *arguments, **keywords)
        except psycopg.Error as error:
            if monitor.space_message:
                raise ServerUnavailable(monitor.space_message) from error
            if monitor.cancelled_at is not None:
                timeout = ClientTimeout(monitor.timeout_message)
                self._note_statement(timeout)
                self.stopped = timeout if self.closed else None
                raise timeout from error
            self.require_not_stopped()
            if self.closed or is_server_lost(error):
                raise as_unavailable(error) from error
            if error.sqlstate == QUERY_CANCELED:
                self._note_statement(error)
            raise

    def cursor(self, *arguments: Any, **keywords: Any) -> Any:
        """psycopg's. Raises ClientTimeout for a session that was ended for its time: the server itself is not lost."""
        self.require_not_stopped()
        return super().cursor(*arguments, **keywords)

    def require_not_stopped(self) -> None:
        """Raises ClientTimeout, with the statement that took too long, where the session was ended for it."""
        if self.closed and self.stopped is not None:
            raise self.stopped

    def _note_statement(self, error: psycopg.Error) -> None:
        """Of several statements in a pipeline nobody says which it was."""
        if self.last_sent is None or self.pgconn.pipeline_status != PipelineStatus.OFF or self.runs_script:
            return
        sent = self.last_sent
        text = sent.as_string(self) if isinstance(sent, sql.Composable) else sent
        error.add_note(" ".join((text.decode() if isinstance(text, bytes) else str(text)).split()))


def describe_timeout(error: psycopg.Error) -> str:
    """What a statement was doing that was stopped because it took too long, in a sentence."""
    statement = next(iter(getattr(error, "__notes__", ())), "")
    at = (error.diag.context or "").partition("\n")[0]
    parts = [f"it was doing: {_shorten(statement)}"] if statement else []
    parts += [f"it was in {at}"] if at else []
    message = error.diag.message_primary or str(error)
    longer = "where it needs longer, say so with --timeout"
    return "; ".join([f"a statement took longer than --timeout allows ({message})", *parts, longer])


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_STATEMENT else f"{text[:_MAX_STATEMENT]}…"


def connect_with_limit(conninfo: str, *, timeout_ms: int) -> Connection:
    """A connection outside of a sandbox's pool, whose statements end in time like those of the pool."""
    connection = Connection.connect(
        conninfo, autocommit=True, application_name="pgcontract", options=f"-c statement_timeout={timeout_ms}"
    )
    connection.limits = Limits(seconds=timeout_ms / 1000)
    return connection


def is_server_lost(error: psycopg.Error) -> bool:
    """Whether the server failed: gone (class 57), out of disk or memory (53), a disk's error (58030).

    A statement that is cancelled (57014), and one above a limit that we set (53400), are the statement's.
    """
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return (state[:2] in ("53", "57") and state not in (QUERY_CANCELED, "53400")) or state in ("58000", "58030")


def as_unavailable(error: psycopg.Error) -> ServerUnavailable:
    """The error as ServerUnavailable, in one line."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return ServerUnavailable(
        f"the scratch server stopped answering: {reason}. Run it again; if it persists, look for a full disk, a limit on "
        "memory, or a statement that ends the server."
    )


def execute_discarding_rows(connection: psycopg.Connection, text: bytes, *, rows: str | None = None) -> None:
    """Send the text as one simple query and throw its rows away as they come: a script may select more than we can hold.

    `rows` are sent to the COPY FROM STDIN that asks for them first. Raises psycopg.Error at the first statement that is
    refused; a COPY for which there are no rows is.
    """
    with connection.lock:
        if isinstance(connection, Connection):
            connection.runs_script = True
        try:
            connection.wait(_execute_discarding_rows(connection, text, rows))
        finally:
            if isinstance(connection, Connection):
                connection.runs_script = False


def _execute_discarding_rows(connection: psycopg.Connection, text: bytes, rows: str | None) -> Generator[Any, Any, None]:
    server = connection.pgconn
    server.send_query(text)
    server.set_single_row_mode()
    yield from generators.send(server)
    refused: psycopg.Error | None = None
    while (result := (yield from generators.fetch(server))) is not None:
        if result.status == ExecStatus.COPY_IN and rows is not None:
            for start in range(0, len(rows), _COPY_CHUNK_CHARACTERS):
                yield from generators.copy_to(server, rows[start : start + _COPY_CHUNK_CHARACTERS].encode())
            rows = None
            server.put_copy_end()
        elif result.status == ExecStatus.COPY_IN:
            server.put_copy_end(b"pgcontract sends no rows")
            refused = psycopg.errors.FeatureNotSupported(
                "COPY ... FROM STDIN waits for rows that only psql sends; write INSERT"
            )
        elif result.status == ExecStatus.COPY_OUT:
            while (chunk := server.get_copy_data(1))[0] >= 0:
                if chunk[0] == 0:
                    yield Wait.R
                    server.consume_input()
        elif result.status == ExecStatus.FATAL_ERROR and refused is None:
            refused = psycopg.errors.error_from_result(result, encoding=connection.info.encoding)
    # libpq forgets the single rows when a query begins, but not when a pipeline does.
    server.send_query(b"")
    yield from generators.send(server)
    while (yield from generators.fetch(server)) is not None:
        pass
    if refused is not None:
        raise refused
