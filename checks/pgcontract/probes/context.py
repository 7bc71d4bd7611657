"""The context of one migration's checks: what is promised of it, and what the server showed. Rules read only this.

Every fact is read when a rule first needs it and then cached, so a selection costs only what it uses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, cast

import psycopg

from pgcontract.catalog import InformationSchema, read_catalog, read_information_schema, subtract
from pgcontract.catalog.server_spelling import ServerSpelling, read_server_spelling, split_schema
from pgcontract.contract import Contract, Migration, Project
from pgcontract.errors import CouldNotAsk as CouldNotAsk
from pgcontract.model.comparison import Difference, compare
from pgcontract.model.schema import Origin, Part, Schema
from pgcontract.model.sql import Inventory, Script, inventory, read_script
from pgcontract.postgres.missing_features import MissingFeature, find_missing_feature
from pgcontract.postgres.platform import MIGRATOR, GrantRegime
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal

T = TypeVar("T")

MAX_EXAMPLES = 200  # that Hypothesis makes for one promise, where nobody says otherwise


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What is promised of one migration, before any server is asked. `declared` is inherited along the chain."""

    project: Project
    migration: Migration
    declared: Schema
    script: Script
    rollback: Script | None
    seed: int
    max_examples: int = MAX_EXAMPLES
    rows: int | None = None

    @property
    def contract(self) -> Contract | None:
        return self.migration.contract

    @property
    def contract_schema(self) -> Schema:
        """What this migration's own contract declares."""
        return self.contract.declared if self.contract else Schema()

    def still_declared(self, kind: str) -> tuple[Any, ...]:
        """The parts of one kind (a field of Schema) that this contract declares and the head of the chain still does."""
        left = {part.name for part in getattr(self.project.declared(self.project.head.stem), kind)}
        return tuple(part for part in getattr(self.contract_schema, kind) if part.name in left)

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
        """What the script's text creates."""
        return inventory(self.script)

    def origin_of(self, kind: str, name: str) -> Origin | None:
        """Where the script's text creates the object, for a finding to point at."""
        for created in self.inventory.created:
            if (created.kind, created.name) == (kind, name):
                return Origin(file=self.script.path, line=created.line)
        return None

    def claimed_subjects(self, check: str) -> Iterator[str]:
        """The subjects that claims name of a check whose subjects are written in the claim itself."""
        for claim in self.contract.claims if self.contract else ():
            for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ())):
                if reference.check == check and reference.subject:
                    yield reference.subject

    def random(self, purpose: str) -> random.Random:
        """A generator of its own for each purpose, so that adding one changes no other."""
        return random.Random(f"{self.seed}/{self.migration.stem}/{purpose}")  # noqa: S311 - reproducible on purpose


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """One regime's result of applying the script; `after` is None where the server refused it, and `missing_feature` is
    what the script needs and this server lacks, where that is known to be why."""

    before: DatabaseState
    before_catalog: Schema
    refusal: Refusal | None
    missing_feature: MissingFeature | None = None
    after: DatabaseState | None = None
    after_catalog: Schema | None = None


class Context:
    """One migration in one sandbox; `before` are the states it starts from, by regime name."""

    def __init__(self, promise: Promise, sandbox: Sandbox | None, before: Mapping[str, DatabaseState]) -> None:
        self.promise = promise
        self._sandbox = sandbox
        self._start_states = before
        self._cache: dict[str, object] = {}
        self._judging_context = self
        self._earlier: dict[str, Context] = {}

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox on a server; CouldNotAsk where there is none (`--pg none`)."""
        if self._sandbox is None:
            raise CouldNotAsk("this needs a server, and none was asked for")
        return self._sandbox

    @property
    def has_server(self) -> bool:
        return self._sandbox is not None

    def for_earlier_promise(self, earlier: Context) -> Context:
        """An earlier migration's promise checked in this one's state: the same server, its own parameters."""
        stem = earlier.promise.migration.stem
        if stem not in self._earlier:
            later = Context(earlier.promise, self._sandbox, self._start_states)
            later._judging_context = self
            self._earlier[stem] = later
        values = {name: value for name, value in earlier._cache.items() if name.startswith("values/")}
        self._earlier[stem]._cache |= values
        return self._earlier[stem]

    @property
    def judging_context(self) -> Context:
        """The context of the migration in whose state the promise is judged: itself, or a later one."""
        return self._judging_context

    @property
    def later_contracts(self) -> tuple[Contract, ...]:
        """The contracts after the promise's own up to the state it is judged in: they may have tightened it."""
        chain = self.promise.project.chain
        first, last = chain.index(self.promise.migration), chain.index(self._judging_context.promise.migration)
        return tuple(migration.contract for migration in chain[first + 1 : last + 1] if migration.contract)

    @property
    def regimes(self) -> tuple[GrantRegime, ...]:
        return self.sandbox.platform.regimes

    def load_result(self, regime: GrantRegime | None = None) -> LoadResult:
        """The script applied under a regime (the first where none is given), as production would apply it."""
        regime = regime or self.regimes[0]
        if self._judging_context is not self:
            return self._judging_context.load_result(regime)
        return self.cached(f"loaded/{regime.name}", lambda context: context._load(context._start_states[regime.name]))

    def after_states(self) -> Mapping[str, DatabaseState]:
        """The states that the next migration starts from; CouldNotAsk where this one was refused."""
        return {regime.name: self._require_applied(regime)[0] for regime in self.regimes}

    def require_features(self) -> None:
        """CouldNotAsk where this server lacks what the script needs, so that a refusal says nothing of the script."""
        missing_feature = self.load_result().missing_feature
        if missing_feature is not None and missing_feature.excuses_migration:
            raise CouldNotAsk(f"this server cannot take the script: {missing_feature}")

    @property
    def before(self) -> Schema:
        """The catalog right before the migration."""
        return self.load_result().before_catalog

    @property
    def after(self) -> Schema:
        """The catalog right after it; CouldNotAsk where the server refused the script."""
        return self._require_applied(self.regimes[0])[1]

    @property
    def before_state(self) -> DatabaseState:
        """The state that the script is run from; CouldNotAsk where it does not end: each run would take as long again."""
        loaded = self.load_result()
        if loaded.refusal is not None and loaded.refusal.is_timeout:
            raise CouldNotAsk(f"the script does not end, so it is not run again: {loaded.refusal}")
        return loaded.before

    @property
    def after_state(self) -> DatabaseState:
        state, catalog = self._require_applied(self.regimes[0])
        self.sandbox.require_bypass_rls(catalog)
        return state

    @cached_property
    def changed_parts(self) -> Schema:
        """The parts that the migration created or changed."""
        return subtract(self.after, self.before)

    @cached_property
    def touched(self) -> Schema:
        """The catalog after it, of its tables only those of which the migration created or changed any part."""
        parts = (part for part in self.changed_parts.parts() if part.kind != "rows")
        names = {getattr(part, "table", part.name) for part in parts}
        return replace(self.after, tables=tuple(table for table in self.after.tables if table.name in names))

    @cached_property
    def spelling(self) -> ServerSpelling:
        """The declared schema as the server spells it."""
        with self.sandbox.rolled_back(self.after_state) as connection:
            return read_server_spelling(connection, self.promise.declared)

    @cached_property
    def expected(self) -> Schema:
        """What should be there: what is declared, and what was there before and is not declared otherwise."""
        removed = frozenset(self.promise.contract.removed) if self.promise.contract else frozenset()
        return overlay(self.before, self.spelling.schema, removed)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        return compare(self.expected, self.after, owner=MIGRATOR)

    @cached_property
    def standard_views(self) -> InformationSchema:
        """What information_schema shows to the role that migrates."""
        tables = (*self.changed_parts.tables, *self.changed_parts.views, *self.promise.declared.tables)
        schemas = sorted({split_schema(part.name)[0] for part in tables})
        with self.sandbox.rolled_back(self.after_state) as connection:
            return read_information_schema(connection, schemas or ["public"])

    def cached(self, name: str, ask: Callable[[Context], T]) -> T:
        """The result of `ask(self)`, computed at the first call under this name; a CouldNotAsk is cached as well."""
        if name not in self._cache:
            try:
                self._cache[name] = ask(self)
            except CouldNotAsk as error:
                self._cache[name] = error
        value = self._cache[name]
        if isinstance(value, CouldNotAsk):
            raise value
        return cast(T, value)

    def cached_or_none(self, name: str) -> Any:
        """What `cached` has stored under the name; None where nothing was computed, or it could not be asked."""
        value = self._cache.get(name)
        return None if isinstance(value, CouldNotAsk) else value

    @property
    def judged_contexts(self) -> tuple[Context, ...]:
        """The promises that were judged in this state, in the order of the chain: earlier ones, and its own."""
        stems = [migration.stem for migration in self.promise.project.chain]
        return (*(self._earlier[stem] for stem in stems if stem in self._earlier), self)

    def catalog(self, connection: psycopg.Connection, *, rows: bool = True) -> Schema:
        """The catalog as this connection's transaction sees it."""
        return self.sandbox.as_production(read_catalog(connection, rows=rows, transaction=False))

    @contextmanager
    def clone(self, state: DatabaseState) -> Iterator[psycopg.Connection]:
        """An autocommit connection to a fresh clone, for work that ends its own transactions."""
        with self.sandbox.clone(state) as name, self.sandbox.connect(name) as connection:
            yield connection

    @contextmanager
    def on_separate_server(self) -> Iterator[psycopg.Connection]:
        """An autocommit connection to the migrated database on a server that has no other copy of it."""
        if self.sandbox.second_sandbox is None:
            raise CouldNotAsk("this needs a second server, which this provider does not start; --pg wheel does")
        with self.sandbox.second_sandbox() as sandbox:
            name = sandbox.platform_state(sandbox.platform.regimes[0]).database
            for migration in self.promise.project.chain:
                with sandbox.connect(name) as connection:
                    apply_as_production(connection, read_script(migration.path))
                if migration.stem == self.promise.migration.stem:
                    break
            with sandbox.connect(name) as connection:
                yield connection

    def _require_applied(self, regime: GrantRegime) -> tuple[DatabaseState, Schema]:
        loaded = self.load_result(regime)
        if loaded.after is None or loaded.after_catalog is None:
            self.require_features()
            raise CouldNotAsk(f"the server refused the script: {loaded.refusal}")
        return loaded.after, loaded.after_catalog

    def _load(self, before: DatabaseState) -> LoadResult:
        script = self.promise.script
        self.sandbox.require_testable(script.text)
        with self.sandbox.clone(before, keep=True) as name:
            with self.sandbox.connect(name) as connection:
                before_catalog = self.sandbox.as_production(read_catalog(connection))
                refusal = apply_as_production(connection, script)
            if refusal is None:
                # A session that the script left changed (role, search_path) must not change what is read.
                with self.sandbox.connect(name) as connection:
                    after_catalog = self.sandbox.as_production(read_catalog(connection))
        if refusal is not None:
            self.sandbox.drop(name)
            with self.clone(before) as connection:
                refusal = locate_refusal(connection, script, refusal)
                self.sandbox.require_script_fault(refusal.sqlstate, refusal.statement or script.text)
                project = self.promise.project
                missing_feature = find_missing_feature(
                    connection,
                    refusal,
                    script,
                    spec=self.sandbox.server.provider,
                    production=project.postgres,
                    platform=project.platform,
                )
            return LoadResult(
                before=before, before_catalog=before_catalog, refusal=refusal, missing_feature=missing_feature
            )
        return LoadResult(
            before=before,
            before_catalog=before_catalog,
            refusal=None,
            after=self.sandbox.read_state(name),
            after_catalog=after_catalog,
        )


def overlay(base: Schema, declared: Schema, removed: frozenset[tuple[str, str]]) -> Schema:
    """`base` with each declared part in place of its own, without the removed ones; sorted by name.

    A removed table takes its columns, constraints, indexes, triggers, policies, rules and grants with it.
    """

    def is_removed(part: Part) -> bool:
        table = getattr(part, "table", None) or getattr(part, "on", "").partition(" ")[2]
        return (part.kind, part.name) in removed or ("table", table) in removed

    def merged(parts_own: Iterable[Part], parts_earlier: Iterable[Part]) -> tuple[Part, ...]:
        parts = {part.name: part for part in parts_earlier if not is_removed(part)} | {
            part.name: part for part in parts_own
        }
        return tuple(parts[name] for name in sorted(parts))

    kinds = Schema.__dataclass_fields__
    return Schema(**{kind: merged(getattr(declared, kind), getattr(base, kind)) for kind in kinds})  # type: ignore[arg-type]
