"""The chain applied in its order, each file as its tool would, going on after a failure.

A migration that somebody judges has states of its own, to be cloned; the others are applied one after another in one
database, which costs no more than the statements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import psycopg

from pgcontract.contract import IssueKind, Migration
from pgcontract.errors import CouldNotAsk
from pgcontract.model.sql import Script, TransactionScope, Uncommitted, last_uncommitted
from pgcontract.postgres.missing_features import find_missing_feature
from pgcontract.postgres.platform import GrantRegime
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import (
    Refusal,
    apply_as_production,
    apply_statement,
    as_runner,
    locate_refusal,
)
from pgcontract.postgres.stand_ins import PREINSTALLED, STAND_INS
from pgcontract.probes.context import Context
from pgcontract.probes.failure import Failure, FailureKind
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.population import CarriedRows, Population
from pgcontract.runner.plan import Plan
from pgcontract.runner.triage import Salvage, Triage
from pgcontract.values import dataclass

# What the cluster holds for all databases, or takes effect in the next session only.
_SESSION_WIDE: Final = re.compile(
    r"\b(?:ROLE|USER|GROUP|DATABASE)\b|\b(?:GRANT|REVOKE)\b(?:(?!\bON\b)[^;])+\b(?:TO|FROM)\b", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class AppliedChain:
    """What a server holds of the migrations before the first that is judged: a database for each regime, and the one
    with rows."""

    databases: Mapping[str, str]
    rows: CarriedRows


def applied_length(plan: Plan) -> int:
    """How many migrations come before the first of which more is asked than to be applied."""
    return next(number for number, migration in enumerate(plan.project.chain) if plan.has_states(migration))


class Replay:
    """Applies the chain of a plan on a sandbox, as far as it is asked for. Use as a context manager."""

    def __init__(self, plan: Plan, sandbox: Sandbox, applied: AppliedChain | None = None) -> None:
        """With what is `applied` already on the sandbox's server, the chain goes on from there."""
        self._plan = plan
        self._sandbox = sandbox
        placeholders = [issue.subject for issue in plan.project.issues if issue.kind is IssueKind.PLACEHOLDER]
        self._triage = Triage(
            plan.project.chain,
            platform_owns=sandbox.platform.owned_names,
            platform_names=self._platform_names,
            extensions=PREINSTALLED if plan.project.platform == "supabase" else (),
            placeholders=placeholders,
            unordered=[issue.key for issue in plan.project.issues if issue.leaves_open and issue.key],
        )
        self._contexts: dict[str, Context] = {}
        self._applied = 0
        self._states: Mapping[str, DatabaseState] = {
            regime.name: sandbox.platform_state(regime) for regime in sandbox.platform.regimes
        }
        self._deployed: Mapping[str, DatabaseState] = {}
        self._stretch: dict[str, psycopg.Connection] = {}
        self._own_databases: set[str] = set()  # of states that no context holds: they are used on, not cloned
        self._salvage: psycopg.Connection | None = None
        self._stack = ExitStack()
        self._population = Population(
            sandbox,
            plan.promises,
            judged=[migration for migration in plan.project.chain if plan.is_judged(migration)],
            with_states={migration.key for migration in plan.project.chain if plan.has_states(migration)},
            over_rows={migration.key for migration in plan.project.chain if plan.is_judged_whole(migration)},
            run_over=self._run_over_rows,
        )
        self._stack.callback(self._population.close)
        if applied is not None:
            self._go_on(applied)

    def _platform_names(self, schema: str) -> Sequence[str]:
        """The tables, views and functions that were in it before the first migration, an extension's among them."""
        catalog = self._sandbox.starting_catalog
        parts = [part.qualified_name for part in (*catalog.tables, *catalog.views)]
        names = [part.name for part in parts if part.schema == schema]
        names += [one.bare_name for one in catalog.functions if one.name.startswith(f"{schema}.")]
        if schema == "extensions":
            names += [name for one in STAND_INS if one.name in PREINSTALLED for name in one.functions]
        return names

    def close(self) -> None:
        """Close the connections that are kept between two migrations."""
        self._stack.close()

    def context(self, key: str) -> Context:
        """The context of the migration, those before it applied; its `failure` says why it was not applied itself."""
        chain = self._plan.project.chain
        while key not in self._contexts:
            self._apply(chain[self._applied])
            self._applied += 1
        return self._contexts[key]

    def carry(self, migrations: Sequence[Migration]) -> AppliedChain:
        """The chain up to the last of these, the first of which nothing is judged; CouldNotAsk where one of them fails,
        or makes roles, which no database keeps."""
        roles = [state.cluster_roles for state in self._states.values()]
        self.context(migrations[-1].key)
        for regime in tuple(self._stretch):
            self._end_stretch(regime)
        if self.failed or roles != [state.cluster_roles for state in self._states.values()]:
            raise CouldNotAsk("what a migration came to is not kept where it failed, or made roles")
        following = self._plan.project.chain[len(migrations)]
        return AppliedChain(
            databases={regime: state.database for regime, state in self._states.items()},
            rows=self._population.carried_to(following.key),
        )

    def _go_on(self, applied: AppliedChain) -> None:
        chain = self._plan.project.chain
        self._applied = applied_length(self._plan)
        for migration in chain[: self._applied]:
            context = Context(self._plan.promises[migration.key], self._sandbox, {})
            context.replayed = True
            self._contexts[migration.key] = context
        self._states = {regime: self._sandbox.read_state(name) for regime, name in applied.databases.items()}
        if self._population.is_of(applied.rows):
            self._population.go_on(applied.rows, chain[self._applied].key)

    @property
    def failed(self) -> frozenset[str]:
        """The keys of the migrations that could not be applied, as far as the chain was."""
        return frozenset(key for key, context in self._contexts.items() if context.failure is not None)

    def reached(self, key: str) -> Context | None:
        """Its context, if the chain was applied so far."""
        return self._contexts.get(key)

    def _apply(self, migration: Migration) -> None:
        if self._plan.has_states(migration):
            self._judge(migration)
        else:
            self._replay(migration)

    def _judge(self, migration: Migration) -> None:
        """A state is made before it and after it."""
        for regime in tuple(self._stretch):
            self._end_stretch(regime)
        self._own_databases.clear()
        context = Context(self._plan.promises[migration.key], self._sandbox, self._states)
        context.population = self._population
        self._contexts[migration.key] = context
        if context.promise.is_pending:
            # What production has between two that are pending, a deploy finds there as well.
            if not self._follows_pending(migration):
                self._deployed = self._states
            context.deployed_states = self._deployed
            pending = self._plan.project.pending
            before = pending[: pending.index(migration)] if migration in pending else ()
            context.earlier = self._contexts.get(before[-1].key) if before else None
        context.failure = self._failure(migration, context)
        if migration is not self._plan.head:
            self._states = context.next_states()

    def _follows_pending(self, migration: Migration) -> bool:
        chain = self._plan.project.chain
        number = chain.index(migration)
        return number > 0 and chain[number - 1] in self._plan.project.pending

    def _run_over_rows(self, key: str) -> DatabaseState | None:
        """The state after a pending migration over rows, to go on with; None where it is to be applied as it is."""
        context = self.context(key)
        if context.failure is not None:
            return None
        try:
            return run_over_rows(context).after
        except CouldNotAsk:
            return None

    def _failure(self, migration: Migration, context: Context) -> Failure | None:
        try:
            result = context.script_result()
        except CouldNotAsk as error:
            return self._triage.note(_not_asked(migration, error))
        if result.refusal is None:
            if self._salvage is not None:
                self._salvaged(migration)
            return None
        salvage = self._salvaged(migration, before=result.before)
        return self._triage.judge(migration, result.refusal, salvage, result.missing_feature)

    def _replay(self, migration: Migration) -> None:
        context = Context(self._plan.promises[migration.key], self._sandbox, {})
        context.replayed = True
        self._contexts[migration.key] = context
        script = migration.up
        refusals: list[Refusal] = []
        try:
            self._sandbox.require_testable(script.text)
            for regime in self._sandbox.platform.regimes:
                connection = self._connection(regime)
                if self._roles_differ:
                    self._sandbox.restore_roles(self._states[regime.name])
                if refusal := apply_as_production(connection, script):
                    refusals.append(refusal)
                _clear_session(connection)
                if _SESSION_WIDE.search(script.text):
                    self._end_stretch(regime.name)
        except CouldNotAsk as error:
            context.failure = self._triage.note(_not_asked(migration, error))
            return
        if refusals:
            context.failure = self._judge_refusal(migration, refusals[0])
        elif (uncommitted := last_uncommitted(script)) and _stays_open(script, uncommitted):
            context.failure = self._triage.note(_never_committed(migration, uncommitted))
        elif self._salvage is not None:
            self._salvaged(migration)

    def _judge_refusal(self, migration: Migration, refusal: Refusal) -> Failure:
        """Where it is, and whether this server could have run it, is asked of a copy."""
        for regime in tuple(self._stretch):
            self._end_stretch(regime)
        state = next(iter(self._states.values()))
        missing_feature = None
        if not refusal.is_timeout:
            with self._sandbox.clone(state) as name, self._sandbox.connect(name) as connection:
                refusal = locate_refusal(connection, migration.up, refusal)
                missing_feature = find_missing_feature(
                    connection,
                    refusal,
                    migration.up,
                    spec=self._sandbox.server.provider,
                    production=self._plan.project.postgres,
                    platform=self._plan.project.platform,
                )
        return self._triage.judge(migration, refusal, self._salvaged(migration, before=state), missing_feature)

    def _connection(self, regime: GrantRegime) -> psycopg.Connection:
        """The stretch's connection to its database under that regime."""
        connection = self._stretch.get(regime.name)
        if connection is None or connection.closed:
            state = self._states[regime.name]
            if state.database in self._own_databases:
                self._sandbox.restore_roles(state)
                connection = self._stack.enter_context(self._sandbox.connect(state.database))
            else:
                with self._sandbox.clone(state, keep=True) as name:
                    connection = self._stack.enter_context(self._sandbox.connect(name))
            self._stretch[regime.name] = connection
        return connection

    @property
    def _roles_differ(self) -> bool:
        """Whether the chain has made roles, which each regime's database has of its own."""
        first, *others = (state.cluster_roles for state in self._states.values())
        return any(roles != first for roles in others)

    def _end_stretch(self, regime: str) -> None:
        """What the stretch came to is the state that the next migration starts from."""
        if (connection := self._stretch.pop(regime, None)) is not None:
            database = connection.info.dbname
            connection.close()
            self._own_databases.add(database)
            self._states = {**self._states, regime: self._sandbox.read_state(database)}

    def _salvaged(self, migration: Migration, *, before: DatabaseState | None = None) -> Salvage:
        """The script where everything that can be applied is: as a whole, else statement by statement."""
        if self._salvage is None or self._salvage.closed:
            if before is None:
                return Salvage(refusal=None)
            with self._sandbox.clone(before, keep=True) as name:
                self._salvage = self._stack.enter_context(self._sandbox.connect(name))
        connection, script = self._salvage, migration.up
        refused = []
        try:
            refusal = apply_as_production(connection, script)
            _clear_session(connection)
            if refusal is None:
                return Salvage(refusal=None)
            if refusal.is_timeout or not script.parsed:  # one by one they would not end either, or cannot be told apart
                return Salvage(refusal=refusal, refused=_texts(script))
            with as_runner(connection, script):
                for statement in script.statements:
                    if not statement.is_transaction_control and apply_statement(connection, statement, script):
                        refused.append(statement.text)
            _clear_session(connection)
        except CouldNotAsk:
            return Salvage(refusal=None)
        return Salvage(refusal=refusal, refused=tuple(refused))


def _texts(script: Script) -> tuple[str, ...]:
    return tuple(statement.text for statement in script.statements) if script.parsed else (script.text,)


def _clear_session(connection: psycopg.Connection) -> None:
    """Of what the script may have left open, or set, nothing is there for the next one."""
    if not connection.closed:
        connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")


def _stays_open(script: Script, uncommitted: Uncommitted) -> bool:
    """Whether what the script began is undone when its tool hangs up."""
    return uncommitted.rolled_back is None and script.execution.transaction is TransactionScope.MESSAGE


def _never_committed(migration: Migration, uncommitted: Uncommitted) -> Failure:
    line = uncommitted.begun.line
    return Failure(
        key=migration.key,
        kind=FailureKind.OWN,
        summary=f"The transaction that the script begins at line {line} is never committed, so the rest is undone.",
        remedy="Write COMMIT; behind the last statement, or leave BEGIN out.",
        line=line,
    )


def _not_asked(migration: Migration, error: CouldNotAsk) -> Failure:
    words = str(error)
    return Failure(
        key=migration.key,
        kind=FailureKind.SERVER,
        summary=f"{words[0].upper()}{words[1:].removesuffix('.')}.",
        remedy="Run it on a server of its own: --pg auto.",
    )
