"""Every function that the chain made, run at its head over rows: by the triggers that fire it, by calls, by views; and
each statement of a body that was not come to, by itself.

All happens in savepoints of a clone that is dropped. What counts are errors that no caller can avoid (a column, table or
function that is not there, an ambiguous name), and only where the server's CONTEXT says that they are in the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from typing import Final, Literal

import psycopg

from pgcontract.errors import CouldNotAsk
from pgcontract.model.sql import split_statements
from pgcontract.model.sql.plpgsql import BodyStatement
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.missing_features import find_missing_feature
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.postgres.tries import try_statements
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.body_checker import BodyChecker, BodyError, Presence
from pgcontract.probes.executed.calls import calls_of, null_call
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.lacking import lacking_schema
from pgcontract.probes.executed.routines import (
    Routine,
    migrated_routines,
    names_in_context,
    reached_tables,
    what_leaves,
    what_stays,
)
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.values import dataclass

MAX_FUNCTIONS: Final = 1_000
TIMEOUT_MS: Final = 1_000
_MAX_ALONE: Final = 60
_MARKS: Final = """
SELECT l.classid::int8::int, l.objid::int8::int FROM pg_catalog.pg_locks AS l
 WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
"""
_JOBS: Final = """
SELECT coalesce(jobname, jobid::text), command FROM cron.job
 WHERE active ORDER BY jobid
"""
_COLLECTED_AFTER: Final = 20
_TIMED_OUT: Final = "57014"
_TRIGGERED: Final = "09000"  # triggered_action_exception: what moddatetime and its like say of their arguments
_VIEW_ERRORS: Final = frozenset((*faults.BODY_ERRORS, "42P17"))
# What a body may ask first before it names what may not be there: tables that serve several versions or schemas.
_ASKS_FIRST: Final = lazy_pattern(
    r"\bto_reg|\bpg_|information_schema|current_setting|\bversion\s*\(|\bhas_\w+_privilege|\bTG_(?:TABLE|REL|NAME|ARGV|NARGS)",
    re.IGNORECASE,
)
_CHANGES_NAMES: Final = lazy_pattern(r"\bcreate\b|\balter\b|\bset_config\b|\bset\s+(?:local\s+)?(?:search_path|schema)\b")
# Who calls it says which columns its rows have, and we cannot: its query alone is read.
_RETURNED: Final = lazy_pattern(r"RETURN\s+QUERY\s+(?!EXECUTE\b)(.+)", re.IGNORECASE | re.DOTALL)
_LOOP_OVER: Final = "DECLARE pgcontract_row record; BEGIN FOR pgcontract_row IN {} LOOP EXIT; END LOOP; END"
_UNASSIGNED_RECORD: Final = lazy_pattern(r'record "(?P<name>[^"]+)" is not assigned yet')
_EXPECTED: Final = ("undefined", "ambiguous", "42p01", "42703", "42883", "42704", "3f000", "invalid_schema_name")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A body, or a view, that fails: as the catalog names it, the SQL that shows it, and the server's words.

    `line` is where in the body a statement stands that was run by itself, as nothing came to it (`hidden`: a handler of
    the body's own hides that it fails); None where the SQL is a call, a write or a SELECT from outside. Where a body was
    `checked`, plpgsql_check says so and nothing was run: the SQL is the expression that it means, "" where it is none.
    Of a job the name is pg_cron's; of a trigger, whose function is an
    extension's, its own."""

    function: str
    statement: str
    refusal: Refusal
    line: int | None = None
    hidden: bool = False
    checked: bool = False
    kind: Literal["body", "job", "trigger"] = "body"


@dataclass(frozen=True, kw_only=True)
class Executed:
    """What came of it. `called` are how many a call, a trigger or a view was tried for, `left` those that were not
    called, each with why, `unvisited` the lines of each that nothing came to, `slow` those that did not end in time, and
    `lacking` the names that this server has not, with what has them, each with the functions that use it. `checked` are
    those of `left` and `unvisited` that plpgsql_check has read, `unchecked` the others in PL/pgSQL, and `checker` says
    whether it is there."""

    failures: tuple[Failure, ...]
    called: int
    left: Mapping[str, str]
    unvisited: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    slow: Mapping[str, str] = field(default_factory=dict)
    lacking: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    checked: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    checker: Presence = "here"


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
        self._names = names_in_context(connection, routines)
        self._made_tables = reached_tables(routines)
        self.firing = Firing(context, connection)
        self._numbers = {routine.signature: number for number, routine in enumerate(routines)}
        self._visited: dict[int, set[int]] = {}
        self._failures: dict[str, Failure] = {}
        self._left: dict[str, str] = {}
        self._slow: dict[str, str] = {}
        self._unvisited: dict[str, tuple[int, ...]] = {}
        self._lacking: dict[tuple[str, str], dict[str, None]] = {}
        self._suspects: set[str] = set()
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
                self._collect()
        for view in self._context.migrated.views:
            self._read_view(view.name, materialized=view.materialized)
        for name, command in self._jobs():
            self._run_job(name, command)
        self._collect()
        for routine in self._routines:
            if routine.signature not in self._failures:
                self._read(routine)

    def not_run(self) -> Sequence[Routine]:
        """Those in PL/pgSQL that nothing called, or with lines that nothing came to."""
        return [
            routine
            for routine in self._routines
            if routine.language == "plpgsql"
            and not routine.is_polymorphic
            and routine.function.name not in self._failures
            and (routine.function.name in self._left or routine.function.name in self._unvisited)
        ]

    def check(self, routines: Sequence[Routine], checker: BodyChecker) -> None:
        """What plpgsql_check says of them, in a transaction of its own."""
        self._checker = checker.presence
        for routine in routines:
            errors = checker.errors(routine) if checker.presence == "here" else None
            (self._checked if errors is not None else self._unchecked).append(routine.function.name)
            for error in errors or ():
                if routine.function.name not in self._failures:
                    self._judge_checked(routine, error)

    def executed(self) -> Executed:
        """All that came of it."""
        lacking = {what: tuple(names) for what, names in self._lacking.items()}
        return Executed(
            failures=tuple(self._failures.values()),
            called=self._called,
            left=self._left,
            unvisited=self._unvisited,
            slow=self._slow,
            lacking=lacking,
            checked=tuple(self._checked),
            unchecked=tuple(self._unchecked),
            checker=self._checker,
        )

    def _collect(self) -> None:
        """Where the marked bodies came to since it was asked last."""
        for place, number in self._connection.execute(_MARKS).fetchall():
            self._visited.setdefault(place, set()).add(number)
        self._connection.execute("SELECT pg_catalog.pg_advisory_unlock_all()")

    def _prepare(self, routine: Routine) -> None:
        """In the clone: what leaves the database does nothing, and the others say where they come to."""
        name = routine.function.name
        if routine.leaves:
            self._left[name] = f"its body has {routine.leaves}"
            if not self._keep(routine.stub()):
                self._left[name] += ", nor what uses it"
        elif routine.not_callable and not routine.is_trigger:
            self._left[name] = routine.not_callable
        elif self._numbers[routine.signature] >= MAX_FUNCTIONS:
            self._left[name] = "there are too many"
        elif routine.body is not None:
            marked = routine.with_source(routine.body.marked(self._numbers[routine.signature]))
            if marked is None or not self._keep(marked):
                self._visited[self._numbers[routine.signature]] = set()

    def _keep(self, statement: str) -> bool:
        return self._execute(statement, keep=True) is None

    def _fire(self) -> None:
        """Each event of each table with triggers. Of several that fail the first would hide the others: one that is known
        to fail does nothing from then on."""
        for table in self.firing.tables:
            for _ in range(8):
                known = set(self._failures)
                with self._connection.transaction(force_rollback=True):
                    for statement, keep in self.firing.writes(table):
                        if self._try(statement, keep=keep, table=table) and keep:
                            self.firing.inserted()
                failing = set(self._failures) - known
                self._collect()
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
            refusal = self._execute(statement)
            if refusal is not None:
                if refusal.sqlstate == _TIMED_OUT:
                    self._slow[routine.function.name] = statement
                    return
                refusals.append((statement, refusal))
                depends = routine.is_polymorphic or refusal.sqlstate == faults.TOO_DEEP
                if not depends:
                    self._judge(statement, refusal, routine)
        alike = {(refusal.sqlstate, refusal.message) for _, refusal in refusals}
        if number and len(refusals) == number and len(alike) == 1 and (routine.types == () or number > 2):
            self._judge(*refusals[0], routine)

    def _read_view(self, name: str, *, materialized: bool) -> None:
        words = f"SELECT * FROM {name}"  # noqa: S608 - a name from the catalog
        for statement in (f"REFRESH MATERIALIZED VIEW {name}", words) if materialized else (words,):
            refusal = self._execute(statement)
            if refusal is None:
                continue
            if self._judge(statement, refusal) is None and refusal.sqlstate in _VIEW_ERRORS and not refusal.context:
                self._failures.setdefault(name, Failure(function=name, statement=statement, refusal=refusal))

    def _jobs(self) -> Sequence[tuple[str, str]]:
        """What the chain has pg_cron run in this database, by its name or number."""
        if self._connection.execute("SELECT pg_catalog.to_regclass('cron.job') IS NULL").fetchone() == (True,):
            return ()
        return self._connection.execute(_JOBS).fetchall()

    def _run_job(self, name: str, command: str) -> None:
        """It fails at night, and whoever made it is not told."""
        if what_leaves(command, what_stays(self._connection, self._context.sandbox.stand_ins)):
            return
        # In a transaction of ours: its COMMIT would end that.
        parts = [part.text for part in split_statements(command, refuse_psql=False) if not part.is_transaction_control]
        refusal = self._execute(";\n".join(parts)) if parts else None
        if refusal is None or self._judge(command, refusal) is not None:
            return
        is_its_own = not refusal.context or faults.is_in_block(refusal)
        if not is_its_own or not (faults.is_whatever_the_rows_are(refusal) or refusal.sqlstate in _VIEW_ERRORS):
            return
        if not lacking_schema(self._connection, faults.missing_name(refusal), self._context.sandbox.platform):
            self._failures.setdefault(name, Failure(function=name, statement=command, refusal=refusal, kind="job"))

    def _read(self, routine: Routine) -> None:
        """What nothing came to in a body, each statement by itself."""
        name = routine.function.name
        if routine.language == "sql":
            if routine.signature in self._left or routine.is_polymorphic:
                self._read_sql(routine)
            return
        body = routine.body
        if body is None:
            if routine.language == "plpgsql":
                self._unvisited[name] = ()
            return
        visited = self._visited.get(self._numbers[routine.signature], set())
        suspect = name in self._suspects
        asked = 0
        left: list[int] = []
        for number, statement in enumerate(body.statements):
            query = _RETURNED.match(statement.text) if routine.any_columns else None
            if query is not None:
                statement = replace(statement, text=_LOOP_OVER.format(query[1]))
            elif (number in visited and not (suspect or statement.handled)) or not statement.text:
                continue
            asked += 1
            outcome = self._read_alone(routine, statement) if asked <= _MAX_ALONE else None
            if outcome is None and number not in visited and statement.can_be_marked:
                left.append(statement.line)
            if name in self._failures:
                return
        if left:
            self._unvisited[name] = tuple(dict.fromkeys(left))

    def _read_sql(self, routine: Routine) -> None:
        refusal = self._execute(routine.definition)
        if refusal is not None and faults.is_whatever_the_rows_are(refusal) and not self._is_excused(refusal, routine):
            self._failures[routine.function.name] = Failure(
                function=routine.function.name, statement=routine.definition, refusal=refusal
            )

    def _read_alone(self, routine: Routine, statement: BodyStatement) -> bool | None:
        """Whether the server could read it; None where that cannot be said."""
        if any(map(_ASKS_FIRST.search, statement.conditions)) or _CHANGES_NAMES.search(routine.words):
            return None
        if routine.leaves and what_leaves(statement.text):
            return None
        if any(word in name for name in statement.handled for word in _EXPECTED):
            return True
        body = routine.body
        assert body is not None
        before = ""
        for _ in range(3):
            alone = statement.alone(body.prefix, before)
            definition = routine.with_source(alone) if alone is not None else None
            if definition is None:
                return None
            refusals = list(self._run_alone(routine, definition))
            unassigned = next(
                (match["name"] for refusal in refusals if (match := _UNASSIGNED_RECORD.match(refusal.message))), None
            )
            for refusal in refusals:
                if self._judge_alone(routine, statement, refusal):
                    return False
            if unassigned is None:
                return True
            assigns = _assignment(routine, statement, unassigned)
            if not assigns or assigns in before:
                return None
            before = f"{assigns}; {before}".rstrip("; ")
        return None

    def _run_alone(self, routine: Routine, definition: str) -> Iterator[Refusal]:
        """The refusals of what runs the function as it is defined so."""
        with self._connection.transaction(force_rollback=True):
            if not self._keep(definition):
                return
            if not routine.is_trigger:
                refusal = self._execute(null_call(routine, self._context.after))
                if refusal is not None:
                    yield refusal
                return
            for table in self.firing.tables_of(routine.signature):
                for statement, keep in self.firing.writes(table, of=routine.signature):
                    refusal = self._execute(statement, keep=keep)
                    if refusal is not None:
                        yield refusal

    def _judge_alone(self, routine: Routine, statement: BodyStatement, refusal: Refusal) -> bool:
        if refusal.sqlstate == faults.NO_RETURN or refusal.sqlstate == faults.TOO_DEEP:
            return False
        if routine.is_polymorphic and refusal.sqlstate in faults.TYPE_ERRORS:
            return False
        if faults.is_wrong_constant(refusal, statement.text):
            if faults.innermost(refusal, self._names) is not routine:
                return False
        else:
            fault = faults.find_fault(refusal, self._names, routine)
            if fault is None or fault.routine is not routine or self._is_excused(refusal, routine):
                return False
            if "has no field" in refusal.message and len(self.firing.tables_of(routine.signature)) > 1:
                return False
        number = self._numbers[routine.signature]
        self._failures[routine.function.name] = Failure(
            function=routine.function.name,
            statement=statement.text,
            refusal=refusal,
            line=statement.line,
            hidden=bool(statement.handled) and statement.start in self._starts(routine, number),
        )
        return True

    def _judge_checked(self, routine: Routine, error: BodyError) -> None:
        lines = () if routine.function.name in self._left else self._unvisited[routine.function.name]
        if lines and error.line not in lines:
            return
        statements = routine.body.statements if routine.body is not None else ()
        there = [statement for statement in statements if statement.line == error.line]
        conditions = [text for statement in there for text in statement.conditions]
        if error.line is not None and not there:
            conditions.append(routine.words)
        handled = {name for statement in there for name in statement.handled}
        if (
            any(map(_ASKS_FIRST.search, conditions))
            or _CHANGES_NAMES.search(routine.words)
            or any(word in name for name in handled for word in _EXPECTED)
            or self._is_excused(error.refusal, routine)
        ):
            return
        name = routine.function.name
        self._failures[name] = Failure(
            function=name,
            statement=error.refusal.statement or "",
            refusal=error.refusal,
            line=error.line,
            checked=True,
        )

    def _starts(self, routine: Routine, number: int) -> set[int]:
        assert routine.body is not None
        return {routine.body.statements[place].start for place in self._visited.get(number, set())}

    def _try(self, statement: str, *, keep: bool = False, table: str) -> bool:
        """Whether it ran; what fails in a body is noted, and what a trigger of an extension is made with."""
        refusal = self._execute(statement, keep=keep)
        if refusal is not None:
            self._judge(statement, refusal)
            if refusal.sqlstate == _TRIGGERED and not refusal.context:
                made = {routine.function.name for routine in self._routines}
                foreign = [
                    each for each in self.firing.triggers_of(table) if each.arguments and each.function not in made
                ]
                for trigger in foreign if len(foreign) == 1 else ():
                    failure = Failure(function=trigger.name, statement=statement, refusal=refusal, kind="trigger")
                    self._failures.setdefault(trigger.name, failure)
            if refusal.sqlstate == _TIMED_OUT and (routine := faults.innermost(refusal, self._names)):
                self._slow.setdefault(routine.function.name, statement)
        return refusal is None

    def _execute(self, statement: str, *, keep: bool = False) -> Refusal | None:
        try:
            try_statements(self._connection, statement, keep=keep)
        except psycopg.Error as error:
            return read_refusal(error)
        return None

    def _judge(self, statement: str, refusal: Refusal, called: Routine | None = None) -> Routine | None:
        """The function that is at fault, which is noted."""
        if refusal.sqlstate == faults.WRONG_CONSTANT and (routine := faults.innermost(refusal, self._names)):
            self._suspects.add(routine.function.name)
            return routine
        fault = faults.find_fault(refusal, self._names, called)
        if fault is None or self._is_excused(refusal, fault.routine):
            return fault.routine if fault else None
        name = fault.routine.function.name
        self._failures.setdefault(name, Failure(function=name, statement=statement, refusal=refusal))
        return fault.routine

    def _is_excused(self, refusal: Refusal, routine: Routine) -> bool:
        """Whether what is not there is a caller's temporary table, or another's schema or extension."""
        if faults.is_made_by_caller(refusal, self._made_tables[routine.signature]):
            return True
        sandbox, project = self._context.sandbox, self._context.promise.project
        if source := lacking_schema(self._connection, faults.missing_name(refusal), sandbox.platform):
            self._lacking.setdefault(source, {})[routine.function.name] = None
            return True
        feature = find_missing_feature(
            self._connection,
            refusal,
            self._context.promise.script,
            spec=sandbox.server.provider,
            production=project.postgres,
            platform=project.platform,
        )
        if feature is not None:
            self._lacking.setdefault((feature.what, f"{feature.why}; {feature.remedy}"), {})[routine.function.name] = None
        return feature is not None


def _assignment(routine: Routine, statement: BodyStatement, name: str) -> str | None:
    """The nearest statement before it that gives the variable its columns."""
    assert routine.body is not None
    pattern = re.compile(rf"\bINTO\s+(?:STRICT\s+)?{re.escape(name)}\b|^{re.escape(name)}\s*:?=", re.IGNORECASE)
    earlier = [each for each in routine.body.statements if each.start < statement.start and pattern.search(each.text)]
    return " ".join(earlier[-1].text.split()) if earlier else None
