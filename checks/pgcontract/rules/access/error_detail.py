"""What the DETAIL of an error message discloses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Constraint
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.made_row import MadeRow, made_row
from pgcontract.probes.row_generation.simple_values import simplest_value
from pgcontract.probes.sample_rows import as_text, insert_statement
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _tables(promise: Promise) -> Iterator[str]:
    return (table.name for table in promise.contract_schema.tables if table.form != "foreign table")


@check("error_detail.hides_rows", subjects=_tables, severity=Severity.INFO)
def error_detail_hides_rows(context: Context) -> Iterator[Answer]:
    """The DETAIL of a violated CHECK shows no values of the row.

    Why it matters: DETAIL goes to the server's log, to the client and often to an error tracker. It may hold the whole
    row, personal data included, of the very people whose input was rejected.
    How it is measured: a declared example that a CHECK rejects is put into the sample row and inserted. Where no example
    is declared, a CHECK that rejects everything is added for the test. The DETAIL is shown with the columns whose values
    appear in it.
    What to do: no setting in the schema turns this off. Set log_error_verbosity = terse, strip DETAIL in the application
    before logging, and validate input there first. A role under row level security gets no values in DETAIL.
    """
    for table in _tables(context.promise):
        checks = [
            constraint
            for constraint in context.after.constraints
            if constraint.table == table and constraint.form == "check"
        ]
        if not checks:
            yield Answer(Status.KEPT, table, f"{table} has no CHECK, so no error of one can show a row.")
            continue
        try:
            row, refusal = _violate_check(context, table, checks)
        except CouldNotAsk as error:
            yield Answer(
                Status.NOTED, table, f"No CHECK of {table} could be violated to see what its error shows: {error}."
            )
            continue
        yield _detail_answer(context, table, row, refusal)


def _detail_answer(context: Context, table: str, row: Mapping[str, Any], refusal: Refusal | None) -> Answer:
    if refusal is None or refusal.sqlstate != "23514":
        said = f": {refusal}" if refusal else ""
        # Noted, never judged: without a refused example of the CHECK there is only less to show.
        return Answer(Status.NOTED, table, f"No CHECK of {table} could be violated to see what its error shows{said}.")
    if refusal.detail is None:
        return Answer(Status.KEPT, table, f"The error of a violated CHECK of {table} shows nothing of the row.")
    columns = [
        column.bare_name
        for column in sorted(context.after.columns, key=lambda column: column.position)
        if column.table == table
    ]
    shown = [name for name in columns if str(as_text(row.get(name)))[:64] in refusal.detail and name in row]
    return Answer(
        Status.NOTED,
        table,
        f"The error of a violated CHECK of {table} shows the whole row in its DETAIL, {len(columns)} columns: "
        f"{', '.join(columns)}.",
        actual=refusal.detail,
        remedy="ALTER DATABASE … SET log_error_verbosity = terse; and drop DETAIL in the application before it "
        "logs an error.",
        evidence=[
            *refusal.evidence(),
            Evidence(title="Columns whose values stand in the DETAIL", text=", ".join(shown)),
        ],
    )


def _violate_check(context: Context, table: str, checks: list[Constraint]) -> tuple[Mapping[str, Any], Refusal | None]:
    """A row that a CHECK refuses, and the refusal."""
    made = made_row(context, table)
    sample = {**_values_for_function_defaults(context, table), **made.values}
    contract = context.promise.contract
    names = {constraint.name for constraint in checks}
    refused = (
        {**sample, **row}
        for examples in (contract.examples if contract else ())
        if examples.constraint in names
        for row in examples.reject
    )
    for row in refused:
        refusal = _insert_refusal(context, table, replace(made, values=row))
        if refusal is not None and refusal.sqlstate == "23514":
            return row, refusal
    return sample, _insert_refusal(context, table, replace(made, values=sample), probe=True)


def _values_for_function_defaults(context: Context, table: str) -> Mapping[str, Any]:
    """Fixed values for columns whose default is a function, so that two runs report the same."""
    return {
        column.bare_name: simplest_value(context.after, column.type)
        for column in context.after.columns
        if column.table == table and column.default and "(" in column.default and not column.generated
    }


def _numbered_columns(context: Context, table: str) -> tuple[str, ...]:
    """The identity columns of a table that is no partition."""
    if not any(candidate.name == table and not candidate.partition_of for candidate in context.after.tables):
        return ()
    columns = (column for column in context.after.columns if column.table == table)
    return tuple(column.bare_name for column in columns if column.identity)


def _insert_refusal(context: Context, table: str, made: MadeRow, *, probe: bool = False) -> Refusal | None:
    with context.sandbox.rolled_back(context.after_state) as connection:
        for column in _numbered_columns(context, table):  # else other checks' rows decide which number this one gets
            connection.execute(
                sql.SQL("ALTER TABLE {} ALTER COLUMN {} RESTART").format(sql.SQL(table), sql.Identifier(column))
            )
        made.insert_parents(connection)
        if probe:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT pgcontract_probe CHECK (false) NOT VALID").format(sql.SQL(table))
            )
        # A trigger may put the transaction's time in place of the one that was sent; two runs report the same even so.
        begun = connection.execute("SELECT now()::text").fetchone()
        assert begun
        try:
            values = [as_text(value) for value in made.values.values()]
            connection.execute(insert_statement(table, made.values), values)
        except psycopg.Error as error:
            refusal = read_refusal(error)
            return replace(refusal, detail=refusal.detail and refusal.detail.replace(begun[0], "now()"))
    return None
