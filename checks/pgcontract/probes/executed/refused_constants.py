"""Constants that a body or a default writes into a table, which went through before a deploy and which its head refuses;
into a table that the deploy makes, which its own CHECK refuses.

Each is written by itself over rows that are there, before the deploy and after it: so it is neither an argument's fault
nor a row's, and it does not matter whether a call of ours comes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import psycopg

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Schema
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import refusal_of
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed.bodies import TIMEOUT_MS, Executed, execute_bodies, populated_state
from pgcontract.probes.executed.lacking_parents import is_made_good, lacking_parent
from pgcontract.probes.executed.passed_constants import passed_writers
from pgcontract.probes.executed.written_constants import DEFAULT, Other, Writer, Writers, text_of
from pgcontract.probes.populated.deployed import first_of_deploy
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.row_generation.made_row import row_candidates
from pgcontract.probes.row_generation.row_maker import insert_literals
from pgcontract.values import dataclass

_NOT_NULL: Final = "23502"
_FOREIGN_KEY: Final = "23503"
_CHECK: Final = "23514"
_OF_VALUES: Final = frozenset((_NOT_NULL, _FOREIGN_KEY, _CHECK))
_DATA: Final = "22"  # the class of what is no value of a type, or too long for it
_MAX_ROWS: Final = 5
_MAX_ROWS_TRIED: Final = 6
_ROWS: Final = """
SELECT pg_catalog.format(
           CASE c.relkind WHEN 'p' THEN 'ctid = %%L AND tableoid = %%L::regclass' ELSE 'ctid = %%L' END,
           t.ctid, t.tableoid::pg_catalog.regclass
       )
  FROM {} AS t JOIN pg_catalog.pg_class AS c ON c.oid = %s::pg_catalog.regclass
 ORDER BY t.tableoid, t.ctid LIMIT 20
"""
_KEYS: Final = """
SELECT c.conname::text, ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.conkey) AS k(number)
                        JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (c.conrelid, k.number))
  FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = %s::pg_catalog.regclass
"""


@dataclass(frozen=True, kw_only=True)
class RefusedConstant:
    """`values` are those that the server refuses, SQL by bare column name, and `shown` the UPDATE that shows it.
    `function` or some `other` writes them, neither where they are the column's default; `statement` stands at `line` of
    its body (None where that is not in PL/pgSQL), and a call `reached` it. `call` is one that was refused so, with the
    server's words. It is taken where somebody has put it into the table `unless_in`, which no migration does.
    Where it `is_anothers`, a function that it calls with it writes it; where `is_of_made`, a deploy makes the table."""

    table: str
    values: Mapping[str, str]
    shown: str
    refusal: Refusal
    function: str | None = None
    other: Other | None = None
    statement: str = ""
    line: int | None = None
    reached: bool = True
    call: tuple[str, Refusal] | None = None
    unless_in: str = ""
    is_anothers: bool = False
    is_of_made: bool = False

    @property
    def is_left_out(self) -> bool:
        return set(self.values.values()) == {DEFAULT}


@cached_state_fact
def refused_constants(context: Context) -> tuple[RefusedConstant, ...]:
    """Those of defaults first. CouldNotAsk where the head is not applied."""
    if not context.promise.is_pending:
        return ()
    first = first_of_deploy(context)
    writers = Writers(context, first.before)
    writing = [*writers.of_defaults(), *writers.of_others(execute_bodies(context).jobs), *writers.of_routines()]
    passed = filter(writers.may_be_new, passed_writers(context, execute_bodies(context).refused))
    writing += passed
    if not writing:
        return ()
    before_state = first.script_result().before
    with suppress(CouldNotAsk):
        before_state = run_over_rows(first).before
    with (
        context.sandbox.rolled_back(populated_state(context)) as after,
        context.sandbox.rolled_back(before_state) as before,
    ):
        for connection in (after, before):
            connection.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        trials = _Trials(context, first.before, after, before)
        told: list[RefusedConstant] = []
        for writer in writing:
            if not (writer.is_passed and any(_is_of(one, writer) for one in told)) and (refused := trials.judge(writer)):
                told.append(refused)
        return tuple(told)


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A row that was given the values, and what the server says against that."""

    values: Mapping[str, str]
    statement: str
    refusal: Refusal | None

    @property
    def is_of_values(self) -> bool:
        """Whether it is refused for what they are."""
        refusal = self.refusal
        if refusal is None or "function" in (refusal.context or ""):
            return False
        return refusal.sqlstate in _OF_VALUES or refusal.sqlstate.startswith(_DATA)

    @property
    def is_of_no_row(self) -> bool:
        """Whether it is refused whatever other rows are there: by a CHECK, or as no value of the type."""
        refusal = self.refusal
        is_check = refusal is not None and refusal.sqlstate == _CHECK and refusal.constraint is not None
        return is_check or (refusal is not None and refusal.sqlstate.startswith(_DATA))

    @property
    def constraint(self) -> tuple[str, str | None] | None:
        return (self.refusal.sqlstate, self.refusal.constraint) if self.refusal else None


class _Trials:
    def __init__(self, context: Context, schema: Schema, after: psycopg.Connection, before: psycopg.Connection) -> None:
        self._context = context
        self._schema = schema
        self._was = {function.name: text_of(function) for function in schema.functions}
        self._there = {table.name for table in schema.tables}
        self._after = after
        self._before = before
        self._rows: dict[tuple[int, str], Sequence[str]] = {}
        self._keys: dict[str, Mapping[str, Sequence[str]]] = {}
        self._defaults: set[tuple[str, str]] = set()

    def judge(self, writer: Writer) -> RefusedConstant | None:
        """The first of its constants that is refused whatever the row is, and was not before."""
        is_made = writer.table not in self._there and not self._is_refused_in_a_call(writer)
        for values in _rows_of(writer.options):
            for trial in self._guilty(writer.table, values):
                if is_made and not trial.is_of_no_row:
                    continue
                if self._is_new(writer, trial.values) and (told := self._told(writer, trial)) is not None:
                    return told
        return None

    def _is_refused_in_a_call(self, writer: Writer) -> bool:
        """Whether the routine's values are refused anywhere: a table of the deploy's has no rows to try them on."""
        routine = writer.routine
        return routine is not None and any(key[0] == routine.function.name for key in self._executed.refusals)

    @property
    def _executed(self) -> Executed:
        return execute_bodies(self._context)

    def _tried(self, connection: psycopg.Connection, table: str, values: Mapping[str, str]) -> Iterator[_Trial]:
        """Each of its rows, given these values."""
        sets = ", ".join(f"{identifier(name).as_string(None)} = {value}" for name, value in values.items())
        for row in self._rows_in(connection, table):
            statement = f"UPDATE {table} SET {sets} WHERE {row}"  # noqa: S608 - names from the catalog
            yield _Trial(values=values, statement=statement, refusal=refusal_of(connection, statement))

    def _rows_in(self, connection: psycopg.Connection, table: str) -> Sequence[str]:
        """What holds for each of a few, such as may be updated at all, where there are any."""
        key = (id(connection), table)
        if key not in self._rows:
            rows = self._read_rows(connection, table)
            usable = [row for row in rows if self._may_change(connection, table, row)]
            if not usable and connection is self._after and self._insert(table):
                usable = [*self._read_rows(connection, table)[-1:]]
            self._rows[key] = (usable or rows)[:_MAX_ROWS]
        return self._rows[key]

    def _read_rows(self, connection: psycopg.Connection, table: str) -> Sequence[str]:
        with suppress(psycopg.Error), connection.transaction():
            return [row for (row,) in connection.execute(_ROWS.format(table).encode(), [table]).fetchall()]
        return ()

    def _may_change(self, connection: psycopg.Connection, table: str, row: str) -> bool:
        """Whether it breaks no rule that rows were not asked for (NOT VALID)."""
        column = next((each for each in self._context.after.columns_of(table) if not each.generated), None)
        if column is None or connection is self._before:
            return True
        name = column.quoted_name
        return refusal_of(connection, f"UPDATE {table} SET {name} = {name} WHERE {row}") is None  # noqa: S608 - names

    def _insert(self, table: str) -> bool:
        with suppress(psycopg.Error, CouldNotAsk):
            for number, made in enumerate(row_candidates(self._context, self._after, table)):
                statement = insert_literals(table, made.values).as_string(self._after)
                if number >= _MAX_ROWS_TRIED:
                    break
                if refusal_of(self._after, statement, keep=True) is None:
                    return True
        return False

    def _guilty(self, table: str, values: Mapping[str, str]) -> Iterator[_Trial]:
        """What is refused for some of the values alone, whatever else the row has."""
        trials = list(self._tried(self._after, table, values))
        for trial in trials:
            names = self.names(table, trial.refusal) if trial.is_of_values else ()
            if names and set(names) <= values.keys():
                alone = self._tried(self._after, table, {name: values[name] for name in names})
                same = (each for each in alone if each.is_of_values and each.constraint == trial.constraint)
                yield next(same, replace(trial, values={name: values[name] for name in names}))
                return
        if trials and all(trial.is_of_values and self.names(table, trial.refusal) is None for trial in trials):
            for name, value in values.items():
                each_alone = list(self._tried(self._after, table, {name: value}))
                if all(each.is_of_values and each.constraint == trials[0].constraint for each in each_alone):
                    yield each_alone[0]
                    return

    def names(self, table: str, refusal: Refusal | None) -> Sequence[str] | None:
        """The columns that it is about; none where that is a partition's, None where the server says none."""
        if refusal is None:
            return ()
        if refusal.sqlstate == _NOT_NULL and refusal.column_name:
            return [refusal.column_name]
        if refusal.constraint is None:
            return None
        if table not in self._keys:
            self._keys[table] = dict(self._after.execute(_KEYS, [table]).fetchall())
        return self._keys[table].get(refusal.constraint, () if refusal.table_name else None)

    def _is_new(self, writer: Writer, values: Mapping[str, str]) -> bool:
        """Whether it went through before the deploy, or is written since the deploy alone."""
        if writer.routine is not None:
            was = self._was.get(writer.routine.function.name, "")
            said = [value.partition("::")[0] for value in values.values() if value != DEFAULT]
            if not was or not all(value in was for value in said):
                return True
        if writer.table not in self._there:
            return True
        columns = {column.bare_name for column in self._schema.columns_of(writer.table)}
        kept = {name: value for name, value in values.items() if name in columns}
        if not columns or not kept:
            return bool(columns)
        return any(trial.refusal is None for trial in self._tried(self._before, writer.table, kept))

    def _told(self, writer: Writer, trial: _Trial) -> RefusedConstant | None:
        values, refusal = trial.values, trial.refusal
        assert refusal is not None
        is_key = refusal.sqlstate == _FOREIGN_KEY
        parent = lacking_parent(self._context, self._there, writer.table, refusal) if is_key else None
        if is_key and parent is None:
            return None
        refused = RefusedConstant(
            table=writer.table,
            values=values,
            shown=trial.statement,
            refusal=refusal,
            unless_in=parent if parent in self._there else "",
            is_of_made=writer.table not in self._there,
        )
        routine, left_out = writer.routine, {(writer.table, name) for name in values}
        if writer.other is not None:
            return replace(refused, other=writer.other, statement=writer.statement) if not is_key else None
        if routine is None:
            self._defaults |= left_out
            return refused
        executed, name = self._executed, routine.function.name
        if refused.is_left_out and left_out & self._defaults:
            return None
        if any(failure.function == name for failure in executed.failures):
            return None
        known = executed.refusals.get((name, refusal.sqlstate, refusal.constraint))
        call = writer.call if writer.is_passed else known
        # What it needs it may make itself: a row that is referred to, a partition.
        if call is None and (refusal.sqlstate == _FOREIGN_KEY or (refusal.sqlstate == _CHECK and not refusal.constraint)):
            return None
        if call is None and writer.is_loosened:
            return None
        if call is not None and is_made_good(self._context, self._after, refusal, call[0]):
            return None
        is_called = name not in executed.left if writer.start is None else writer.start in executed.reached[name]
        if writer.is_of_new and not is_called:  # for an event that no trigger has, perhaps
            return None
        return replace(
            refused,
            function=name,
            statement=writer.statement,
            line=writer.line,
            reached=is_called or call is not None,
            call=call,
            is_anothers=writer.is_anothers,
        )


def _is_of(told: RefusedConstant, writer: Writer) -> bool:
    """Whether it says of the same function and columns."""
    name = writer.routine.function.name if writer.routine is not None else None
    return (told.function, told.table, told.values.keys()) == (name, writer.table, writer.options.keys())


def _rows_of(options: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """The first constant of each column, then each other in its turn."""
    first = {name: constants[0] for name, constants in options.items()}
    yield first
    for name, constants in options.items():
        yield from ({**first, name: other} for other in constants[1:])
