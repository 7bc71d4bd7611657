"""The chain applied and its tables loaded, a database a size; what was found on the way is kept beside the rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.catalog import read_catalog
from pgcontract.contract import ColumnRows, Dataset, Migration
from pgcontract.errors import CouldNotAsk
from pgcontract.model.comparison import Difference, compare
from pgcontract.model.schema import Origin, Schema
from pgcontract.model.sql import read_script
from pgcontract.performance.loading.bulk_insert import Hands, fill, stored_bytes
from pgcontract.performance.loading.column_generators import Planner
from pgcontract.performance.loading.load_progress import Counter
from pgcontract.performance.loading.target_tables import read_tables
from pgcontract.postgres.cluster_settings import without_parked
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.providers import Server
from pgcontract.postgres.sandbox import State, Workbench
from pgcontract.postgres.script_execution import apply_as_production
from pgcontract.probes.context import Trial

_TRIED_ROWS = 1_000
# What the databases themselves take, WAL and sorting on top of the rows.
_AROUND_BYTES = 256 * 1024 * 1024
_AROUND_SHARE = 1.3
_TIMEOUT_MS = 6 * 3600 * 1000
_KEPT = "pgcontract_loads"


@dataclass(frozen=True, kw_only=True)
class Load:
    """One size, loaded. `size` is what was asked for, `rows` what is in each table, by part name; `differences` what
    loading left behind in the catalog, each in words: none."""

    size: int
    database: str
    rows: Mapping[str, int]
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be loaded: the data set of the chain up to the trial's migration, and the sizes asked for."""

    trial: Trial
    dataset: Dataset

    @property
    def seed(self) -> int:
        return self.trial.promise.seed

    def key(self) -> str:
        """A word that changes with anything that the loaded state depends on, the server's programs aside."""
        promise, stage = self.trial.promise, self.trial.workbench.stage
        scripts = [read_script(each.path).text for each in self.migrations]
        told = (
            _version_of_loader(),
            (stage.migrator, stage.roles, stage.regimes[0].database_sql, scripts),
            (_words(self.dataset), self.seed),
            (sorted(_texts(self.trial).items()), sorted(each.name for each in promise.declared.tables)),
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """The chain up to the trial's."""
        chain = self.trial.promise.project.chain
        return chain[: chain.index(self.trial.promise.migration) + 1]

    def wanted(self, staged: Iterable[str], migrated: Iterable[str]) -> tuple[str, ...]:
        """The tables to load: those that the chain made or declares, or that the data set names."""
        made = set(migrated) - set(staged)
        declared = {table.name for table in self.trial.promise.declared.tables}
        return tuple(sorted(made | declared | {each.name for each in self.dataset.tables}))

    def planner(self, connection: psycopg.Connection, wanted: Sequence[str], size: int) -> Planner:
        return Planner(
            connection,
            read_tables(connection, wanted),
            self.dataset,
            size=size,
            seed=self.seed,
            texts=_texts(self.trial),
            declared_at=self.dataset.origin or Origin(file=str(self.trial.promise.migration.path), line=1),
        )


def _words(dataset: Dataset) -> str:
    """What the data set says of rows, wherever it is written."""
    tables = [replace(each, origin=None, columns=_placeless(each.columns)) for each in dataset.tables]
    return repr((dataset.sizes, tables))


def _placeless(columns: Iterable[ColumnRows]) -> tuple[ColumnRows, ...]:
    return tuple(replace(each, origin=None) for each in columns)


@cache
def _version_of_loader() -> str:
    """Of this package's text: another loader may load otherwise."""
    package = files("pgcontract.performance.loading")
    texts = sorted((each.name, each.read_bytes()) for each in package.iterdir() if each.name.endswith(".py"))
    return hashlib.sha256(repr(texts).encode()).hexdigest()


def prepare(plan: Plan, server: Server) -> None:
    """Everything on a fresh server: the chain, a database for each size, and a table that tells of them."""
    with Workbench(server, plan.trial.workbench.stage, timeout_ms=_TIMEOUT_MS) as workbench:
        staged, migrated = applied(plan, workbench)
        loads = load_all(plan, workbench, staged, migrated)
        # Only what was loaded is worth keeping.
        for database in (staged.database, migrated.database):
            workbench.drop(database)
        workbench.admin.execute(sql.SQL("CREATE TABLE {} (told text)").format(sql.Identifier(_KEPT)))
        told = json.dumps([vars(each) for each in loads])
        workbench.admin.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(_KEPT), sql.Literal(told)))


def applied(plan: Plan, workbench: Workbench) -> tuple[State, State]:
    """The stage before the first migration, and after the last one of the plan."""
    staged = workbench.stage_state(workbench.stage.regimes[0])
    with workbench.clone(staged, keep=True) as name:
        for migration in plan.migrations:
            with workbench.connect(name) as connection:
                refusal = apply_as_production(connection, read_script(migration.path))
            if refusal is not None:
                raise CouldNotAsk(f"the server refused {migration.stem}: {refusal}")
    return staged, workbench.rest(name)


def prepared_loads(server: Server) -> tuple[Load, ...]:
    """What `prepare` put on the server."""
    with Connection.connect(server.conninfo(dbname=server.maintenance), autocommit=True) as connection:
        row = connection.execute(sql.SQL("SELECT told FROM {}").format(sql.Identifier(_KEPT))).fetchone()
    assert row
    return tuple(Load(**{**each, "differences": tuple(each["differences"])}) for each in json.loads(row[0]))


def load_all(plan: Plan, workbench: Workbench, staged: State, migrated: State) -> tuple[Load, ...]:
    """A clone of the migrated state for each size, with rows in it, smallest first."""
    with hands_on(workbench, staged.database) as hands:
        there = _tables(read_catalog(hands.owner, rows=False))
    counter = None
    loads = []
    for size in plan.dataset.sizes:
        with workbench.clone(migrated, keep=True) as name, hands_on(workbench, name) as hands:
            before = without_parked(read_catalog(hands.owner, rows=False))
            wanted = plan.wanted(there, _tables(before))
            fillings = plan.planner(hands.owner, wanted, size).plan()
            counter = counter or Counter(sum(plan.dataset.sizes) * sum(each.rows for each in fillings) // max(size, 1))
            rows = fill(hands, fillings, counter=counter)
            after = without_parked(read_catalog(hands.owner, rows=False))
            found = compare(before, after, owner=MIGRATOR)
            loads.append(Load(size=size, database=name, rows=rows, differences=tuple(map(_told, found))))
    return tuple(loads)


def wanted_bytes(plan: Plan) -> int:
    """About how much all sizes take on disk, indexes included: by the first rows, loaded where the chain was tried."""
    trial, workbench = plan.trial, plan.trial.workbench
    with hands_on(workbench, workbench.stage_state(workbench.stage.regimes[0]).database) as hands:
        there = _tables(read_catalog(hands.owner, rows=False))
    with workbench.clone(trial.after_state) as name, hands_on(workbench, name) as hands:
        wanted = plan.wanted(there, _tables(trial.after))
        sizes = plan.dataset.sizes
        planned = {size: plan.planner(hands.owner, wanted, size).plan() for size in (sizes[-1],)}
        first = [replace(each, rows=min(each.rows, _TRIED_ROWS)) for each in planned[sizes[-1]]]
        empty = {each.table.name: stored_bytes(hands.owner, each) for each in first}
        fill(hands, first, whole=False)
        total = 0.0
        for each, whole in zip(first, planned[sizes[-1]], strict=True):
            if each.rows:
                grown = stored_bytes(hands.owner, each) - empty[each.table.name]
                said = plan.dataset.table(each.table.name)
                rows = sum(min(said.count(size), whole.rows) for size in sizes)
                total += grown / each.rows * rows
    return round(total * _AROUND_SHARE) + _AROUND_BYTES


@contextmanager
def hands_on(workbench: Workbench, database: str) -> Iterator[Hands]:
    superuser = "superuser" in getattr(workbench.server, "capabilities", ())
    with workbench.connect(database) as owner:
        owner.execute("SET timezone = 'UTC'")
        # VACUUM marks no page as visible to all whose rows' commit is not flushed yet: when that is, would be chance.
        owner.execute("SET synchronous_commit = on")
        if not superuser:
            yield Hands(owner=owner)
            return
        with workbench.connect(database, user=workbench.server.superuser) as admin:
            yield Hands(owner=owner, admin=admin)


def _tables(schema: Schema) -> set[str]:
    return {each.name for each in schema.tables}


def _told(difference: Difference) -> str:
    what = f"{difference.kind} {difference.name}" + (f", {difference.field}" if difference.field else "")
    return f"{what}: {difference.expected or 'absent'} became {difference.actual or 'absent'}"


def _texts(trial: Trial) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Texts that the contracts give as examples of a column, by table and bare column name: samples, then languages,
    then the rows that CHECKs must let in."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    project, stem = trial.promise.project, trial.promise.migration.stem
    shape = project.shape(stem)

    def add(table: str, column: str, value: Any) -> None:
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
