"""Statements that are tried, each in one message: by psycopg's cursors and savepoints it would be three, and several
times the client's CPU of what the server takes to answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from pgcontract.postgres.connection import Connection
from pgcontract.postgres.script_execution import Refusal, read_refusal

_BEGIN: Final = "SAVEPOINT pgcontract_tried"
_KEEP: Final = "RELEASE SAVEPOINT pgcontract_tried"
_UNDO: Final = "ROLLBACK TO SAVEPOINT pgcontract_tried; RELEASE SAVEPOINT pgcontract_tried"


def try_statements(connection: psycopg.Connection, text: str, *, keep: bool = False) -> Sequence[PGresult]:
    """A result of each statement of the text; what it did is undone unless `keep`. A transaction that is open goes on
    however it ends, where its syntax is right; without one it is its own. Raises psycopg.Error."""
    alone = connection.info.transaction_status is TransactionStatus.IDLE
    begin, end, undo = ("BEGIN", "COMMIT", "ROLLBACK") if alone else (_BEGIN, _KEEP, _UNDO)
    try:
        results = send_message(connection, f"{begin}; {text}\n; {end if keep else undo}", said=text)
    except psycopg.Error:
        if not connection.closed:
            send_message(connection, undo)
        raise
    return results[1 : -1 if keep or alone else -2]


def refusal_of(connection: psycopg.Connection, text: str, *, keep: bool = False) -> Refusal | None:
    """What the server says against the statements, where it refuses one."""
    try:
        try_statements(connection, text, keep=keep)
    except psycopg.Error as error:
        return read_refusal(error)
    return None


def send_message(connection: psycopg.Connection, text: str, *, said: str = "") -> Sequence[PGresult]:
    """A result of each statement of the text, all of which is one simple query. Raises psycopg.Error; what is `said` to
    be in it is named where it took too long, else all of it."""
    if isinstance(connection, Connection):
        connection.require_not_stopped()
        connection.last_sent = said or text
    with connection.lock:
        connection.pgconn.send_query(text.encode())
        results: list[PGresult] = connection.wait(generators.execute(connection.pgconn))
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result, encoding=connection.info.encoding)
    return results


def read_rows(connection: psycopg.Connection, result: PGresult) -> list[tuple[Any, ...]]:
    """The rows of a result as psycopg's cursors give them; none where the statement has none."""
    if result.status != ExecStatus.TUPLES_OK:
        return []
    transformer = Transformer.from_context(connection)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)
