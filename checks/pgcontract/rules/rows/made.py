"""Rows can be made for every table: what the checks over rows could not ask."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.rehearsal import rehearse
from pgcontract.probes.row_generation.few_rows import named_tables
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check


@check("rows.made", subjects=pending_script, severity=Severity.INFO)
def rows_made(context: Context) -> Iterator[Answer]:
    """Rows can be made for every table that the migrations made.

    Why it matters: what a migration, its second run or its rollback does to the rows of a table without any is not seen.
    How it is measured: rows are derived from types, CHECKs, keys, references and the contract's samples, and inserted as
    an application would, triggers and all. A table that takes none is told here, once, with the server's words.
    Of a setup's tables those are told that the script names.
    What to do: declare a row that the table takes as its `sample`.
    """
    rehearsal = rehearse(context)
    there_before = {table.name for table in context.sandbox.starting_catalog.tables}
    passed_over = there_before.difference(named_tables(context.promise, there_before))
    without = {name: why for name, why in rehearsal.not_tried.items() if name not in passed_over}
    if not without:
        which = "Every table" if rehearsal.in_every_table else "Every table that the migration reaches"
        yield Answer(Status.KEPT, "script", f"{which} took rows, so that what happens to them is seen.")
        return
    first, reason = next(iter(without.items()))
    more = f", and {len(without) - 1} more tables" if len(without) > 1 else ""
    yield Answer(
        Status.NOTED,
        "script",
        f"{first} took no row{more}, so what happens to their rows is not seen: {reason}."
        if more
        else f"{first} took no row, so what happens to its rows is not seen: {reason}.",
        remedy="Declare a row that it takes as the table's `sample`.",
        evidence=[
            Evidence(
                title="Tables into which no row could be inserted",
                text="\n".join(f"{name}: {why}" for name, why in without.items()),
            )
        ],
    )
