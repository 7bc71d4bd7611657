"""Rows that the migration leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Finding, Status
from pgcontract.rules.registry import answer, check
from pgcontract.rules.shape.object_count import counted


def _tables(promise: Promise) -> Iterator[str]:
    return (table.name for table in promise.declared.tables)


@check("rows.left", subjects=_tables)
def rows_left(trial: Trial) -> Iterator[Finding]:
    """Each table holds exactly the declared number of rows after the migration, none by default.

    Why it matters: a test row left by a migration is a customer to everything that counts rows.
    How it is measured: every table that has pages is counted after the migration.
    What to do: take the INSERT out of the migration, or declare row_count.
    """
    expected = {rows.name: rows.rows for rows in trial.promise.declared.rows}
    found = {rows.name: rows.rows for rows in trial.after.rows}
    for table in _tables(trial.promise):
        wanted, there = expected.get(table, 0), found.get(table, 0)
        if wanted == there:
            yield answer(Status.KEPT, table, f"The table {table} holds {counted(there, 'rows')}, as declared.")
        else:
            yield answer(
                Status.BROKEN,
                table,
                f"The table {table} holds {counted(there, 'rows')} after the migration.",
                expected=str(wanted),
                actual=str(there),
                remedy="Take the rows out of the migration, or declare row_count.",
            )
