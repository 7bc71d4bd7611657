"""Durability: acknowledged commits survive an immediate shutdown and restart of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.connection import connect_with_limit
from pgcontract.postgres.providers import Server
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.postgres.script_execution import Refusal, apply_as_production, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.made_row import made_row
from pgcontract.probes.rows import find_probe_row
from pgcontract.probes.sample_rows import as_text, insert_statement
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.values import dataclass

Connect = Callable[[], psycopg.Connection]

CLUSTER: Final = "cluster"
ASYNCHRONOUS: Final = "synchronous_commit = off"
_ROUNDS: Final = 10
_UNIQUE_VIOLATION: Final = "23505"
_DURABLE_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Nothing writes an asynchronous commit before the server ends: what is lost then is the same on every run.
    "wal_writer_delay": "10s",
}


def _subjects(promise: Promise) -> tuple[str, ...]:
    return (CLUSTER, ASYNCHRONOUS) if _tables(promise) else ()


def _tables(promise: Promise) -> tuple[str, ...]:
    """The tables that this contract is the first to declare; where no claim says that rows survive, without those that
    it declares to be UNLOGGED: nobody expects it of them."""
    claimed = any(promise.is_claimed("acid.durability", subject) for subject in (CLUSTER, ASYNCHRONOUS))
    keys = [migration.key for migration in promise.project.chain]
    at = keys.index(promise.migration.key)
    before = {table.name for table in promise.project.declared(keys[at - 1]).tables} if at else set[str]()
    return tuple(
        table.name
        for table in promise.contract_schema.tables
        if table.form == "table"
        and not table.partition_of
        and table.name not in before
        and (claimed or table.persistence == "permanent")
    )


@check("acid.durability", subjects=_subjects, severity=Severity.CRITICAL, implied=True)
def acid_durability(context: Context) -> Iterator[Answer]:
    """What the server has acknowledged is still there after a crash.

    Why it matters: an unlogged table is empty after a crash, and a role or database that commits asynchronously can lose
    commits that the server has acknowledged.
    How it is measured: the chain is applied on a separate server with fsync, full_page_writes and synchronous_commit on.
    Each table's sample row is committed, the server is killed with SIGQUIT, without a checkpoint, and restarted on the
    same files. Every acknowledged row must be there unchanged. A loss of power is not simulated.
    What to do: ALTER TABLE ... SET LOGGED; ALTER ROLE or ALTER DATABASE ... RESET the settings that weaken a commit.
    """
    server = context.sandbox.server
    if server.start_another is None:
        raise CouldNotAsk("this needs a server that can be stopped, and the chosen one cannot; try --pg wheel")
    with server.start_another(_DURABLE_SETTINGS) as own_server:
        synchronous, asynchronous = _prepare_databases(context, own_server)
        yield _cluster_answer(context, own_server, synchronous)
        yield _asynchronous_answer(context, own_server, asynchronous)


def _prepare_databases(context: Context, own_server: Server) -> tuple[Connect, Connect]:
    """Functions that connect to two databases of the server, alike, with all migrations up to this one applied."""
    promise = context.promise
    context.require_features()
    with Sandbox(own_server, context.sandbox.platform, timeout_ms=context.sandbox.timeout_ms) as sandbox:
        state = sandbox.platform_state(sandbox.platform.regimes[0])
        with sandbox.clone(state, keep=True) as database, sandbox.connect(database) as connection:
            for migration in promise.project.through(promise.migration.key).chain:
                refusal = apply_as_production(connection, migration.up)
                if refusal is not None:
                    raise CouldNotAsk(f"the server refused the script: {refusal}")
        with sandbox.clone(sandbox.read_state(database), keep=True) as twin:
            pass
    first, second = (
        partial(
            connect_with_limit,
            own_server.conninfo(dbname=name, user=sandbox.migrator),
            timeout_ms=context.sandbox.timeout_ms,
        )
        for name in (database, twin)
    )
    return first, second


@dataclass(frozen=True, kw_only=True)
class SurvivingRows:
    """Of one table: how many rows were acknowledged, and how many survived the crash unchanged."""

    table: str
    acknowledged: int
    found: int


def _rows_after_crash(
    context: Context, own_server: Server, connect: Connect, *, synchronous: bool
) -> tuple[SurvivingRows, ...]:
    assert own_server.crash
    rows_by_table: dict[str, list[str]] = {}
    tables = _tables(context.promise)
    with closing(connect()) as connection:
        if not synchronous:
            connection.execute("SET synchronous_commit = off")
        tables = tuple(table for table in tables if _commit_rows(context, connection, table))
        for table in tables:
            rows_by_table[table] = _read_rows(connection, table)
        own_server.crash()
    with closing(connect()) as connection:
        return tuple(_count_survivors(table, rows_by_table[table], _read_rows(connection, table)) for table in tables)


def _commit_rows(context: Context, connection: psycopg.Connection, table: str) -> bool:
    """Commits the sample row repeatedly, each in its own transaction; after the first it may be refused as a duplicate.

    Nothing is deleted to make room for it: the owner's triggers would fire. False where the table takes no row, though
    none is declared, or the declared one is there already: the table is left out.
    """
    sample = context.promise.samples.get(table)
    try:
        made = made_row(context, table)
    except CouldNotAsk:
        if sample is None:
            return False
        raise
    made.insert_parents(connection)
    row = made.values
    refusal = _insert(connection, table, row)
    if refusal is not None:
        try:
            connection.execute(find_probe_row(context, connection, table).insert())
        except CouldNotAsk:
            if sample is None or refusal.sqlstate == _UNIQUE_VIOLATION:
                return False
            raise CouldNotAsk(f"no row can be inserted into {table}: {refusal}; declare an accepted `sample`") from None
        return True
    for _ in range(_ROUNDS - 1):
        if _insert(connection, table, row) is not None:
            break
    return True


def _insert(connection: psycopg.Connection, table: str, row: Mapping[str, Any]) -> Refusal | None:
    try:
        connection.execute(insert_statement(table, row), [as_text(value) for value in row.values()])
    except psycopg.Error as error:
        return read_refusal(error)
    return None


def _read_rows(connection: psycopg.Connection, table: str) -> list[str]:
    query = sql.SQL("SELECT pg_catalog.to_jsonb(pgcontract_row)::text FROM {} AS pgcontract_row").format(sql.SQL(table))
    return [row[0] for row in connection.execute(query)]


def _count_survivors(table: str, acknowledged: list[str], present: list[str]) -> SurvivingRows:
    remaining = list(present)
    surviving = 0
    for row in acknowledged:
        if row in remaining:
            remaining.remove(row)
            surviving += 1
    return SurvivingRows(table=table, acknowledged=len(acknowledged), found=surviving)


def _cluster_answer(context: Context, own_server: Server, connect: Connect) -> Answer:
    survivors = _rows_after_crash(context, own_server, connect, synchronous=True)
    evidence = _evidence(own_server, survivors, synchronous=True)
    if not survivors:
        summary = "No table has a declared row, and no row tried was accepted, so nothing could be committed."
        return Answer(Status.NOTED, CLUSTER, summary, remedy="Declare a `sample` row for a table.")
    lost = next((survival for survival in survivors if survival.found < survival.acknowledged), None)
    if lost is None:
        committed = sum(survival.acknowledged for survival in survivors)
        summary = f"All {committed} committed rows are there after the server was killed and restarted."
        return Answer(Status.KEPT, CLUSTER, summary, evidence=[evidence])
    return Answer(
        Status.BROKEN,
        CLUSTER,
        f"{lost.acknowledged - lost.found} of {lost.acknowledged} committed rows of {lost.table} are lost after "
        "the server "
        "was killed and restarted.",
        expected=f"{lost.acknowledged} committed rows of {lost.table}",
        actual=f"{lost.found} rows",
        remedy=f"ALTER TABLE {lost.table} SET LOGGED; where it is unlogged. Else reset what turns "
        "synchronous_commit off: "
        "ALTER ROLE … RESET synchronous_commit; or ALTER DATABASE … RESET synchronous_commit;",
        evidence=[evidence],
    )


def _asynchronous_answer(context: Context, own_server: Server, connect: Connect) -> Answer:
    survivors = _rows_after_crash(context, own_server, connect, synchronous=False)
    lost = sum(survival.acknowledged - survival.found for survival in survivors)
    committed = sum(survival.acknowledged for survival in survivors)
    summary = (
        f"A session that sets synchronous_commit = off loses {lost} of {committed} committed rows when the "
        "server is killed."
    )
    return Answer(Status.NOTED, ASYNCHRONOUS, summary, evidence=[_evidence(own_server, survivors, synchronous=False)])


def _evidence(own_server: Server, survivors: tuple[SurvivingRows, ...], *, synchronous: bool) -> Evidence:
    how = "on" if synchronous else "off"
    return Evidence(
        title=f"fsync and full_page_writes on, synchronous_commit {how}, files on {own_server.storage}, killed by "
        "SIGQUIT",
        columns=("table", "committed", "after the restart"),
        rows=tuple((survival.table, str(survival.acknowledged), str(survival.found)) for survival in survivors),
    )
