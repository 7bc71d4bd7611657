"""One migration on trial: what is promised of it, and what the server showed. Rules read only this.

Every fact is asked for when a rule first needs it and then kept, so a selection costs only what it uses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, cast

import psycopg

from pgcontract.catalog import StandardViews, read_catalog, read_information_schema, subtract
from pgcontract.catalog.server_spelling import Spelling, spell, split_name
from pgcontract.contract import Contract, Migration, Project
from pgcontract.errors import CouldNotAsk as CouldNotAsk
from pgcontract.model.comparison import Difference, compare
from pgcontract.model.schema import Origin, Part, Schema
from pgcontract.model.sql import Inventory, Script, inventory, read_script
from pgcontract.postgres.missing_features import Lack, lacking
from pgcontract.postgres.platform import MIGRATOR, Regime
from pgcontract.postgres.sandbox import State, Workbench
from pgcontract.postgres.script_execution import Refusal, apply_as_production, located

T = TypeVar("T")

MAX_EXAMPLES = 200  # that Hypothesis makes for one promise, where nobody says otherwise


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What is promised of one migration, before any server is asked. `declared` is inherited along the chain."""

    project: Project
    migration: Migration
    declared: Schema
    script: Script
    way_back: Script | None
    seed: int
    max_examples: int = MAX_EXAMPLES
    rows: int | None = None

    @property
    def contract(self) -> Contract | None:
        return self.migration.contract

    @property
    def own(self) -> Schema:
        """What this migration's own contract declares."""
        return self.contract.declared if self.contract else Schema()

    def still(self, kind: str) -> tuple[Any, ...]:
        """The parts of one kind (a field of Schema) that this contract declares and the head of the chain still does."""
        left = {part.name for part in getattr(self.project.declared(self.project.head.stem), kind)}
        return tuple(part for part in getattr(self.own, kind) if part.name in left)

    @cached_property
    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared sample row of each table, a later contract's in place of an earlier one's."""
        return self.project.shape(self.migration.stem).samples

    @cached_property
    def inherited_tables(self) -> frozenset[str]:
        """The tables that earlier contracts of the chain declare."""
        stems = [migration.stem for migration in self.project.chain]
        number = stems.index(self.migration.stem)
        earlier = self.project.declared(stems[number - 1]) if number else Schema()
        return frozenset(table.name for table in earlier.tables)

    @cached_property
    def inventory(self) -> Inventory:
        """What the text says it makes."""
        return inventory(self.script)

    def place_of(self, kind: str, name: str) -> Origin | None:
        """Where the script's text makes the object, for a finding to point at."""
        for created in self.inventory.created:
            if (created.kind, created.name) == (kind, name):
                return Origin(file=self.script.path, line=created.line)
        return None

    def referenced(self, check: str) -> Iterator[str]:
        """The subjects that claims name of a check whose subjects are written in the claim itself."""
        for claim in self.contract.claims if self.contract else ():
            for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ())):
                if reference.check == check and reference.subject:
                    yield reference.subject

    def random(self, purpose: str) -> random.Random:
        """A generator of its own for each purpose, so that adding one changes no other."""
        return random.Random(f"{self.seed}/{self.migration.stem}/{purpose}")  # noqa: S311 - reproducible on purpose


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One regime's result of applying the script; `after` is None where the server refused it, and `lack` is what this
    server has not that the script needs, where that is known to be why."""

    before: State
    before_catalog: Schema
    refusal: Refusal | None
    lack: Lack | None = None
    after: State | None = None
    after_catalog: Schema | None = None


class Trial:
    """One migration on one workbench; `before` are the states it starts from, by regime name."""

    def __init__(self, promise: Promise, workbench: Workbench | None, before: Mapping[str, State]) -> None:
        self.promise = promise
        self._workbench = workbench
        self._before = before
        self._kept: dict[str, object] = {}
        self._state = self
        self._earlier: dict[str, Trial] = {}

    @property
    def workbench(self) -> Workbench:
        """The stage on a server; CouldNotAsk where there is none (`--pg none`)."""
        if self._workbench is None:
            raise CouldNotAsk("this needs a server, and none was asked for")
        return self._workbench

    @property
    def has_server(self) -> bool:
        return self._workbench is not None

    def promised_by(self, earlier: Trial) -> Trial:
        """What an earlier migration promised, on trial in this one's state: the same server, its own parameters."""
        stem = earlier.promise.migration.stem
        if stem not in self._earlier:
            later = Trial(earlier.promise, self._workbench, self._before)
            later._state = self
            self._earlier[stem] = later
        values = {name: kept for name, kept in earlier._kept.items() if name.startswith("values/")}
        self._earlier[stem]._kept |= values
        return self._earlier[stem]

    @property
    def state(self) -> Trial:
        """The trial of the migration in whose state the promise is judged: itself, or a later one."""
        return self._state

    @property
    def since(self) -> tuple[Contract, ...]:
        """The contracts after the promise's own up to the state it is judged in: they may have tightened it."""
        chain = self.promise.project.chain
        first, last = chain.index(self.promise.migration), chain.index(self._state.promise.migration)
        return tuple(each.contract for each in chain[first + 1 : last + 1] if each.contract)

    @property
    def regimes(self) -> tuple[Regime, ...]:
        return self.workbench.stage.regimes

    def loaded(self, regime: Regime | None = None) -> Loaded:
        """The script applied under a regime (the first where none is given), as production would apply it."""
        regime = regime or self.regimes[0]
        if self._state is not self:
            return self._state.loaded(regime)
        return self.once(f"loaded/{regime.name}", lambda trial: trial._load(trial._before[regime.name]))

    def after_states(self) -> Mapping[str, State]:
        """The states that the next migration starts from; CouldNotAsk where this one was refused."""
        return {regime.name: self._applied(regime)[0] for regime in self.regimes}

    def demand_able_server(self) -> None:
        """CouldNotAsk where this server lacks what the script needs, so that a refusal says nothing of the script."""
        lack = self.loaded().lack
        if lack is not None and lack.excuses:
            raise CouldNotAsk(f"this server cannot take the script: {lack}")

    @property
    def before(self) -> Schema:
        """The catalog right before the migration."""
        return self.loaded().before_catalog

    @property
    def after(self) -> Schema:
        """The catalog right after it; CouldNotAsk where the server refused the script."""
        return self._applied(self.regimes[0])[1]

    @property
    def before_state(self) -> State:
        """Where the script is tried from; CouldNotAsk where it does not end: each trial would take as long again."""
        loaded = self.loaded()
        if loaded.refusal is not None and loaded.refusal.is_late:
            raise CouldNotAsk(f"the script does not end, so it is not run again: {loaded.refusal}")
        return loaded.before

    @property
    def after_state(self) -> State:
        state, catalog = self._applied(self.regimes[0])
        self.workbench.demand_rights(catalog)
        return state

    @cached_property
    def made(self) -> Schema:
        """What the migration made or changed."""
        return subtract(self.after, self.before)

    @cached_property
    def touched(self) -> Schema:
        """The catalog after it, of its tables only those of which the migration made or changed any part."""
        parts = (part for part in self.made.parts() if part.kind != "rows")
        names = {getattr(part, "table", part.name) for part in parts}
        return replace(self.after, tables=tuple(table for table in self.after.tables if table.name in names))

    @cached_property
    def spelling(self) -> Spelling:
        """The declared shape in the server's own words."""
        with self.workbench.rolled_back(self.after_state) as connection:
            return spell(connection, self.promise.declared)

    @cached_property
    def expected(self) -> Schema:
        """What should be there: what is declared, and what was there before and is not declared otherwise."""
        removed = frozenset(self.promise.contract.removed) if self.promise.contract else frozenset()
        return overlay(self.before, self.spelling.schema, removed)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        return compare(self.expected, self.after, owner=MIGRATOR)

    @cached_property
    def standard_views(self) -> StandardViews:
        """What information_schema shows to the role that migrates."""
        tables = (*self.made.tables, *self.made.views, *self.promise.declared.tables)
        schemas = sorted({split_name(part.name)[0] for part in tables})
        with self.workbench.rolled_back(self.after_state) as connection:
            return read_information_schema(connection, schemas or ["public"])

    def once(self, name: str, ask: Callable[[Trial], T]) -> T:
        """The result of `ask(self)`, computed at the first call under this name; a CouldNotAsk is kept as well."""
        if name not in self._kept:
            try:
                self._kept[name] = ask(self)
            except CouldNotAsk as error:
                self._kept[name] = error
        kept = self._kept[name]
        if isinstance(kept, CouldNotAsk):
            raise kept
        return cast(T, kept)

    def known(self, name: str) -> Any:
        """What `once` has kept under the name; None where nobody asked, or it could not be asked."""
        kept = self._kept.get(name)
        return None if isinstance(kept, CouldNotAsk) else kept

    @property
    def judged(self) -> tuple[Trial, ...]:
        """The promises that were judged in this state, in the order of the chain: earlier ones, and its own."""
        stems = [migration.stem for migration in self.promise.project.chain]
        return (*(self._earlier[stem] for stem in stems if stem in self._earlier), self)

    def catalog(self, connection: psycopg.Connection, *, rows: bool = True) -> Schema:
        """The catalog as this connection's transaction sees it."""
        return self.workbench.told(read_catalog(connection, rows=rows, transaction=False))

    @contextmanager
    def clone(self, state: State) -> Iterator[psycopg.Connection]:
        """An autocommit connection to a fresh copy, for work that ends its own transactions."""
        with self.workbench.clone(state) as name, self.workbench.connect(name) as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[psycopg.Connection]:
        """An autocommit connection to the migrated database on a server that has no other copy of it."""
        if self.workbench.elsewhere is None:
            raise CouldNotAsk("this needs a second server, which this provider does not start; --pg wheel does")
        with self.workbench.elsewhere() as bench:
            name = bench.stage_state(bench.stage.regimes[0]).database
            for migration in self.promise.project.chain:
                with bench.connect(name) as connection:
                    apply_as_production(connection, read_script(migration.path))
                if migration.stem == self.promise.migration.stem:
                    break
            with bench.connect(name) as connection:
                yield connection

    def _applied(self, regime: Regime) -> tuple[State, Schema]:
        loaded = self.loaded(regime)
        if loaded.after is None or loaded.after_catalog is None:
            self.demand_able_server()
            raise CouldNotAsk(f"the server refused the script: {loaded.refusal}")
        return loaded.after, loaded.after_catalog

    def _load(self, before: State) -> Loaded:
        script = self.promise.script
        self.workbench.demand_reach(script.text)
        with self.workbench.clone(before, keep=True) as name:
            with self.workbench.connect(name) as connection:
                before_catalog = self.workbench.told(read_catalog(connection))
                refusal = apply_as_production(connection, script)
            if refusal is None:
                # A session that the script left changed (role, search_path) must not colour what is read.
                with self.workbench.connect(name) as connection:
                    after_catalog = self.workbench.told(read_catalog(connection))
        if refusal is not None:
            self.workbench.drop(name)
            with self.clone(before) as connection:
                refusal = located(connection, script, refusal)
                self.workbench.demand_fault(refusal.sqlstate, refusal.statement or script.text)
                project = self.promise.project
                lack = lacking(
                    connection,
                    refusal,
                    script,
                    spec=self.workbench.server.provider,
                    production=project.postgres,
                    platform=project.platform,
                )
            return Loaded(before=before, before_catalog=before_catalog, refusal=refusal, lack=lack)
        return Loaded(
            before=before,
            before_catalog=before_catalog,
            refusal=None,
            after=self.workbench.rest(name),
            after_catalog=after_catalog,
        )


def overlay(base: Schema, declared: Schema, removed: frozenset[tuple[str, str]]) -> Schema:
    """`base` with each declared part in place of its own, without the removed ones; sorted by name.

    A removed table takes its columns, constraints, indexes, triggers, policies, rules and grants with it.
    """

    def gone(part: Part) -> bool:
        table = getattr(part, "table", None) or getattr(part, "on", "").partition(" ")[2]
        return (part.kind, part.name) in removed or ("table", table) in removed

    def merged(ours: Iterable[Part], theirs: Iterable[Part]) -> tuple[Part, ...]:
        parts = {part.name: part for part in theirs if not gone(part)} | {part.name: part for part in ours}
        return tuple(parts[name] for name in sorted(parts))

    kinds = Schema.__dataclass_fields__
    return Schema(**{kind: merged(getattr(declared, kind), getattr(base, kind)) for kind in kinds})  # type: ignore[arg-type]
