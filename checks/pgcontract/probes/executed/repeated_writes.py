"""Constants that a body writes into what a deploy makes unique: it goes through once, and never again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import psycopg

from pgcontract.catalog import subtract
from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Schema
from pgcontract.model.sql.passed_values import passed_values
from pgcontract.model.sql.psql_arguments import quote_literal
from pgcontract.model.sql.written_values import constant_of, read_writes
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import refusal_of
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.bodies import populated_state, prepare_session
from pgcontract.probes.executed.calls import calls_of
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.passed_constants import constants_of_routine, statements_at
from pgcontract.probes.executed.routines import Routine, migrated_routines, names_in_context
from pgcontract.probes.populated.deployed import first_of_deploy
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_REPEATED: Final = ("23505", "23P01")
_KEY: Final = lazy_pattern(r"Key \((?P<columns>.*?)\)=\((?P<values>.*?)\) (?:already exists|conflicts with)")
_WRITES: Final = lazy_pattern(r"\binsert\b|\bupdate\b|\bmerge\b|\bexecute\b")
_NUMBER: Final = lazy_pattern(r"-?[0-9.]+")
_OF_TIME: Final = lazy_pattern(r"time|date|interval")
_MAX_CALLS: Final = 6


@dataclass(frozen=True, kw_only=True)
class RepeatedWrite:
    """`values` are those that are there already, as SQL, by what the server calls the key's columns; `shown`
    are the calls, or the writes that fire the trigger, of which the last is refused."""

    routine: Routine
    line: int | None
    statement: str
    table: str
    values: Mapping[str, str]
    shown: str
    refusal: Refusal


@cached_state_fact
def repeated_writes(context: Context) -> tuple[RepeatedWrite, ...]:
    """The first of each routine that a rule of the deploy, for a table that was there, lets run once alone. CouldNotAsk
    where the head is not applied."""
    if not context.promise.is_pending:
        return ()
    before = first_of_deploy(context).before
    tables = _unique_tables(context, before)
    names = {table.bare_name.lower() for table in context.after.tables if table.name in tables}
    routines = _writing(migrated_routines(context), names) if names else []
    if not routines:
        return ()
    with context.sandbox.rolled_back(populated_state(context)) as connection:
        prepare_session(connection, context)
        runner = _Runner(context, connection, before)
        return tuple(repeated for routine in routines if (repeated := runner.run(routine)) is not None)


def _unique_tables(context: Context, before: Schema) -> frozenset[str]:
    changed = subtract(context.after, before)
    there = {table.name for table in before.tables}
    names = {rule.table for rule in changed.constraints if rule.form in ("unique", "exclude", "primary key")}
    return frozenset((names | {index.table for index in changed.indexes if index.unique}) & there)


def _writing(routines: tuple[Routine, ...], tables: set[str]) -> list[Routine]:
    """Those that name one of the tables, and those that call them; what leaves the database is not called."""
    direct = [
        one for one in routines if _WRITES.search(one.words) and any(names_in_code(one.words, name) for name in tables)
    ]
    names = {one.bare_name.lower() for one in direct}
    callers = [one for one in routines if one not in direct and any(names_in_code(one.words, name) for name in names)]
    return [one for one in routines if one in direct or one in callers]


class _Runner:
    def __init__(self, context: Context, connection: psycopg.Connection, before: Schema) -> None:
        self._context = context
        self._connection = connection
        routines = migrated_routines(context)
        self._names = names_in_context(connection, routines)
        self._known = {rule.bare_name for rule in before.constraints} | {index.bare_name for index in before.indexes}
        self._firing = Firing(context, connection)
        for routine in routines:
            if routine.leaves:
                refusal_of(connection, routine.stub(), keep=True)

    def run(self, routine: Routine) -> RepeatedWrite | None:
        if routine.leaves or (routine.not_callable and not routine.is_trigger):
            return None
        if routine.is_trigger:
            return self._fire(routine)
        for number, statement in enumerate(calls_of(routine, self._context.after)):
            if number >= _MAX_CALLS:
                break
            twice = f"{statement};\n{statement}"
            refusal = refusal_of(self._connection, twice)
            if refusal is not None and (repeated := self._judge(routine, twice, refusal)) is not None:
                return repeated
        return None

    def _fire(self, routine: Routine) -> RepeatedWrite | None:
        """Two rows go in; of other writes each is made twice."""
        for table in self._firing.tables_of(routine.signature):
            with self._connection.transaction(force_rollback=True):
                shown: list[str] = []
                for _ in range(2):
                    for statement, keep in self._firing.writes(table, events=("insert",)):
                        refusal = refusal_of(self._connection, statement, keep=keep)
                        if refusal is None:
                            shown.append(statement)
                            self._firing.inserted()
                        elif repeated := self._judge(routine, ";\n".join((*shown, statement)), refusal):
                            return repeated
                for statement, _ in self._firing.writes(table, of=routine.signature, events=("update", "delete")):
                    same = statement.replace(" LIMIT 1)", " ORDER BY ctid DESC LIMIT 1)")  # as it is then the last
                    twice = f"{same};\n{same}"
                    refusal = refusal_of(self._connection, twice)
                    if refusal is None:
                        continue
                    if (repeated := self._judge(routine, twice, refusal, of_row=" SET " in statement)) is not None:
                        return repeated
        return None

    def _judge(self, called: Routine, shown: str, refusal: Refusal, *, of_row: bool = False) -> RepeatedWrite | None:
        """With `of_row` some of the key may be of the one row that is changed twice."""
        match = _KEY.match(refusal.detail or "")
        if refusal.sqlstate not in _REPEATED or match is None or refusal.constraint in self._known:
            return None
        stack = faults.stack(refusal, self._names)
        if called not in [fault.routine for fault in stack]:
            stack = (*stack, faults.Fault(routine=called, line=None))
        names, said = match["columns"].split(", "), match["values"].split(", ")
        values = dict(zip(names, said, strict=False))
        if len(names) != len(said) or "null" in said or frozenset(said) & passed_values(shown):
            return None
        table = refusal.table_name or ""
        columns = [column for column in self._context.after.columns_of(table) if column.bare_name in names]
        left_out = {value for column in columns for value in passed_values(column.default or "")}
        # The clock stands still in one transaction.
        of_row = of_row and len(columns) == len(names) and not any(_OF_TIME.match(column.type) for column in columns)
        for fault in stack:
            written = {_value(one) for text, _ in statements_at(fault) for one in _constants(text)}
            constants = constants_of_routine(self._context, fault.routine) | written | left_out
            if {*said} <= constants or (of_row and {*said} & constants):
                text = next((text for text, _ in statements_at(fault) if {*said} & passed_values(text)), "")
                statement = text or next((text for text, _ in statements_at(fault)), "")
                return RepeatedWrite(
                    routine=fault.routine,
                    line=fault.line,
                    statement=" ".join(statement.split()),
                    table=table,
                    values={name: _literal(value) for name, value in values.items()},
                    shown=shown,
                    refusal=refusal,
                )
        return None


def _constants(statement: str) -> Iterator[str]:
    for write in read_writes(statement):
        for expression in (*write.values.values(), *write.unnamed):
            if (constant := constant_of(expression)) is not None:
                yield constant


def _value(constant: str) -> str:
    return next(iter(passed_values(constant)), constant)


def _literal(value: str) -> str:
    words = {"t": "true", "f": "false"}
    return value if _NUMBER.fullmatch(value) else words.get(value) or quote_literal(value)


def key_columns(repeated: RepeatedWrite) -> list[str]:
    """The columns of the key, as SQL names them; an expression as it is."""
    known = repeated.values
    return [f"{repeated.table}.{name if '(' in name else identifier(name).as_string(None)}" for name in known]
