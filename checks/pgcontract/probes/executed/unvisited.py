"""The statements of bodies that nothing came to, each run by itself, and what plpgsql_check says of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import psycopg

from pgcontract.model.sql.plpgsql import BodyStatement
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import refusal_of
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.body_checker import BodyError
from pgcontract.probes.executed.body_failures import BodyFailures, Failure
from pgcontract.probes.executed.calls import null_call
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.refused_runs import RefusedRuns
from pgcontract.probes.executed.routines import Routine, what_leaves

_MAX_ALONE: Final = 60
_MARKS: Final = """
SELECT l.classid::int8::int, l.objid::int8::int FROM pg_catalog.pg_locks AS l
 WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
"""
# What a body may ask first before it names what may not be there: tables that serve several versions or schemas.
ASKS_FIRST: Final = lazy_pattern(
    r"\bto_reg|\bpg_|information_schema|current_setting|\bversion\s*\(|\bhas_\w+_privilege|\bTG_(?:TABLE|REL|NAME|ARGV|NARGS)",
    re.IGNORECASE,
)
_CHANGES_NAMES: Final = lazy_pattern(r"\bcreate\b|\balter\b|\bset_config\b|\bset\s+(?:local\s+)?(?:search_path|schema)\b")
# Who calls it says which columns its rows have, and we cannot: its query alone is read.
_RETURNED: Final = lazy_pattern(r"RETURN\s+QUERY\s+(?!EXECUTE\b)(.+)", re.IGNORECASE | re.DOTALL)
_LOOP_OVER: Final = "DECLARE pgcontract_row record; BEGIN FOR pgcontract_row IN {} LOOP EXIT; END LOOP; END"
_UNASSIGNED_RECORD: Final = lazy_pattern(r'record "(?P<name>[^"]+)" is not assigned yet')
_EXPECTED: Final = ("undefined", "ambiguous", "42p01", "42703", "42883", "42704", "3f000", "invalid_schema_name")


class Visits:
    """Which statements were come to, by the number of their routine: each marked body takes an advisory lock for each."""

    def __init__(self, connection: psycopg.Connection, routines: Sequence[Routine]) -> None:
        self._connection = connection
        self._visited: dict[int, set[int]] = {}
        self.numbers = {routine.signature: number for number, routine in enumerate(routines)}

    def marked(self, routine: Routine) -> str | None:
        """What makes the routine anew with the marks; None where that cannot be."""
        assert routine.body is not None
        return routine.with_source(routine.body.marked(self.numbers[routine.signature]))

    def collect(self) -> None:
        """Where the marked bodies came to since it was asked last."""
        for place, number in self._connection.execute(_MARKS).fetchall():
            self._visited.setdefault(place, set()).add(number)
        self._connection.execute("SELECT pg_catalog.pg_advisory_unlock_all()")

    def of(self, routine: Routine) -> set[int]:
        return self._visited.get(self.numbers[routine.signature], set())

    def offsets(self, routine: Routine) -> frozenset[int]:
        """Where in its body those statements stand."""
        body = routine.body
        return frozenset(body.statements[place].start for place in self.of(routine)) if body is not None else frozenset()


class UnvisitedStatements:
    """`lines` are those of each function that nothing came to and that could not be run alone."""

    def __init__(
        self,
        context: Context,
        connection: psycopg.Connection,
        firing: Firing,
        *,
        failures: BodyFailures,
        visits: Visits,
        refused: RefusedRuns,
        not_called: Mapping[str, str],
    ) -> None:
        """`not_called` are the functions that nothing called, each with why."""
        self._context = context
        self._connection = connection
        self._firing = firing
        self._failures = failures
        self._visits = visits
        self._refused = refused
        self._not_called = not_called
        self.lines: dict[str, tuple[int, ...]] = {}

    def read(self, routine: Routine) -> None:
        """What nothing came to in a body, each statement by itself."""
        name = routine.function.name
        if routine.language == "sql":
            suspect = name in self._failures.suspects
            if suspect or routine.signature in self._not_called or routine.is_polymorphic:
                self._read_sql(routine)
            return
        body = routine.body
        if body is None:
            if routine.language == "plpgsql":
                self.lines[name] = ()
            return
        visited = self._visits.of(routine)
        suspect = name in self._failures.suspects
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
            if name in self._failures.by_name:
                return
        if left:
            self.lines[name] = tuple(dict.fromkeys(left))

    def _read_sql(self, routine: Routine) -> None:
        refusal = refusal_of(self._connection, routine.definition)
        if (
            refusal is not None
            and (faults.is_whatever_the_rows_are(refusal) or faults.is_wrong_constant(refusal, routine.definition))
            and not self._failures.is_excused(refusal, routine)
        ):
            self._failures.add(Failure(function=routine.function.name, statement=routine.definition, refusal=refusal))

    def _read_alone(self, routine: Routine, statement: BodyStatement) -> bool | None:
        """Whether the server could read it; None where that cannot be said."""
        if any(map(ASKS_FIRST.search, statement.conditions)) or _CHANGES_NAMES.search(routine.words):
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
                if refusal.sqlstate[:2] in ("22", "23"):
                    self._refused.add(definition, refusal, alone=statement)
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
            if refusal_of(self._connection, definition, keep=True) is not None:
                return
            if not routine.is_trigger:
                refusal = refusal_of(self._connection, null_call(routine, self._context.after))
                if refusal is not None:
                    yield refusal
                return
            for table in self._firing.tables_of(routine.signature):
                for statement, keep in self._firing.writes(table, of=routine.signature):
                    refusal = refusal_of(self._connection, statement, keep=keep)
                    if refusal is not None:
                        yield refusal

    def _judge_alone(self, routine: Routine, statement: BodyStatement, refusal: Refusal) -> bool:
        if refusal.sqlstate == faults.NO_RETURN or refusal.sqlstate == faults.TOO_DEEP:
            return False
        if routine.is_polymorphic and refusal.sqlstate in faults.TYPE_ERRORS:
            return False
        is_constant = faults.is_wrong_constant(refusal, statement.text)
        if is_constant:
            if faults.innermost(refusal, self._failures.names) is not routine:
                return False
        else:
            fault = faults.find_fault(refusal, self._failures.names, routine)
            if fault is None or fault.routine is not routine or self._failures.is_excused(refusal, routine):
                return False
            if "has no field" in refusal.message and len(self._firing.tables_of(routine.signature)) > 1:
                return False
        visited = self._visits.offsets(routine)
        self._failures.add(
            Failure(
                function=routine.function.name,
                statement=statement.text,
                refusal=refusal,
                line=statement.line,
                hidden=bool(statement.handled) and statement.start in visited,
                reached=is_constant and not statement.handled and statement.start in visited,
            )
        )
        return True

    def judge_checked(self, routine: Routine, error: BodyError) -> None:
        """Note the error that plpgsql_check found, where it stands in what was not run and nothing excuses it."""
        lines = () if routine.function.name in self._not_called else self.lines[routine.function.name]
        if lines and error.line not in lines:
            return
        statements = routine.body.statements if routine.body is not None else ()
        there = [statement for statement in statements if statement.line == error.line]
        conditions = [text for statement in there for text in statement.conditions]
        if error.line is not None and not there:
            conditions.append(routine.words)
        handled = {name for statement in there for name in statement.handled}
        if (
            any(map(ASKS_FIRST.search, conditions))
            or _CHANGES_NAMES.search(routine.words)
            or any(word in name for name in handled for word in _EXPECTED)
            or self._failures.is_excused(error.refusal, routine)
        ):
            return
        name = routine.function.name
        self._failures.add(
            Failure(
                function=name,
                statement=error.refusal.statement or "",
                refusal=error.refusal,
                line=error.line,
                checked=True,
            )
        )


def _assignment(routine: Routine, statement: BodyStatement, name: str) -> str | None:
    """The nearest statement before it that gives the variable its columns."""
    assert routine.body is not None
    pattern = re.compile(rf"\bINTO\s+(?:STRICT\s+)?{re.escape(name)}\b|^{re.escape(name)}\s*:?=", re.IGNORECASE)
    earlier = [each for each in routine.body.statements if each.start < statement.start and pattern.search(each.text)]
    return " ".join(earlier[-1].text.split()) if earlier else None
