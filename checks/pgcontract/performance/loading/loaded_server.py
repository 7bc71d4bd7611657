"""A server of its own with the head's database at every size: loaded, vacuumed, analysed, and otherwise unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Final

import psycopg

from pgcontract.errors import CouldNotAsk, ServerUnavailable
from pgcontract.performance.loading.preparation import (
    Load,
    LoadPlan,
    load_all,
    needed_bytes,
    prepare,
    read_prepared_loads,
)
from pgcontract.performance.loading.sizes import sizes_of
from pgcontract.postgres.providers import PreparedState, Server
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context

# What is measured is what PostgreSQL does by itself, on one core, with no background activity.
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


class LoadedServer:
    """The loads, smallest first, on a server that does nothing else. `conditions` is one line for evidence."""

    def __init__(self, sandbox: Sandbox, loads: tuple[Load, ...], conditions: str) -> None:
        self.loads = loads
        self.conditions = conditions
        self._sandbox = sandbox
        self._stack = ExitStack()
        self._open_connections: dict[tuple[str, str], psycopg.Connection] = {}

    @property
    def server(self) -> Server:
        """The server that the loads are on."""
        assert isinstance(self._sandbox.server, Server)
        return self._sandbox.server

    @property
    def superuser(self) -> str | None:
        """The superuser's name, where there is one."""
        return self.server.superuser if "superuser" in self.server.capabilities else None

    def connect(self, load: Load, *, user: str | None = None) -> psycopg.Connection:
        """An autocommit connection with time-outs set; the caller closes it."""
        return self._sandbox.connect(load.database, user=user)

    @contextmanager
    def rolled_back(self, load: Load, *, user: str | None = None) -> Iterator[psycopg.Connection]:
        """A connection kept open, in a transaction that is always rolled back."""
        key = load.database, user or self._sandbox.migrator
        if key not in self._open_connections or self._open_connections[key].closed:
            self._open_connections[key] = self.connect(load, user=user)
            self._stack.callback(self._open_connections[key].close)
        connection = self._open_connections[key]
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")

    @contextmanager
    def clone(self, load: Load) -> Iterator[Load]:
        """A copy of the load for work that commits, dropped afterwards; the load itself stays as it was."""
        for key in [key for key in self._open_connections if key[0] == load.database]:
            self._open_connections.pop(key).close()  # a database that is copied may have no session
        with self._sandbox.clone(self._sandbox.read_state(load.database)) as name:
            yield replace(load, database=name)

    def close(self) -> None:
        self._stack.close()


@cached_state_fact
def get_loaded_server(context: Context) -> LoadedServer:
    """A server that has rows in the tables of the judged state; made at the first call, kept as long as its sandbox.

    CouldNotAsk where it cannot be had; ContractError, with its place, for a data set that breaks a rule of its table.
    """
    promise = context.promise
    dataset = promise.project.dataset(promise.migration.key).model_copy(update={"sizes": sizes_of(promise)})
    plan = LoadPlan(context=context, dataset=dataset)
    server = context.sandbox.server
    if not isinstance(server, Server):
        raise CouldNotAsk("this needs a server that a provider started")
    try:
        if server.start_prepared is not None:
            what = PreparedState(
                key=plan.key(),
                make=lambda fresh: prepare(plan, fresh),
                needed_bytes=lambda: needed_bytes(plan),
                settings=WHILE_LOADING,
            )
            own = context.sandbox.enter_context(server.start_prepared(what, SETTINGS))
            how = "from the cache" if own.started_from == "cache" else "loaded"
            return _load_on(context, own, read_prepared_loads(own), plan, how)
        if server.start_another is not None:
            own = context.sandbox.enter_context(server.start_another(SETTINGS))
            prepare(plan, own)
            return _load_on(context, own, read_prepared_loads(own), plan, "loaded")
    except ServerUnavailable as error:
        raise CouldNotAsk(f"no server could be had to measure on: {error}") from error
    run_sandbox = context.sandbox
    platform_only = run_sandbox.platform_state(run_sandbox.platform.regimes[0])
    return _closed_with_sandbox(
        context,
        LoadedServer(
            run_sandbox,
            load_all(plan, run_sandbox, platform_only, context.after_state),
            _conditions_text(plan, server, "shared"),
        ),
    )


def _load_on(context: Context, server: Server, loads: tuple[Load, ...], plan: LoadPlan, how: str) -> LoadedServer:
    run_sandbox = context.sandbox
    sandbox = run_sandbox.enter_context(Sandbox(server, run_sandbox.platform, timeout_ms=run_sandbox.timeout_ms))
    return _closed_with_sandbox(context, LoadedServer(sandbox, loads, _conditions_text(plan, server, how)))


def _closed_with_sandbox(context: Context, loaded_server: LoadedServer) -> LoadedServer:
    context.sandbox.enter_context(closing(loaded_server))
    return loaded_server


def _conditions_text(plan: LoadPlan, server: Server, how: str) -> str:
    sizes = ", ".join(f"{size:,}" for size in plan.dataset.sizes)
    where = "a server of its own" if how != "shared" else "a server that other databases are on"
    what = "" if how == "shared" else f", {how}"
    return f"PostgreSQL {server.version} on {server.storage}, {where}: {sizes} rows, seed {plan.seed}{what}"
