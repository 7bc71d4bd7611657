"""Writes by which a row could come to a state that it may not have, other than the plain ones of the matrix.

States that nobody listed; every kind of statement; two rows at once; each other column, before the write, with it and
without it, and two of them where a rule names both; a row that is moved to another partition. A refusal is never wrong
here, for the matrix has the writes that must be accepted: what counts is the state that a row then has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import StateMachine
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.rows.attempts import Attempt, Attempts, Sent, Tried
from pgcontract.probes.rows.other_columns import TOGETHER, find_other_columns
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.state_matrix import StateMatrix, companion_values, probe_state_matrices, values_for_state
from pgcontract.probes.rows.unlisted_values import FOREIGN_WORD, unlisted_values
from pgcontract.probes.rows.write_matrix import WriteMatrix
from pgcontract.probes.rows.write_trials import prepare_trials
from pgcontract.values import dataclass

UNLISTED: Final = "a state that is not declared"
OTHER_STATEMENT: Final = "by another statement: COPY, upsert, MERGE, two rows at once, a row moved to another partition"
OTHER_COLUMN: Final = "together with another column"
SIDE_EFFECT: Final = "of other columns alone"
_ABSOLUTE: Final = ("22P02", "23502", "22001", "22003")  # the type's own syntax and length, NOT NULL
TWO_COLUMNS: Final = "together with two columns that a rule names both"


@dataclass(frozen=True, kw_only=True)
class StateWrite:
    """A write that led to a state that it may not have: `source` is the one before; `script` is all it took."""

    matrix: StateMatrix
    label: str
    source: str | None
    state: str | None
    script: str


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
            tried += writes.attempts.tried
            left_out += writes.attempts.left_out
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
        self.state_machine = state_machine
        self.states = matrix
        self.row = matrix.probe_row
        self.column = state_machine.bare_column
        self.look = sql.SQL("{}::pg_catalog.text").format(identifier(self.column))
        columns = context.after.columns_of(state_machine.table)
        own = next(column for column in columns if column.name == state_machine.column)
        self.is_generated = own.generated is not None
        self.later = later_declaration(context, state_machine)
        listed = (*state_machine.states, *(self.later.states if self.later else ()))
        self.unlisted = () if self.is_generated else unlisted_values(context, connection, own, rules, listed)
        self.open_values: tuple[str | None, ...] = self.unlisted
        self.second = second_row(context, self.row, matrix.target)
        self.others = find_other_columns(
            context, connection, rules, state_machine.table, self.row, matrix.target, (self.column,)
        )
        self.attempts = Attempts(connection, matrix.target.holder, self.others.left_out)
        self.matrix = WriteMatrix(
            row=self.row,
            second=self.second,
            target=matrix.target,
            word="as",
            kind=OTHER_STATEMENT,
            looks_before=True,
        )
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
        if self.good is not None:
            others = (SIDE_EFFECT, self.others.single(), [Sent(values=self.good)])
            yield from self._try(self.matrix.inserts(others), learn=True)
        yield from self._try_unlisted(self.matrix.insert(UNLISTED, sent) for sent in self._undeclared(self.unlisted))
        yield from self._try(self._inserts())
        together = (TOGETHER, self.others.together(self.attempts.accepted), [*self._wrong_starts(), *self._itself()])
        yield from self._try(self.matrix.inserts(together))
        for made in self.matrix.copies(self.attempts, self._wrong_starts(), self.look):
            yield from self._reached(made)

    def update_rows(self) -> Iterator[StateWrite]:
        """Writes of rows that are there; first those that tell which values the table takes at all."""
        sources = list(self.states.routes)
        alone = (SIDE_EFFECT, list(self.others.alone()), [Sent()])
        others = (self.matrix.updates(alone, setup=partial(self._setup, source)) for source in sources)
        yield from self._try((attempt for several in others for attempt in several), learn=True)
        yield from self._try_unlisted(self._to_unlisted(sources[:1], self.unlisted))
        yield from self._try(self._to_unlisted(sources[1:], self.open_values))
        yield from self._try(self._updates())
        together = list(self.others.together(self.attempts.accepted))
        for source in sources if together else ():
            several = [Sent(), *self._wrong_targets(source, alone=False)]
            changes = (TOGETHER, together, several)
            yield from self._try(self.matrix.updates(changes, setup=partial(self._setup, source)))

    def _try(self, attempts: Iterable[Attempt], *, learn: bool = False) -> Iterator[StateWrite]:
        for made in self.attempts.make(attempts, self.look, learn=learn):
            yield from self._reached(made)

    def _try_unlisted(self, attempts: Iterable[Attempt]) -> Iterator[StateWrite]:
        """Keeps those as `open_values` that no type, NOT NULL or CHECK of the column alone refuses: these hold whatever
        else is written."""
        refused: set[str] = set()
        for made in self.attempts.make(attempts, self.look):
            refusal = made.result.refusal
            if refusal and (refusal.sqlstate in _ABSOLUTE or refusal.constraint in self.absolute):
                refused.add(made.attempt.sent.name)
            yield from self._reached(made)
        self.open_values = tuple(value for value in self.unlisted if _quoted(value) not in refused)

    def _reached(self, made: Tried) -> Iterator[StateWrite]:
        """The wrong states that rows have now. A row may have had another state before than it was brought to."""
        is_new = made.attempt.is_new
        for number, found in enumerate(made.result.rows or ()):
            before = None if is_new else made.before[number]
            if found and before != () and not self._is_allowed(before[0] if before else None, found[0], is_new=is_new):
                looked = made.attempt.after[number].select(identifier(self.column))
                yield StateWrite(
                    matrix=self.states,
                    label=made.attempt.label,
                    source=before[0] if before else None,
                    state=found[0],
                    script=made.script(self.row, looked),
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

    def _inserts(self) -> Iterator[Attempt]:
        if not self.is_generated:
            for values in self._companions():
                yield self.matrix.insert(UNLISTED, Sent(values=values), label=f"INSERT without {self.column}")
        wrong = list(self._wrong_starts())
        yield from self.matrix.insert_statements(wrong, others=self.good, plain=True)
        accepted = self.attempts.accepted
        yield from self.matrix.inserts(
            (OTHER_COLUMN, self.others.single(accepted), wrong),
            (TWO_COLUMNS, self.others.paired(accepted), [*wrong, *self._itself()]),
        )

    def _itself(self) -> Iterator[Sent]:
        """A state in which a row may start."""
        if self.good:
            yield Sent(name="itself", values=self.good)

    def _undeclared(self, states: Iterable[str | None]) -> Iterator[Sent]:
        for state in states:
            for values in self._companions():
                yield Sent(name=_quoted(state), values={**values, self.column: sql.Literal(state)})

    def _wrong_starts(self) -> Iterator[Sent]:
        """The states in which no row may start, and a foreign one, with the values that a row must have in them."""
        for state, outcome in self.states.starts.items():
            if state not in self.state_machine.initial and not (outcome.accepted or self.is_generated):
                yield Sent(name=state or repr(state), values=values_for_state(self.state_machine, state))
        companions = next(self._companions())
        for foreign in self._foreign():
            yield Sent(name=_quoted(foreign), values={**companions, self.column: sql.Literal(foreign)})

    # Rows that are there

    def _to_unlisted(self, sources: Iterable[str], states: Iterable[str | None]) -> Iterator[Attempt]:
        for source in sources:
            setup = self._setup(source, {})
            for sent in self._undeclared(states):
                yield self.matrix.update(UNLISTED, sent, setup=setup)

    def _updates(self) -> Iterator[Attempt]:
        """To forbidden states by each kind of statement, to another partition, and with other columns."""
        accepted = self.attempts.accepted
        stays = {} if self.is_generated else {self.column: identifier(self.column)}
        to_and_fro = list(self.others.to_and_fro())
        single, paired = list(self.others.single(accepted)), list(self.others.paired(accepted))
        for source in self.states.routes:
            setup = self._setup(source, {})
            both = (*setup, *self._setup(source, {}, row=self.second)) if self.second else ()
            wrong = list(self._wrong_targets(source))
            yield from self.matrix.update_statements(
                wrong, proposed=self.good or None, kept=stays, setup=setup, second_setup=both, plain=True
            )
            yield from self.matrix.moves([*wrong, Sent(name="itself")], setup=setup)
            whole = list(self._wrong_targets(source, alone=False))
            yield from self.matrix.updates(
                (SIDE_EFFECT, to_and_fro, [Sent()]),
                (OTHER_COLUMN, single, whole),
                (TWO_COLUMNS, paired, [Sent(), *whole]),
                setup=partial(self._setup, source),
            )

    def _wrong_targets(self, source: str, *, alone: bool = True) -> Iterator[Sent]:
        """The states that may not follow, with the values that a row must have in them, and where `alone` without."""
        machine = self.state_machine
        for (before, target), outcome in self.states.transitions.items():
            forbidden = not machine.allows(before, target) and not machine.leaves_open(before, target)
            if before == source and forbidden and not (outcome.accepted or self.is_generated):
                yield Sent(name=target or repr(target), values=values_for_state(machine, target))
                if alone and companion_values(machine, target):
                    yield Sent(name=f"{target} alone", values={self.column: sql.Literal(target)})
        for foreign in self._foreign():
            yield Sent(name=_quoted(foreign), values={self.column: sql.Literal(foreign)})

    def _foreign(self) -> Iterator[str | None]:
        """A word that no rule knows, or the first value that is not declared; and null: if the column can hold them."""
        words = [word for word in self.open_values if word is not None]
        if words:
            yield FOREIGN_WORD if FOREIGN_WORD in words else words[0]
        if None in self.open_values:
            yield None

    def _companions(self) -> Iterator[ColumnValues]:
        """What each state asks of other columns, each once: an undeclared state might ask any of it."""
        states = (*self.state_machine.initial, *self.state_machine.states)
        several = [companion_values(self.state_machine, state) for state in states]
        yield from {str([(name, value.as_string()) for name, value in one.items()]): one for one in several}.values()

    def _setup(self, source: str, before: ColumnValues, *, row: ProbeRow | None = None) -> tuple[sql.Composed, ...]:
        """The writes that bring the row to the state, with these values of other columns: from the INSERT on, or
        written last where a later write of the way has others."""
        row = row or self.row
        first, *rest = self.states.routes[source]
        written_later = any(name in values for values in rest for name in before)
        insert = row.insert(first if written_later else {**first, **before})
        last = [row.update(before)] if written_later else []
        return (insert, *(row.update(values) for values in rest), *last)


def _quoted(state: str | None) -> str:
    return "null" if state is None else repr(state)
