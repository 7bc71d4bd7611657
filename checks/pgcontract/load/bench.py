"""A server of its own with the head's database at every size: loaded, vacuumed, analysed, and what it was in all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from pgcontract.apply import apply_as_production
from pgcontract.catalog import read_catalog
from pgcontract.cluster import without_parked
from pgcontract.compare import Difference, compare
from pgcontract.contract import Dataset
from pgcontract.load.fill import fill
from pgcontract.load.makers import Planner
from pgcontract.load.tables import read_tables
from pgcontract.model import Origin, Schema
from pgcontract.providers import Server
from pgcontract.sqltext import read_script
from pgcontract.stage import MIGRATOR
from pgcontract.trial import CouldNotAsk, Trial
from pgcontract.workbench import Workbench

_SETTINGS: Mapping[str, str] = {
    "wal_level": "replica",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "track_io_timing": "off",
    "compute_query_id": "off",
    "shared_buffers": "128MB",
}


@dataclass(frozen=True, kw_only=True)
class Load:
    """One size, loaded. `size` is what was asked for, `rows` what is in each table, by part name; `differences` what
    loading left behind in the catalog: nothing."""

    size: int
    database: str
    rows: Mapping[str, int]
    differences: tuple[Difference, ...] = ()


class Bench:
    """The loads, smallest first, on a server on which nothing else happens. `conditions` is one line for evidence."""

    def __init__(self, server: Server, loads: tuple[Load, ...], conditions: str) -> None:
        self.server = server
        self.loads = loads
        self.conditions = conditions
        self._standing: dict[tuple[str, str], psycopg.Connection] = {}

    @property
    def superuser(self) -> str | None:
        """The superuser's name, where there is one."""
        return self.server.superuser if "superuser" in self.server.capabilities else None

    def connect(self, load: Load, *, user: str = MIGRATOR) -> psycopg.Connection:
        """An autocommit connection with time-outs set; the caller closes it."""
        return psycopg.connect(
            self.server.conninfo(dbname=load.database, user=user),
            autocommit=True,
            application_name="pgcontract",
            prepare_threshold=None,
            options="-c statement_timeout=120000 -c lock_timeout=10000",
        )

    @contextmanager
    def rolled_back(self, load: Load, *, user: str = MIGRATOR) -> Iterator[psycopg.Connection]:
        """A standing connection in an open transaction that is always rolled back."""
        key = load.database, user
        if key not in self._standing or self._standing[key].closed:
            self._standing[key] = self.connect(load, user=user)
        connection = self._standing[key]
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        for each in self._standing.values():
            each.close()


def bench(trial: Trial) -> Bench:
    """The bench of the state that the trial is judged in, made at the first call and kept as long as its workbench."""
    return trial.state.once("load/bench", _bench)


def _bench(trial: Trial) -> Bench:
    server = trial.workbench.server
    if not isinstance(server, Server) or server.another is None:
        raise CouldNotAsk("this needs a server of its own, which this provider does not start")
    promise = trial.promise
    dataset = promise.project.dataset(promise.migration.stem)
    own = trial.workbench.keep(server.another(_SETTINGS))
    loads = _loaded(trial, own, dataset)
    sizes = ", ".join(f"{each.size:,}" for each in loads)
    found = Bench(own, loads, f"PostgreSQL {own.version}, {own.storage}, {sizes} rows, seed {promise.seed}, loaded")
    trial.workbench.keep(_closing(found))
    return found


@contextmanager
def _closing(found: Bench) -> Iterator[None]:
    yield
    found.close()


def _loaded(trial: Trial, server: Server, dataset: Dataset) -> tuple[Load, ...]:
    promise = trial.promise
    loads = []
    with Workbench(server, trial.workbench.stage) as workbench:
        state = workbench.stage_state(workbench.stage.regimes[0])
        with workbench.connect(state.database, user=server.superuser) as connection:
            staged = read_catalog(connection, rows=False)
        with workbench.clone(state, keep=True) as name:
            for migration in promise.project.chain:
                with workbench.connect(name) as connection:
                    refusal = apply_as_production(connection, read_script(migration.path))
                if refusal is not None:
                    raise CouldNotAsk(f"the server refused {migration.stem}: {refusal}")
                if migration.stem == promise.migration.stem:
                    break
            with workbench.connect(name, user=server.superuser) as connection:
                before = without_parked(read_catalog(connection, rows=False))
        migrated = workbench.rest(name)
        wanted = _wanted(trial, staged, before, dataset)
        for size in dataset.sizes:
            with (
                workbench.clone(migrated, keep=True) as name,
                workbench.connect(name, user=server.superuser) as connection,
            ):
                connection.execute("SET statement_timeout = 0")
                connection.execute("SET timezone = 'UTC'")
                tables = read_tables(connection, wanted)
                planner = Planner(
                    connection,
                    tables,
                    dataset,
                    size=size,
                    seed=promise.seed,
                    texts=_texts(trial),
                    declared_at=dataset.origin or Origin(file=str(promise.migration.path), line=1),
                )
                rows = fill(connection, planner.plan(), superuser=True)
                after = without_parked(read_catalog(connection, rows=False))
                loads.append(
                    Load(size=size, database=name, rows=rows, differences=compare(before, after, owner=MIGRATOR))
                )
    return tuple(loads)


def _wanted(trial: Trial, staged: Schema, migrated: Schema, dataset: Dataset) -> tuple[str, ...]:
    """The tables that the chain made or declares, or that the data set names."""
    there = {table.name for table in staged.tables}
    made = {table.name for table in migrated.tables} - there
    declared = {table.name for table in trial.promise.declared.tables}
    return tuple(sorted(made | declared | {each.name for each in dataset.tables}))


def _texts(trial: Trial) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Texts that the contracts give as examples of a column, by table and bare column name: samples, then languages,
    then the rows that CHECKs must let in."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    project, stem = trial.promise.project, trial.promise.migration.stem
    shape = project.shape(stem)

    def add(table: str, column: str, value: object) -> None:
        if isinstance(value, str):
            found.setdefault((table, column), {})[value] = None

    for table, sample in shape.samples.items():
        for column, value in sample.items():
            add(table, column, value)
    for migration in project.chain:
        for language in migration.contract.languages if migration.contract else ():
            table, _, column = language.column.rpartition(".")
            for value in language.accept:
                add(table, column, value)
        if migration.stem == stem:
            break
    for example in shape.examples:
        for row in example.accept:
            for column, value in row.items():
                add(example.table, column, value)
    return {place: tuple(values) for place, values in found.items()}
