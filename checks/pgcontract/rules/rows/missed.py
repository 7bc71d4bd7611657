"""Rows that others write while a migration copies a table and takes the old one away."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.locks.copies import UnguardedCopy, unguarded_copies
from pgcontract.probes.locks.work import TracedStatement
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.locks.findings import command, origin_of, shortened
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, otherwise_kept


@check("rows.not_missed", subjects=pending_script, severity=Severity.WARNING)
@otherwise_kept("script", "Nothing that is written while a table is copied is lost with the old one.")
def rows_not_missed(context: Context) -> Iterator[Answer]:
    """No row that is written while a table is copied is lost with the old one.

    Why it matters: a copy sees the rows that are there when it begins. What others insert, change or delete from then on
    is done to the old table; once that is renamed away, dropped or emptied, or its column dropped, it is as if it had
    never been, and nobody is told.
    How it is measured: the pending migration is run statement by statement, and a second session reads its locks. Where a
    statement copies out of a table that was there, and a later one takes the table, its rows or the column away, a lock
    that keeps writes out must be held from before the last copy on, in the same transaction. A table with a trigger that
    writes elsewhere is left out: it may carry over what is written meanwhile.
    What to do: LOCK TABLE ... IN SHARE ROW EXCLUSIVE MODE in front of the copy: writes wait for it. Where they cannot
    wait so long, a trigger that writes to both, made by an earlier migration, and the copy by parts.
    """
    copies = unguarded_copies(context)
    for found in copies:
        yield Answer(
            Status.BROKEN,
            found.what,
            _summary(found),
            expected="writes wait from before the copy until its transaction ends",
            actual=f"others may write to {found.table} from line {found.copy.statement.line} "
            f"to line {found.taken.statement.line}",
            remedy=_remedy(found),
            evidence=[
                Evidence(
                    title="The copy, and what takes the old one away",
                    columns=("line", "statement", f"lock on {found.table} so far"),
                    rows=tuple(_row(each, found.table) for each in (found.copy, found.taken)),
                )
            ],
            origin=origin_of(context, found.copy),
        )


def _row(traced: TracedStatement, table: str) -> tuple[str, str, str]:
    mode = traced.held.get(table)
    return str(traced.statement.line), shortened(traced.statement.shown), mode.sql if mode else "none"


def _summary(found: UnguardedCopy) -> str:
    return (
        f"The {command(found.copy)} of line {found.copy.statement.line} copies {found.what}, and others may write to "
        f"{found.table} until line {found.taken.statement.line} takes it away: what they wrote in between is lost."
    )


def _remedy(found: UnguardedCopy) -> str:
    lock = f"LOCK TABLE {found.table} IN SHARE ROW EXCLUSIVE MODE;"
    line = found.copy.statement.line
    if found.copy.transaction != found.taken.transaction:
        return f"Put both into one transaction, and {lock} in front of line {line}: writes then wait for the copy."
    return f"Put {lock} in front of line {line}: writes then wait for the copy."
