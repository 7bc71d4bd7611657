"""A race: every session plays each step of its transaction before any plays the next, and then commits in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import LEVELS, Level, Race
from pgcontract.contract.races import RaceStep
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.scenarios.parallel_sessions import Session, several, wait_for_any
from pgcontract.probes.scenarios.player import exists

_RETRYABLE: Final = ("40001", "40P01")  # serialization_failure, deadlock_detected
_PLAYED: Final = """CREATE TEMPORARY TABLE pgcontract_played (
    session integer, committed boolean, tries integer, rows integer, sqlstate text
)"""


@dataclass(kw_only=True)
class Runner:
    """One session's way through its transaction; `at` is the next step, `rows` what its writes changed."""

    session: Session
    level: Level
    steps: tuple[RaceStep, ...]
    at: int = 0
    tries: int = 1
    rows: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    committed: bool = False
    waited: bool = False

    @property
    def over(self) -> bool:
        return self.committed or self.refusal is not None

    def begin(self) -> None:
        self.at, self.rows, self.refusal = 0, 0, None
        self.values = {"session": self.session.number}
        self.session.connection.execute(sql.SQL("BEGIN ISOLATION LEVEL {}").format(sql.SQL(self.level.upper())))

    def send(self) -> None:
        """Begins the next step, or COMMIT after the last."""
        self.session.begin(self._commit if self.at >= len(self.steps) else partial(self._step, self.steps[self.at]))

    def receive(self) -> None:
        """Takes what became of it; a refusal ends the transaction."""
        try:
            self.session.result()
        except psycopg.Error as error:
            self.refusal = refusal_of(error)
            self.rows = 0
            self.session.connection.execute("ROLLBACK")

    def _step(self, step: RaceStep, connection: psycopg.Connection) -> None:
        self.at += 1
        with connection.execute(step.sql.encode(), self.values) as cursor:
            found = cursor.fetchone() if cursor.description else None
            columns = [each.name for each in cursor.description or ()]
            if found is not None:
                self.values |= {name: found[columns.index(name)] for name in step.keeps}
            if cursor.statusmessage and not cursor.statusmessage.startswith("SELECT"):
                self.rows += max(cursor.rowcount, 0)
            elif found is None:
                self.at = len(self.steps)

    def _commit(self, connection: psycopg.Connection) -> None:
        connection.execute("COMMIT")
        self.committed = True


@dataclass(frozen=True, kw_only=True)
class Result:
    """One level's outcome. `changed` sums the rows that committed sessions changed, `refused` counts the sessions that
    ended refused, by SQLSTATE; `again` is how often a session began anew."""

    level: Level
    retries: int
    holds: bool
    committed: int
    changed: int
    waited: int
    again: int
    refused: tuple[str, ...]


def run_races(trial: Trial, races: Sequence[Race]) -> Iterator[tuple[Race, tuple[Result, ...] | CouldNotAsk]]:
    """Each race at each level, without and with new tries, each time on what its setup makes of an empty table."""
    bench = trial.workbench
    most = max(race.sessions for race in races)
    with bench.clone(trial.after_state) as database, several(bench, database, most) as (sessions, observer):
        observer.execute(_PLAYED)
        for race in races:
            try:
                yield race, tuple(_results(race, sessions[: race.sessions], observer))
            except CouldNotAsk as error:
                yield race, error


def _results(race: Race, sessions: list[Session], observer: psycopg.Connection) -> Iterator[Result]:
    for level in LEVELS:
        for retries in dict.fromkeys((0, race.retries)):
            yield _run(race, level, retries, sessions, observer)


def _run(race: Race, level: Level, retries: int, sessions: list[Session], observer: psycopg.Connection) -> Result:
    observer.execute(sql.SQL("DELETE FROM {}; DELETE FROM pgcontract_played").format(sql.SQL(race.table)))
    for number, statement in enumerate(race.setup, 1):
        _or_mistake(f"statement {number} of its setup", partial(observer.execute, statement.encode()))
    runners = [
        Runner(
            session=session,
            level=level,
            steps=tuple(step for step in race.steps if step.only in (None, session.number)),
        )
        for session in sessions
    ]
    _side_by_side(runners, observer)
    for runner in runners:
        while runner.refusal is not None and runner.refusal.sqlstate in _RETRYABLE and runner.tries <= retries:
            runner.tries += 1
            _side_by_side([runner], observer)
    for runner in runners:
        if runner.refusal is not None and runner.refusal.sqlstate.startswith("42"):
            raise CouldNotAsk(f"step {runner.at} is no SQL that works here: {runner.refusal}")
        row = (runner.session.number, runner.committed, runner.tries, runner.rows)
        observer.execute(
            "INSERT INTO pgcontract_played VALUES (%s, %s, %s, %s, %s)",
            (*row, runner.refusal.sqlstate if runner.refusal else None),
        )
    asked = sql.SQL("SELECT {}").format(exists(race.never))
    found = _or_mistake("its `never`", lambda: observer.execute(asked).fetchone())
    return Result(
        level=level,
        retries=retries,
        holds=not (found and found[0]),
        committed=sum(each.committed for each in runners),
        changed=sum(each.rows for each in runners if each.committed),
        waited=sum(each.waited for each in runners),
        again=sum(each.tries - 1 for each in runners),
        refused=tuple(sorted(each.refusal.sqlstate for each in runners if each.refusal)),
    )


def _side_by_side(runners: list[Runner], observer: psycopg.Connection) -> None:
    """Each in turn sends one statement; who waits for a lock is passed by until it goes on."""
    for runner in runners:
        runner.begin()
    waiting: list[Runner] = []
    while any(not each.over for each in runners):
        for runner in runners:
            if runner in waiting or runner.over:
                continue
            runner.send()
            if runner.session.waits(observer):
                runner.waited = True
                waiting.append(runner)
            else:
                runner.receive()
            _go_on(waiting, observer)
        if waiting and all(each in waiting or each.over for each in runners):
            wait_for_any([each.session for each in waiting])
            _go_on(waiting, observer)


def _go_on(waiting: list[Runner], observer: psycopg.Connection) -> None:
    """Takes in those that wait no longer."""
    for runner in list(waiting):
        if not runner.session.waits(observer):
            waiting.remove(runner)
            runner.receive()


def _or_mistake(what: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except psycopg.Error as error:
        raise CouldNotAsk(f"{what} is no SQL that works here: {refusal_of(error)}") from None
