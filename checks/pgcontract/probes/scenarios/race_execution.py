"""A race: every session executes each step of its transaction before any executes the next, then what is deferred to its
COMMIT, as sessions do that commit at once, and then commits in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import LEVELS, Level, Race
from pgcontract.contract.sections.races import RaceStep
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.acting_identity import Identity, acting_as, require_role
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.scenarios.fresh_databases import FreshDatabases
from pgcontract.probes.scenarios.moves import fill_parameters
from pgcontract.probes.scenarios.parallel_sessions import ParallelSession, wait_for_any
from pgcontract.probes.scenarios.player import exists_expression
from pgcontract.values import dataclass

_RETRYABLE: Final = ("40001", "40P01")  # serialization_failure, deadlock_detected
_LOG: Final = """CREATE TEMPORARY TABLE pgcontract_log (
    session integer, committed boolean, tries integer, rows integer, sqlstate text
)"""


@dataclass(kw_only=True)
class SessionRun:
    """One session's progress through its transaction; `next_step` is an index, `rows` what its writes changed."""

    session: ParallelSession
    level: Level
    steps: tuple[RaceStep, ...]
    next_step: int = 0
    tries: int = 1
    rows: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    committed: bool = False
    waited: bool = False
    is_checked: bool = False
    ends_early: bool = False

    @property
    def is_over(self) -> bool:
        return self.committed or self.refusal is not None

    def begin(self) -> None:
        self.next_step, self.rows, self.refusal = 0, 0, None
        self.is_checked, self.ends_early = False, False
        self.values = {"session": self.session.number}
        self.session.connection.execute(sql.SQL("BEGIN ISOLATION LEVEL {}").format(sql.SQL(self.level.upper())))

    def send(self) -> None:
        """Begins the next step; after the last the deferred checks, and then COMMIT."""
        if self.next_step < len(self.steps):
            self.session.begin(partial(self._step, self.steps[self.next_step]))
        else:
            self.session.begin(self._commit if self.is_checked else self._check)

    def receive(self) -> None:
        """Takes its result; a refusal ends the transaction."""
        try:
            self.session.result()
        except psycopg.Error as error:
            self.refusal = read_refusal(error)
            self.rows = 0
            self.session.connection.execute("ROLLBACK")

    def _step(self, step: RaceStep, connection: psycopg.Connection) -> None:
        self.next_step += 1
        identity = Identity.of(step.role, fill_parameters(step.claims, self.values))
        with acting_as(connection, identity), connection.execute(step.sql.encode(), self.values) as cursor:
            row = cursor.fetchone() if cursor.description else None
            columns = [column.name for column in cursor.description or ()]
            if row is not None:
                self.values |= {name: row[columns.index(name)] for name in step.captures}
            if cursor.statusmessage and not cursor.statusmessage.startswith("SELECT"):
                self.rows += max(cursor.rowcount, 0)
            elif row is None and self.next_step < len(self.steps):
                self.next_step, self.ends_early = len(self.steps), True

    def _check(self, connection: psycopg.Connection) -> None:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.is_checked = True

    def _commit(self, connection: psycopg.Connection) -> None:
        connection.execute("COMMIT")
        self.committed = True


@dataclass(frozen=True, kw_only=True)
class RaceResult:
    """One level's outcome. `changed` sums the rows that committed sessions changed, `finished` counts those that
    committed behind their last step, `refused` the sessions that ended refused, by SQLSTATE; `restarts` is how often a
    session began anew."""

    level: Level
    retries: int
    holds: bool
    committed: int
    finished: int
    changed: int
    waited: int
    restarts: int
    refused: tuple[str, ...]


def run_races(context: Context, races: Sequence[Race]) -> Iterator[tuple[Race, tuple[RaceResult, ...] | CouldNotAsk]]:
    """Each race at each isolation level, without and with retries, each time on the tables as the migration left them,
    and after its setup."""
    for race in races:
        try:
            with FreshDatabases(context, race.table, race.sessions, _LOG) as databases:
                results = tuple(
                    _run_race(race, level, retries, *databases.next())
                    for level in LEVELS
                    for retries in dict.fromkeys((0, race.retries))
                )
        except CouldNotAsk as error:
            yield race, error
        else:
            yield race, results


def _run_race(
    race: Race, level: Level, retries: int, sessions: list[ParallelSession], observer: psycopg.Connection
) -> RaceResult:
    for session in sessions:
        for step in race.steps:
            require_role(session.connection, Identity.of(step.role, step.claims))
    for number, statement in enumerate(race.setup, 1):
        _run_contract_sql(f"statement {number} of its setup", partial(observer.execute, statement.encode()))
    runners = [
        SessionRun(
            session=session,
            level=level,
            steps=tuple(step for step in race.steps if step.only in (None, session.number)),
        )
        for session in sessions
    ]
    _run_interleaved(runners, observer)
    for runner in runners:
        while runner.refusal is not None and runner.refusal.sqlstate in _RETRYABLE and runner.tries <= retries:
            runner.tries += 1
            _run_interleaved([runner], observer)
    for runner in runners:
        if runner.refusal is not None and runner.refusal.sqlstate.startswith("42"):
            raise CouldNotAsk(f"the server rejects step {runner.next_step}: {runner.refusal}")
        row = (runner.session.number, runner.committed, runner.tries, runner.rows)
        observer.execute(
            "INSERT INTO pgcontract_log VALUES (%s, %s, %s, %s, %s)",
            (*row, runner.refusal.sqlstate if runner.refusal else None),
        )
    query = sql.SQL("SELECT {}").format(exists_expression(race.violations))
    record = _run_contract_sql("its `violations`", lambda: observer.execute(query).fetchone())
    return RaceResult(
        level=level,
        retries=retries,
        holds=not (record and record[0]),
        committed=sum(racer.committed for racer in runners),
        finished=sum(racer.committed and not racer.ends_early for racer in runners),
        changed=sum(racer.rows for racer in runners if racer.committed),
        waited=sum(racer.waited for racer in runners),
        restarts=sum(racer.tries - 1 for racer in runners),
        refused=tuple(sorted(racer.refusal.sqlstate for racer in runners if racer.refusal)),
    )


def _run_interleaved(runners: list[SessionRun], observer: psycopg.Connection) -> None:
    """Each session in turn sends one statement; one that waits for a lock is skipped until it continues."""
    for runner in runners:
        runner.begin()
    waiting: list[SessionRun] = []
    while any(not racer.is_over for racer in runners):
        for runner in runners:
            if runner in waiting or runner.is_over:
                continue
            runner.send()
            if runner.session.is_waiting(observer):
                runner.waited = True
                waiting.append(runner)
            else:
                runner.receive()
            _receive_unblocked(waiting, observer)
        if waiting and all(racer in waiting or racer.is_over for racer in runners):
            wait_for_any([racer.session for racer in waiting])
            _receive_unblocked(waiting, observer)


def _receive_unblocked(waiting: list[SessionRun], observer: psycopg.Connection) -> None:
    """Receives the results of sessions that wait no longer."""
    for runner in list(waiting):
        if not runner.session.is_waiting(observer):
            waiting.remove(runner)
            runner.receive()


def _run_contract_sql(what: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except psycopg.Error as error:
        raise CouldNotAsk(f"the server rejects {what}: {read_refusal(error)}") from None
