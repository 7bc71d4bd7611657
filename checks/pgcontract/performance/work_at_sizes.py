"""What the statements of a migration cost on tables of 100 and of 10,000 rows: what grows with a table shows there.

Counted by the server in the statement's own transaction, in pages and rows, so that it is the same in every run; the time
is the machine's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import field, replace
from typing import Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.errors import CouldNotAsk
from pgcontract.model.sql import Script, Statement
from pgcontract.model.sql.transactions import transaction_numbers
from pgcontract.performance.grown_tables import GrownTables, bulk_connection, grow, plan_growth
from pgcontract.postgres.script_execution import Refusal, apply_statement, as_runner
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.locks.work import LockTrace, TracedStatement
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.row_trials import transaction_body
from pgcontract.result import WorkAtSize
from pgcontract.values import dataclass

SIZES: Final = (100, 10_000)
_PAGE: Final = 8_192
_MAX_TABLES: Final = 3
_MAX_STATEMENTS: Final = 400
_NO_BLOCK: Final = ("25001", "2D000")
# Everything below the tables: partitions, child tables.
_BELOW: Final = """
WITH RECURSIVE own (oid) AS (
    SELECT pg_catalog.to_regclass(name)::pg_catalog.oid FROM pg_catalog.unnest(%s::text[]) AS name
    UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN own ON own.oid = h.inhparent)
SELECT own.oid::int8 FROM own WHERE own.oid IS NOT NULL ORDER BY 1
"""
# Rows read and pages read so far, in this transaction ({0} is xact_) or ever; the WAL's end; each file with its pages.
_COUNTS: Final = """
WITH own (oid) AS (SELECT pg_catalog.unnest(%s::oid[])),
     heap (oid) AS (SELECT c.oid FROM own JOIN pg_catalog.pg_class c USING (oid)
                    UNION
                    SELECT c.reltoastrelid FROM own JOIN pg_catalog.pg_class c USING (oid) WHERE c.reltoastrelid <> 0),
     part (oid) AS (SELECT oid FROM heap
                    UNION SELECT i.indexrelid FROM pg_catalog.pg_index i JOIN heap ON heap.oid = i.indrelid)
SELECT coalesce((SELECT sum(pg_catalog.pg_stat_get_{0}tuples_returned(oid)
                            + pg_catalog.pg_stat_get_{0}tuples_fetched(oid))
                 FROM own), 0)::int8,
       coalesce((SELECT sum(pg_catalog.pg_stat_get_{0}blocks_fetched(oid)) FROM part), 0)::int8,
       (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::int8,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')),
       coalesce((SELECT pg_catalog.json_object_agg(pg_catalog.pg_relation_filenode(oid),
                     pg_catalog.json_build_array(oid::int8, pg_catalog.pg_relation_size(oid) / 8192))
                 FROM part WHERE pg_catalog.pg_relation_filenode(oid) IS NOT NULL), '{{}}')
"""
_NAME: Final = (
    "SELECT %s::pg_catalog.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class WHERE oid = %s AND relkind = 'r'"
)
# Each page by the places of the rows on it that are there: another one where a row went, came or moved.
_PAGES: Final = """
SELECT place[0]::int8, sum(place[1])::int8, sum(place[1] * place[1])::int8
FROM (SELECT ctid::text::pg_catalog.point AS place FROM ONLY {}) AS rows GROUP BY 1
"""


@dataclass(frozen=True, kw_only=True)
class GrowingStatement:
    """A statement and what it cost at each size; or why that was not measured, in `left_out`."""

    statement: Statement
    sizes: tuple[WorkAtSize, ...] = ()
    left_out: str = ""


@dataclass(frozen=True, kw_only=True)
class _Counts:
    scanned: int
    fetched: int
    wal: int
    files: Mapping[str, tuple[int, int]]
    """The oid and pages of each, by its number."""
    pages: Mapping[int, frozenset[tuple[int, int, int]]] = field(default_factory=dict)


@cached_promise_fact
def measure_work(context: Context) -> tuple[GrowingStatement, ...]:
    """The statements that work on tables of before, at both sizes."""
    trace, script = trace_locks(context), context.promise.script
    working = [traced for traced in trace.statements if traced.work or traced.rows]
    if len(script.statements) > _MAX_STATEMENTS:
        return _left_out(working, f"the file has more than {_MAX_STATEMENTS} statements")
    names = list(dict.fromkeys(name for traced in working for name in _tables(traced, trace)))
    refused = dict.fromkeys(names[_MAX_TABLES:], f"no more than {_MAX_TABLES} tables are filled")
    try:
        runs = _run_at_sizes(context, trace, names[:_MAX_TABLES], refused)
    except (CouldNotAsk, psycopg.Error) as error:
        return _left_out(working, str(error).partition("\n")[0].rstrip("."))
    return tuple(_growing(traced, trace, runs, refused) for traced in working)


def _left_out(working: Sequence[TracedStatement], reason: str) -> tuple[GrowingStatement, ...]:
    return tuple(GrowingStatement(statement=traced.statement, left_out=reason) for traced in working)


def _growing(
    traced: TracedStatement, trace: LockTrace, runs: Sequence[_Runs], refused: Mapping[str, str]
) -> GrowingStatement:
    statement, tables = traced.statement, _tables(traced, trace)
    number = statement.number
    if not tables:
        reason = "a materialized view gets no rows of its own"
    elif refusals := list(filter(None, map(refused.get, tables))):
        reason = refusals[0]
    elif all(number in run.costs for run in runs):
        return GrowingStatement(statement=statement, sizes=tuple(run.costs[number] for run in runs))
    else:
        reason = next(filter(None, (run.stopped for run in runs)), "it is not run where its file is")
    return GrowingStatement(statement=statement, left_out=reason)


def _run_at_sizes(context: Context, trace: LockTrace, names: Sequence[str], refused: dict[str, str]) -> Sequence[_Runs]:
    """The runs at both sizes, of which `refused` tells tables that get no rows; () where none does."""
    sandbox, script = context.sandbox, context.promise.script
    runs: list[_Runs] = []
    if not names:
        return ()
    over = run_over_rows(context)
    if over.is_endless:
        raise CouldNotAsk("over rows the file takes longer than it may")
    with sandbox.clone(over.before) as name:
        grown = GrownTables(plans=())
        for size in SIZES:
            with bulk_connection(sandbox, name) as connection:
                if not runs:
                    grown = plan_growth(context, connection, names, SIZES[-1])
                    refused |= dict.fromkeys(grown.refused, "no rows can be made for its table")
                refused |= grow(connection, grown, size)
            if all(plan.table.name in refused for plan in grown.plans):
                return ()
            # What is one transaction is undone where it ran; anything else needs a copy to spoil.
            is_one = transaction_body(script) is not None
            place = nullcontext(name) if is_one else sandbox.clone(sandbox.read_state(name))
            with place as database, sandbox.connect(database) as connection:
                runs.append(_Runs(connection, script, trace, size, undone=is_one))
                runs[-1].run(names)
    return runs


def _tables(traced: TracedStatement, trace: LockTrace) -> Sequence[str]:
    """The tables, those at the top of partitions, whose rows the statement reads or writes."""
    views = {work.table for work in traced.work if work.kind_of_table == "m"}
    names = [*(work.table for work in traced.work), *traced.rows]
    return list(dict.fromkeys(trace.root_of.get(name, name) for name in names if name not in views))


class _Runs:
    """A script run statement by statement in the transactions of its tool, and what each statement counts."""

    def __init__(
        self, connection: psycopg.Connection, script: Script, trace: LockTrace, size: int, *, undone: bool
    ) -> None:
        self._connection = connection
        self._script = script
        self._size = size
        self._undone = undone
        self._traced = {traced.statement.number: traced for traced in trace.statements}
        self._views = {work.table for traced in trace.statements for work in traced.work if work.kind_of_table == "m"}
        self._logged = True
        self._oids: list[int] = []
        self.costs: dict[int, WorkAtSize] = {}
        self.stopped = ""

    def run(self, names: Sequence[str]) -> None:
        """Find the cost of each statement by its number, as far as the script runs; else `stopped` says where and why."""
        connection = self._connection
        row = connection.execute("SELECT pg_catalog.current_setting('wal_level') <> 'minimal'").fetchone()
        self._logged = bool(row and row[0])
        self._oids = [oid for (oid,) in connection.execute(_BELOW, [[*names, *sorted(self._views)]]).fetchall()]
        current = -1
        numbers = transaction_numbers(self._script)
        with as_runner(connection, self._script):
            for statement, number in zip(self._script.statements, numbers, strict=True):
                if number != current:
                    self._end("COMMIT")
                current = number
                if statement.is_transaction_control:
                    if self._undone:
                        continue
                    undone = statement.words[:1] in (("ROLLBACK",), ("ABORT",))
                    if statement.words[:1] not in (("BEGIN",), ("START",)):
                        self._end("ROLLBACK" if undone else "COMMIT")
                    continue
                if (refusal := self._step(statement)) is not None:
                    self.stopped = f"with {self._size:,} rows line {statement.line} stops the file: {refusal}"
                    break
            self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        connection = self._connection
        if not connection.closed and connection.info.transaction_status is not TransactionStatus.IDLE:
            connection.execute(how.encode())

    def _step(self, statement: Statement) -> Refusal | None:
        connection = self._connection
        is_first = connection.info.transaction_status is TransactionStatus.IDLE
        outside = statement.forbids_transaction_block
        if is_first and not outside:
            # What earlier transactions counted would be taken for this one's.
            connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
            connection.execute("BEGIN")
        before = self._before(statement, outside=outside)
        started = time.perf_counter()
        refusal = apply_statement(connection, statement, self._script)
        if refusal is not None and refusal.sqlstate in _NO_BLOCK and is_first and not outside:
            self._end("ROLLBACK")
            outside = True
            before = self._before(statement, outside=True)
            started = time.perf_counter()
            refusal = apply_statement(connection, statement, self._script)
        elapsed_ms = (time.perf_counter() - started) * 1000
        if refusal is None and before is not None:
            after = self._counts(outside=outside)
            # Looking at pages is no work of the statement's.
            after = replace(after, pages=dict(self._pages()) if before.pages else {})
            self.costs[statement.number] = self._cost(before, after, elapsed_ms)
        return refusal

    def _before(self, statement: Statement, *, outside: bool) -> _Counts | None:
        """None of a statement that does not work."""
        traced = self._traced.get(statement.number)
        if traced is None or not (traced.work or traced.rows):
            return None
        pages = dict(self._pages()) if traced.rows else {}
        return replace(self._counts(outside=outside), pages=pages)

    def _counts(self, *, outside: bool) -> _Counts:
        connection = self._connection
        if outside:
            connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
        query = _COUNTS.format("" if outside else "xact_")
        row = connection.execute(query.encode(), [self._oids]).fetchone()
        assert row is not None
        scanned, fetched, wal, segment, files = row
        return _Counts(
            scanned=scanned,
            fetched=fetched,
            wal=_without_headers(wal, segment),
            files={number: (oid, size) for number, (oid, size) in files.items()},
        )

    def _pages(self) -> Iterator[tuple[int, frozenset[tuple[int, int, int]]]]:
        connection = self._connection
        for oid in self._oids:
            name = connection.execute(_NAME, [oid, oid]).fetchone()
            if name is not None:
                with suppress(psycopg.Error), connection.transaction():
                    rows = connection.execute(sql.SQL(_PAGES).format(sql.SQL(name[0]))).fetchall()
                    yield oid, frozenset(rows)

    def _cost(self, before: _Counts, after: _Counts, elapsed_ms: float) -> WorkAtSize:
        new = {number: size for number, (_, size) in after.files.items() if number not in before.files}
        written = sum(new.values())
        for number, (oid, size) in after.files.items():
            if number in before.files:
                changed = {page for page, *_ in before.pages.get(oid, frozenset()) ^ after.pages.get(oid, frozenset())}
                written += max(len(changed), size - before.files[number][1], 0)
        # At wal_level = minimal a new file is not logged; at the others each of its pages is.
        unlogged = 0 if self._logged else sum(new.values()) * _PAGE
        return WorkAtSize(
            rows=self._size,
            rows_scanned=after.scanned - before.scanned,
            pages_read=after.fetched - before.fetched,
            pages_written=written,
            files_written=len(new),
            wal_bytes=after.wal - before.wal + unlogged,
            elapsed_ms=elapsed_ms,
        )


def _without_headers(position: int, segment: int) -> int:
    """A place in the WAL without the headers before it of pages and of files, which come wherever one begins."""
    return position - position // _PAGE * 24 - position // segment * 16
