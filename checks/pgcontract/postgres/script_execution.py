"""Execute a script as its tool would, and report where and why it was refused.

CouldNotAsk where the server refuses what production's would not: a login of an owner's server may less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath
from typing import Final
from zlib import crc32

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.errors import CouldNotAsk, InputError
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import (
    Script,
    Statement,
    TransactionScope,
    mask_values,
    may_be_passed_over,
    messages,
    opens_as_sql,
    place,
    psql_command,
    restore_goes_on,
)
from pgcontract.postgres.connection import Connection, as_unavailable, execute_discarding_rows, is_server_lost
from pgcontract.result import Evidence
from pgcontract.values import dataclass

_SYNTAX_ERROR: Final = "42601"
# What a statement would make a role's, or another server's, password is nobody's evidence.
_PASSWORD: Final = re.compile(r"(\b(?:PASSWORD|SECRET)\s+)E?'(?:[^']|'')*'", re.IGNORECASE)
_MAY_RESET: Final = (TransactionStatus.IDLE, TransactionStatus.INTRANS)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The server's error and the statement it refused, as it may be shown; line and column count from 1 in the file
    `path`, `offset` from 0 in the script's text. `table_name` and `column_name` are
    those that the server names."""

    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    constraint: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    statement: str | None = None

    @property
    def is_timeout(self) -> bool:
        """Whether it was stopped because it took longer than a statement may (query_canceled)."""
        return self.sqlstate == "57014"

    def __str__(self) -> str:
        return f"{self.message} (SQLSTATE {self.sqlstate})"

    def evidence(self) -> tuple[Evidence, ...]:
        """The server's message, then the statement it refused."""
        words = [f"ERROR {self.sqlstate}: {self.message}"]
        words += [f"DETAIL: {self.detail}"] if self.detail else []
        words += [f"HINT: {self.hint}"] if self.hint else []
        words += [f"CONTEXT: {self.context}"] if self.context else []
        pieces = [Evidence(title="The server's error", text="\n".join(words))]
        if self.statement:
            pieces.append(
                Evidence(title="The statement", text=_shorten(_PASSWORD.sub(r"\1'…'", self.statement)), language="sql")
            )
        return tuple(pieces)


def apply_script(connection: psycopg.Connection, script: Script) -> Refusal | None:
    """Send the whole text as one simple query: what web editors and `supabase db push` do.

    Without an open transaction the server makes one of it, so a refusal leaves nothing behind.
    """
    return _execute(connection, script.text, script)


def apply_as_production(connection: psycopg.Connection, script: Script, *, run: int = 1) -> Refusal | None:
    """As its tool runs it, on a connection without an open transaction. A tool that puts all pending files into one
    transaction is given this one alone. A refusal leaves open what the script itself had opened. Another `run` of the
    same script draws other numbers by chance."""
    with as_runner(connection, script, run=run):
        if not all(_answers(connection, query, expected) for query, expected in script.execution.only_if):
            return None
        refusal = _apply(connection, script)
    if refusal is None or not script.execution.may_fail or connection.closed:
        return refusal
    connection.execute("ROLLBACK")
    return None


def _answers(connection: psycopg.Connection, query: str, expected: str) -> bool:
    """Whether the query answers that; one that the server refuses keeps no script from running."""
    connection.execute("BEGIN")
    try:
        row = connection.execute(query.encode()).fetchone()
    except psycopg.Error as error:
        read_refusal(error)
        return True
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")
    value = row[0] if row else None
    return expected == (str(value)[0].lower() if isinstance(value, bool) else str(value))


def _apply(connection: psycopg.Connection, script: Script) -> Refusal | None:
    execution = script.execution
    outside = execution.outside_transaction and any(
        statement.forbids_transaction_block for statement in script.statements
    )
    if outside or (execution.transaction is TransactionScope.MESSAGE and _sent_by_statement(script)):
        return apply_statements(connection, messages(script), script)
    if execution.transaction is TransactionScope.MESSAGE:
        return apply_script(connection, script)
    connection.execute("BEGIN")
    refusal = send(connection, script)
    if refusal is None:
        return commit(connection, script)
    if not connection.closed:
        connection.execute("ROLLBACK")
    return refusal


@contextmanager
def as_runner(connection: psycopg.Connection, script: Script, *, run: int = 1) -> Iterator[None]:
    """The session as the role that a script is run by, if its owner names one. InputError where it may not be that.

    What it draws by chance is the same each time that it is judged, and not what another script, or `run`, draws.
    """
    drawn = crc32(f"{run} {PurePath(script.path).name} {script.text}".encode()) / 2**32
    connection.execute(sql.SQL("SET seed = {}").format(sql.Literal(round(drawn, 6))))  # random(), not what makes uuids
    role = script.execution.role
    if role is not None:
        name = sql.Identifier(role)
        try:
            connection.execute(sql.SQL("SET ROLE {}").format(name))
        except psycopg.Error as error:
            _require_own_fault(connection, error)
            made = sql.SQL("CREATE ROLE {0}; GRANT {0} TO CURRENT_USER;").format(name).as_string(connection)
            raise InputError(
                f"[runner] role = {role!r}: the server refuses SET ROLE, {read_refusal(error)}. Give "
                f"what makes it with --setup FILE: {made}"
            ) from error
    try:
        yield
    finally:
        if role is not None and not connection.closed and connection.info.transaction_status in _MAY_RESET:
            connection.execute("RESET ROLE")


def send(connection: psycopg.Connection, script: Script) -> Refusal | None:
    """The messages of a script, in whatever transaction the connection is in."""
    if _sent_by_statement(script):
        return apply_statements(connection, messages(script), script)
    return apply_script(connection, script)


def _sent_by_statement(script: Script) -> bool:
    brings_rows = any(statement.copy_rows is not None for statement in script.statements)
    return bool(script.statements) and (script.execution.by_statement or brings_rows)


def commit(connection: psycopg.Connection, script: Script) -> Refusal | None:
    """What is deferred to the COMMIT is refused there."""
    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        return _masked(read_refusal(error), script)
    return None


def locate_refusal(connection: psycopg.Connection, script: Script, refusal: Refusal) -> Refusal:
    """A refusal without a position (an object that is there already, a RAISE) with the place of its statement.

    The statements are executed one by one on this connection, and rolled back.
    """
    if refusal.line is not None:
        return refusal
    if refusal.is_timeout and len(script.statements) == 1:
        [statement] = script.statements
        return replace(
            refusal, path=statement.path, line=statement.line, column=statement.column, statement=statement.shown
        )
    connection.execute("ROLLBACK")  # of what the script may have left open
    connection.execute("BEGIN")
    with as_runner(connection, script):
        placed = apply_statements(connection, script.statements, script)
    if not connection.closed:  # as it is where the statement could only be stopped with its session
        connection.execute("ROLLBACK")
    return placed if placed is not None and placed.sqlstate == refusal.sqlstate else refusal


def ends_transactions(script: Script) -> bool:
    """Whether the script opens or ends transactions itself, or cannot run in one, so that nothing can undo it."""
    return any(statement.is_transaction_control or statement.forbids_transaction_block for statement in script.statements)


def apply_statements(
    connection: psycopg.Connection,
    statements: Iterable[Statement],
    script: Script,
    *,
    passed_over: list[Refusal] | None = None,
) -> Refusal | None:
    """Send the statements one by one, as `psql -v ON_ERROR_STOP=1 -f` does; stops at the first refusal."""
    for statement in statements:
        if refusal := apply_statement(connection, statement, script, passed_over=passed_over):
            return refusal
    return None


def apply_statement(
    connection: psycopg.Connection, statement: Statement, script: Script, *, passed_over: list[Refusal] | None = None
) -> Refusal | None:
    """Send one statement. Where a dump is restored, what a restore passes over is none, and goes to `passed_over`."""
    if not (script.execution.restores and may_be_passed_over(statement)):
        return _execute(connection, statement.text, script, statement)
    in_transaction = connection.info.transaction_status is TransactionStatus.INTRANS
    if in_transaction:
        connection.execute("SAVEPOINT pgcontract_restore")
    refusal = _execute(connection, statement.text, script, statement)
    goes_on = refusal is None or restore_goes_on(statement, sqlstate=refusal.sqlstate, message=refusal.message)
    if refusal is not None and in_transaction and goes_on:
        connection.execute("ROLLBACK TO SAVEPOINT pgcontract_restore")
    if in_transaction and goes_on:
        connection.execute("RELEASE SAVEPOINT pgcontract_restore")
    if refusal is None or not goes_on:
        return refusal
    if passed_over is not None:
        passed_over.append(refusal)
    return None


def read_refusal(error: psycopg.Error) -> Refusal:
    """The server's refusal in an error; ServerUnavailable where the server did not refuse but is gone.

    What psycopg alone refuses is raised again: nobody asked the server.
    """
    if is_server_lost(error):
        raise as_unavailable(error) from error
    if error.sqlstate is None:
        raise error
    diag = error.diag
    return Refusal(
        sqlstate=error.sqlstate,
        message=_shorten(diag.message_primary or str(error)),
        detail=diag.message_detail and _shorten(diag.message_detail),
        hint=diag.message_hint and _shorten(diag.message_hint),
        context=diag.context and _shorten(diag.context),
        constraint=diag.constraint_name,
        table_name=str(QualifiedName.of(diag.schema_name, diag.table_name))
        if diag.schema_name and diag.table_name
        else None,
        column_name=diag.column_name,
    )


def _execute(
    connection: psycopg.Connection, text: str, script: Script, statement: Statement | None = None
) -> Refusal | None:
    try:
        execute_discarding_rows(connection, text.encode(), rows=statement.copy_rows if statement else None)
    except psycopg.Error as error:
        refusal = _masked(_with_position(read_refusal(error), error, script, statement), script)
        _require_own_fault(connection, error)
        return refusal
    return None


def _require_own_fault(connection: psycopg.Connection, error: psycopg.Error) -> None:
    """Raises CouldNotAsk where the refusal is due to who migrates on this server."""
    explain = connection.explain_refusal if isinstance(connection, Connection) else None
    if explain is not None and (reason := explain(error)):
        raise CouldNotAsk(reason) from error


def _with_position(refusal: Refusal, error: psycopg.Error, script: Script, statement: Statement | None) -> Refusal:
    """The refusal with its place in the file: the server counts characters from 1 in what it was sent."""
    position = error.diag.statement_position
    offset = statement.offset if statement else 0
    if position is not None:
        offset += int(position) - 1
    elif statement is None:
        return refusal
    at = place(script, offset)
    if statement is None:
        statement = next((candidate for candidate in reversed(script.statements) if candidate.offset <= offset), None)
    text = statement.shown if statement else None
    placed = replace(refusal, path=at.path, line=at.line, column=at.column, offset=offset, statement=text)
    if placed.sqlstate == _SYNTAX_ERROR and statement and not opens_as_sql(statement.text):
        # What else is in the file may be a secret: neither it nor the word at which the server stopped is repeated.
        own = statement.text.startswith("\\")
        what = psql_command(statement.text, 0) if own else "this is no SQL command"
        return replace(placed, message=f"syntax error: {what}", statement=None)
    return placed


def _masked(refusal: Refusal, script: Script) -> Refusal:
    """The refusal without the values that stand in the script for names."""
    if not script.passages:
        return refusal
    words = (refusal.detail, refusal.hint, refusal.context)
    detail, hint, context = (text and mask_values(script, text) for text in words)
    return replace(refusal, message=mask_values(script, refusal.message), detail=detail, hint=hint, context=context)


def _shorten(text: str, limit: int = 2_000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit:,} characters more"
