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
from itertools import product
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.formats import Format
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.emptied_table import empty_table
from pgcontract.probes.rows.attempts import Attempt, Attempts, Sent, Tried
from pgcontract.probes.rows.other_columns import TOGETHER, OtherColumns, find_other_columns, shown
from pgcontract.probes.rows.places import Places
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow, attempt, find_probe_row
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.write_matrix import WriteMatrix
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.values import dataclass

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
    with context.sandbox.rolled_back(context.after_state) as connection:
        places = Places(
            context,
            connection,
            values.table,
            values.columns,
            lambda target: _Writes(context, connection, values, oracle, rules, target),
            led_by="its own values lead rows there",
        )
        if not any(one.form == "primary key" and one.table == values.table for one in context.after.constraints):
            # Without a key a row is only known where it is the only one; what is deleted here comes back with the rest.
            empty_table(connection, values.table)
        for writes in places:
            wrong += writes.run()
            tried += writes.attempts.tried
            left_out += writes.attempts.left_out
    return FormatWrites(
        wrong=tuple(wrong),
        tried=dict(tried),
        left_out=tuple(dict.fromkeys((*places.missing, *left_out))),
        places=tuple(places.labels),
        closed=tuple(target.label for target, _ in places.closed),
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
        self.others = OtherColumns()
        if values.beside_others:
            self.others = find_other_columns(context, connection, rules, values.table, self.row, target, values.columns)
        self.attempts = Attempts(connection, target.holder, self.others.left_out)
        self.wrong = [
            Sent(
                name=", ".join("null" if text is None else shown(sql.Literal(text)) for text in texts),
                values=values.literals(texts),
                key=dict(zip(values.columns, texts, strict=True)),
            )
            for texts in values.not_meant
        ]
        looked = (sql.SQL("{}::pg_catalog.text").format(identifier(name)) for name in values.columns)
        self.look = sql.SQL("pg_catalog.jsonb_build_array({})::pg_catalog.text").format(sql.SQL(", ").join(looked))
        self.stored_good = self._read_back()
        self.is_read_back = self._why_not(self.stored_good) is None

    @property
    def matrix(self) -> WriteMatrix:
        """With the second row as long as there is one."""
        return WriteMatrix(
            row=self.row,
            second=self.second,
            target=self.target,
            word="of",
            kind=OTHER_STATEMENT,
            looks_before=False,
        )

    def run(self) -> Iterator[FormatWrite]:
        """New rows first, in the empty place, then changes of the row that is there."""
        yield from self._try(self.matrix.inserts((SIDE_EFFECT, self.others.single(), [Sent()])), learn=True)
        yield from self._try(self._inserts())
        for made in self.matrix.copies(self.attempts, self.wrong[:_MAIN], self.look):
            yield from self._judged(made)
        if refusal := attempt(self.connection, self.row.insert()):
            raise CouldNotAsk(f"no test row can be inserted into {self.target.holder}: {refusal}")
        if self.second and attempt(self.connection, self.second.insert()):
            self.second = None
        alone = (SIDE_EFFECT, self.others.alone(), [Sent()])
        yield from self._try(self.matrix.updates(alone, setup=self._before), learn=True)
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

    def _try(self, attempts: Iterable[Attempt], *, learn: bool = False) -> Iterator[FormatWrite]:
        for made in self.attempts.make(attempts, self.look, learn=learn):
            yield from self._judged(made)

    def _judged(self, made: Tried) -> Iterator[FormatWrite]:
        for row, found in zip(made.attempt.after, made.result.rows or (), strict=False):
            stored: Texts = tuple(json.loads(found[0])) if found and found[0] else ()
            if stored == self.stored_good or (not self.is_read_back and made.attempt.kind == SIDE_EFFECT):
                continue  # nothing changed; or the server spells what is meant in a way that the oracle does not know
            reason = self._why_not(stored)
            if reason is not None:
                both = (self.row, self.second) if len(made.attempt.after) > 1 else (self.row,)
                there = [one for one in both if one and not made.attempt.is_new]
                looked = row.select(*map(identifier, self.values.columns))
                yield FormatWrite(
                    label=made.attempt.label,
                    place_note=self.target.note,
                    stored=stored,
                    reason=reason,
                    script=made.script(self.row, looked, there=there),
                )

    def _inserts(self) -> Iterator[Attempt]:
        yield from (self.matrix.insert(INSERT, sent) for sent in self.wrong)
        yield from self.matrix.insert_statements(self.wrong[:_MAIN], others=self.second_values)
        yield from self.matrix.inserts(
            (OTHER_COLUMN, self.others.single(self.attempts.accepted), self.wrong[:2]),
            (TWO_COLUMNS, self.others.paired(self.attempts.accepted), self.wrong[:1]),
            (TOGETHER, self.others.together(self.attempts.accepted), self.wrong[:2]),
        )

    def _updates(self) -> Iterator[Attempt]:
        yield from (self.matrix.update(UPDATE, sent) for sent in self.wrong)
        for name, text in product(self.values.columns, self.values.alone):
            sent = Sent(values={name: sql.Literal(text)})
            yield self.matrix.update(UPDATE, sent, label=f"UPDATE of {name} = {text!r}")
        kept = {name: identifier(name) for name in self.values.columns}
        main = self.wrong[:_MAIN]
        yield from self.matrix.update_statements(main, proposed=self.values.literals(self.good), kept=kept)
        yield from self.matrix.moves(main)
        links = list(self.others.links(_LINKED))
        paired = list(self.others.paired(self.attempts.accepted))
        together = list(self.others.together(self.attempts.accepted))
        yield from self.matrix.updates(
            (OTHER_COLUMN, [*self.others.single(self.attempts.accepted), *links], self.wrong[:2]),
            (TWO_COLUMNS, paired, self.wrong[:1]),
            (TOGETHER, together, self.wrong[:2]),
            (SIDE_EFFECT, [*links, *paired, *together], [Sent()]),
            setup=self._before,
        )

    def _before(self, values: ColumnValues) -> tuple[sql.Composed, ...]:
        return (self.row.update(values),) if values else ()


def _holding(row: ProbeRow, values: FormatValues, texts: Texts) -> ProbeRow:
    return replace(row, row={**row.row, **dict(zip(values.columns, texts, strict=True))})
