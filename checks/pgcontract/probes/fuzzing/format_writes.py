"""Values that a column is not meant to hold, written in other ways than by the INSERT that the whole corpus goes by.

By UPDATE from a value that is meant, COPY, upsert, MERGE, of two rows at once; together with each other column, with two
that a rule names; by other columns alone; in each place where other rules apply. A few values of each kind are enough,
and those that triggers speak of.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations, product
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.formats import Format
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.emptied_table import empty_table
from pgcontract.probes.row_generation.made_row import NoRowAccepted
from pgcontract.probes.rows import reproduction_script
from pgcontract.probes.rows.attempts import (
    Attempt,
    Change,
    changes_alone,
    make_attempts,
    paired_changes,
    shown,
    single_changes,
)
from pgcontract.probes.rows.column_values import values_to_try
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow, attempt, find_probe_row
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.statement_kinds import Statement, copy_row, inserting, moved, updating
from pgcontract.probes.rows.write_targets import WriteTarget, write_targets
from pgcontract.probes.rows.write_trials import TrialResult, prepare_trials
from pgcontract.values import dataclass

MAX_ATTEMPTS: Final = 20_000  # at one place; more are counted and told
INSERT: Final = "INSERT"
UPDATE: Final = "UPDATE from a value that is meant"
OTHER_STATEMENT: Final = "COPY, upsert, MERGE, two rows at once, a row moved to another partition"
OTHER_COLUMN: Final = "together with another column"
TWO_COLUMNS: Final = "together with two columns that a rule names both"
SIDE_EFFECT: Final = "of other columns alone"
_MAIN: Final = 3  # values by each other statement
_LINKED: Final = 5  # values of a column that a rule names, from each to each other

Texts = tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class FormatWrite:
    """A write after which a row holds what is not meant: `stored` are the texts by column, `reason` is the oracle's."""

    label: str
    place_note: str
    stored: Texts
    reason: str
    script: str


@dataclass(frozen=True, kw_only=True)
class FormatWrites:
    """The `wrong` writes, how many of each kind were tried, what was left out in words, and the places written to;
    `closed` are those whose own rules refuse every row."""

    wrong: tuple[FormatWrite, ...]
    tried: Mapping[str, int]
    left_out: tuple[str, ...]
    places: tuple[str, ...]
    closed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FormatValues:
    """What is written to the `columns` (bare names): texts that are `meant` and were accepted, and some that are not,
    the likeliest to pass first. Without `beside_others` no rule can turn on another column."""

    table: str
    columns: tuple[str, ...]
    meant: Sequence[Texts]
    not_meant: Sequence[Texts]
    alone: Sequence[str] = ()
    beside_others: bool = True

    def literals(self, texts: Texts) -> ColumnValues:
        """As values of a write."""
        return {name: sql.Literal(text) for name, text in zip(self.columns, texts, strict=True)}


def try_format_writes(context: Context, values: FormatValues, oracle: Format[Any]) -> FormatWrites:
    """Every write, each undone. CouldNotAsk where no row with a value that is meant goes in anywhere."""
    rules = read_rule_texts(context.after, values.table)
    wrong: list[FormatWrite] = []
    tried: Counter[str] = Counter()
    left_out: list[str] = []
    places: list[str] = []
    closed: list[str] = []
    with context.sandbox.rolled_back(context.after_state) as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if not any(one.form == "primary key" and one.table == values.table for one in context.after.constraints):
            # Without a key a row is only known where it is the only one; what is deleted here comes back with the rest.
            empty_table(connection, values.table)
        for whole in write_targets(context, connection, values.table):
            target = whole.without(values.columns)
            with connection.transaction(force_rollback=True):
                try:
                    if target.obstacle:
                        raise CouldNotAsk(target.obstacle)
                    if places and not whole.values.keys().isdisjoint(values.columns):
                        raise CouldNotAsk("its own values lead rows there")
                    writes = _Writes(context, connection, values, oracle, rules, target)
                except CouldNotAsk as error:
                    if isinstance(error, NoRowAccepted) and error.is_closed:
                        closed.append(target.label)
                    else:
                        left_out.append(f"{target.label}: {error}")
                    continue
                places.append(target.label)
                wrong += writes.run()
                tried += writes.tried
                left_out += writes.left_out
    if not places:
        raise CouldNotAsk((*left_out, *closed)[0])
    return FormatWrites(
        wrong=tuple(wrong),
        tried=dict(tried),
        left_out=tuple(dict.fromkeys(left_out)),
        places=tuple(places),
        closed=tuple(closed),
    )


class _Writes:
    def __init__(
        self,
        context: Context,
        connection: psycopg.Connection,
        values: FormatValues,
        oracle: Format[Any],
        rules: RuleTexts,
        target: WriteTarget,
    ) -> None:
        prepare_trials(connection)
        self.connection = connection
        self.values = values
        self.oracle = oracle
        self.target = target
        variants = [values.literals(texts) for texts in values.meant]
        found = find_probe_row(context, connection, values.table, variants, target=target)
        good = next((texts for texts in values.meant if self._goes_in(found, texts)), None)
        if good is None:
            raise CouldNotAsk(f"no row with a value that is meant goes into {target.holder}")
        self.good = good
        self.row = _holding(found, values, good)
        other = second_row(context, self.row, target)
        elsewhere = next((texts for texts in values.meant if texts != good), good)
        self.second = _holding(other, values, elsewhere) if other else None
        self.second_values = values.literals(elsewhere)
        others = [
            column
            for column in context.after.columns
            if column.table == values.table and column.bare_name not in (*values.columns, *self.row.key, *target.values)
            if not column.generated and column.identity != "always"
        ]
        self.others = values_to_try(context, connection, rules, self.row, others if values.beside_others else [])
        self.pairs = rules.pairs([one.column.bare_name for one in self.others])
        self.left_out = [
            f"{len(one.values)} of {one.of} values of {one.column.name} were tried"
            for one in self.others
            if one.of > len(one.values)
        ]
        self.tried: Counter[str] = Counter()
        looked = (sql.SQL("{}::pg_catalog.text").format(identifier(name)) for name in values.columns)
        self.look = sql.SQL("pg_catalog.jsonb_build_array({})::pg_catalog.text").format(sql.SQL(", ").join(looked))
        self.accepted: dict[str, set[str]] = {}
        self.stored_good = self._read_back()
        self.is_read_back = self._why_not(self.stored_good) is None

    def run(self) -> Iterator[FormatWrite]:
        """New rows first, in the empty place, then changes of the row that is there."""
        yield from self._try(self._inserts_of_others(), learn=True)
        yield from self._try(self._inserts())
        yield from self._copies()
        if refusal := attempt(self.connection, self.row.insert()):
            raise CouldNotAsk(f"no test row can be inserted into {self.target.holder}: {refusal}")
        if self.second and attempt(self.connection, self.second.insert()):
            self.second = None
        yield from self._try(self._updates_of_others(), learn=True)
        yield from self._try(self._updates())

    def _goes_in(self, row: ProbeRow, texts: Texts) -> bool:
        with self.connection.transaction(force_rollback=True):
            return attempt(self.connection, row.insert(self.values.literals(texts))) is None

    def _read_back(self) -> Texts:
        with self.connection.transaction(force_rollback=True):
            attempt(self.connection, self.row.insert())
            record = self.connection.execute(self.row.select(self.look)).fetchone()
        return tuple(json.loads(record[0])) if record else ()

    def _why_not(self, texts: Texts) -> str | None:
        if not texts or (len(texts) == 1 and texts[0] is None):
            return None
        why: str | None = self.oracle.why_not(texts if len(texts) > 1 else texts[0])
        return why

    def _try(self, generated: Iterable[Attempt], *, learn: bool = False) -> Iterator[FormatWrite]:
        attempts = list(generated)
        if len(attempts) > MAX_ATTEMPTS:
            holder = self.target.holder
            self.left_out.append(f"{MAX_ATTEMPTS:,} of {len(attempts):,} writes to {holder} were tried")
        for made in make_attempts(self.connection, attempts[:MAX_ATTEMPTS], self.look):
            if learn and made.result.rows is not None and isinstance(made.attempt, _OtherAttempt):
                self.accepted.setdefault(made.attempt.name, set()).add(made.attempt.value)
            yield from self._judged(made.attempt, made.result)

    def _judged(self, tried: Attempt, result: TrialResult, copied: tuple[str, ...] = ()) -> Iterator[FormatWrite]:
        self.tried[tried.kind] += 1
        for row, found in zip(tried.after, result.rows or (), strict=False):
            stored: Texts = tuple(json.loads(found[0])) if found and found[0] else ()
            if stored == self.stored_good or (not self.is_read_back and tried.kind == SIDE_EFFECT):
                continue  # nothing changed; or the server spells what is meant in a way that the oracle does not know
            reason = self._why_not(stored)
            if reason is not None:
                yield FormatWrite(
                    label=tried.label,
                    place_note=""
                    if not self.target.values and self.target.holder == self.target.table
                    else f" in {self.target.label}",
                    stored=stored,
                    reason=reason,
                    script=self._script(tried, row, copied),
                )

    def _script(self, tried: Attempt, row: ProbeRow, copied: tuple[str, ...]) -> str:
        is_new = tried.label.startswith(("INSERT", "MERGE that inserts", "COPY")) and "is there" not in tried.label
        is_new = is_new and "proposes" not in tried.label
        there = (
            []
            if is_new
            else [self.row.insert(), *([self.second.insert()] if self.second and "two" in tried.label else [])]
        )
        looked = row.select(*map(identifier, self.values.columns))
        if copied:
            return "\n".join(["BEGIN;", *copied, f"{looked.as_string()};", "ROLLBACK;"])
        return reproduction_script([*self.row.prerequisites, *there, *tried.setup, tried.write, looked])

    # New rows

    def _inserts_of_others(self) -> Iterator[Attempt]:
        for change in single_changes(self.others):
            for name, value in change.beside.items():
                yield self._other(name, value, self.row.insert({name: value}), f"INSERT {change.label}")

    def _inserts(self) -> Iterator[Attempt]:
        for texts in self.values.not_meant:
            yield self._insert(INSERT, f"INSERT of {self._shown(texts)}", texts, {})
        for texts in self.values.not_meant[:_MAIN]:
            sent = self.values.literals(texts)
            for statement in inserting(self.row, sent, second=self.second, others=self.second_values):
                if statement.label != "INSERT":
                    yield self._by(statement, texts)
        changes = [change for change in single_changes(self.others, accepted=self.accepted) if not change.before]
        pairs = [change for change in paired_changes(self.others, self.pairs, self.accepted) if not change.before]
        for kind, chosen, number in ((OTHER_COLUMN, changes, 2), (TWO_COLUMNS, pairs, 1)):
            for change in chosen:
                for texts in self.values.not_meant[:number]:
                    label = f"INSERT of {self._shown(texts)} {change.label}"
                    yield self._insert(kind, label, texts, change.beside)

    def _insert(self, kind: str, label: str, texts: Texts, others: ColumnValues) -> Attempt:
        sent = {**others, **self.values.literals(texts)}
        return Attempt(kind=kind, label=label, write=self.row.insert(sent), after=(self._found(texts),))

    def _copies(self) -> Iterator[FormatWrite]:
        for texts in self.values.not_meant[:_MAIN]:
            row = self._found(texts)
            lines, result = copy_row(self.connection, self.row, self.values.literals(texts), row.select(self.look))
            made = Attempt(
                kind=OTHER_STATEMENT, label=f"COPY of {self._shown(texts)}", write=sql.Composed([]), after=(row,)
            )
            yield from self._judged(made, result, lines)

    # Rows that are there

    def _updates_of_others(self) -> Iterator[Attempt]:
        for change in changes_alone(self.others):
            for name, value in change.beside.items():
                yield self._other(name, value, self.row.update({name: value}), f"UPDATE of {change.label}")

    def _updates(self) -> Iterator[Attempt]:
        for texts in self.values.not_meant:
            yield self._update(UPDATE, f"UPDATE to {self._shown(texts)}", texts, {})
        for name, text in product(self.values.columns, self.values.alone):
            write = self.row.update({name: sql.Literal(text)})
            yield Attempt(kind=UPDATE, label=f"UPDATE of {name} = {text!r}", write=write, after=(self.row,))
        for texts in self.values.not_meant[:_MAIN]:
            kept = self.values.literals(self.good)
            sent = self.values.literals(texts)
            for statement in updating(self.row, sent, proposed=kept, kept=self._kept(), second=self.second):
                if statement.label != "UPDATE":
                    yield self._by(statement, texts)
        for led in self.target.elsewhere:
            key = {name: sql.Literal(value) for name, value in led.items()}
            for texts in self.values.not_meant[:_MAIN]:
                write = self.row.update({**self.values.literals(texts), **key})
                label = f"UPDATE to {self._shown(texts)} that moves the row to another partition"
                yield Attempt(kind=OTHER_STATEMENT, label=label, write=write, after=(moved(self._found(texts), led),))
        changes = [*single_changes(self.others, accepted=self.accepted), *self._links()]
        pairs = list(paired_changes(self.others, self.pairs, self.accepted))
        before: ColumnValues = {}
        setup: tuple[sql.Composed, ...] | None = None  # one tuple for those that share it
        for kind, chosen, number in ((OTHER_COLUMN, changes, 2), (TWO_COLUMNS, pairs, 1)):
            for change in sorted(chosen, key=lambda change: _key(change.before)):
                if setup is None or _key(change.before) != _key(before):
                    before, setup = change.before, (self.row.update(change.before),) if change.before else ()
                for texts in self.values.not_meant[:number]:
                    label = f"UPDATE to {self._shown(texts)} {change.label}"
                    yield self._update(kind, label, texts, change.beside, setup)
                if change.beside and (change.before or kind == TWO_COLUMNS):
                    write = self.row.update(change.beside)
                    label = f"UPDATE {change.label}"
                    yield Attempt(kind=SIDE_EFFECT, label=label, setup=setup, write=write, after=(self.row,))

    def _links(self) -> Iterator[Change]:
        for one in self.others:
            name = one.column.bare_name
            for earlier, value in permutations(one.values[:_LINKED], 2) if one.is_turning else ():
                label = f"with {name} = {shown(value)} of a row whose {name} was {shown(earlier)}"
                yield Change(label=label, before={name: earlier}, beside={name: value})

    def _kept(self) -> ColumnValues:
        return {name: identifier(name) for name in self.values.columns}

    def _update(
        self, kind: str, label: str, texts: Texts, others: ColumnValues, setup: tuple[sql.Composed, ...] = ()
    ) -> Attempt:
        write = self.row.update({**others, **self.values.literals(texts)})
        return Attempt(kind=kind, label=label, setup=setup, write=write, after=(self._found(texts),))

    def _by(self, statement: Statement, texts: Texts) -> Attempt:
        # By its new key, where the column is a part of it.
        rows = tuple(
            moved(row, dict(zip(self.values.columns, texts, strict=True))) if wrote else row
            for row, wrote in zip(statement.rows, statement.wrote, strict=True)
        )
        label = f"{statement.label}, to {self._shown(texts)}"
        return Attempt(kind=OTHER_STATEMENT, label=label, write=statement.write, after=rows)

    def _other(self, name: str, value: sql.Composable, write: sql.Composed, label: str) -> Attempt:
        return _OtherAttempt(
            kind=SIDE_EFFECT, label=label, write=write, after=(self.row,), name=name, value=value.as_string()
        )

    def _found(self, texts: Texts) -> ProbeRow:
        """The row as it is found when it holds the texts: by its new key, where the columns are a part of it."""
        return moved(self.row, dict(zip(self.values.columns, texts, strict=True)))

    def _shown(self, texts: Texts) -> str:
        return ", ".join("null" if text is None else shown(sql.Literal(text)) for text in texts)


@dataclass(frozen=True, kw_only=True)
class _OtherAttempt(Attempt):
    """Another column is written alone: it tells which of its values the table takes."""

    name: str
    value: str


def _holding(row: ProbeRow, values: FormatValues, texts: Texts) -> ProbeRow:
    return replace(row, row={**row.row, **dict(zip(values.columns, texts, strict=True))})


def _key(values: ColumnValues) -> tuple[tuple[str, str], ...]:
    return tuple((name, value.as_string()) for name, value in values.items())
