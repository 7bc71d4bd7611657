"""Durability: what was acknowledged is there after the server was ended at once and started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.model.sql import read_script
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.providers import Server
from pgcontract.postgres.sandbox import Workbench
from pgcontract.postgres.script_execution import apply_as_production, refusal_of
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.sample_rows import as_text, insert_statement, simplest_row
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

Connect = Callable[[], psycopg.Connection]

CLUSTER: Final = "cluster"
UNSAFE: Final = "synchronous_commit = off"
_ROUNDS: Final = 10
_DURABLE: Final[Mapping[str, str]] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Nothing writes an asynchronous commit before the server ends: what is lost then is the same on every run.
    "wal_writer_delay": "10s",
}


def _subjects(promise: Promise) -> tuple[str, ...]:
    return (CLUSTER, UNSAFE) if _tables(promise) else ()


def _tables(promise: Promise) -> tuple[str, ...]:
    """The tables that this contract is the first to declare."""
    stems = [each.stem for each in promise.project.chain]
    at = stems.index(promise.migration.stem)
    before = {table.name for table in promise.project.declared(stems[at - 1]).tables} if at else set[str]()
    return tuple(
        table.name
        for table in promise.own.tables
        if table.form == "table" and not table.partition_of and table.name not in before
    )


@check("acid.durability", subjects=_subjects, severity=Severity.CRITICAL)
def acid_durability(trial: Trial) -> Iterator[Finding]:
    """What the server has acknowledged is there after it was ended at once; what synchronous_commit = off loses is told.

    Why it matters: an unlogged table is empty after a crash, and a role or database that commits asynchronously loses
    what it was told is kept.
    How it is measured: the chain is applied on a server of its own with fsync, full_page_writes and synchronous_commit
    on; each table's sample row is committed, the server is ended with SIGQUIT, without a checkpoint, and started again
    on the same files. Every row that was acknowledged must be there as it was. The machine keeps its power.
    What to do: ALTER TABLE ... SET LOGGED; take back settings of roles and databases that loosen a commit.
    """
    server = trial.workbench.server
    if server.another is None:
        raise CouldNotAsk(
            "this needs a server that can be stopped, and the one that was asked for cannot; try --pg wheel"
        )
    with server.another(_DURABLE) as own:
        connect = _prepared(trial, own)
        yield _cluster_finding(trial, own, connect)
        yield _unsafe_finding(trial, own, connect)


def _prepared(trial: Trial, own: Server) -> Connect:
    """How to connect to a database on the server with the chain applied up to this migration."""
    promise = trial.promise
    trial.demand_able_server()
    with Workbench(own, trial.workbench.stage, timeout_ms=trial.workbench.timeout_ms) as bench:
        state = bench.stage_state(bench.stage.regimes[0])
        with bench.clone(state, keep=True) as database, bench.connect(database) as connection:
            for migration in promise.project.through(promise.migration.stem).chain:
                refusal = apply_as_production(connection, read_script(migration.path))
                if refusal is not None:
                    raise CouldNotAsk(f"the server refused the script: {refusal}")
        told = bench.server.conninfo(dbname=database, user=bench.migrator)
    return partial(Connection.connect, told, autocommit=True, application_name="pgcontract")


@dataclass(frozen=True, kw_only=True)
class Survived:
    """Of one table: how many rows were acknowledged, how many were there after the crash, as they were."""

    table: str
    acknowledged: int
    found: int


def _crashed(trial: Trial, own: Server, connect: Connect, *, safe: bool) -> tuple[Survived, ...]:
    assert own.crash
    there: dict[str, list[str]] = {}
    tables = _tables(trial.promise)
    with closing(connect()) as connection:
        for table in tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.SQL(table)))
        if not safe:
            connection.execute("SET synchronous_commit = off")
        tables = tuple(table for table in tables if _commit_rows(trial, connection, table))
        for table in tables:
            there[table] = _rows(connection, table)
        own.crash()
    with closing(connect()) as connection:
        return tuple(_survived(table, there[table], _rows(connection, table)) for table in tables)


def _commit_rows(trial: Trial, connection: psycopg.Connection, table: str) -> bool:
    """The sample row, each time in a transaction of its own; after the first it may be refused as the same again.

    False where no row is declared for the table and the simplest one is refused: of this table nothing is asked.
    """
    row: Mapping[str, Any] = trial.promise.samples.get(table) or simplest_row(trial.after, table)
    for number in range(_ROUNDS):
        try:
            connection.execute(insert_statement(table, row), [as_text(value) for value in row.values()])
        except psycopg.Error as error:
            if not number and table not in trial.promise.samples:
                return False
            if not number:
                raise CouldNotAsk(
                    f"no row goes into {table}: {refusal_of(error)}; declare a `sample` that does"
                ) from None
            break
    return True


def _rows(connection: psycopg.Connection, table: str) -> list[str]:
    asked = sql.SQL("SELECT pg_catalog.to_jsonb(row)::text FROM {} AS row").format(sql.SQL(table))
    return [each[0] for each in connection.execute(asked)]


def _survived(table: str, acknowledged: list[str], found: list[str]) -> Survived:
    left = list(found)
    kept = 0
    for row in acknowledged:
        if row in left:
            left.remove(row)
            kept += 1
    return Survived(table=table, acknowledged=len(acknowledged), found=kept)


def _cluster_finding(trial: Trial, own: Server, connect: Connect) -> Finding:
    survived = _crashed(trial, own, connect, safe=True)
    evidence = _evidence(own, survived, safe=True)
    if not survived:
        summary = "No row is declared for any table and none was found that goes in, so nothing was acknowledged."
        return answer(Status.NOTED, CLUSTER, summary, remedy="Declare a `sample` row for a table.")
    lost = next((each for each in survived if each.found < each.acknowledged), None)
    if lost is None:
        committed = sum(each.acknowledged for each in survived)
        summary = f"All {committed} acknowledged rows are there after the server was ended at once and started again."
        return answer(Status.KEPT, CLUSTER, summary, evidence=[evidence])
    return answer(
        Status.BROKEN,
        CLUSTER,
        f"Acknowledged rows of {lost.table} are gone after the server was ended at once and started again.",
        expected=f"{lost.acknowledged} acknowledged rows of {lost.table}",
        actual=f"{lost.found} rows",
        remedy="SET LOGGED where the table is unlogged; take back settings that loosen a commit.",
        evidence=[evidence],
    )


def _unsafe_finding(trial: Trial, own: Server, connect: Connect) -> Finding:
    survived = _crashed(trial, own, connect, safe=False)
    lost = sum(each.acknowledged - each.found for each in survived)
    committed = sum(each.acknowledged for each in survived)
    summary = (
        f"A session that sets synchronous_commit = off loses {lost} of {committed} acknowledged rows in such an end."
    )
    return answer(Status.NOTED, UNSAFE, summary, evidence=[_evidence(own, survived, safe=False)])


def _evidence(own: Server, survived: tuple[Survived, ...], *, safe: bool) -> Evidence:
    how = "on" if safe else "off"
    return Evidence(
        title=f"fsync and full_page_writes on, synchronous_commit {how}, files on {own.storage}, ended by SIGQUIT",
        columns=("table", "acknowledged", "found"),
        rows=tuple((each.table, str(each.acknowledged), str(each.found)) for each in survived),
    )
