"""A state machine's whole matrix: every state as a start, every move from every state, and how a row gets there; one of
each place where other rules apply."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import StateMachine
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.rows.places import Places
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow, attempt, find_probe_row
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class TransitionResult:
    """The result of a write to the `target` state: the row's state afterwards (None: no row), or what refused it."""

    target: str
    state: str | None = None
    refusal: Refusal | None = None

    @property
    def accepted(self) -> bool:
        return self.refusal is None and self.state == self.target

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"rejected: {self.refusal}"
        return (
            "accepted"
            if self.accepted
            else "no error, and no row"
            if self.state is None
            else f"no error, but the row is {self.state}"
        )


@dataclass(frozen=True, kw_only=True)
class StateMatrix:
    """`routes` are the values of each write that brings a row to a state, the first one an INSERT; a state that no
    write reaches has none. `moves` are by (from, to), to itself included, for each state that was reached. A `target`
    that the partition key leads to `is_led`: its rows must be taken, as the table's must."""

    target: WriteTarget
    is_led: bool
    probe_row: ProbeRow
    starts: Mapping[str, TransitionResult]
    transitions: Mapping[tuple[str, str], TransitionResult]
    routes: Mapping[str, tuple[ColumnValues, ...]]

    def statements(self, route: tuple[ColumnValues, ...]) -> tuple[sql.Composed, ...]:
        """The writes of a route as SQL."""
        return (*self.probe_row.prerequisites, self.probe_row.insert(route[0]), *map(self.probe_row.update, route[1:]))


@dataclass(frozen=True, kw_only=True)
class StateMatrices:
    """The matrix of each place, the table's own first; `obstacles`: the places without one, and why; `closed`: those
    whose own rules refuse every row."""

    matrices: tuple[StateMatrix, ...]
    obstacles: tuple[tuple[WriteTarget, str], ...]
    closed: tuple[tuple[WriteTarget, str], ...]


def values_for_state(state_machine: StateMachine, state: str) -> ColumnValues:
    """The values that a write sets to reach the state: the state, and the columns that go with it."""
    return {state_machine.bare_column: sql.Literal(state), **companion_values(state_machine, state)}


def companion_values(state_machine: StateMachine, state: str) -> ColumnValues:
    """The values of the other columns that a row in the state must have."""
    return {name: sql.SQL(expression) for name, expression in state_machine.set_columns.get(state, {}).items()}


def probe_state_matrix(context: Context, state_machine: StateMachine) -> StateMatrix:
    """The matrix of the table itself, or of the first place that rows can be written to."""
    return probe_state_matrices(context, state_machine).matrices[0]


@cached_fact
def probe_state_matrices(context: Context, state_machine: StateMachine) -> StateMatrices:
    """Every state as a start by INSERT, then every move by UPDATE, in one transaction that is undone: for each target.

    A row gets to its state by INSERT where the table lets it, else by the shortest way of moves that are accepted,
    declared ones before others. CouldNotAsk where no row can be written anywhere.
    """
    with context.sandbox.rolled_back(context.after_state) as connection:
        places = Places(
            context,
            connection,
            state_machine.table,
            {state_machine.bare_column}.union(*state_machine.set_columns.values()),
            lambda target: _probe_target(context, connection, state_machine, target),
        )
        matrices = tuple(places)
        return StateMatrices(matrices=matrices, obstacles=tuple(places.obstacles), closed=tuple(places.closed))


def _probe_target(
    context: Context, connection: psycopg.Connection, state_machine: StateMachine, target: WriteTarget
) -> StateMatrix:
    states = dict.fromkeys((*state_machine.initial, *state_machine.states))
    is_generated = any(column.generated for column in context.after.columns if column.name == state_machine.column)
    variants = [companion_values(state_machine, state) for state in states] if is_generated else []
    probe_row = find_probe_row(
        context,
        connection,
        state_machine.table,
        variants or [values_for_state(state_machine, state) for state in states],
        target=target,
    )
    return _MatrixProbe(connection, state_machine, probe_row, target, is_generated=is_generated).run()


class _MatrixProbe:
    def __init__(
        self,
        connection: psycopg.Connection,
        state_machine: StateMachine,
        probe_row: ProbeRow,
        target: WriteTarget,
        *,
        is_generated: bool,
    ) -> None:
        self.connection = connection
        self.target = target
        self.is_generated = is_generated
        self.state_machine = state_machine
        self.column = state_machine.bare_column
        self.probe_row = probe_row.without(self.column)
        self.starts: dict[str, TransitionResult] = {}
        self.transitions: dict[tuple[str, str], TransitionResult] = {}
        self.routes: dict[str, tuple[ColumnValues, ...]] = {}

    def run(self) -> StateMatrix:
        for state in self.state_machine.states:
            with self.connection.transaction(force_rollback=True):
                self.starts[state] = self.write(self.probe_row.insert(self.values(state)), state)
            if self.starts[state].accepted:
                self.routes[state] = (self.values(state),)
        tried: set[str] = set()
        while (source := self.next_state(tried)) is not None:
            self.try_transitions(source)
            tried.add(source)
        return StateMatrix(
            target=self.target,
            is_led=self.target.table == self.state_machine.table and self.target.inserts_into is None,
            probe_row=self.probe_row,
            starts=self.starts,
            transitions=self.transitions,
            routes=self.routes,
        )

    def values(self, state: str) -> ColumnValues:
        """What a write sets to reach the state; a generated column is not written, but follows from others."""
        write = companion_values if self.is_generated else values_for_state
        return write(self.state_machine, state)

    def next_state(self, tried: set[str]) -> str | None:
        """A reachable state that was not tried yet; its route is added to `routes`."""
        for state in self.state_machine.states:
            if state in self.routes and state not in tried:
                return state
        ways = [
            transition
            for transition, outcome in self.transitions.items()
            if outcome.accepted and transition[1] not in self.routes
        ]
        if not ways:
            return None
        source, target = min(ways, key=self.route_priority)
        self.routes[target] = (*self.routes[source], self.values(target))
        return target

    def route_priority(self, transition: tuple[str, str]) -> tuple[int, int]:
        rank = 0 if self.state_machine.allows(*transition) else 1 if self.state_machine.leaves_open(*transition) else 2
        return rank, len(self.routes[transition[0]])

    def try_transitions(self, source: str) -> None:
        """Every move from a state, each from the same row."""
        with self.connection.transaction(force_rollback=True):
            for number, values in enumerate(self.routes[source]):
                self.connection.execute(self.probe_row.update(values) if number else self.probe_row.insert(values))
            for target in self.state_machine.states:
                stays = {} if self.is_generated else {self.column: sql.Literal(target)}
                values = stays if target == source else self.values(target)
                if not values:
                    continue  # nothing is written that could lead there
                with self.connection.transaction(force_rollback=True):
                    self.transitions[source, target] = self.write(self.probe_row.update(values), target)

    def write(self, statement: sql.Composed, target: str) -> TransitionResult:
        if refusal := attempt(self.connection, statement):
            return TransitionResult(target=target, refusal=refusal)
        state = sql.SQL("{}::pg_catalog.text").format(identifier(self.column))
        record = self.connection.execute(self.probe_row.select(state)).fetchone()
        return TransitionResult(target=target, state=record[0] if record else None)
