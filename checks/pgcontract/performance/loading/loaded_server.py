"""A server of its own with the head's database at every size: loaded, vacuumed, analysed, and what it was in all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Final

import psycopg

from pgcontract.errors import CouldNotAsk, ServerUnavailable
from pgcontract.performance.loading.preparation import Load, Plan, load_all, prepare, prepared_loads, wanted_bytes
from pgcontract.performance.loading.sizes import sizes_of
from pgcontract.postgres.providers import Prepared, Server
from pgcontract.postgres.sandbox import Workbench
from pgcontract.probes.context import Trial

# What is measured is what PostgreSQL does by itself, on one core, with nothing going on behind our back.
SETTINGS: Final[Mapping[str, str]] = {
    "wal_level": "replica",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "track_io_timing": "off",
    "compute_query_id": "off",
    "shared_buffers": "128MB",
}
# Rows that go into a table of the same transaction's making need no WAL below this level.
WHILE_LOADING: Final[Mapping[str, str]] = {
    "wal_level": "minimal",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "1GB",
}


class Bench:
    """The loads, smallest first, on a server on which nothing else happens. `conditions` is one line for evidence."""

    def __init__(self, workbench: Workbench, loads: tuple[Load, ...], conditions: str) -> None:
        self.loads = loads
        self.conditions = conditions
        self._workbench = workbench
        self._stack = ExitStack()
        self._standing: dict[tuple[str, str], psycopg.Connection] = {}

    @property
    def server(self) -> Server:
        """The server that the loads are on."""
        assert isinstance(self._workbench.server, Server)
        return self._workbench.server

    @property
    def superuser(self) -> str | None:
        """The superuser's name, where there is one."""
        return self.server.superuser if "superuser" in self.server.capabilities else None

    def connect(self, load: Load, *, user: str | None = None) -> psycopg.Connection:
        """An autocommit connection with time-outs set; the caller closes it."""
        return self._workbench.connect(load.database, user=user)

    @contextmanager
    def rolled_back(self, load: Load, *, user: str | None = None) -> Iterator[psycopg.Connection]:
        """A standing connection in an open transaction that is always rolled back."""
        key = load.database, user or self._workbench.migrator
        if key not in self._standing or self._standing[key].closed:
            self._standing[key] = self.connect(load, user=user)
            self._stack.callback(self._standing[key].close)
        connection = self._standing[key]
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")

    @contextmanager
    def clone(self, load: Load) -> Iterator[Load]:
        """A copy of the load for work that commits, dropped afterwards; the load itself stays as it was."""
        for key in [key for key in self._standing if key[0] == load.database]:
            self._standing.pop(key).close()  # a database that is copied may have no session
        with self._workbench.clone(self._workbench.rest(load.database)) as name:
            yield replace(load, database=name)

    def close(self) -> None:
        self._stack.close()


def bench(trial: Trial) -> Bench:
    """The bench of the state that the trial is judged in, made at the first call and kept as long as its workbench.

    CouldNotAsk where it cannot be had; ContractError, with its place, for a data set that breaks a rule of its table.
    """
    return trial.state.once("load/bench", _bench)


def _bench(trial: Trial) -> Bench:
    promise = trial.promise
    dataset = replace(promise.project.dataset(promise.migration.stem), sizes=sizes_of(promise))
    plan = Plan(trial=trial, dataset=dataset)
    server = trial.workbench.server
    if not isinstance(server, Server):
        raise CouldNotAsk("this needs a server that a provider started")
    try:
        if server.prepared is not None:
            what = Prepared(
                key=plan.key(),
                make=lambda fresh: prepare(plan, fresh),
                wanted_bytes=lambda: wanted_bytes(plan),
                settings=WHILE_LOADING,
            )
            own = trial.workbench.keep(server.prepared(what, SETTINGS))
            how = "from the cache" if own.started_from == "cache" else "loaded"
            return _on(trial, own, prepared_loads(own), plan, how)
        if server.another is not None:
            own = trial.workbench.keep(server.another(SETTINGS))
            prepare(plan, own)
            return _on(trial, own, prepared_loads(own), plan, "loaded")
    except ServerUnavailable as error:
        raise CouldNotAsk(f"no server could be had to measure on: {error}") from error
    beside = trial.workbench
    staged = beside.stage_state(beside.stage.regimes[0])
    return _kept(trial, Bench(beside, load_all(plan, beside, staged, trial.after_state), _told(plan, server, "beside")))


def _on(trial: Trial, server: Server, loads: tuple[Load, ...], plan: Plan, how: str) -> Bench:
    beside = trial.workbench
    workbench = beside.keep(Workbench(server, beside.stage, timeout_ms=beside.timeout_ms))
    return _kept(trial, Bench(workbench, loads, _told(plan, server, how)))


def _kept(trial: Trial, found: Bench) -> Bench:
    trial.workbench.keep(closing(found))
    return found


def _told(plan: Plan, server: Server, how: str) -> str:
    sizes = ", ".join(f"{size:,}" for size in plan.dataset.sizes)
    where = "a server of its own" if how != "beside" else "a server that other databases are on"
    what = "" if how == "beside" else f", {how}"
    return f"PostgreSQL {server.version} on {server.storage}, {where}: {sizes} rows, seed {plan.seed}{what}"
