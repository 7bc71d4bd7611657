"""A machine's whole matrix, tried: every state as a start, every move from every state, and how a row gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgcontract.contract import Machine
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Trial
from pgcontract.probes.rows.probe_row import Specimen, Values, attempt, identifier, specimen_of


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a write that wanted a state: the row's state afterwards (None: no row), or who refused it."""

    wanted: str
    state: str | None = None
    refusal: Refusal | None = None

    @property
    def accepted(self) -> bool:
        return self.refusal is None and self.state == self.wanted

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"refused: {self.refusal}"
        return "accepted" if self.accepted else "left no row" if self.state is None else f"left it {self.state}"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """`routes` are the values of each write that brings a row to a state, the first one an INSERT; a state that no
    write reaches has none. `moves` are by (from, to), to itself included, for each state that was reached."""

    specimen: Specimen
    starts: Mapping[str, Outcome]
    moves: Mapping[tuple[str, str], Outcome]
    routes: Mapping[str, tuple[Values, ...]]

    def statements(self, route: tuple[Values, ...]) -> tuple[sql.Composed, ...]:
        """The writes of a route as SQL."""
        return (*self.specimen.first, self.specimen.insert(route[0]), *map(self.specimen.update, route[1:]))


def entry(machine: Machine, state: str) -> Values:
    """What a write sets that brings a row to the state: the state, and the columns that go with it."""
    companions = {name: sql.SQL(expression) for name, expression in machine.companions.get(state, {}).items()}
    return {machine.bare_column: sql.Literal(state), **companions}


def sweep(trial: Trial, machine: Machine) -> Sweep:
    """Every state as a start by INSERT, then every move by UPDATE, in one transaction that is undone.

    A row gets to its state by INSERT where the table lets it, else by the shortest way of moves that are accepted,
    declared ones before others.
    """
    with trial.workbench.rolled_back(trial.after_state) as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        order = [*machine.start, *(each for each in machine.states if each not in machine.start)]
        specimen = specimen_of(trial, connection, machine.table, [entry(machine, state) for state in order])
        return _Sweeper(connection, machine, specimen).run()


class _Sweeper:
    def __init__(self, connection: psycopg.Connection, machine: Machine, specimen: Specimen) -> None:
        self.connection = connection
        self.machine = machine
        self.column = machine.bare_column
        self.specimen = specimen.without(self.column)
        self.starts: dict[str, Outcome] = {}
        self.moves: dict[tuple[str, str], Outcome] = {}
        self.routes: dict[str, tuple[Values, ...]] = {}

    def run(self) -> Sweep:
        for state in self.machine.states:
            with self.connection.transaction(force_rollback=True):
                self.starts[state] = self.write(self.specimen.insert(entry(self.machine, state)), state)
            if self.starts[state].accepted:
                self.routes[state] = (entry(self.machine, state),)
        tried: set[str] = set()
        while (source := self.next_state(tried)) is not None:
            self.row(source)
            tried.add(source)
        return Sweep(specimen=self.specimen, starts=self.starts, moves=self.moves, routes=self.routes)

    def next_state(self, tried: set[str]) -> str | None:
        """A state that a row can be brought to and that was not tried, the way to it made known."""
        for state in self.machine.states:
            if state in self.routes and state not in tried:
                return state
        ways = [move for move, outcome in self.moves.items() if outcome.accepted and move[1] not in self.routes]
        if not ways:
            return None
        source, target = min(ways, key=self.strangeness)
        self.routes[target] = (*self.routes[source], entry(self.machine, target))
        return target

    def strangeness(self, move: tuple[str, str]) -> tuple[int, int]:
        rank = 0 if self.machine.allows(*move) else 1 if self.machine.leaves_open(*move) else 2
        return rank, len(self.routes[move[0]])

    def row(self, source: str) -> None:
        """Every move from a state, each from the same row."""
        with self.connection.transaction(force_rollback=True):
            for number, values in enumerate(self.routes[source]):
                self.connection.execute(self.specimen.update(values) if number else self.specimen.insert(values))
            for target in self.machine.states:
                stays = {self.column: sql.Literal(target)}
                values = stays if target == source else entry(self.machine, target)
                with self.connection.transaction(force_rollback=True):
                    self.moves[source, target] = self.write(self.specimen.update(values), target)

    def write(self, statement: sql.Composed, wanted: str) -> Outcome:
        if refusal := attempt(self.connection, statement):
            return Outcome(wanted=wanted, refusal=refusal)
        state = sql.SQL("{}::pg_catalog.text").format(identifier(self.column))
        found = self.connection.execute(self.specimen.select(state)).fetchone()
        return Outcome(wanted=wanted, state=found[0] if found else None)
