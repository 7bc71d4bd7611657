"""A lock that others wait for is not held on while a later statement works, and not waited for without an end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Final

from pgcontract.model.lock_mode import LockMode
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import without_comments
from pgcontract.probes.context import Context
from pgcontract.probes.locks.carried import is_one_with_others
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.locks.work import LockTrace, TracedStatement, Work, WorkKind
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.locks.findings import (
    FEW_ROWS,
    command,
    held_evidence,
    origin_of,
    shortened,
)
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, only_claimed, otherwise_kept
from pgcontract.values import dataclass

_LOCKS: Final = re.compile(r"\b(?:ALTER|CREATE|DROP|TRUNCATE|LOCK|REINDEX|CLUSTER|REFRESH)\b", re.IGNORECASE)
_READS: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|PERFORM|SELECT|CALL)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A table whose lock was taken by one statement, and a later one of the same transaction that works meanwhile; `path`
    is the file of the first, where that is an earlier one."""

    table: str
    mode: LockMode
    taken: TracedStatement
    later: TracedStatement
    work: Work
    path: str = ""


@check("lock.not_held", subjects=pending_script, severity=Severity.WARNING, implied=True)
@otherwise_kept("script", "No lock that others wait for is held while a later statement works.")
def lock_not_held(context: Context) -> Iterator[Answer]:
    """No lock that others wait for is held while a later statement reads or writes every row of a table.

    Why it matters: a lock ends with its transaction and not with its statement. ADD COLUMN takes a moment; an UPDATE of
    all rows behind it in the same transaction keeps everybody out for as long as it runs.
    How it is measured: the pending migration is run statement by statement over rows, in the transactions in which its
    tool runs it, which may be one of several files; a second session reads the locks after each. A statement works where
    it rewrites a table that was there before, reads all of it or builds an index on it; one that finds its rows by an
    index does not.
    What to do: put the later statement into a migration of its own, or commit before it.
    """
    trace = trace_locks(context)
    tables: dict[str, list[_Held]] = {}
    for held in _held(trace):
        tables.setdefault(held.table, []).append(held)
    # What a partition's lock keeps out, that of its table does too.
    tables = {
        table: found for table, found in tables.items() if trace.root_of.get(table, table) not in {*tables} - {table}
    }
    rows = context.promise.project.table_rows
    for table, found in tables.items():
        found = [held for held in found if held.later is not held.taken] or found
        long = [held for held in found if not _is_small(trace, held.work, rows)]
        first = (long or found)[0]
        yield Answer(
            Status.BROKEN if long else Status.NOTED,
            table,
            _summary(context, trace, first, len(long or found) - 1),
            expected="a lock that lasts as long as its own statement",
            actual=f"{first.mode.sql} on {table} from {_place(first)} to the end of the transaction",
            remedy=_remedy(context, first),
            evidence=_evidence(context, trace, first),
            origin=origin_of(context, first.later if first.path else first.taken),
        )


def _remedy(context: Context, held: _Held) -> str:
    line, name = held.later.statement.line, command(held.later)
    what = f"line {line}" if line != held.taken.statement.line or held.path else f"the {name} of line {line}"
    # Where all pending files are one transaction, a file of its own is not enough.
    apart = ", and deploy that by itself" if is_one_with_others(context.promise.script) else ""
    if held.later is held.taken:
        return f"Put what goes through the rows into a migration of its own, apart from what locks the table{apart}."
    if held.taken.statement.words[:1] == ("DROP",) and held.later.statement.words[:2] == ("CREATE", "MATERIALIZED"):
        return "Make it under another name in a migration before this one; here drop the old one and rename that."
    return f"Put {what} into a migration of its own{apart}."


def _place(held: _Held) -> str:
    return f"line {held.taken.statement.line}{f' of {PurePath(held.path).name}' if held.path else ''}"


def _evidence(context: Context, trace: LockTrace, held: _Held) -> list[Evidence]:
    if not held.path:
        return held_evidence(trace, held.taken, held.table)
    pairs = ((held.path, held.taken), (origin_of(context, held.later).file, held.later))
    return [
        Evidence(
            title=f"How {held.table} is locked, to the end of the transaction of all pending files",
            columns=("file", "line", "statement", "does"),
            rows=tuple(
                (
                    PurePath(path).name,
                    str(traced.statement.line),
                    shortened(traced.statement.shown),
                    "; ".join(f"{work.kind.value} {work.table}" for work in traced.work) or f"takes {held.mode.sql}",
                )
                for path, traced in pairs
            ),
        )
    ]


def _held(trace: LockTrace) -> Iterator[_Held]:
    for table, lock in trace.carried.items():
        for later in trace.statements:
            for work in later.work if later.transaction == 0 else ():
                if not (work.table == table and work.blocks):
                    yield _Held(table=table, mode=lock.mode, taken=lock.taken, later=later, work=work, path=lock.path)
    for number, taken in enumerate(trace.statements):
        for table, mode in taken.taken.items():
            if not mode.blocks_writes:
                continue
            for later in trace.statements[number:]:
                if later.transaction != taken.transaction:
                    break
                if later is taken and (_is_filled(taken, table) or not _reads_under_its_lock(taken.statement)):
                    continue
                for work in later.work:
                    if later is taken and work.kind is not WorkKind.QUERY:
                        continue
                    # Work on the same table under a lock of its own is told by itself.
                    if not (work.table == table and work.blocks and mode.rank <= _own(later, table).rank):
                        yield _Held(table=table, mode=mode, taken=taken, later=later, work=work)


def _reads_under_its_lock(statement: Statement) -> bool:
    """Whether what a DO block or a function locks is locked before it goes through rows; of a function nobody knows."""
    text = without_comments(statement.text)
    locking, reading = _LOCKS.search(text), [*_READS.finditer(text)]
    return statement.words[:1] != ("DO",) or not locking or not reading or locking.start() < reading[-1].start()


def _is_filled(traced: TracedStatement, table: str) -> bool:
    """Whether the rows are read to fill that materialised view, which is told by itself."""
    return any(work.table == table and work.kind_of_table == "m" for work in traced.work)


def _own(traced: TracedStatement, table: str) -> LockMode:
    return traced.held.get(table, LockMode.ACCESS_SHARE)


def _is_small(trace: LockTrace, work: Work, rows: Mapping[str, int]) -> bool:
    return rows.get(trace.deployed_name(work.table), FEW_ROWS) < FEW_ROWS


def _summary(context: Context, trace: LockTrace, held: _Held, more: int) -> str:
    again = f", and {more} more statement{'s' if more > 1 else ''}" if more else ""
    file = f" of {PurePath(origin_of(context, held.later).file).name}" if held.path else ""
    later = f"the {command(held.later)} of line {held.later.statement.line}{file}"
    if held.later is held.taken:
        later = f"the rest of that {command(held.later)}"
    waiting = f"{held.mode.blocked} of {held.table} wait"
    if held.table in trace.sequences:
        waiting = f"whoever takes a number from {held.table}, as INSERT does, waits"
    return (
        f"{held.mode.sql} on {held.table} from {_place(held)} is held during {later}, "
        f"which {held.work.kind.value} {held.work.table}{again}: {waiting} until the transaction ends."
    )


@check("lock.timeout", subjects=pending_script, severity=Severity.INFO, promised=only_claimed)
def lock_timeout(context: Context) -> Iterator[Answer]:
    """Waiting for a lock ends in time.

    Why it matters: a statement that waits for its lock makes everybody wait who comes after it, though its own work takes
    a moment; one long query of somebody else is enough.
    How it is measured: lock_timeout is read after each statement that takes a lock which others wait for, on a table that
    was there before.
    What to do: set it in front, and run the migration again where it gives up (SQLSTATE 55P03).
    """
    taken = [
        (traced, table, mode)
        for traced in trace_locks(context).statements
        if not traced.has_timeout
        for table, mode in traced.taken.items()
        if mode.blocks_writes
    ]
    if not taken:
        yield Answer(Status.KEPT, "script", "No lock that others wait for is waited for without an end.")
        return
    traced, table, mode = taken[0]
    yield Answer(
        Status.BROKEN,
        "script",
        f"Line {traced.statement.line} waits for {mode.sql} on {table} as long as it takes, and whoever comes after it "
        "waits behind it.",
        expected="lock_timeout is set",
        actual="lock_timeout = 0",
        remedy="Begin the file with SET lock_timeout = '2s'; and run it again where it gives up.",
        evidence=[
            Evidence(
                title="Locks that are waited for without an end",
                columns=("line", "statement", "table", "lock"),
                rows=tuple(
                    (str(each.statement.line), shortened(each.statement.shown), name, lock.sql)
                    for each, name, lock in taken
                ),
            )
        ],
        origin=origin_of(context, traced),
    )
