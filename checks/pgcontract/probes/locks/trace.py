"""A migration run statement by statement over rows, with a second session that looks at its locks after each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.catalog.live_tables import LiveTable, Relation, read_locks, read_relations, read_tables
from pgcontract.errors import CouldNotAsk
from pgcontract.model.lock_mode import LockMode
from pgcontract.model.sql import Script, Statement
from pgcontract.model.sql.transactions import transaction_numbers
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import apply_statement, as_runner
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.locks.carried import carry_on, is_one_with_others, with_ends
from pgcontract.probes.locks.changes import find_work, reads_rows
from pgcontract.probes.locks.work import LockTrace, PartitionJoined, TracedStatement
from pgcontract.probes.populated.over_rows import run_over_rows

_SESSION: Final = "SET lock_timeout = 0"
# Set again for each statement, as a script may RESET ALL; the transaction's end takes it back. Only rows cost anything:
# an index that finds few is used on the smallest table, as on one with many rows, and one that finds all is not.
_FOR_A_STATEMENT: Final = "SELECT " + ", ".join(
    f"pg_catalog.set_config('{name}', '{value}', true)"
    for name, value in (
        ("client_min_messages", "debug1"),
        ("jit", "off"),
        ("seq_page_cost", "0"),
        ("random_page_cost", "0"),
        ("cpu_tuple_cost", "1000"),
        ("cpu_index_tuple_cost", "10"),
    )
)
# What runs in no transaction block, and what ends transactions in its course.
_NO_BLOCK: Final = ("25001", "2D000")
_NAME: Final = r'(?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))?'
_PARTITION: Final = lazy_pattern(
    rf"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<made>{_NAME})\s+PARTITION\s+OF\b|ATTACH\s+PARTITION\s+(?P<attached>{_NAME})",
    re.IGNORECASE,
)
_BOUNDS: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.pg_get_partition_constraintdef(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%s)
"""
_CONCURRENTLY: Final = lazy_pattern(r"\bCONCURRENTLY\b", re.IGNORECASE)


@cached_fact
def trace_locks(context: Context) -> LockTrace:
    """The script's statements one by one, under the locks that earlier files of their transaction hold. CouldNotAsk where
    it does not run, or is not taken apart."""
    trace = with_ends(_trace(context), context.promise.script)
    earlier = context.earlier
    while earlier is not None and earlier.promise.script.is_empty:
        earlier = earlier.earlier
    if earlier is not None and is_one_with_others(context.promise.script):
        with suppress(CouldNotAsk):
            return carry_on(trace_locks(earlier), earlier.promise.script, trace)
    return trace


def trace_in_zone(context: Context, zone: str) -> LockTrace:
    """The same where sessions begin in that time zone; psycopg.Error where the server knows none of that name."""
    return _trace(context, zone)


def _trace(context: Context, zone: str = "") -> LockTrace:
    script = context.promise.script
    if not script.parsed:
        raise CouldNotAsk("the script is too long to be looked into")
    if not script.statements or _nothing_deployed(context):
        return LockTrace()
    state = _state(context)
    before = _deployed(context)
    with (
        context.sandbox.clone(state) as name,
        context.sandbox.connect(name) as observer,
        context.sandbox.connect(name) as connection,
    ):
        if zone:
            connection.execute("SELECT pg_catalog.set_config('TimeZone', %s, false)", [zone])
        relations = read_relations(observer)
        deployed = {oid: each for oid, each in relations.items() if before is None or each.name in before}
        trace = _Tracer(connection, observer, deployed).run(script)
    return replace(
        trace,
        deployed_names={name: old for name, old in (before or {}).items() if name != old},
        sequences=frozenset(relation.name for relation in relations.values() if relation.kind == "S"),
    )


def _state(context: Context) -> DatabaseState:
    """With the rows that do not stop it, where what it reads of rows matters; without rows where it cannot be run so."""
    before = context.before_state
    if not any(reads_rows(statement) for statement in context.promise.script.statements):
        return before
    try:
        over = run_over_rows(context)
    except CouldNotAsk:
        return before
    return before if over.is_endless else over.before


def _nothing_deployed(context: Context) -> bool:
    """Whether no table, view or sequence was there before the first migration that is pending: nobody waits for it."""
    own = context.before_state  # CouldNotAsk where the script is refused
    state = context.deployed_states.get(context.regimes[0].name, own)
    before = context.before
    if state == own and (before.tables or before.views or before.sequences):
        return False
    with context.sandbox.rolled_back(state) as connection:
        return not read_relations(connection)


def _deployed(context: Context) -> Mapping[str, str] | None:
    """What production has before the first migration that is pending, by the name that it has now, with its name there;
    None where this is the first."""
    regime = context.regimes[0].name
    state = context.deployed_states.get(regime)
    if state is None or state == context.start_states.get(regime):
        return None
    with context.sandbox.rolled_back(state) as connection:
        there = read_relations(connection)
    with context.sandbox.rolled_back(context.before_state) as connection:
        now = read_relations(connection)
    return {each.name: there[oid].name if oid in there else each.name for oid, each in now.items() if each.table in there}


class _Tracer:
    """Runs a script's statements on one connection and looks at them from another."""

    def __init__(
        self, connection: psycopg.Connection, observer: psycopg.Connection, relations: Mapping[int, Relation]
    ) -> None:
        self._connection = connection
        self._observer = observer
        self._relations = relations
        self._messages: list[str] = []
        self._tables: dict[int, LiveTable] = {}
        self._rows: dict[int, int] = {}
        self._emptied: set[int] = set()
        self._first: Mapping[int, LiveTable] = {}
        connection.add_notice_handler(lambda diagnostic: self._messages.append(diagnostic.message_primary or ""))

    def run(self, script: Script) -> LockTrace:
        connection = self._connection
        connection.execute(_SESSION)
        tables = [oid for oid, relation in self._relations.items() if relation.table == oid]
        connection.execute("BEGIN")
        self._tables = dict(read_tables(connection, tables))
        self._first = dict(self._tables)
        connection.execute("COMMIT")
        if any(reads_rows(statement) for statement in script.statements):
            self._rows = dict(self._counted())
        traced: list[TracedStatement] = []
        numbers = transaction_numbers(script)
        with as_runner(connection, script):
            for statement, number in zip(script.statements, numbers, strict=True):
                refused = self._run(script, statement, number, traced)
                if refused is not None:
                    return LockTrace(statements=tuple(traced), stopped=refused, root_of=self._roots())
            if not connection.closed:
                connection.execute("ROLLBACK")
        return LockTrace(statements=tuple(traced), root_of=self._roots())

    def _roots(self) -> dict[str, str]:
        return {
            relation.name: self._relations[relation.root].name
            for relation in self._relations.values()
            if relation.oid == relation.table != relation.root and relation.root in self._relations
        }

    def _run(self, script: Script, statement: Statement, number: int, traced: list[TracedStatement]) -> str | None:
        connection = self._connection
        previous = traced[-1] if traced else None
        if previous is not None and previous.transaction != number:
            self._end("COMMIT")
            previous = None
        if statement.is_transaction_control:
            self._control(statement)
            return None
        if statement.forbids_transaction_block:
            return self._run_outside(script, statement, number, traced)
        self._begin()
        connection.execute(_FOR_A_STATEMENT.encode())
        self._messages.clear()
        refusal = apply_statement(connection, statement, script)
        if refusal is not None and refusal.sqlstate in _NO_BLOCK and previous is None:
            # Only the server knows that, as of REINDEX TABLE on a partitioned one, and of COMMIT in a procedure.
            self._end("ROLLBACK")
            return self._run_outside(script, statement, number, traced)
        if refusal is not None:
            return f"line {statement.line}: {refusal}"
        traced.append(self._look(statement, number, previous))
        return None

    def _joined(self, statement: Statement) -> PartitionJoined | None:
        """The partition that the statement made or attached."""
        match = _PARTITION.search(statement.text)
        if match is None:
            return None
        row = self._connection.execute(_BOUNDS, [match["made"] or match["attached"]]).fetchone()
        return PartitionJoined(partition=row[0], bounds=row[1]) if row and row[1] else None

    def _counted(self) -> Iterator[tuple[int, int]]:
        """How many rows the tables hold that this role may read."""
        for oid, relation in self._relations.items():
            if relation.kind in "rm":
                with suppress(psycopg.Error):
                    query = f"SELECT count(*) FROM {relation.name}"  # noqa: S608 - a name from the catalog
                    row = self._observer.execute(query.encode()).fetchone()
                    yield oid, row[0] if row else 0

    def _begin(self) -> None:
        if self._connection.info.transaction_status is TransactionStatus.IDLE:
            # What was counted in earlier transactions would be taken for this one's.
            self._connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
            self._connection.execute("BEGIN")
            self._tables = {
                oid: replace(table, scans=0, read=0, inserted=0, updated=0, deleted=0)
                for oid, table in self._tables.items()
            }

    def _read(self, oids: Iterable[int]) -> Mapping[int, LiveTable]:
        """The tables by the names that they have in production, whatever the script calls them since."""
        tables = read_tables(self._connection, oids)
        return {oid: replace(table, name=self._relations[oid].name) for oid, table in tables.items()}

    def _end(self, how: str) -> None:
        self._emptied.clear()
        if self._connection.info.transaction_status is not TransactionStatus.IDLE:
            self._connection.execute(how.encode())

    def _control(self, statement: Statement) -> None:
        """What the script itself begins is begun by the first statement in it."""
        match statement.words:
            case ("PREPARE", *_):
                raise CouldNotAsk("the script prepares a transaction, which is committed elsewhere")
            case ("ROLLBACK" | "ABORT", *_):
                self._end("ROLLBACK")
            case ("COMMIT" | "END", *_):
                self._end("COMMIT")

    def _run_outside(
        self, script: Script, statement: Statement, number: int, traced: list[TracedStatement]
    ) -> str | None:
        """A statement outside of transactions, which nobody can look at before it ends: its lock is the manual's."""
        connection = self._connection
        refusal = apply_statement(connection, statement, script)
        if refusal is not None:
            return f"line {statement.line}: {refusal}"
        mode = LockMode.SHARE if statement.words[:1] == ("REINDEX",) else LockMode.ACCESS_EXCLUSIVE
        if _CONCURRENTLY.search(statement.text):
            mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        connection.execute("BEGIN")
        after = self._read(self._tables)
        connection.execute("COMMIT")
        changed = [oid for oid, table in after.items() if _files(table) != _files(self._tables[oid])]
        held = dict.fromkeys(changed, mode)
        before = {oid: self._tables[oid] for oid in changed}
        works = find_work(
            statement, before, {oid: after[oid] for oid in changed}, held, self._relations, (), {}, self._first
        )
        self._tables |= after
        names = {self._relations[oid].name: mode for oid in changed}
        traced.append(
            TracedStatement(
                statement=statement,
                transaction=number,
                taken=names,
                held=names,
                work=tuple(works),
                rows={},
                has_timeout=True,
            )
        )
        return None

    def _look(self, statement: Statement, number: int, previous: TracedStatement | None) -> TracedStatement:
        """What the statement that has just run, and is not committed, took and did."""
        connection = self._connection
        locks = read_locks(self._observer, connection.info.backend_pid)
        held = {oid: mode for oid, mode in locks.items() if oid in self._relations}
        seen = [oid for oid in held if self._relations[oid].table == oid]
        after = self._read(seen) if seen else {}
        before = {oid: self._tables[oid] for oid in seen if oid in self._tables}
        filled = {oid for oid in before.keys() & after.keys() if after[oid].inserted > before[oid].inserted}
        self._emptied -= filled
        work = tuple(
            find_work(
                statement,
                {oid: table for oid, table in before.items() if oid not in self._emptied},
                after,
                held,
                self._relations,
                self._messages,
                self._rows,
                self._first,
                self._joined(statement),
            )
        )
        if statement.words[:1] == ("TRUNCATE",):
            self._emptied |= {oid for oid in before.keys() & after.keys() if before[oid].file != after[oid].file}
        rows = {
            table.name: changed
            for oid, table in after.items()
            if oid in before and (changed := _changed(table) - _changed(before[oid]))
        }
        for oid, table in after.items():
            if oid in self._rows and oid in before:
                old = before[oid]
                self._rows[oid] += table.inserted - old.inserted - table.deleted + old.deleted
        self._tables |= after
        names = {
            relation.name: mode
            for oid, mode in held.items()
            if (relation := self._relations[oid]).table == oid
            # Nobody writes to a view's own rows.
            if relation.kind not in "mv" or mode.blocks_reads
        }
        earlier = previous.held if previous is not None else {}
        timeout = connection.execute("SELECT pg_catalog.current_setting('lock_timeout') <> '0'").fetchone()
        return TracedStatement(
            statement=statement,
            transaction=number,
            taken={name: mode for name, mode in names.items() if name not in earlier or earlier[name].rank < mode.rank},
            held=names,
            work=work,
            rows=rows,
            has_timeout=bool(timeout and timeout[0]),
        )


def _changed(table: LiveTable) -> int:
    return table.inserted + table.updated + table.deleted


def _files(table: LiveTable) -> tuple[object, ...]:
    return table.file, {oid: index.file for oid, index in table.indexes.items()}
