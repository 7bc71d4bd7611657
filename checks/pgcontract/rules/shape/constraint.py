"""Constraints: present, with the declared definition and state, and true to their examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.made_row import MadeRow, made_row
from pgcontract.probes.sample_rows import as_text, describe_row, escape_percent_signs, insert_statement
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.shape.differences import PRESENT, shape_check

_TOO_LONG: Final = "22001"  # for a varchar, which is asked before any CHECK
_EXPRESSION: Final = """
SELECT pg_catalog.pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint
 WHERE conname = %s AND contype = 'c'
   AND CASE WHEN %s THEN contypid = pg_catalog.to_regtype(%s) ELSE conrelid = pg_catalog.to_regclass(%s) END"""
# The columns, and their types without a length.
_COLUMNS: Final = """
SELECT a.attname, CASE t.oid WHEN 'pg_catalog.bpchar'::pg_catalog.regtype THEN 'bpchar'
                             ELSE pg_catalog.format_type(t.oid, NULL) END
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS d ON d.oid = a.atttypid
  JOIN pg_catalog.pg_type AS t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
 WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum"""

shape_check(
    "constraint.present",
    """Each declared constraint is there.

    Why it matters: a missing constraint rejects nothing.
    How it is measured: the declared names against pg_constraint; names of NOT NULL constraints are left out.
    What to do: add it in the migration, under the declared name.
    """,
    kinds="constraints",
    fields=PRESENT,
)

shape_check(
    "constraint.definition",
    """Each constraint is as declared: its kind, columns and expression.

    Why it matters: one character in a pattern decides which rows may exist.
    How it is measured: pg_get_constraintdef of the live constraint against the declared one, as the same server spells it
    in a scratch schema. Where the texts differ, both are evaluated on the same rows: declared examples, values at every
    limit in either text, typical edge values of the columns' types. A row that only one of them accepts proves them
    different; without such a row the answer is "not proven the same", never "equal".
    What to do: change the one that is wrong, add an example that tells them apart, or pin the server's text with
    `same_as`.
    """,
    kinds="constraints",
    fields=("form", "definition"),
)

shape_check(
    "constraint.state",
    """Each constraint is validated, enforced and checked at the time declared.

    Why it matters: NOT VALID does not cover the rows already there; NOT ENFORCED rejects nothing; a deferred constraint
    is checked only at COMMIT.
    How it is measured: pg_constraint against the contract (default: validated, enforced, immediate, inheritable).
    What to do: ALTER TABLE ... VALIDATE CONSTRAINT, or declare the state that you intend.
    """,
    kinds="constraints",
    fields=("validated", "enforced", "deferrable", "initially_deferred", "no_inherit", "inherited"),
)


def _with_examples(promise: Promise) -> Iterator[str]:
    return (example.constraint for example in promise.contract.examples) if promise.contract else iter(())


@check("constraint.examples", subjects=_with_examples)
def constraint_examples(context: Context) -> Iterator[Answer]:
    """Each declared example is accepted or rejected as the contract declares, by a real INSERT or a cast to the domain.

    Why it matters: examples are what everybody agrees on; a constraint that fails one is wrong, whatever its text.
    How it is measured: each example is put into a row that the table takes (its sample, where there is one) and inserted
    in a transaction that is rolled back. If something other than this constraint rejects the row, nothing is shown.
    What to do: fix the constraint, or the example if that was wrong; declare a `sample` row that the table accepts.
    """
    contract = context.promise.contract
    for examples in contract.examples if contract else ():
        constraint = next(
            (candidate for candidate in context.after.constraints if candidate.name == examples.constraint), None
        )
        if constraint is None:
            summary = f"The constraint {examples.constraint} does not exist, so its examples cannot be tried."
            yield Answer(Status.UNKNOWN, examples.constraint, summary)
            continue
        wrong: list[tuple[str, str, str]] = []
        tried = [(row, "accepted") for row in examples.accept] + [(row, "rejected") for row in examples.reject]
        made = _made_row(context, constraint.table)
        for row, expected in tried:
            filled = replace(made, values={**made.values, **row})
            actual = _try_example(context, constraint.table, filled, examples.constraint)
            if actual != expected:
                wrong.append((describe_row(row), expected, actual))
        yield _examples_answer(examples.constraint, len(tried), wrong)


def _made_row(context: Context, table: str) -> MadeRow:
    """A row that the table takes, for the examples to stand in; of a domain, or where it takes none, they stand alone."""
    if table not in {live_table.name for live_table in context.after.tables}:
        return MadeRow(values={})
    try:
        return made_row(context, table)
    except CouldNotAsk:
        return MadeRow(values=context.promise.samples.get(table, {}))


def _examples_answer(subject: str, tried: int, wrong: list[tuple[str, str, str]]) -> Answer:
    if not wrong:
        return Answer(
            Status.KEPT, subject, f"All {tried} declared examples of {subject} are accepted or rejected as declared."
        )
    evidence = [Evidence(title="Examples", columns=("example", "expected", "actual"), rows=tuple(wrong))]
    shown = [row for row in wrong if row[2] in ("accepted", "rejected")]
    if shown:
        return Answer(
            Status.BROKEN,
            subject,
            f"{subject} {'accepts' if shown[0][2] == 'accepted' else 'rejects'} the example {shown[0][0]}, which "
            "is declared "
            f"as {shown[0][1]}; {len(shown)} of {tried} examples are wrong.",
            expected=f"{shown[0][0]}: {shown[0][1]}",
            actual=shown[0][2],
            remedy="Change the constraint in the migration, or move the example to accept or reject in the contract.",
            evidence=evidence,
        )
    return Answer(
        Status.UNKNOWN,
        subject,
        f"{len(wrong)} of {tried} declared examples of {subject} are rejected before this constraint is reached.",
        expected=f"{wrong[0][0]}: {wrong[0][1]}",
        actual=wrong[0][2],
        remedy="Declare a `sample` row of the table that is accepted, and examples that nothing else rejects.",
        evidence=evidence,
    )


def _try_example(context: Context, table: str, made: MadeRow, constraint: str) -> str:
    """`accepted`, `refused` (by this constraint), or who else refused and why. A domain's value is put into a column: a
    cast would cut off what is too long."""
    domain = any(data_type.name == table and data_type.form == "domain" for data_type in context.after.types)
    with context.sandbox.rolled_back(context.after_state) as connection:
        values = [as_text(value) for value in made.values.values()]
        target, row = table, dict(made.values)
        if domain:
            target, row = "pg_temp.pgcontract_example", {"value": values[0]}
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE pgcontract_example (value {})").format(sql.SQL(table)))
        made.insert_parents(connection)
        try:
            with connection.transaction():
                connection.execute(insert_statement(target, row), values)
        except psycopg.Error as error:
            refusal = read_refusal(error)
            name = QualifiedName.parse(constraint).name
            if refusal.constraint == name:
                return "rejected"
            if refusal.sqlstate == _TOO_LONG and _is_false(connection, table, row, name, domain=domain):
                return "rejected"
            return f"rejected by {refusal.constraint or 'the server'}: {refusal}"
    return "accepted"


def _is_false(
    connection: psycopg.Connection, table: str, row: Mapping[str, Any], constraint: str, *, domain: bool
) -> bool:
    """Whether a CHECK of lengths says no to a row that is too long for a type, which refuses it before."""
    try:
        with connection.transaction():
            [(expression,)] = connection.execute(_EXPRESSION, [constraint, domain, table, table]).fetchall()
            if "length(" not in expression:
                return False
            columns = connection.execute(_COLUMNS, [table if not domain else "pg_temp.pgcontract_example"]).fetchall()
            values = sql.SQL(", ").join(
                sql.SQL("CAST(%s AS {}) AS {}").format(sql.SQL(kind), escape_percent_signs(sql.Identifier(column)))
                for column, kind in columns
            )
            query = sql.SQL("SELECT ({}) IS FALSE FROM (SELECT {}) AS example").format(
                escape_percent_signs(sql.SQL(expression)), values
            )
            found = connection.execute(query, [as_text(row.get(column)) for column, _ in columns]).fetchone()
    except (psycopg.Error, ValueError):
        return False
    return found == (True,)
