"""The context of one migration's checks: what is promised of it, and what the server showed. Rules read only this.

Every fact is read when a rule first needs it and then cached, so a selection costs only what it uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import psycopg

from pgcontract.catalog import InformationSchema, read_catalog, read_information_schema, subtract
from pgcontract.catalog.server_spelling import (
    ServerSpelling,
    is_spelled,
    read_server_spelling,
    with_texts_of,
)
from pgcontract.contract import Contract
from pgcontract.errors import CouldNotAsk
from pgcontract.model.comparison import ComparisonResult, Difference, compare, display_value
from pgcontract.model.overlay import overlay
from pgcontract.model.schema import Schema
from pgcontract.model.sql.frozen_times import frozen_words, without_times
from pgcontract.model.sql.renames import read_renames
from pgcontract.postgres.platform import MIGRATOR, GrantRegime
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.probes.cached_facts import FactCache, cached_state_fact
from pgcontract.probes.failure import Failure
from pgcontract.probes.promise import Promise
from pgcontract.probes.script_result import ScriptResult, apply_to_clone

if TYPE_CHECKING:
    from pgcontract.probes.populated.population import Population

_MAX_READINGS: Final = 4


class Context:
    """A promise judged in a state: the one right after its own migration, or that of a later one.

    `start_states` are what the state's migration starts from, by regime name. `own_context` is that of the promise right
    after its own migration, `judging_context` that of the migration in whose state it is judged; both may be this one.
    `failure` is why the migration was not applied; one that is only `replayed` has no states of its own. `population` is
    the database with rows that is carried along the chain.
    `deployed_states` are what production holds before the first of the migrations that are pending one after another up
    to this one, by regime name, where this one is pending; `earlier` is the context of the pending one right before it.
    """

    deployed_states: Mapping[str, DatabaseState] = MappingProxyType({})
    failure: Failure | None = None
    replayed: bool = False
    population: Population | None = None
    earlier: Context | None = None

    def __init__(
        self,
        promise: Promise,
        sandbox: Sandbox | None,
        start_states: Mapping[str, DatabaseState],
        *,
        own_context: Context | None = None,
        judging_context: Context | None = None,
    ) -> None:
        self.promise = promise
        self.start_states = start_states
        self.own_context = own_context or self
        self.judging_context = judging_context or self
        self.facts = FactCache()
        self._sandbox = sandbox

    def in_state_of(self, later: Context) -> Context:
        """The same promise, with its own parameters, judged in a later migration's state."""
        return Context(
            self.promise.at_head, later._sandbox, later.start_states, own_context=self.own_context, judging_context=later
        )

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox on a server; CouldNotAsk where there is none (`--pg none`)."""
        if self._sandbox is None:
            raise CouldNotAsk("this needs a server, and this run has none; run it with --pg auto")
        return self._sandbox

    @property
    def has_server(self) -> bool:
        return self._sandbox is not None

    @property
    def later_contracts(self) -> tuple[Contract, ...]:
        """The contracts after the promise's own up to the state it is judged in: they may have tightened it."""
        chain = self.promise.project.chain
        first, last = chain.index(self.promise.migration), chain.index(self.judging_context.promise.migration)
        return tuple(migration.contract for migration in chain[first + 1 : last + 1] if migration.contract)

    @property
    def regimes(self) -> tuple[GrantRegime, ...]:
        return self.sandbox.platform.regimes

    def script_result(self, regime: GrantRegime | None = None) -> ScriptResult:
        """The script applied under a regime (the first where none is given), as production would apply it. CouldNotAsk
        for one that is only replayed."""
        if self.replayed:
            raise CouldNotAsk("the migration is applied already, as far as is known, so it was only replayed")
        return _script_result(self, regime or self.regimes[0])

    def next_states(self) -> Mapping[str, DatabaseState]:
        """The states that the next migration starts from: what its tool would leave, where this one was refused."""
        states = {}
        for regime in self.regimes:
            try:
                result = self.script_result(regime)
                states[regime.name] = result.after or result.left or result.before
            except CouldNotAsk:
                states[regime.name] = self.start_states[regime.name]
        return states

    def require_features(self) -> None:
        """CouldNotAsk where this server lacks what the script needs, so that a refusal says nothing of the script."""
        missing_feature = self.script_result().missing_feature
        if missing_feature is not None and missing_feature.excuses_migration:
            raise CouldNotAsk(f"this server cannot run the script: {missing_feature}")

    @property
    def before(self) -> Schema:
        """The catalog right before the migration."""
        return self.script_result().before_catalog

    @property
    def after(self) -> Schema:
        """The catalog right after it; CouldNotAsk where the server refused the script."""
        return self._require_applied(self.regimes[0])[1]

    @property
    def before_state(self) -> DatabaseState:
        """The state that the script is run from; CouldNotAsk where it was refused: nothing more is learnt from another
        run."""
        result = self.script_result()
        if result.refusal is not None:
            self._require_applied(self.regimes[0])
        return result.before

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
    def migrated(self) -> Schema:
        """The parts that the chain created or changed: the catalog after the migration without what was there before the
        first one, a platform's or the setup's, and still is as it was. A rule that finds fault with what nobody declared
        looks for it here."""
        return subtract(self.after, self.sandbox.starting_catalog)

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
        return overlay(self.renamed_before, self.spelling.schema, removed)

    @cached_property
    def renamed_before(self) -> Schema:
        """The catalog right before the migration, as its renames alone leave it."""
        renames = read_renames(self.promise.script)
        if not renames:
            return self.before
        with self.sandbox.rolled_back(self.before_state) as connection:
            for rename in renames:
                with suppress(psycopg.Error), connection.transaction():
                    connection.execute(rename.statement.encode())
            return self.catalog(connection)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Where what is there is not what should be. A text that the server prints is not always the one that it prints
        when it has read that one again: texts that differ are compared once both stay as they are."""
        differences = self._without_renamed_texts(compare(self.expected, self.after, owner=MIGRATOR))
        differences = self._without_frozen_times(differences)
        texts = [
            each for each in differences if each.result is ComparisonResult.UNPROVEN and is_spelled(each.kind, each.field)
        ]
        names = {(each.kind, each.name) for each in texts}
        if not names:
            return differences
        expected = self._at_fixed_point(self.spelling.schema)
        actual = self._at_fixed_point(with_texts_of(self.spelling.schema, self.after, names))
        expected_parts = {(part.kind, part.name): part for part in expected.parts()}
        actual_parts = {(part.kind, part.name): part for part in actual.parts()}

        def reads_alike(each: Difference) -> bool:
            part = expected_parts.get((each.kind, each.name))
            other = actual_parts.get((each.kind, each.name))
            return part is not None and other is not None and getattr(part, each.field) == getattr(other, each.field)

        return tuple(each for each in differences if each not in texts or not reads_alike(each))

    def _without_renamed_texts(self, differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
        """The differences without those of texts that renames alone made: of what an earlier contract declares, and the
        migration left as it was. They were judged where they were declared."""
        chain, own = self.promise.project.chain, self.promise.migration
        so_far = chain[: chain.index(own) + 1]
        if not any(self.promise.project.shape(migration.key).renames for migration in so_far):
            return differences
        file = own.contract.path if own.contract else None
        before = {(part.kind, part.name): part for part in self.renamed_before.parts()}

        def is_unchanged(each: Difference) -> bool:
            part = before.get((each.kind, each.name))
            inherited = each.origin is not None and each.origin.file != file
            unproven = each.result is ComparisonResult.UNPROVEN and inherited and part is not None
            return unproven and display_value(getattr(part, each.field)) == each.actual

        return tuple(each for each in differences if not is_unchanged(each))

    def _without_frozen_times(self, differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
        """The differences without those of texts that differ only in the moment at which each was read: the contract says
        'now', in quotes, as the script does."""
        declared = {(part.kind, part.name): part for part in self.promise.declared.parts()}

        def is_frozen(each: Difference) -> bool:
            part = declared.get((each.kind, each.name))
            if each.result is not ComparisonResult.UNPROVEN or part is None:
                return False
            said = display_value(getattr(part, each.field))
            return bool(frozen_words(said)) and without_times(each.expected) == without_times(each.actual)

        return tuple(each for each in differences if not is_frozen(each))

    def _at_fixed_point(self, schema: Schema) -> Schema:
        """The schema read and printed by the server until it stays."""
        for _ in range(_MAX_READINGS):
            with self.sandbox.rolled_back(self.after_state) as connection:
                again = read_server_spelling(connection, schema).schema
            if again == schema:
                break
            schema = again
        return schema

    @cached_property
    def standard_views(self) -> InformationSchema:
        """What information_schema shows to the role that migrates."""
        tables = (*self.changed_parts.tables, *self.changed_parts.views, *self.promise.declared.tables)
        schemas = sorted({str(part.qualified_name.parent) for part in tables})
        with self.sandbox.rolled_back(self.after_state) as connection:
            return read_information_schema(connection, schemas or ["public"])

    def catalog(self, connection: psycopg.Connection) -> Schema:
        """The catalog as this connection's transaction sees it."""
        return self.sandbox.as_production(read_catalog(connection))

    @contextmanager
    def clone(self, state: DatabaseState) -> Iterator[psycopg.Connection]:
        """An autocommit connection to a fresh clone, for work that ends its own transactions."""
        with self.sandbox.clone(state) as name, self.sandbox.connect(name) as connection:
            yield connection

    def _require_applied(self, regime: GrantRegime) -> tuple[DatabaseState, Schema]:
        result = self.script_result(regime)
        if result.after is None or result.after_catalog is None:
            self.require_features()
            raise CouldNotAsk(f"the server refused the script: {result.refusal}")
        return result.after, result.after_catalog


@cached_state_fact
def _script_result(context: Context, regime: GrantRegime) -> ScriptResult:
    return apply_to_clone(context.promise, context.sandbox, context.start_states[regime.name])
