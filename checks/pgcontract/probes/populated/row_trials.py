"""A script run over some of the rows of a database, undone each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.model.sql import Script, Statement, TransactionScope
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import (
    Refusal,
    apply_as_production,
    apply_statements,
    as_runner,
    locate_refusal,
    read_refusal,
)
from pgcontract.probes.populated.stored_rows import StoredRow, remove_rows, triggers_off
from pgcontract.probes.script_words import may_commit

_OPENS: Final = ("BEGIN", "START")
_ENDS: Final = ("COMMIT", "END")


class RowTrials:
    """Runs a script over the rows of a state, which nobody else uses any more, as often as is asked for.

    A script that is one transaction is run in one that is rolled back; for any other a copy is made each time.
    """

    def __init__(self, sandbox: Sandbox, state: DatabaseState, script: Script) -> None:
        self.sandbox = sandbox
        self.script = script
        self.body = transaction_body(script)
        self.runs = 0
        self.database = state.database
        self.connection = sandbox.connect(self.database)

    def close(self) -> DatabaseState:
        """The state that the removals came to; nothing can be asked any more."""
        self.connection.close()
        return self.sandbox.read_state(self.database)

    def remove(self, rows: Sequence[StoredRow]) -> None:
        """Take the rows out for good."""
        if rows:
            self.connection.execute("BEGIN")
            remove_rows(self.connection, rows)
            self.connection.execute("COMMIT")

    def refusal(self, without: Sequence[StoredRow] = ()) -> Refusal | None:
        """Why the script is refused without these rows; None where it is not."""
        self.runs += 1
        with self._trial() as connection:
            if without:
                remove_rows(connection, without)
            return self._run(connection)

    def refusal_of_changed(self, without: Sequence[StoredRow], row: StoredRow, change: sql.Composed) -> Refusal | None:
        """The same where one row is changed first, without a trigger; None also where the change is refused."""
        self.runs += 1
        with self._trial() as connection:
            try:
                remove_rows(connection, without)
                with connection.transaction(), triggers_off(connection, [row.holder]):
                    connection.execute(change)
            except psycopg.Error:
                return None
            return self._run(connection)

    def changed_by(self, without: Sequence[StoredRow], statement: str | None) -> int | None:
        """How many rows the statement of the script writes without these rows; None where that cannot be told."""
        if self.body is None:
            return None
        self.runs += 1
        number = next((place for place, each in enumerate(self.body) if each.shown == statement), None)
        if number is None:
            return None
        with self._trial() as connection, as_runner(connection, self.script):
            remove_rows(connection, without)
            if apply_statements(connection, self.body[:number], self.script) is not None:
                return None
            try:
                return connection.execute(self.body[number].text.encode()).rowcount
            except psycopg.Error:
                return None

    @contextmanager
    def _trial(self) -> Iterator[psycopg.Connection]:
        if self.body is not None:
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                if not self.connection.closed:
                    self.connection.execute("ROLLBACK")
            return
        state = self.close()
        try:
            with self.sandbox.clone(state) as name, self.sandbox.connect(name) as connection:
                connection.execute("BEGIN")
                yield connection
        finally:
            self.connection = self.sandbox.connect(self.database)

    def _run(self, connection: psycopg.Connection) -> Refusal | None:
        if self.body is None:
            connection.execute("COMMIT")
            refusal = apply_as_production(connection, self.script)
            return refusal and locate_refusal(connection, self.script, refusal)
        with as_runner(connection, self.script):
            refusal = apply_statements(connection, self.body, self.script)
        if refusal is None:
            try:
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except psycopg.Error as error:
                refusal = read_refusal(error)
        if connection.info.transaction_status is TransactionStatus.INERROR:
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
        return refusal


def transaction_body(script: Script) -> tuple[Statement, ...] | None:
    """The statements of a script that its tool runs as one transaction, without the BEGIN and COMMIT around them; None of
    any other."""
    statements = script.statements
    if not script.parsed or any(statement.copy_rows is not None for statement in statements) or script.execution.restores:
        return None
    if len(statements) > 1 and statements[0].words[:1] and statements[0].words[0] in _OPENS:
        if not (statements[-1].words and statements[-1].words[0] in _ENDS):
            return None
        inside = statements[1:-1]
    elif script.execution.transaction is TransactionScope.MESSAGE and (
        (script.execution.by_statement and len(statements) > 1) or any(map(may_commit, statements))
    ):
        return None
    else:
        inside = statements
    if any(statement.is_transaction_control or statement.forbids_transaction_block for statement in inside):
        return None
    return tuple(inside)
