"""Tables that are in use are not locked against others while all their rows are read or written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pgcontract.probes.context import Context
from pgcontract.probes.locks.work import ColumnAdded, IndexBuilt, ViewFilled, WorkKind
from pgcontract.probes.locks.zones import ELSEWHERE, ZonedRewrite, rewrites_elsewhere
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.locks.findings import TableWork, answers, command, origin_of, reasons, statement_evidence, why
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check


@check("lock.no_rewrite", subjects=pending_script, severity=Severity.WARNING, implied=True)
def lock_no_rewrite(context: Context) -> Iterator[Answer]:
    """No table that is in use is written anew while others wait for it.

    Why it matters: a rewrite copies every row and builds every index again under ACCESS EXCLUSIVE: on a table of some
    size nobody reads or writes it for minutes, and the disk must hold it twice.
    How it is measured: the pending migration is run statement by statement over rows; where the file of a table that was
    there before is another one after a statement, it was rewritten; a second session reads which lock is held. What only
    the time zone UTC spares, a change between timestamp and timestamptz, is tried in another zone too, and noted.
    What to do: take the steps in the evidence, each as a migration of its own. Where production's table is small, say so:
    [production.tables] in pgcontract.toml.
    """

    def describe(work: TableWork) -> str:
        line, table = work.traced.statement.line, work.first.table
        if isinstance(work.first.change, ViewFilled) and not work.first.change.is_filled:
            return (
                f"Line {line} empties {table} under {work.first.lock.sql}, and whoever reads it is refused from then on "
                "(55000), until it is filled again"
            )
        if work.first.kind_of_table == "m":
            return f"Line {line} fills {table} anew under {work.first.lock.sql}"
        if isinstance(work.first.change, ColumnAdded):
            column = work.first.change.column
            value = "its values are stored" if column.generated == "s" else "each row gets a value of its own"
            return f"Line {line} rewrites every row of {table} to add {column.name}, as {value}"
        cause = reasons(work.works)
        return f"Line {line} rewrites every row of {table}{f' for {cause}' if cause else ', by ' + command(work.traced)}"

    yield from answers(context, WorkKind.REWRITE, "No table that was there before is rewritten under a lock.", describe)
    # A database on Supabase is in UTC.
    if context.promise.project.platform != "supabase":
        yield from map(partial(_in_another_zone, context), rewrites_elsewhere(context))


def _in_another_zone(context: Context, rewrite: ZonedRewrite) -> Answer:
    line, change, table = rewrite.traced.statement.line, rewrite.change, rewrite.work.table
    into = change.after.type.endswith("with time zone")
    taken = "takes the stored times for that zone's" if into else "stores the times of that zone"
    return Answer(
        Status.NOTED,
        f"{table}.{change.after.name}",
        f"Line {line} rewrites nothing in the time zone UTC. In any other, as in {ELSEWHERE}, in which it was tried too, "
        f"it rewrites every row of {table} for {why(rewrite.work)}, and {taken}.",
        expected="the same work wherever it runs",
        actual=f"{rewrite.work.lock.sql} on {table} during a rewrite in {ELSEWHERE}, no rewrite in UTC",
        remedy=f"If {change.after.name} {'holds' if into else 'shall hold'} the time of UTC, begin the file with "
        "SET timezone = 'UTC'; and nothing is rewritten anywhere.",
        evidence=[statement_evidence(rewrite.traced)],
        origin=origin_of(context, rewrite.traced),
    )


@check("lock.no_scan", subjects=pending_script, severity=Severity.WARNING, implied=True)
def lock_no_scan(context: Context) -> Iterator[Answer]:
    """No table that is in use is read whole while others wait for it.

    Why it matters: the server reads every row to check what a statement newly demands, and holds the statement's lock as
    long; writes, and with ACCESS EXCLUSIVE reads too, wait until it has read them all.
    How it is measured: the pending migration is run statement by statement over rows; the server's counters and messages
    tell which tables that were there before a statement reads whole, a second session which lock is held.
    What to do: take the steps in the evidence, each as a migration of its own. Where production's table is small, say so:
    [production.tables] in pgcontract.toml.
    """

    def describe(work: TableWork) -> str:
        cause = reasons(work.works)
        for_what = f"to check {cause}" if cause else f"at {command(work.traced)}"
        table = work.first.partitions[0] if len(work.first.partitions) == 1 else work.first.table
        return f"Line {work.traced.statement.line} reads every row of {table} {for_what}"

    yield from answers(context, WorkKind.SCAN, "No table that was there before is read whole under a lock.", describe)


@check("lock.no_index_build", subjects=pending_script, severity=Severity.WARNING, implied=True)
def lock_no_index_build(context: Context) -> Iterator[Answer]:
    """No index is built on a table that is in use while others wait for it.

    Why it matters: CREATE INDEX keeps every writer out until the index is built, ADD UNIQUE and ADD PRIMARY KEY every
    reader too: minutes on a table of some size.
    How it is measured: the pending migration is run statement by statement over rows; a new index, or a new file of one,
    on a table that was there before was built; a second session reads which lock is held.
    What to do: build it CONCURRENTLY, alone in its file; the evidence has the statements. Where production's table is
    small, say so: [production.tables] in pgcontract.toml.
    """

    def describe(work: TableWork) -> str:
        again = isinstance(work.first.change, IndexBuilt) and work.first.change.rebuilt
        verb = "builds again" if again else "builds"
        return f"Line {work.traced.statement.line} {verb} {reasons(work.works) or 'an index'} on {work.first.table}"

    yield from answers(context, WorkKind.BUILD, "No index is built under a lock that others wait for.", describe)
