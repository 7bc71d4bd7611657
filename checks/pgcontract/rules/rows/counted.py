"""Rows that are counted, logged or sent again by the triggers which a migration's own UPDATE or INSERT fires."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.populated.refired_triggers import Refired, refired_triggers
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, otherwise_kept


@check("rows.counted_once", subjects=pending_script, severity=Severity.WARNING)
@otherwise_kept("script", "No UPDATE of the migration fires a trigger that counts, logs or sends its rows again.")
def rows_counted_once(context: Context) -> Iterator[Answer]:
    """No UPDATE of the migration, and no INSERT of rows that were there, has them counted again by a trigger.

    Why it matters: a backfill fires the triggers that are there, for every row. One that adds to a balance, a stock or a
    counter whenever a row is updated counts all of them a second time; one that logs or sends does it for each row.
    How it is measured: each UPDATE of the pending migration is run over rows. It is told where a trigger whose function
    does not read what the UPDATE writes changes numbers in another table; rows that it adds to one, and what it sends,
    are noted. So is what differs once an INSERT has put rows back that the migration took away. What the clock, chance
    or a sequence gives anew counts nothing.
    What to do: let the trigger wait for what it counts (AFTER UPDATE OF amount, or WHEN (OLD.amount IS DISTINCT FROM
    NEW.amount)), or ALTER TABLE … DISABLE TRIGGER around the UPDATE, in the same transaction.
    """
    for refired in refired_triggers(context):
        counts = bool(refired.column)
        table, name = refired.trigger.table, refired.trigger.quoted_name
        off = f"ALTER TABLE {table} DISABLE TRIGGER {name}; and ENABLE it behind the statement, in the same transaction"
        yield Answer(
            Status.BROKEN if counts else Status.NOTED,
            f"{refired.other}.{refired.column}" if counts else refired.other or refired.trigger.name,
            _summary(refired),
            expected=f"an {refired.command} that changes what it names",
            actual=f"{refired.rows} rows of {refired.other} are changed" if refired.other else "something is sent",
            remedy=f"Let {name} wait for what it is about: AFTER UPDATE OF its columns; or {off}."
            if counts and refired.command == "UPDATE"
            else f"{off}."
            if counts
            else f"Where that is not meant: {off}.",
            evidence=[Evidence(title="The statement", text=refired.statement.shown, language="sql")],
            origin=Origin(file=context.promise.script.path, line=refired.statement.line),
            severity=Severity.WARNING if counts else None,
        )


def _summary(refired: Refired) -> str:
    fires = f"The {refired.command} at line {refired.statement.line} fires {refired.trigger.name}, which"
    if refired.column:
        what = f"{refired.other}.{refired.column}, from {refired.before} to {refired.after} in one row"
        why = "does not read what the UPDATE writes" if refired.command == "UPDATE" else "has counted these rows already"
        return f"{fires} counts on in {what}: its function {why}."
    if refired.other:
        return f"{fires} adds a row to {refired.other} for each: {refired.rows} of those that were tried."
    return f"{fires} sends something for each row."
