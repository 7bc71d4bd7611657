"""Hand a script to the server as a person would, and say where and why it was refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from pgcontract.model.sql import Script, Statement, place
from pgcontract.postgres.connection import discard, is_lost, lost
from pgcontract.result.finding import Evidence


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the server said and of which statement; line and column count from 1 in the script's file."""

    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    constraint: str | None = None
    line: int | None = None
    column: int | None = None
    statement: str | None = None

    @property
    def is_late(self) -> bool:
        """Whether it was stopped because it took longer than a statement may (query_canceled)."""
        return self.sqlstate == "57014"

    def __str__(self) -> str:
        return f"{self.message} (SQLSTATE {self.sqlstate})"

    def evidence(self) -> tuple[Evidence, ...]:
        """The server's words, then the statement it refused."""
        words = [f"ERROR {self.sqlstate}: {self.message}"]
        words += [f"DETAIL: {self.detail}"] if self.detail else []
        words += [f"HINT: {self.hint}"] if self.hint else []
        words += [f"CONTEXT: {self.context}"] if self.context else []
        told = [Evidence(title="The server's words", text="\n".join(words))]
        if self.statement:
            told.append(Evidence(title="The statement", text=_shortened(self.statement), language="sql"))
        return tuple(told)


def apply_script(connection: psycopg.Connection, script: Script) -> Refusal | None:
    """Send the whole text as one simple query: what web editors and `supabase db push` do.

    Without an open transaction the server makes one of it, so a refusal leaves nothing behind.
    """
    return _execute(connection, script.text, script)


def apply_as_production(connection: psycopg.Connection, script: Script) -> Refusal | None:
    """As one simple query, or one by one where a statement runs only outside a transaction."""
    if any(each.refuses_transaction for each in script.statements):
        return apply_statements(connection, script.statements, script)
    return apply_script(connection, script)


def located(connection: psycopg.Connection, script: Script, refusal: Refusal) -> Refusal:
    """A refusal without a position (an object that is there already, a RAISE) with the place of its statement.

    The statements are tried one by one from where the connection stands, and undone.
    """
    if refusal.line is not None:
        return refusal
    connection.execute("ROLLBACK")  # of what the script may have left open
    connection.execute("BEGIN")
    placed = apply_statements(connection, script.statements, script)
    if not connection.closed:  # as it is where the statement could only be stopped with its session
        connection.execute("ROLLBACK")
    return placed if placed is not None and placed.sqlstate == refusal.sqlstate else refusal


def ends_transactions(script: Script) -> bool:
    """Whether the script opens or ends transactions itself, or cannot run in one, so that nothing can undo it."""
    return any(each.transaction_control or each.refuses_transaction for each in script.statements)


def apply_statements(connection: psycopg.Connection, statements: Iterable[Statement], script: Script) -> Refusal | None:
    """Send the statements one by one, as `psql -v ON_ERROR_STOP=1 -f` does; stops at the first refusal."""
    for statement in statements:
        if refusal := apply_statement(connection, statement, script):
            return refusal
    return None


def apply_statement(connection: psycopg.Connection, statement: Statement, script: Script) -> Refusal | None:
    """Send one statement."""
    return _execute(connection, statement.text, script, statement)


def refusal_of(error: psycopg.Error) -> Refusal:
    """The server's words of an error; ServerUnavailable where it is not the server that refused but is gone.

    What psycopg alone refuses is raised again: nobody asked the server.
    """
    if is_lost(error):
        raise lost(error) from error
    if error.sqlstate is None:
        raise error
    diag = error.diag
    return Refusal(
        sqlstate=error.sqlstate,
        message=_shortened(diag.message_primary or str(error)),
        detail=diag.message_detail and _shortened(diag.message_detail),
        hint=diag.message_hint and _shortened(diag.message_hint),
        context=diag.context and _shortened(diag.context),
        constraint=diag.constraint_name,
    )


def _execute(
    connection: psycopg.Connection, text: str, script: Script, statement: Statement | None = None
) -> Refusal | None:
    try:
        discard(connection, text.encode())
    except psycopg.Error as error:
        return _placed(refusal_of(error), error, script, statement)
    return None


def _placed(refusal: Refusal, error: psycopg.Error, script: Script, statement: Statement | None) -> Refusal:
    """The refusal with its place in the file: the server counts characters from 1 in what it was sent."""
    position = error.diag.statement_position
    offset = statement.offset if statement else 0
    if position is not None:
        offset += int(position) - 1
    elif statement is None:
        return refusal
    line, column = place(script, offset)
    if statement is None:
        statement = next((each for each in reversed(script.statements) if each.offset <= offset), None)
    return Refusal(
        **{
            **refusal.__dict__,
            "line": line,
            "column": column,
            "statement": statement.text if statement else None,
        }
    )


def _shortened(text: str, limit: int = 2_000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit:,} characters more"
