"""The statements of a script one by one, in the transactions that its tool runs them in."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.model.sql import Script, Statement
from pgcontract.model.sql.transactions import transaction_numbers
from pgcontract.postgres.script_execution import as_runner
from pgcontract.probes.script_words import may_commit


def steps_of(connection: psycopg.Connection, script: Script) -> Iterator[Statement]:
    """Each statement before it is run, which is the caller's to do: in an open transaction, but for those that refuse to
    be in one. Who stops asking leaves it open."""
    statements = script.statements if script.parsed else ()
    previous: int | None = None
    with as_runner(connection, script):
        for statement, number in zip(statements, transaction_numbers(script) if statements else (), strict=True):
            outside = statement.forbids_transaction_block or may_commit(statement)
            is_open = connection.info.transaction_status is not TransactionStatus.IDLE
            if is_open and (number != previous or (outside and not statement.is_transaction_control)):
                connection.execute("COMMIT")
                is_open = False
            if not is_open and not outside and not statement.is_transaction_control:
                connection.execute("BEGIN")
            previous = number
            yield statement
