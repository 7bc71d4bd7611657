"""Executes moves on a connection, records what each did, and queries after each for what must never exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Json

from pgcontract.contract import Flow, Invariant, Step
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.acting_identity import acting_as
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.moves import History, Move, identity_of, parameter_values
from pgcontract.values import dataclass

LOG: Final = """CREATE TEMPORARY TABLE pgcontract_log (
    seq integer, step text, actor integer, event text, rows integer, sqlstate text, parameters jsonb
)"""
_INSERT_PLAYED: Final = sql.SQL("INSERT INTO pgcontract_log VALUES ({}, {}, {}, {}, {}, {}, {})")
_INVALID_SQL_CLASS: Final = "42"  # syntax errors and names that are not there; 42501 is a privilege that is missing


class InvalidStepSql(CouldNotAsk):
    """A step's SQL is invalid on this server; `step` is its name."""

    def __init__(self, flow: Flow, step: Step, why: object) -> None:
        super().__init__(f"the step {step.name} of the flow {flow.name} is rejected by the server: {why}")
        self.step = step.name


@dataclass(frozen=True, kw_only=True)
class MoveResult:
    """What a move did: `rows` that it changed or returned, or what refused it. `kept_values` are the values that later
    steps use, `types` their types' oids, `captured` their names by
    statement; `broken` the invariants that do not hold after it, by name."""

    move: Move
    parameters: Mapping[str, Any]
    rows: int = 0
    refusal: Refusal | None = None
    kept_values: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    captured: tuple[tuple[str, ...], ...] = ()
    broken: frozenset[str] = frozenset()

    @property
    def description(self) -> str:
        if self.refusal is not None:
            return f"refused, {self.refusal.sqlstate}"
        return describe_row_count(self.rows)


class ScenarioRunner:
    """Runs histories in the open transaction of a connection, each independent of the others.

    The prefix that a history shares with the one before it is not executed again: sort them.
    """

    def __init__(self, connection: psycopg.Connection, flow: Flow, invariants: Iterable[Invariant] = ()) -> None:
        self.connection = connection
        self.flow = flow
        self.invariants = tuple(invariants)
        self._executed: list[MoveResult] = []
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a deferred one is checked at COMMIT, which never comes
        connection.execute(LOG)
        # Prepared, because to plan it costs more than to run it. No transaction takes that back.
        if connection.execute("SELECT FROM pg_prepared_statements WHERE name = 'pgcontract_never'").rowcount:
            connection.execute("DEALLOCATE pgcontract_never")
        connection.execute(sql.SQL("PREPARE pgcontract_never AS {}").format(violations_query(self.invariants)))
        connection.execute("SAVEPOINT played_0")

    def run(self, history: History) -> tuple[MoveResult, ...]:
        """What each move did. InvalidStepSql where a step's SQL is invalid on this server."""
        common = 0
        while common < min(len(history), len(self._executed)) and history[common] == self._executed[common].move:
            common += 1
        del self._executed[common:]
        self.undo_to_last_move()
        for move in history[common:]:
            step = self.flow.step(move.step)
            outcome = execute_move(self.connection, step, move, self._parameters(move))
            if outcome.refusal is not None:
                self.undo_to_last_move()
                raise_if_invalid_sql(self.flow, step, outcome.refusal)
            self._executed.append(self._with_broken_invariants(outcome))
        return tuple(self._executed)

    def undo_to_last_move(self) -> None:
        """Rolls back to the savepoint of the last move, which also clears an error."""
        self.connection.execute(f"ROLLBACK TO played_{len(self._executed)}")

    def _parameters(self, move: Move) -> Mapping[str, Any]:
        """The move's values: an event that is delivered again says what it said before, whatever has happened since."""
        own = [outcome for outcome in self._executed if outcome.move.actor == move.actor]
        for outcome in own:
            if move.event and outcome.move == move:
                return outcome.parameters
        begins = self.flow.steps[0].name
        lives = sum(outcome.move.step == begins and outcome.rows > 0 for outcome in own) + (move.step == begins)
        kept_values = {name: value for outcome in own for name, value in outcome.kept_values.items()}
        return {**parameter_values(self.flow, move, life=max(lives, 1)), **kept_values}

    def _with_broken_invariants(self, outcome: MoveResult) -> MoveResult:
        """The outcome with the invariants it broke; recorded, queried and savepoint set in one round trip."""
        seq = len(self._executed) + 1
        mark = sql.Identifier(f"played_{seq}")
        words = sql.SQL("{}; EXECUTE pgcontract_never; SAVEPOINT {}").format(record_move(seq, outcome), mark)
        with self.connection.execute(words) as cursor:
            cursor.nextset()
            return with_broken_invariants(outcome, self.invariants, cursor)


def execute_move(connection: psycopg.Connection, step: Step, move: Move, parameters: Mapping[str, Any]) -> MoveResult:
    """Executes the move and returns its result or refusal; the caller rolls back."""
    sent = {name: as_text(value) for name, value in parameters.items()}
    try:
        with acting_as(connection, identity_of(step, parameters)):
            rows, given, kept_values, types = 0, set[str](), dict[str, Any](), dict[str, int]()
            captured: list[tuple[str, ...]] = []
            for statement in step.statements:
                with connection.execute(statement.encode(), sent) as cursor:
                    values = _captured(step, cursor)
                    captured.append(tuple(values))
                    for name, (value, oid) in values.items():
                        kept_values[name], types[name], sent[name] = value, oid, as_text(value)
                    given.update(column.name for column in cursor.description or ())
                    rows = max(cursor.rowcount, 0)
            if missing := [name for name in step.captures if name not in given]:
                raise CouldNotAsk(f"the step {step.name} captures {missing[0]}, which its SQL does not return")
        return MoveResult(
            move=move,
            parameters=parameters,
            rows=rows,
            kept_values=kept_values,
            types=types,
            captured=tuple(captured),
        )
    except psycopg.Error as error:
        return MoveResult(move=move, parameters=parameters, refusal=read_refusal(error))


def _captured(step: Step, cursor: psycopg.Cursor[Any]) -> dict[str, tuple[Any, int]]:
    """What a statement of the step gives of the columns that the step captures, and their types' oids."""
    columns = {column.name: (at, column.type_code) for at, column in enumerate(cursor.description or ())}
    names = [name for name in step.captures if name in columns]
    row = cursor.fetchone() if names else None
    return {name: (row[columns[name][0]], columns[name][1]) for name in names} if row is not None else {}


def describe_row_count(count: int) -> str:
    """`no rows`, `1 row`, `2 rows`."""
    return "1 row" if count == 1 else f"{count or 'no'} rows"


def raise_if_invalid_sql(flow: Flow, step: Step, refusal: Refusal) -> None:
    """Raises InvalidStepSql where the refusal is about the step's SQL itself, not about what it would do."""
    if refusal.sqlstate.startswith(_INVALID_SQL_CLASS) and refusal.sqlstate != "42501":
        raise InvalidStepSql(flow, step, refusal)


def record_move(seq: int, outcome: MoveResult) -> sql.Composed:
    """The INSERT into pgcontract_log."""
    move, refusal = outcome.move, outcome.refusal
    parameters = Json(
        {name: _as_json_value(value) for name, value in (*outcome.parameters.items(), *outcome.kept_values.items())}
    )
    row = (seq, move.step, move.actor, move.event_id, outcome.rows, refusal and refusal.sqlstate, parameters)
    return _INSERT_PLAYED.format(*map(sql.Literal, row))


def _as_json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)


def violations_query(invariants: Iterable[Invariant]) -> sql.Composed:
    """One query with a column for each invariant: whether rows exist that must never exist."""
    conditions = [exists_expression(invariant.violations) for invariant in invariants]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(conditions))


def exists_expression(query: str) -> sql.Composed:
    return sql.SQL("EXISTS (\n{}\n)").format(sql.SQL(query.strip().removesuffix(";")))


def with_broken_invariants(
    outcome: MoveResult, invariants: Iterable[Invariant], cursor: psycopg.Cursor[Any]
) -> MoveResult:
    """The outcome with the invariants that the answer of `violations_query` shows broken."""
    answers = cursor.fetchone() or ()
    broken = frozenset(invariant.name for invariant, answer in zip(invariants, answers, strict=True) if answer)
    return MoveResult(**{**outcome.__dict__, "broken": broken})
