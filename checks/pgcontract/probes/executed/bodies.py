"""Every function that the chain made, run at its head over rows: by the triggers that fire it, by calls, by views; and
each statement of a body that was not come to, by itself.

All happens in savepoints of a clone that is dropped. What counts are errors that no caller can avoid (a column, table or
function that is not there, an ambiguous name), and only where the server's CONTEXT says that they are in the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Final

import psycopg

from pgcontract.errors import CouldNotAsk
from pgcontract.model.sql import split_statements
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import refusal_of
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.body_checker import BodyChecker, Presence
from pgcontract.probes.executed.body_failures import BodyFailures, Failure
from pgcontract.probes.executed.calls import calls_of
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.refused_runs import RefusedRun, RefusedRuns
from pgcontract.probes.executed.routines import (
    Routine,
    migrated_routines,
    what_leaves,
    what_stays,
)
from pgcontract.probes.executed.unvisited import UnvisitedStatements, Visits
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.values import dataclass

MAX_FUNCTIONS: Final = 1_000
TIMEOUT_MS: Final = 1_000
_JOBS: Final = """
SELECT coalesce(jobname, jobid::text), command FROM cron.job
 WHERE active ORDER BY jobid
"""
_COLLECTED_AFTER: Final = 20
_TIMED_OUT: Final = "57014"
_TRIGGERED: Final = "09000"  # triggered_action_exception: what moddatetime and its like say of their arguments
_OF_VALUES: Final = ("22", "23")  # the classes of what is refused for a value
_VIEW_ERRORS: Final = frozenset((*faults.BODY_ERRORS, "42P17"))


@dataclass(frozen=True, kw_only=True)
class Executed:
    """What came of it. `called` are how many a call, a trigger or a view was tried for, `left` those that were not
    called, each with why, `unvisited` the lines of each that nothing came to, `slow` those that did not end in time, and
    `lacking` the names that this server has not, with what has them, each with the functions that use it. `checked` are
    those of `left` and `unvisited` that plpgsql_check has read, `unchecked` the others in PL/pgSQL, and `checker` says
    whether it is there. `reached` are the offsets of the statements that were come to in each, and `refusals` by
    function, SQLSTATE and constraint the first call or write in which a body's values were refused; `refused` are all
    of these, and of statements that were run by themselves. `jobs` are pg_cron's, each with its command."""

    failures: tuple[Failure, ...]
    called: int
    left: Mapping[str, str]
    unvisited: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    slow: Mapping[str, str] = field(default_factory=dict)
    lacking: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    checked: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    checker: Presence = "here"
    reached: Mapping[str, frozenset[int]] = field(default_factory=dict)
    refusals: Mapping[tuple[str, str, str | None], tuple[str, Refusal]] = field(default_factory=dict)
    refused: tuple[RefusedRun, ...] = ()
    jobs: tuple[tuple[str, str], ...] = ()


@cached_state_fact
def execute_bodies(context: Context) -> Executed:
    """CouldNotAsk where the head is not applied."""
    has_jobs = any(extension.name == "pg_cron" for extension in context.migrated.extensions)
    made = context.migrated
    if not (made.functions or made.views or made.triggers or has_jobs):
        return Executed(failures=(), called=0, left={})
    sandbox = context.sandbox
    routines = migrated_routines(context)
    with sandbox.clone(populated_state(context)) as database, sandbox.connect(database) as connection:
        _begin(connection, context)
        runner = _Runner(context, connection, routines)
        runner.run()
        connection.execute("ROLLBACK")  # its bodies are its own again
        if not_run := runner.not_run():
            checker = BodyChecker(sandbox, database, connection, runner.firing)
            _begin(connection, context)
            runner.check(not_run, checker)
        return runner.executed()


def populated_state(context: Context) -> DatabaseState:
    """The head over rows, where it could be run over them."""
    after = context.after_state
    with suppress(CouldNotAsk):
        return run_over_rows(context).after or after
    return after


def _begin(connection: psycopg.Connection, context: Context) -> None:
    connection.execute("BEGIN")
    prepare_session(connection, context)


def prepare_session(connection: psycopg.Connection, context: Context) -> None:
    """In its transaction bodies end in time, rules are asked at once, and names are found as a caller may find them."""
    connection.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _widen_search_path(connection, context)


def _widen_search_path(connection: psycopg.Connection, context: Context) -> None:
    """Whoever calls a function may have set his search_path so that it finds the tables of the chain's schemas."""
    names = sorted({schema.name for schema in context.migrated.schemas})
    row = connection.execute("SELECT pg_catalog.current_setting('search_path')").fetchone()
    path = ", ".join((row[0] if row else "", *names)).strip(", ")
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, true)", [path])


class _Runner:
    def __init__(self, context: Context, connection: psycopg.Connection, routines: Sequence[Routine]) -> None:
        self._context = context
        self._connection = connection
        self._routines = routines
        self.firing = Firing(context, connection)
        self._failures = BodyFailures(context, connection, routines)
        self._refused = RefusedRuns(self._failures.names)
        self._visits = Visits(connection, routines)
        self._left: dict[str, str] = {}
        self._unvisited = UnvisitedStatements(
            context,
            connection,
            self.firing,
            failures=self._failures,
            visits=self._visits,
            refused=self._refused,
            not_called=self._left,
        )
        self._slow: dict[str, str] = {}
        self._refusals: dict[tuple[str, str, str | None], tuple[str, Refusal]] = {}
        self._jobs: Sequence[tuple[str, str]] = ()
        self._called = 0
        self._checked: list[str] = []
        self._unchecked: list[str] = []
        self._checker: Presence = "here"

    def run(self) -> None:
        called = [routine for routine in self._routines[:MAX_FUNCTIONS] if routine.not_callable is None]
        for routine in self._routines:
            self._prepare(routine)
        self._fire()
        self._called = len(called)
        for number, routine in enumerate(called):
            if routine.signature not in self._left:
                self._call(routine)
            if number % _COLLECTED_AFTER == 0:
                self._visits.collect()
        for view in self._context.migrated.views:
            self._read_view(view.name, materialized=view.materialized)
        self._jobs = self._read_jobs()
        for name, command in self._jobs:
            self._run_job(name, command)
        self._visits.collect()
        for routine in self._routines:
            if routine.signature not in self._failures.by_name:
                self._unvisited.read(routine)

    def not_run(self) -> Sequence[Routine]:
        """Those in PL/pgSQL that nothing called, or with lines that nothing came to."""
        return [
            routine
            for routine in self._routines
            if routine.language == "plpgsql"
            and routine.function.name not in self._failures.by_name
            and (routine.function.name in self._left or routine.function.name in self._unvisited.lines)
        ]

    def check(self, routines: Sequence[Routine], checker: BodyChecker) -> None:
        """What plpgsql_check says of them, in a transaction of its own."""
        self._checker = checker.presence
        for routine in routines:
            errors = checker.errors(routine) if checker.presence == "here" else None
            (self._checked if errors is not None else self._unchecked).append(routine.function.name)
            for error in errors or ():
                if routine.function.name not in self._failures.by_name:
                    self._unvisited.judge_checked(routine, error)

    def executed(self) -> Executed:
        """All that came of it."""
        lacking = {what: tuple(names) for what, names in self._failures.lacking.items()}
        return Executed(
            failures=tuple(self._failures.by_name.values()),
            called=self._called,
            left=self._left,
            unvisited=self._unvisited.lines,
            slow=self._slow,
            lacking=lacking,
            checked=tuple(self._checked),
            unchecked=tuple(self._unchecked),
            checker=self._checker,
            reached={routine.function.name: self._visits.offsets(routine) for routine in self._routines},
            refusals=self._refusals,
            refused=self._refused.runs,
            jobs=tuple(self._jobs),
        )

    def _prepare(self, routine: Routine) -> None:
        """In the clone: what leaves the database does nothing, and the others say where they come to."""
        name = routine.function.name
        if routine.leaves:
            self._left[name] = f"its body has {routine.leaves}"
            if not self._keep(routine.stub()):
                self._left[name] += ", nor what uses it"
        elif routine.not_callable and not routine.is_trigger:
            self._left[name] = routine.not_callable
        elif self._visits.numbers[routine.signature] >= MAX_FUNCTIONS:
            self._left[name] = "there are too many"
        elif routine.body is not None:
            marked = self._visits.marked(routine)
            if marked is not None:
                self._keep(marked)

    def _fire(self) -> None:
        """Each event of each table with triggers. Of several that fail the first would hide the others: one that is known
        to fail does nothing from then on."""
        for table in self.firing.tables:
            for _ in range(8):
                known = set(self._failures.by_name)
                with self._connection.transaction(force_rollback=True):
                    for statement, keep in self.firing.writes(table):
                        if self._try(statement, keep=keep, table=table) and keep:
                            self.firing.inserted()
                failing = set(self._failures.by_name) - known
                self._visits.collect()
                if not failing:
                    break
                for routine in self._routines:
                    if routine.function.name in failing:
                        self._keep(routine.stub())

    def _call(self, routine: Routine) -> None:
        if routine.is_trigger:
            return
        refusals: list[tuple[str, Refusal]] = []
        number = 0
        for statement in calls_of(routine, self._context.after):
            number += 1
            refusal = refusal_of(self._connection, statement)
            if refusal is not None:
                if refusal.sqlstate == _TIMED_OUT:
                    self._slow[routine.function.name] = statement
                    return
                refusals.append((statement, refusal))
                self._note_values(statement, refusal, routine)
                depends = routine.is_polymorphic or refusal.sqlstate == faults.TOO_DEEP
                if not depends:
                    self._failures.judge(statement, refusal, routine)
        alike = {(refusal.sqlstate, refusal.message) for _, refusal in refusals}
        if number and len(refusals) == number and len(alike) == 1 and (routine.types == () or number > 2):
            self._failures.judge(*refusals[0], routine)

    def _read_view(self, name: str, *, materialized: bool) -> None:
        words = f"SELECT * FROM {name}"  # noqa: S608 - a name from the catalog
        for statement in (f"REFRESH MATERIALIZED VIEW {name}", words) if materialized else (words,):
            refusal = refusal_of(self._connection, statement)
            if refusal is None:
                continue
            if (
                self._failures.judge(statement, refusal) is None
                and refusal.sqlstate in _VIEW_ERRORS
                and not refusal.context
            ):
                self._failures.add(Failure(function=name, statement=statement, refusal=refusal))

    def _read_jobs(self) -> Sequence[tuple[str, str]]:
        """What the chain has pg_cron run in this database, by its name or number."""
        if self._connection.execute("SELECT pg_catalog.to_regclass('cron.job') IS NULL").fetchone() == (True,):
            return ()
        return self._connection.execute(_JOBS).fetchall()

    def _run_job(self, name: str, command: str) -> None:
        """It fails at night, and whoever made it is not told."""
        if leaves := what_leaves(command, what_stays(self._connection, self._context.sandbox.stand_ins)):
            self._left[f"the job {name}"] = f"its command has {leaves}"
            return
        # In a transaction of ours: its COMMIT would end that.
        parts = [part.text for part in split_statements(command, refuse_psql=False) if not part.is_transaction_control]
        refusal = refusal_of(self._connection, ";\n".join(parts)) if parts else None
        if refusal is None or self._failures.judge(command, refusal) is not None:
            return
        is_its_own = not refusal.context or faults.is_in_block(refusal)
        if not is_its_own or not (faults.is_whatever_the_rows_are(refusal) or refusal.sqlstate in _VIEW_ERRORS):
            return
        if not self._failures.lacking_schema(refusal):
            self._failures.add(Failure(function=name, statement=command, refusal=refusal, kind="job"))

    def _try(self, statement: str, *, keep: bool = False, table: str) -> bool:
        """Whether it ran; what fails in a body is noted, and what a trigger of an extension is made with."""
        refusal = refusal_of(self._connection, statement, keep=keep)
        if refusal is not None:
            self._failures.judge(statement, refusal)
            self._note_values(statement, refusal)
            if refusal.sqlstate == _TRIGGERED and not refusal.context:
                made = {routine.function.name for routine in self._routines}
                foreign = [
                    each for each in self.firing.triggers_of(table) if each.arguments and each.function not in made
                ]
                for trigger in foreign if len(foreign) == 1 else ():
                    failure = Failure(function=trigger.name, statement=statement, refusal=refusal, kind="trigger")
                    self._failures.add(failure)
            if refusal.sqlstate == _TIMED_OUT and (routine := faults.innermost(refusal, self._failures.names)):
                self._slow.setdefault(routine.function.name, statement)
        return refusal is None

    def _note_values(self, statement: str, refusal: Refusal, called: Routine | None = None) -> None:
        if refusal.sqlstate[:2] in _OF_VALUES and (routine := faults.innermost(refusal, self._failures.names)):
            key = (routine.function.name, refusal.sqlstate, refusal.constraint)
            self._refusals.setdefault(key, (statement, refusal))
            self._refused.add(statement, refusal, called=called)

    def _keep(self, statement: str) -> bool:
        return refusal_of(self._connection, statement, keep=True) is None
