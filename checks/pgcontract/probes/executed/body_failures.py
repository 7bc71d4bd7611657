"""The bodies and views that fail: what a refusal says of the function that it comes from, and what excuses it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import psycopg

from pgcontract.model.sql.passed_values import passed_values
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.missing_features import find_missing_feature
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.lacking import lacking_schema
from pgcontract.probes.executed.left_out import leaves_out_required
from pgcontract.probes.executed.routines import Routine, names_in_context, reached_tables
from pgcontract.values import dataclass

_NO_ROW: Final = lazy_pattern(r'missing FROM-clause entry for table "(?P<name>[^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A body, or a view, that fails: as the catalog names it, the SQL that shows it, and the server's words.

    `line` is where in the body a statement stands that was run by itself, as nothing came to it (`hidden`: a handler of
    the body's own hides that it fails; `reached`: a call failed there, too); None where the SQL is a call, a write or a
    SELECT from outside. Where a body was
    `checked`, plpgsql_check says so and nothing was run: the SQL is the expression that it means, "" where it is none.
    Of a job the name is pg_cron's; of a trigger, whose function is an
    extension's, its own."""

    function: str
    statement: str
    refusal: Refusal
    line: int | None = None
    hidden: bool = False
    reached: bool = False
    checked: bool = False
    kind: Literal["body", "job", "trigger"] = "body"


class BodyFailures:
    """The first of each, by name. `suspects` are functions with a constant that is no value of its type, somewhere, and
    `lacking` the names that this server has not, with what has them, each with the functions that use it."""

    def __init__(self, context: Context, connection: psycopg.Connection, routines: Sequence[Routine]) -> None:
        self._context = context
        self._connection = connection
        self._made_tables = reached_tables(routines)
        self.names = names_in_context(connection, routines)
        self.by_name: dict[str, Failure] = {}
        self.suspects: set[str] = set()
        self.lacking: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, failure: Failure) -> None:
        self.by_name.setdefault(failure.function, failure)

    def judge(self, statement: str, refusal: Refusal, called: Routine | None = None) -> Routine | None:
        """The function that is at fault, which is noted."""
        if refusal.sqlstate == faults.WRONG_CONSTANT and (routine := faults.innermost(refusal, self.names)):
            self.suspects.add(routine.function.name)
            self._judge_passed(statement, refusal)
            return routine
        always = leaves_out_required(self._connection, refusal)
        fault = faults.find_fault(refusal, self.names, called, whatever=always, statement=statement)
        if fault is None:
            return None
        if not self.is_excused(refusal, fault.routine):
            self.add(Failure(function=fault.routine.function.name, statement=statement, refusal=refusal))
        return fault.routine

    def _judge_passed(self, statement: str, refusal: Refusal) -> None:
        """Note who passed on as a constant what is no value of a type further in, where we did not."""
        value = faults.refused_text(refusal)
        if value is not None and value not in passed_values(statement):
            for fault in faults.stack(refusal, self.names)[1:]:
                if value in passed_values(fault.routine.source):
                    self.add(Failure(function=fault.routine.function.name, statement=statement, refusal=refusal))
                    return

    def is_excused(self, refusal: Refusal, routine: Routine) -> bool:
        """Whether what is not there is a caller's temporary table, or another's schema or extension."""
        if routine.is_polymorphic and _is_of_row(refusal, routine):
            return True
        if faults.is_made_by_caller(refusal, self._made_tables[routine.signature]):
            return True
        if source := self.lacking_schema(refusal):
            self.lacking.setdefault(source, {})[routine.function.name] = None
            return True
        sandbox, project = self._context.sandbox, self._context.promise.project
        feature = find_missing_feature(
            self._connection,
            refusal,
            self._context.promise.script,
            spec=sandbox.server.provider,
            production=project.postgres,
            platform=project.platform,
        )
        if feature is not None:
            self.lacking.setdefault((feature.what, f"{feature.why}; {feature.remedy}"), {})[routine.function.name] = None
        return feature is not None

    def lacking_schema(self, refusal: Refusal) -> tuple[str, str] | None:
        """The schema or extension of the name that is not there, and what has it."""
        return lacking_schema(self._connection, faults.missing_name(refusal), self._context.sandbox.platform)


def _is_of_row(refusal: Refusal, routine: Routine) -> bool:
    """Whether it takes a field of what may be a row: of an argument of any type, or a variable of its type."""
    match = _NO_ROW.match(refusal.message)
    return match is not None and (
        re.search(rf"\b{re.escape(match['name'])}\b", routine.arguments) is not None
        or re.search(rf"\b{re.escape(match['name'])}\s+\w+%type\b", routine.words) is not None
    )
