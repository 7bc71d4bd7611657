"""Atomicity: a statement that fails leaves nothing; of several statements only a transaction takes the others back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract import identifiers
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.sample_rows import as_text, insert_statement, simplest_row
from pgcontract.probes.scenarios.player import tell_rows
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check


@dataclass(frozen=True, kw_only=True)
class Way:
    """How the rows were sent, and how many were there afterwards."""

    told: str
    expected: int
    left: int
    refusal: Refusal | None


def _tables(promise: Promise) -> Iterator[str]:
    return (table.name for table in promise.own.tables if table.form == "table" and not table.partition_of)


@check("acid.atomicity", subjects=_tables, severity=Severity.CRITICAL, behaviour=True)
def acid_atomicity(trial: Trial) -> Iterator[Finding]:
    """A statement of several rows of which one is refused leaves none; in a transaction, so do several statements.

    Why it matters: half of a write is a state that nobody wrote. A trigger or a rule that leaves a bad row out without
    a word turns "all or nothing" into "some".
    How it is measured: a good row and one that the table refuses (a missing value, a refused example, or the same key
    twice) are sent as one statement, as two statements, and as two in a transaction; the rows left are counted.
    What to do: take out the trigger or rule that leaves rows out; several statements belong in one transaction.
    """
    with trial.clone(trial.after_state) as connection:
        for table in _tables(trial.promise):
            yield _table_finding(trial, connection, table)


def _table_finding(trial: Trial, connection: psycopg.Connection, table: str) -> Finding:
    good = trial.promise.samples.get(table) or simplest_row(trial.after, table)
    for told, bad in _bad_rows(trial, table, good):
        ways = _tried(connection, table, good, bad)
        if ways is not None:
            return _finding(table, told, ways)
    # Without a declared row nothing was promised that could be asked: a table may refuse nothing at all.
    declared = table in trial.promise.samples
    return answer(
        Status.UNKNOWN if declared else Status.NOTED,
        table,
        f"No pair of a good row and a refused one was found for {table}, so nothing could fail half-way.",
        remedy="Declare a `sample` row that goes in, and examples that a CHECK refuses.",
    )


def _bad_rows(trial: Trial, table: str, good: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows that the declarations say are refused, the plainest first."""
    shape = trial.promise.project.shape(trial.promise.migration.stem)
    for column in trial.promise.declared.columns:
        name = identifiers.bare(last_part(column.name, column.table))
        if column.table == table and not column.null and name in good:
            yield f"{name} is null", {**good, name: None}
    for examples in shape.examples:
        if examples.table == table:
            for row in examples.refuse:
                yield f"{examples.constraint} refuses it", {**good, **row}
    yield "the same row twice", good


def _tried(
    connection: psycopg.Connection, table: str, good: Mapping[str, Any], bad: Mapping[str, Any]
) -> tuple[Way, ...] | None:
    """The three ways; None where the good row is refused, or the bad one goes in by itself."""
    if _way(connection, table, [[good]], "the good row alone", 1).left != 1:
        return None
    if bad is not good:
        alone = _way(connection, table, [[bad]], "the bad row alone", 0)
        if alone.left:
            return None
    ways = (
        _way(connection, table, [[good, bad]], "one statement of both rows", 0),
        _way(connection, table, [[good], [bad]], "two statements, no transaction", 1),
        _way(connection, table, [[good], [bad]], "two statements in a transaction", 0, together=True),
    )
    return None if bad is good and ways[0].left == 2 else ways


def _way(
    connection: psycopg.Connection,
    table: str,
    statements: Sequence[Sequence[Mapping[str, Any]]],
    told: str,
    expected: int,
    *,
    together: bool = False,
) -> Way:
    before = _count(connection, table)
    refusal = None
    if together:
        connection.execute("BEGIN")
    try:
        for rows in statements:
            values = [as_text(value) for row in rows for value in row.values()]
            connection.execute(insert_statement(table, rows[0], rows=len(rows)), values)
        if together:
            connection.execute("COMMIT")
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if together:
            connection.execute("ROLLBACK")
    left = _count(connection, table) - before
    connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(table)))
    return Way(told=told, expected=expected, left=left, refusal=refusal)


def _count(connection: psycopg.Connection, table: str) -> int:
    found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))).fetchone()
    assert found
    return int(found[0])


def _finding(table: str, told: str, ways: tuple[Way, ...]) -> Finding:
    evidence = Evidence(
        title=f"A good row, and a bad one ({told})",
        columns=("sent as", "expected", "left", "the server's words"),
        rows=tuple(
            (each.told, str(each.expected), str(each.left), str(each.refusal) if each.refusal else "no error")
            for each in ways
        ),
    )
    wrong = next((each for each in ways if each.left != each.expected or each.refusal is None), None)
    if wrong is None:
        summary = (
            f"A statement of several rows leaves none of them in {table} where one is refused; two statements leave "
            "the first, unless they are one transaction."
        )
        return answer(Status.KEPT, table, summary, evidence=[evidence])
    return answer(
        Status.BROKEN,
        table,
        f"Of a write to {table} that holds a bad row, a part is left.",
        expected=f"{wrong.told}: an error, and {tell_rows(wrong.expected)}",
        actual=f"{wrong.told}: {wrong.refusal or 'no error'}, and {tell_rows(wrong.left)}",
        remedy="Take out the trigger or rule that leaves rows out without an error.",
        evidence=[evidence],
    )
