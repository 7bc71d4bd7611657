"""Rows that the migration leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.wording import number_of
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _tables(promise: Promise) -> Iterator[str]:
    return (table.name for table in promise.declared.tables)


@check("table.row_count", subjects=_tables)
def table_row_count(context: Context) -> Iterator[Answer]:
    """Each table has exactly the declared number of rows after the migration, none by default.

    Why it matters: a test row left by a migration is a customer to everything that counts rows.
    How it is measured: every table that has pages is counted after the migration.
    What to do: remove the INSERT from the migration, or declare row_count.
    """
    expected = {rows.name: rows.rows for rows in context.promise.declared.rows}
    by_table = {rows.name: rows.rows for rows in context.after.rows}
    for table in _tables(context.promise):
        expected_rows, actual_rows = expected.get(table, 0), by_table.get(table, 0)
        if expected_rows == actual_rows:
            yield Answer(Status.KEPT, table, f"The table {table} holds {number_of(actual_rows, 'rows')}, as declared.")
        else:
            yield Answer(
                Status.BROKEN,
                table,
                f"The table {table} holds {number_of(actual_rows, 'rows')} after the migration.",
                expected=str(expected_rows),
                actual=str(actual_rows),
                remedy=f"Remove the rows from the migration, or declare row_count = {actual_rows} for the table.",
            )
