"""Writes by which a row could come to a state that it may not have, other than the plain ones of the matrix.

States that nobody listed; every kind of statement; two rows at once; each other column, before the write, with it and
without it, and two of them where a rule names both; a row that is moved to another partition. A refusal is never wrong
here, for the matrix has the writes that must be accepted: what counts is the state that a row then has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import StateMachine
from pgcontract.model.schema import Column
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.rows.attempts import (
    Attempt,
    Change,
    Tried,
    changes_alone,
    changes_to_and_fro,
    make_attempts,
    paired_changes,
    single_changes,
)
from pgcontract.probes.rows.column_values import values_to_try
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.state_matrix import (
    StateMatrix,
    companion_values,
    probe_state_matrices,
    values_for_state,
)
from pgcontract.probes.rows.statement_kinds import copy_row, inserting, moved, updating
from pgcontract.probes.rows.unlisted_values import FOREIGN_WORD, unlisted_values
from pgcontract.probes.rows.write_trials import prepare_trials
from pgcontract.values import dataclass

MAX_ATTEMPTS: Final = 20_000  # at one place; more are counted and told, and leave the question open
UNLISTED: Final = "a state that is not declared"
OTHER_STATEMENT: Final = "by another statement: COPY, upsert, MERGE, two rows at once, a row moved to another partition"
OTHER_COLUMN: Final = "together with another column"
SIDE_EFFECT: Final = "of other columns alone"
_ABSOLUTE: Final = ("22P02", "23502", "22001", "22003")  # the type's own syntax and length, NOT NULL
TWO_COLUMNS: Final = "together with two columns that a rule names both"


@dataclass(frozen=True, kw_only=True)
class StateWrite:
    """A write that led to a state that it may not have: `source` is the one before; `statements` are all it took, for
    COPY those before it."""

    matrix: StateMatrix
    label: str
    is_new: bool
    source: str | None
    state: str | None
    statements: tuple[sql.Composed, ...]
    copied: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StateWrites:
    """The `wrong` writes, how many of each kind were tried, and what was left out, in words."""

    wrong: tuple[StateWrite, ...]
    tried: Mapping[str, int]
    left_out: tuple[str, ...]


def later_declaration(context: Context, state_machine: StateMachine) -> StateMachine | None:
    """The state machine that a later contract declares of the same column: it may forbid more."""
    later = [
        machine
        for contract in context.later_contracts
        for machine in contract.of(StateMachine)
        if machine.column == state_machine.column
    ]
    return later[-1] if later else None


@cached_fact
def probe_state_writes(context: Context, state_machine: StateMachine, new: bool) -> StateWrites:
    """The writes of new rows, or those of rows that are there, at each place of the matrices, each undone.

    CouldNotAsk as for the matrices.
    """
    places = probe_state_matrices(context, state_machine)
    rules = read_rule_texts(context.after, state_machine.table)
    wrong: list[StateWrite] = []
    tried: Counter[str] = Counter()
    left_out: list[str] = []
    for matrix in places.matrices:
        with context.sandbox.rolled_back(context.after_state) as connection:
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            prepare_trials(connection)
            for statement in matrix.probe_row.prerequisites:
                connection.execute(statement)
            writes = _Writes(context, connection, state_machine, matrix, rules)
            wrong += writes.insert_rows() if new else writes.update_rows()
            tried += writes.tried
            left_out += writes.left_out
    return StateWrites(wrong=tuple(wrong), tried=dict(tried), left_out=tuple(dict.fromkeys(left_out)))


class _Writes:
    def __init__(
        self,
        context: Context,
        connection: psycopg.Connection,
        state_machine: StateMachine,
        matrix: StateMatrix,
        rules: RuleTexts,
    ) -> None:
        self.connection = connection
        self.state_machine = state_machine
        self.matrix = matrix
        self.row = matrix.probe_row
        self.column = state_machine.bare_column
        self.look = sql.SQL("{}::pg_catalog.text").format(identifier(self.column))
        self.tried: Counter[str] = Counter()
        self.left_out: list[str] = []
        self.columns = [column for column in context.after.columns if column.table == state_machine.table]
        own = next(column for column in self.columns if column.name == state_machine.column)
        self.is_generated = own.generated is not None
        self.later = later_declaration(context, state_machine)
        listed = (*state_machine.states, *(self.later.states if self.later else ()))
        self.unlisted = () if self.is_generated else unlisted_values(context, connection, own, rules, listed)
        self.open_values: tuple[str | None, ...] = self.unlisted
        self.second = second_row(context, self.row, matrix.target)
        self.rules = rules
        others = [column for column in self.columns if self._is_other(column)]
        self.values = values_to_try(context, connection, rules, self.row, others)
        for one in self.values:
            if one.of > len(one.values):
                self.left_out.append(f"{len(one.values)} of {one.of} values of {one.column.name} were tried")

        self.good = next((matrix.routes[s][0] for s in state_machine.initial if s in matrix.routes), None)
        alone = set(rules.checked_alone(self.column).texts)
        domains = {data_type.name for data_type in context.after.types if data_type.is_type(own.type)}
        self.absolute = {
            one.bare_name
            for one in context.after.constraints
            if one.form == "check" and (one.definition in alone or one.table in domains)
        }

    def insert_rows(self) -> Iterator[StateWrite]:
        """Writes of new rows; first those that tell which values the table takes at all, whatever its triggers say."""
        accepted: dict[str, set[str]] = {}
        yield from self._try_first([*self._columns_at_insert()], accepted)
        yield from self._try_unlisted(
            [(state, attempt) for state in self.unlisted for attempt in self._as_unlisted(state)]
        )
        yield from self._try(list(self._inserts(accepted)))
        yield from self._copies()

    def update_rows(self) -> Iterator[StateWrite]:
        """Writes of rows that are there; first those that tell which values the table takes at all."""
        accepted: dict[str, set[str]] = {}
        yield from self._try_first([*self._columns_at_update()], accepted)
        sources = list(self.matrix.routes)
        yield from self._try_unlisted(list(self._to_unlisted(sources[:1], self.unlisted)))
        yield from self._try([attempt for _, attempt in self._to_unlisted(sources[1:], self.open_values)])
        yield from self._try(list(self._updates(accepted)))

    def _try(self, attempts: list[Attempt]) -> Iterator[StateWrite]:
        if len(attempts) > MAX_ATTEMPTS:
            self.left_out.append(
                f"{MAX_ATTEMPTS:,} of {len(attempts):,} writes to {self.matrix.target.holder} were tried"
            )
        for made in make_attempts(self.connection, attempts[:MAX_ATTEMPTS], self.look):
            yield from self._reached(made)

    def _try_first(self, attempts: list[tuple[Attempt, Change]], accepted: dict[str, set[str]]) -> Iterator[StateWrite]:
        changes = {id(attempt): change for attempt, change in attempts}
        for made in make_attempts(self.connection, [attempt for attempt, _ in attempts], self.look):
            if made.result.rows is not None:
                change = changes[id(made.attempt)]
                for name, value in (*change.before.items(), *change.beside.items()):
                    accepted.setdefault(name, set()).add(value.as_string())
            yield from self._reached(made)

    def _try_unlisted(self, attempts: list[tuple[str | None, Attempt]]) -> Iterator[StateWrite]:
        """Keeps those as `open_values` that no type, NOT NULL or CHECK of the column alone refuses: these hold whatever
        else is written."""
        states = {id(attempt): state for state, attempt in attempts}
        refused: set[str | None] = set()
        for made in make_attempts(self.connection, [attempt for _, attempt in attempts], self.look):
            refusal = made.result.refusal
            if refusal and (refusal.sqlstate in _ABSOLUTE or refusal.constraint in self.absolute):
                refused.add(states[id(made.attempt)])
            yield from self._reached(made)
        self.open_values = tuple(value for value in self.unlisted if value not in refused)

    def _is_other(self, column: Column) -> bool:
        name = column.bare_name
        is_led = name in self.row.key or name in self.matrix.target.values
        return name != self.column and not (column.generated or column.identity == "always" or is_led)

    def _reached(self, made: Tried) -> Iterator[StateWrite]:
        """The wrong states that rows have now. A row may have had another state before than it was brought to."""
        is_new = not made.attempt.before
        self.tried[made.attempt.kind] += 1
        for number, found in enumerate(made.result.rows or ()):
            before = None if is_new else made.before[number]
            if found and before != () and not self._is_allowed(before[0] if before else None, found[0], is_new=is_new):
                yield StateWrite(
                    matrix=self.matrix,
                    label=made.attempt.label,
                    is_new=is_new,
                    source=before[0] if before else None,
                    state=found[0],
                    statements=(
                        *self.row.prerequisites,
                        *made.attempt.setup,
                        made.attempt.write,
                        made.attempt.after[number].select(identifier(self.column)),
                    ),
                )

    def _is_allowed(self, source: str | None, state: str | None, *, is_new: bool) -> bool:
        """Whether a row may start in the state, or come to it. What only a later contract declares is its to judge."""
        machine, later = self.state_machine, self.later
        is_known = state in machine.states
        if is_new:
            return state in machine.initial or (not is_known and later is not None and state in later.initial)
        if state == source or source is None or source not in machine.states:
            return True
        if state is None:
            return False
        judge = machine if is_known else later
        return judge is not None and (judge.allows(source, state) or judge.leaves_open(source, state))

    # New rows

    def _columns_at_insert(self) -> Iterator[tuple[Attempt, Change]]:
        """A row that may start so, with each value of each other column."""
        if self.good is None:
            return
        for change in single_changes(self.values):
            if not change.before:
                write = self.row.insert({**self.good, **change.beside})
                label = f"INSERT {change.label}"
                yield Attempt(kind=SIDE_EFFECT, label=label, write=write, after=(self.row,)), change

    def _as_unlisted(self, state: str | None) -> Iterator[Attempt]:
        for values in self._companions():
            write = self.row.insert({**values, self.column: sql.Literal(state)})
            yield self._insert(UNLISTED, f"INSERT as {_quoted(state)}", write)

    def _inserts(self, accepted: Mapping[str, set[str]]) -> Iterator[Attempt]:
        if not self.is_generated:
            for values in self._companions():
                yield self._insert(UNLISTED, f"INSERT without {self.column}", self.row.insert(values))
        wrong = list(self._wrong_starts())
        for name, values in wrong:
            for statement in inserting(self.row, values, second=self.second, others=self.good):
                yield Attempt(
                    kind=OTHER_STATEMENT,
                    label=f"{statement.label} as {name}"
                    if statement.label == "INSERT"
                    else f"{statement.label}, as {name}",
                    write=statement.write,
                    after=statement.rows,
                )
        changes = [change for change in single_changes(self.values, accepted=accepted) if not change.before]
        pairs = [change for change in self._pairs(accepted) if not change.before]
        for kind, changed in ((OTHER_COLUMN, changes), (TWO_COLUMNS, pairs)):
            for change in changed:
                for name, values in [*wrong, *([("itself", self.good)] if self.good and kind == TWO_COLUMNS else [])]:
                    write = self.row.insert({**values, **change.beside})
                    yield self._insert(kind, f"INSERT as {name} {change.label}", write)

    def _insert(self, kind: str, label: str, write: sql.Composed) -> Attempt:
        return Attempt(kind=kind, label=label, write=write, after=(self.row,))

    def _wrong_starts(self) -> Iterator[tuple[str, ColumnValues]]:
        """The states in which no row may start, and a foreign one, with the values that a row must have in them."""
        for state, outcome in self.matrix.starts.items():
            if state not in self.state_machine.initial and not (outcome.accepted or self.is_generated):
                yield state, values_for_state(self.state_machine, state)
        companions = next(self._companions())
        for foreign in self._foreign():
            yield _quoted(foreign), {**companions, self.column: sql.Literal(foreign)}

    def _copies(self) -> Iterator[StateWrite]:
        for name, values in self._wrong_starts():
            copied, result = copy_row(self.connection, self.row, values, self.row.select(self.look))
            self.tried[OTHER_STATEMENT] += 1
            for found in result.rows or ():
                if found and not self._is_allowed(None, found[0], is_new=True):
                    yield StateWrite(
                        matrix=self.matrix,
                        label=f"COPY, as {name}",
                        is_new=True,
                        source=None,
                        state=found[0],
                        statements=self.row.prerequisites,
                        copied=copied,
                    )

    # Rows that are there

    def _columns_at_update(self) -> Iterator[tuple[Attempt, Change]]:
        """A row in each state, of which other columns alone are written."""
        for source in self.matrix.routes:
            setup = self._setup(source, {})
            for change in changes_alone(self.values):
                label, write = f"UPDATE of {change.label}", self.row.update(change.beside)
                yield self._update(SIDE_EFFECT, label, setup, write), change

    def _update(self, kind: str, label: str, setup: tuple[sql.Composed, ...], write: sql.Composed) -> Attempt:
        return Attempt(kind=kind, label=label, setup=setup, write=write, before=(self.row,), after=(self.row,))

    def _to_unlisted(self, sources: Iterable[str], states: Iterable[str | None]) -> Iterator[tuple[str | None, Attempt]]:
        for source in sources:
            setup = self._setup(source, {})
            for state in states:
                for values in self._companions():
                    write = self.row.update({**values, self.column: sql.Literal(state)})
                    label = f"UPDATE to {_quoted(state)}"
                    yield state, self._update(UNLISTED, label, setup, write)

    def _updates(self, accepted: Mapping[str, set[str]]) -> Iterator[Attempt]:
        marked = [
            *((SIDE_EFFECT, change) for change in changes_to_and_fro(self.values)),
            *((OTHER_COLUMN, change) for change in single_changes(self.values, accepted=accepted)),
            *((TWO_COLUMNS, change) for change in self._pairs(accepted)),
        ]
        marked.sort(key=lambda pair: _key(pair[1].before))
        for source in self.matrix.routes:
            yield from self._other_statements(source)
            wrong = list(self._wrong_targets(source, alone=False))
            before: ColumnValues | None = None
            setup: tuple[sql.Composed, ...] = ()
            for kind, change in marked:
                if before is None or _key(before) != _key(change.before):
                    before, setup = change.before, self._setup(source, change.before)
                if change.beside and kind != OTHER_COLUMN:
                    label = f"UPDATE {'of ' if kind == SIDE_EFFECT else ''}{change.label}"
                    yield self._update(kind, label, setup, self.row.update(change.beside))
                for name, values in wrong if kind != SIDE_EFFECT else ():
                    write = self.row.update({**values, **change.beside})
                    yield self._update(kind, f"UPDATE to {name} {change.label}", setup, write)

    def _other_statements(self, source: str) -> Iterator[Attempt]:
        """To forbidden states by each kind of statement, and to another partition."""
        setup = self._setup(source, {})
        row = (self.row,)
        both = (*setup, *self._setup(source, {}, row=self.second)) if self.second else ()
        stays = {} if self.is_generated else {self.column: identifier(self.column)}
        wrong = list(self._wrong_targets(source))
        for name, values in wrong:
            statements = updating(
                self.row, values, proposed=self.good or values, kept=stays, second=self.second, second_setup=both
            )
            for statement in sorted(statements, key=lambda statement: bool(statement.setup)):
                yield Attempt(
                    kind=OTHER_STATEMENT,
                    label=f"{statement.label} to {name}"
                    if statement.label == "UPDATE"
                    else f"{statement.label}, to {name}",
                    setup=both if statement.setup else setup,
                    write=statement.write,
                    before=statement.rows,
                    after=statement.rows,
                )
        for led in self.matrix.target.elsewhere:
            key = {name: sql.Literal(value) for name, value in led.items()}
            for name, values in [*wrong, ("itself", {})]:
                yield Attempt(
                    kind=OTHER_STATEMENT,
                    label=f"UPDATE that moves the row to another partition, to {name}",
                    setup=setup,
                    write=self.row.update({**values, **key}),
                    before=row,
                    after=(moved(self.row, led),),
                )

    def _wrong_targets(self, source: str, *, alone: bool = True) -> Iterator[tuple[str, ColumnValues]]:
        """The states that may not follow, with the values that a row must have in them, and where `alone` without."""
        machine = self.state_machine
        for (before, target), outcome in self.matrix.transitions.items():
            forbidden = not machine.allows(before, target) and not machine.leaves_open(before, target)
            if before == source and forbidden and not (outcome.accepted or self.is_generated):
                yield target, values_for_state(machine, target)
                if alone and companion_values(machine, target):
                    yield f"{target} alone", {self.column: sql.Literal(target)}
        for foreign in self._foreign():
            yield _quoted(foreign), {self.column: sql.Literal(foreign)}

    def _foreign(self) -> Iterator[str | None]:
        """A word that no rule knows, or the first value that is not declared; and null: if the column can hold them."""
        words = [word for word in self.open_values if word is not None]
        if words:
            yield FOREIGN_WORD if FOREIGN_WORD in words else words[0]
        if None in self.open_values:
            yield None

    def _companions(self) -> Iterator[ColumnValues]:
        """What each state asks of other columns, each once: an undeclared state might ask any of it."""
        seen: set[tuple[tuple[str, str], ...]] = set()
        for state in (*self.state_machine.initial, *self.state_machine.states):
            values = companion_values(self.state_machine, state)
            if _key(values) not in seen:
                seen.add(_key(values))
                yield values

    def _pairs(self, accepted: Mapping[str, set[str]]) -> Iterator[Change]:
        names = [one.column.bare_name for one in self.values]
        return paired_changes(self.values, self.rules.pairs(names), accepted)

    def _setup(self, source: str, before: ColumnValues, *, row: ProbeRow | None = None) -> tuple[sql.Composed, ...]:
        """The writes that bring the row to the state, with these values of other columns: from the INSERT on, or
        written last where a later write of the way has others."""
        row = row or self.row
        first, *rest = self.matrix.routes[source]
        written_later = any(name in values for values in rest for name in before)
        insert = row.insert(first if written_later else {**first, **before})
        last = [row.update(before)] if written_later else []
        return (insert, *(row.update(values) for values in rest), *last)


def _key(values: ColumnValues) -> tuple[tuple[str, str], ...]:
    return tuple((name, value.as_string()) for name, value in values.items())


def _quoted(state: str | None) -> str:
    return "null" if state is None else repr(state)
