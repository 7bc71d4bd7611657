"""Plays moves on a connection, writes down what each did, and asks after each what must never be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Json

from pgcontract.contract import Flow, Invariant, Step
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import CouldNotAsk
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.moves import History, Move, values_for

PLAYED: Final = """CREATE TEMPORARY TABLE pgcontract_played (
    seq integer, step text, actor integer, event text, rows integer, sqlstate text, parameters jsonb
)"""
_WRITE_DOWN: Final = sql.SQL("INSERT INTO pgcontract_played VALUES ({}, {}, {}, {}, {}, {}, {})")
_MISTAKES_OF_SQL: Final = "42"  # syntax errors and names that are not there; 42501 is a privilege that is missing


class NoSuchSql(CouldNotAsk):
    """The words of a step are none that the server takes; `step` is its name."""

    def __init__(self, flow: Flow, step: Step, why: object) -> None:
        super().__init__(f"the step {step.name} of the flow {flow.name} is no SQL that the server takes: {why}")
        self.step = step.name


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a move did: `rows` that it changed or gave, or who refused it. `kept` are the values that later steps have,
    `types` their types' oids; `broken` the invariants that do not hold after it, by name."""

    move: Move
    parameters: Mapping[str, Any]
    rows: int = 0
    refusal: Refusal | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()

    @property
    def told(self) -> str:
        if self.refusal is not None:
            return f"refused, {self.refusal.sqlstate}"
        return tell_rows(self.rows)


class Player:
    """Plays histories in the open transaction of a connection, each as if no other had been.

    What a history has in common with the one before it stands and is not played again: sort them.
    """

    def __init__(self, connection: psycopg.Connection, flow: Flow, invariants: Iterable[Invariant] = ()) -> None:
        self.connection = connection
        self.flow = flow
        self.invariants = tuple(invariants)
        self._standing: list[Outcome] = []
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a deferred one speaks at COMMIT, which never comes
        connection.execute(PLAYED)
        # Prepared, because to plan it costs more than to run it. No transaction takes that back.
        if connection.execute("SELECT FROM pg_prepared_statements WHERE name = 'pgcontract_never'").rowcount:
            connection.execute("DEALLOCATE pgcontract_never")
        connection.execute(sql.SQL("PREPARE pgcontract_never AS {}").format(never_held(self.invariants)))
        connection.execute("SAVEPOINT played_0")

    def play(self, history: History) -> tuple[Outcome, ...]:
        """What each move did. NoSuchSql where the server does not take a step's words."""
        common = 0
        while common < min(len(history), len(self._standing)) and history[common] == self._standing[common].move:
            common += 1
        del self._standing[common:]
        self.undo()
        for move in history[common:]:
            step = self.flow.step(move.step)
            outcome = perform(self.connection, step, move, self._parameters(move))
            if outcome.refusal is not None:
                self.undo()
                refuse_mistakes(self.flow, step, outcome.refusal)
            self._standing.append(self._judged(outcome))
        return tuple(self._standing)

    def undo(self) -> None:
        """Takes back what was done since the last move, and an error that came of it."""
        self.connection.execute(f"ROLLBACK TO played_{len(self._standing)}")

    def _parameters(self, move: Move) -> Mapping[str, Any]:
        """The move's values: an event that is delivered again says what it said before, whatever has happened since."""
        own = [each for each in self._standing if each.move.actor == move.actor]
        for each in own:
            if move.event and each.move == move:
                return each.parameters
        begins = self.flow.steps[0].name
        lives = sum(each.move.step == begins and each.rows > 0 for each in own) + (move.step == begins)
        kept = {name: value for each in own for name, value in each.kept.items()}
        return {**values_for(self.flow, move, life=max(lives, 1)), **kept}

    def _judged(self, outcome: Outcome) -> Outcome:
        """The outcome with what it broke; written down, asked and marked in one round trip."""
        seq = len(self._standing) + 1
        mark = sql.Identifier(f"played_{seq}")
        words = sql.SQL("{}; EXECUTE pgcontract_never; SAVEPOINT {}").format(written_down(seq, outcome), mark)
        with self.connection.execute(words) as cursor:
            cursor.nextset()
            return judged(outcome, self.invariants, cursor)


def perform(connection: psycopg.Connection, step: Step, move: Move, parameters: Mapping[str, Any]) -> Outcome:
    """The move played, whatever comes of it; what it left open is the caller's to undo."""
    sent = {name: as_text(value) for name, value in parameters.items()}
    try:
        with connection.execute(step.sql.encode(), sent) as cursor:
            kept, types = _kept(step, cursor)
            rows = max(cursor.rowcount, 0)
            if cursor.nextset():
                raise CouldNotAsk(f"the step {step.name} is several statements; make each a step of its own")
            return Outcome(move=move, parameters=parameters, rows=rows, kept=kept, types=types)
    except psycopg.Error as error:
        return Outcome(move=move, parameters=parameters, refusal=refusal_of(error))


def _kept(step: Step, cursor: psycopg.Cursor[Any]) -> tuple[dict[str, Any], dict[str, int]]:
    if not step.keeps:
        return {}, {}
    columns = {each.name: (at, each.type_code) for at, each in enumerate(cursor.description or ())}
    missing = [name for name in step.keeps if name not in columns]
    if missing:
        raise CouldNotAsk(f"the step {step.name} keeps {missing[0]}, which its SQL does not return")
    row = cursor.fetchone()
    if row is None:
        return {}, {}
    return {name: row[columns[name][0]] for name in step.keeps}, {name: columns[name][1] for name in step.keeps}


def tell_rows(count: int) -> str:
    """`no rows`, `1 row`, `2 rows`."""
    return "1 row" if count == 1 else f"{count or 'no'} rows"


def refuse_mistakes(flow: Flow, step: Step, refusal: Refusal) -> None:
    """NoSuchSql where the refusal is about the words of the step, not about what it would do."""
    if refusal.sqlstate.startswith(_MISTAKES_OF_SQL) and refusal.sqlstate != "42501":
        raise NoSuchSql(flow, step, refusal)


def written_down(seq: int, outcome: Outcome) -> sql.Composed:
    """The INSERT into pgcontract_played."""
    move, refusal = outcome.move, outcome.refusal
    parameters = Json({name: _plain(value) for name, value in (*outcome.parameters.items(), *outcome.kept.items())})
    row = (seq, move.step, move.actor, move.event_id, outcome.rows, refusal and refusal.sqlstate, parameters)
    return _WRITE_DOWN.format(*map(sql.Literal, row))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)


def never_held(invariants: Iterable[Invariant]) -> sql.Composed:
    """One query with a column for each invariant: whether there is what must never be there."""
    asked = [exists(each.never) for each in invariants]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(asked))


def exists(query: str) -> sql.Composed:
    return sql.SQL("EXISTS (\n{}\n)").format(sql.SQL(query.strip().removesuffix(";")))


def judged(outcome: Outcome, invariants: Iterable[Invariant], cursor: psycopg.Cursor[Any]) -> Outcome:
    """The outcome with the invariants that the answer of `never_held` shows broken."""
    answers = cursor.fetchone() or ()
    broken = frozenset(each.name for each, there in zip(invariants, answers, strict=True) if there)
    return Outcome(**{**outcome.__dict__, "broken": broken})
