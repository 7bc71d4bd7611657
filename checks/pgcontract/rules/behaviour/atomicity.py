"""Atomicity: a statement that fails leaves nothing; of several statements only a transaction takes the others back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.made_row import made_row
from pgcontract.probes.sample_rows import as_text, insert_statement
from pgcontract.probes.scenarios.player import describe_row_count
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class WriteAttempt:
    """How the rows were sent, and how many were there afterwards."""

    description: str
    expected: int
    rows_left: int
    refusal: Refusal | None


def _tables(promise: Promise) -> Iterator[str]:
    return (table.name for table in promise.contract_schema.tables if table.form == "table" and not table.partition_of)


@check("acid.atomicity", subjects=_tables, severity=Severity.CRITICAL, behaviour=True, implied=True)
def acid_atomicity(context: Context) -> Iterator[Answer]:
    """Where one row is rejected, nothing of its statement is stored, and nothing of its transaction.

    Why it matters: half a write is a state that nobody wrote. A trigger or a rule that silently skips a bad row turns
    "all or nothing" into "some".
    How it is measured: a good row and one that the table rejects (a missing value, a rejected example, or the same key
    twice) are sent as one statement, as two statements, and as two statements in a transaction. Then the stored rows are
    counted.
    What to do: remove the trigger or rule that skips rows; put statements that belong together in one transaction.
    """
    for table in _tables(context.promise):
        with context.sandbox.rolled_back(context.after_state) as connection:
            yield _table_answer(context, connection, table)


def _table_answer(context: Context, connection: psycopg.Connection, table: str) -> Answer:
    good = _good_row(context, connection, table)
    for description, bad in _refused_rows(context, table, good):
        attempts = _try_writes(connection, table, good, bad)
        if attempts is not None:
            return _answer(table, description, attempts)
    # Without a declared row nothing was promised that could be asked: a table may refuse nothing at all.
    declared = table in context.promise.samples
    return Answer(
        Status.UNKNOWN if declared else Status.NOTED,
        table,
        f"No accepted row and rejected row were found for {table}, so no write could fail half-way.",
        remedy="Declare a `sample` row that is accepted, and examples that a CHECK rejects.",
    )


def _good_row(context: Context, connection: psycopg.Connection, table: str) -> Mapping[str, Any]:
    """A row that goes in, the rows that it refers to there; the declared one, where none does."""
    try:
        made = made_row(context, table)
    except CouldNotAsk:
        return context.promise.samples.get(table, {})
    made.insert_parents(connection)
    return made.values


def _refused_rows(context: Context, table: str, good: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows that the contract says are refused, the simplest first."""
    shape = context.promise.project.shape(context.promise.migration.key)
    for column in context.promise.declared.columns:
        name = column.bare_name
        if column.table == table and not column.null and name in good:
            yield f"{name} is null", {**good, name: None}
    for examples in shape.examples:
        if examples.table == table:
            for row in examples.reject:
                yield f"{examples.constraint} rejects it", {**good, **row}
    yield "the same row twice", good


def _try_writes(
    connection: psycopg.Connection, table: str, good: Mapping[str, Any], bad: Mapping[str, Any]
) -> tuple[WriteAttempt, ...] | None:
    """The three attempts; None where the good row is refused, or the bad one is accepted by itself."""
    if _try_write(connection, table, [[good]], "the good row alone", 1).rows_left != 1:
        return None
    if bad is not good:
        alone = _try_write(connection, table, [[bad]], "the bad row alone", 0)
        if alone.rows_left:
            return None
    attempts = (
        _try_write(connection, table, [[good, bad]], "one statement of both rows", 0),
        _try_write(connection, table, [[good], [bad]], "two statements, no transaction", 1),
        _try_write(connection, table, [[good], [bad]], "two statements in a transaction", 0, in_transaction=True),
    )
    return None if bad is good and attempts[0].rows_left == 2 else attempts


def _try_write(
    connection: psycopg.Connection,
    table: str,
    statements: Sequence[Sequence[Mapping[str, Any]]],
    description: str,
    expected: int,
    *,
    in_transaction: bool = False,
) -> WriteAttempt:
    """The rows sent and counted, then undone: a transaction of their own is a savepoint, as the table's own triggers may
    let nobody delete them afterwards."""
    before = _row_count(connection, table)
    refusal = None
    with connection.transaction(force_rollback=True):
        for group in [statements] if in_transaction else [[rows] for rows in statements]:
            try:
                with connection.transaction():
                    for rows in group:
                        values = [as_text(value) for row in rows for value in row.values()]
                        connection.execute(insert_statement(table, rows[0], rows=len(rows)), values)
                    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what COMMIT would check
            except psycopg.Error as error:
                refusal = read_refusal(error)
                break
        rows_left = _row_count(connection, table) - before
    return WriteAttempt(description=description, expected=expected, rows_left=rows_left, refusal=refusal)


def _row_count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))).fetchone()
    assert row
    return int(row[0])


def _answer(table: str, description: str, attempts: tuple[WriteAttempt, ...]) -> Answer:
    evidence = Evidence(
        title=f"A good row, and a bad one ({description})",
        columns=("sent as", "rows expected", "rows left", "server error"),
        rows=tuple(
            (
                candidate.description,
                str(candidate.expected),
                str(candidate.rows_left),
                str(candidate.refusal) if candidate.refusal else "no error",
            )
            for candidate in attempts
        ),
    )
    wrong = next(
        (candidate for candidate in attempts if candidate.rows_left != candidate.expected or candidate.refusal is None),
        None,
    )
    if wrong is None:
        summary = (
            f"A multi-row statement with one bad row leaves no row in {table}; two statements leave the first, unless "
            "they run in one transaction."
        )
        return Answer(Status.KEPT, table, summary, evidence=[evidence])
    return Answer(
        Status.BROKEN,
        table,
        f"A write to {table} with one bad row is not all or nothing: {wrong.description} gives "
        f"{wrong.refusal or 'no error'} and leaves {describe_row_count(wrong.rows_left)}.",
        expected=f"{wrong.description}: an error, and {describe_row_count(wrong.expected)}",
        actual=f"{wrong.description}: {wrong.refusal or 'no error'}, and {describe_row_count(wrong.rows_left)}",
        remedy=f"Remove the trigger or rule on {table} that skips rows without an error, or let it raise one.",
        evidence=[evidence],
    )
