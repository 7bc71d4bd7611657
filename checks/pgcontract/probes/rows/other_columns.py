"""The columns beside those that are asked about, and their values as changes before a write, with it, or both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from itertools import permutations, product
from typing import Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.probes.context import Context
from pgcontract.probes.rows.column_values import ValuesToTry, values_to_try
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.values import dataclass

_PAIRED_VALUES: Final = 5  # of each column of a pair

Accepted: TypeAlias = Mapping[str, Collection[str]]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Values that other columns have before the write, and those that it writes too."""

    label: str = ""
    before: ColumnValues = field(default_factory=dict)
    beside: ColumnValues = field(default_factory=dict)

    @property
    def values(self) -> Iterator[tuple[str, sql.Composable]]:
        """All of them, by column."""
        yield from self.before.items()
        yield from self.beside.items()


NO_CHANGE: Final = Change()


@dataclass(frozen=True, kw_only=True)
class OtherColumns:
    """Values to try of each column, and which of these columns one rule reads together, with the literals that stand
    there. What is `accepted`, where it is given, are the values that the table was seen to take."""

    values: tuple[ValuesToTry, ...] = ()
    pairs: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)

    @property
    def left_out(self) -> Iterator[str]:
        """Where there are more values than are tried, in words."""
        for one in self.values:
            if one.of > len(one.values):
                yield f"{len(one.values)} of {one.of} values of {one.column.name} were tried"

    def single(self, accepted: Accepted | None = None) -> Iterator[Change]:
        """Each column by itself: a value beside the write, and where a rule names the column also before it."""
        for one in self.values:
            name = one.column.bare_name
            chosen = [value for value in one.values if _is_accepted(accepted, one, value)]
            for value in chosen:
                yield Change(label=f"with {name} = {shown(value)}", beside={name: value})
            for value in chosen if one.is_turning else ():
                yield Change(label=f"of a row whose {name} was {shown(value)}", before={name: value})

    def alone(self) -> Iterator[Change]:
        """Each column by itself, and nothing else written."""
        for one in self.values:
            name = one.column.bare_name
            for value in one.values:
                yield Change(label=f"of {name} = {shown(value)}", beside={name: value})

    def to_and_fro(self) -> Iterator[Change]:
        """Nothing else written but one column that a rule names: to null (or another simple value) and from it."""
        for one in self.values:
            for earlier, value in permutations(one.values, 2) if one.is_turning and one.simple else ():
                if one.simple[0] in (earlier, value):
                    yield _from_value_to_value("of", one.column.bare_name, earlier, value)

    def links(self, values: int) -> Iterator[Change]:
        """A column that a rule names, from each of so many values to each other one."""
        for one in self.values:
            for earlier, value in permutations(one.values[:values], 2) if one.is_turning else ():
                yield _from_value_to_value("with", one.column.bare_name, earlier, value)

    def paired(self, accepted: Accepted | None = None) -> Iterator[Change]:
        """Two columns that a rule names together: both beside the write, both before it, and one of them each way. Of
        each at most five values: those near the literals that stand there with them, and simple ones."""
        by_name = {one.column.bare_name: one for one in self.values}
        for (first, second), literals in self.pairs.items():
            choices = [_paired_values(by_name[name], literals, accepted) for name in (first, second)]
            for one, other in product(*choices):
                both = {first: one, second: other}
                written = f"{first} = {shown(one)} and {second} = {shown(other)}"
                yield Change(label=f"with {written}", beside=both)
                yield Change(label=f"of a row that had {written}", before=both)
                for here, there in ((second, first), (first, second)):
                    label = f"with {here} = {shown(both[here])} of a row whose {there} was {shown(both[there])}"
                    yield Change(label=label, before={there: both[there]}, beside={here: both[here]})


def find_other_columns(
    context: Context,
    connection: psycopg.Connection,
    rules: RuleTexts,
    table: str,
    row: ProbeRow,
    target: WriteTarget,
    asked: Iterable[str],
) -> OtherColumns:
    """The columns of the table that a client can write, but those that are asked about (bare names) or that lead rows
    somewhere; with values in place of the row's."""
    taken = {*asked, *row.key, *target.values}
    columns = [
        column
        for column in context.after.columns_of(table)
        if column.bare_name not in taken and not column.generated and column.identity != "always"
    ]
    values = values_to_try(context, connection, rules, row, columns)
    return OtherColumns(values=values, pairs=rules.pairs([column.bare_name for column in columns]))


def shown(value: sql.Composable) -> str:
    """A value in a message, cut where it is long."""
    text = value.as_string()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _from_value_to_value(word: str, name: str, earlier: sql.Composable, value: sql.Composable) -> Change:
    label = f"{word} {name} = {shown(value)} of a row whose {name} was {shown(earlier)}"
    return Change(label=label, before={name: earlier}, beside={name: value})


def _paired_values(values: ValuesToTry, literals: Collection[str], accepted: Accepted | None) -> list[sql.Composable]:
    near = {str(int(text) + step) for text in literals if re.fullmatch(r"-?\d{1,18}", text) for step in (-1, 1)}

    def rank(value: sql.Composable) -> int:
        text = value.as_string().strip("'")
        return 0 if text in literals else 1 if value in values.simple[:2] else 2 if text in near else 3

    taken = [value for value in values.values if _is_accepted(accepted, values, value)]
    return sorted(taken, key=rank)[:_PAIRED_VALUES]


def _is_accepted(accepted: Accepted | None, values: ValuesToTry, value: sql.Composable) -> bool:
    if accepted is None or value in values.simple:
        return True
    return value.as_string() in accepted.get(values.column.bare_name, ())
