"""The chain applied and its tables loaded, a database a size; the results of loading are stored with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from pgcontract.catalog import read_catalog
from pgcontract.contract import Dataset, Migration
from pgcontract.errors import CouldNotAsk
from pgcontract.model.comparison import Difference, compare
from pgcontract.model.schema import Origin, Schema
from pgcontract.performance.loading.bulk_insert import LoadingConnections, RowCounter, fill_tables, stored_bytes
from pgcontract.postgres.cluster_settings import without_renamed_roles
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.providers import Server
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import apply_as_production
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.dataset_planner import DatasetPlanner
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.target_tables import read_tables
from pgcontract.values import dataclass

_SAMPLE_ROWS = 1_000
# What the databases themselves take, WAL and sorting on top of the rows.
_OVERHEAD_BYTES = 256 * 1024 * 1024
_OVERHEAD_FACTOR = 1.3
_TIMEOUT_ROWS = 100_000
_LOADS_TABLE = "pgcontract_loads"


@dataclass(frozen=True, kw_only=True)
class Load:
    """One size, loaded. `size` is what was asked for, `rows` what is in each table, by part name; `differences` what
    loading left behind in the catalog, each in words: none."""

    size: int
    database: str
    rows: Mapping[str, int] = field(hash=False)
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What is to be loaded: the data set of the chain up to the context's migration, and the sizes asked for."""

    context: Context
    dataset: Dataset

    @property
    def seed(self) -> int:
        return self.context.promise.seed

    def key(self) -> str:
        """A hash of everything that the loaded state depends on, except the server's programs."""
        promise, platform = self.context.promise, self.context.sandbox.platform
        scripts = [migration.up.text for migration in self.migrations]
        parts = (
            _loader_version(),
            (platform.migrator, platform.roles, platform.service_roles, platform.regimes[0].database_sql, scripts),
            platform.setup and platform.setup.text,
            (_dataset_text(self.dataset), self.seed),
            (
                sorted(example_texts(promise).items()),
                sorted(table.name for table in promise.declared.tables),
            ),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """The chain up to the context's migration."""
        chain = self.context.promise.project.chain
        return chain[: chain.index(self.context.promise.migration) + 1]

    def wanted(self, platform_only: Iterable[str], migrated: Iterable[str]) -> tuple[str, ...]:
        """The tables to load: those that the chain made or declares, or that the data set names."""
        created = set(migrated) - set(platform_only)
        declared = {table.name for table in self.context.promise.declared.tables}
        return tuple(sorted(created | declared | {table.name for table in self.dataset.tables}))

    def planner(self, connection: psycopg.Connection, names: Sequence[str], size: int) -> DatasetPlanner:
        return DatasetPlanner(
            connection,
            read_tables(connection, names),
            self.dataset,
            size=size,
            seed=self.seed,
            texts=example_texts(self.context.promise),
            declared_at=self.dataset.origin or Origin(file=self.context.promise.migration.up.path, line=1),
        )


def _dataset_text(dataset: Dataset) -> str:
    """The data set's declarations, without their places in files."""
    return repr((dataset.sizes, dataset.tables))


@cache
def _loader_version() -> str:
    """A hash of the loader's source: another loader may load other rows."""
    packages = (files("pgcontract.performance.loading"), files("pgcontract.probes.row_generation"))
    texts = sorted(
        (path.name, path.read_bytes()) for package in packages for path in package.iterdir() if path.name.endswith(".py")
    )
    return hashlib.sha256(repr(texts).encode()).hexdigest()


def prepare(plan: LoadPlan, server: Server) -> None:
    """Everything on a fresh server: the chain, a database for each size, and a table that lists them. A statement may
    take as long as any other of the run, and above 100,000 rows longer in proportion."""
    run_sandbox = plan.context.sandbox
    timeout_ms = round(run_sandbox.timeout_ms * max(max(plan.dataset.sizes, default=0) / _TIMEOUT_ROWS, 1))
    with Sandbox(server, run_sandbox.platform, timeout_ms=timeout_ms) as sandbox:
        platform_only, migrated = apply_chain(plan, sandbox)
        loads = load_all(plan, sandbox, platform_only, migrated)
        # Only what was loaded is worth keeping.
        for database in (platform_only.database, migrated.database):
            sandbox.drop(database)
        sandbox.admin.execute(sql.SQL("CREATE TABLE {} (loads text)").format(sql.Identifier(_LOADS_TABLE)))
        document = json.dumps([vars(load) for load in loads])
        sandbox.admin.execute(
            sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(_LOADS_TABLE), sql.Literal(document))
        )


def apply_chain(plan: LoadPlan, sandbox: Sandbox) -> tuple[DatabaseState, DatabaseState]:
    """The stage before the first migration, and after the last one of the plan."""
    platform_only = sandbox.platform_state(sandbox.platform.regimes[0])
    with sandbox.clone(platform_only, keep=True) as name:
        for migration in plan.migrations:
            with sandbox.connect(name) as connection:
                refusal = apply_as_production(connection, migration.up)
            if refusal is not None:
                raise CouldNotAsk(f"the server refused {migration.key}: {refusal}")
    return platform_only, sandbox.read_state(name)


def read_prepared_loads(server: Server) -> tuple[Load, ...]:
    """What `prepare` put on the server."""
    with Connection.connect(server.conninfo(dbname=server.maintenance_database), autocommit=True) as connection:
        row = connection.execute(sql.SQL("SELECT loads FROM {}").format(sql.Identifier(_LOADS_TABLE))).fetchone()
    assert row
    return tuple(Load(**{**load, "differences": tuple(load["differences"])}) for load in json.loads(row[0]))


def load_all(plan: LoadPlan, sandbox: Sandbox, platform_only: DatabaseState, migrated: DatabaseState) -> tuple[Load, ...]:
    """A clone of the migrated state for each size, with rows in it, smallest first."""
    with open_connections(sandbox, platform_only.database) as connections:
        present = _read_tables(connections.owner)
    counter = None
    loads = []
    for size in plan.dataset.sizes:
        with sandbox.clone(migrated, keep=True) as name, open_connections(sandbox, name) as connections:
            before = without_renamed_roles(read_catalog(connections.owner, rows=False))
            names = plan.wanted(present, _tables(before))
            table_plans = plan.planner(connections.owner, names, size).plan()
            counter = counter or RowCounter(
                sum(plan.dataset.sizes) * sum(table_plan.rows for table_plan in table_plans) // max(size, 1)
            )
            rows = fill_tables(connections, table_plans, counter=counter)
            after = without_renamed_roles(read_catalog(connections.owner, rows=False))
            differences = compare(before, after, owner=MIGRATOR)
            loads.append(Load(size=size, database=name, rows=rows, differences=tuple(map(_difference_text, differences))))
    return tuple(loads)


def needed_bytes(plan: LoadPlan) -> int:
    """An estimate of what all sizes take on disk, indexes included, from the first rows loaded into a clone."""
    context, sandbox = plan.context, plan.context.sandbox
    with open_connections(sandbox, sandbox.platform_state(sandbox.platform.regimes[0]).database) as connections:
        present = _read_tables(connections.owner)
    with sandbox.clone(context.after_state) as name, open_connections(sandbox, name) as connections:
        names = plan.wanted(present, _tables(context.after))
        sizes = plan.dataset.sizes
        planned = {size: plan.planner(connections.owner, names, size).plan() for size in (sizes[-1],)}
        first = [replace(table_plan, rows=min(table_plan.rows, _SAMPLE_ROWS)) for table_plan in planned[sizes[-1]]]
        empty = {table_plan.table.name: stored_bytes(connections.owner, table_plan) for table_plan in first}
        fill_tables(connections, first, whole=False)
        total = 0.0
        for table_plan, whole in zip(first, planned[sizes[-1]], strict=True):
            if table_plan.rows:
                grown = stored_bytes(connections.owner, table_plan) - empty[table_plan.table.name]
                declaration = plan.dataset.table(table_plan.table.name)
                rows = sum(min(declaration.count(size), whole.rows) for size in sizes)
                total += grown / table_plan.rows * rows
    return round(total * _OVERHEAD_FACTOR) + _OVERHEAD_BYTES


@contextmanager
def open_connections(sandbox: Sandbox, database: str) -> Iterator[LoadingConnections]:
    superuser = "superuser" in getattr(sandbox.server, "capabilities", ())
    with sandbox.connect(database) as owner:
        owner.execute("SET timezone = 'UTC'")
        # VACUUM marks no page as visible to all whose rows' commit is not flushed yet: when that is, would be chance.
        owner.execute("SET synchronous_commit = on")
        if not superuser:
            yield LoadingConnections(owner=owner)
            return
        with sandbox.connect(database, user=sandbox.server.superuser) as admin:
            yield LoadingConnections(owner=owner, admin=admin)


def _read_tables(connection: psycopg.Connection) -> set[str]:
    return _tables(read_catalog(connection, rows=False, kinds=("tables",)))


def _tables(schema: Schema) -> set[str]:
    return {table.name for table in schema.tables}


def _difference_text(difference: Difference) -> str:
    what = f"{difference.kind} {difference.name}" + (f", {difference.field}" if difference.field else "")
    return f"{what}: {difference.expected or 'absent'} became {difference.actual or 'absent'}"
