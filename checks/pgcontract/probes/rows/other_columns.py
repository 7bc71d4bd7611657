"""The columns beside those that are asked about, and their values as changes before a write, with it, or both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import permutations, product
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.postgres.connection import Connection
from pgcontract.probes.context import Context
from pgcontract.probes.rows.column_values import ValuesToTry, unquoted, values_to_try
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.rule_texts import RuleTexts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.values import dataclass

TOGETHER: Final = "together with all that a rule decides by: other columns, settings of the session"
_PAIRED_VALUES: Final = 5  # of each column of a pair
_TOGETHER_VALUES: Final = {1: 8, 2: 5, 3: 4, 4: 4, 5: 3, 6: 2, 7: 2, 8: 2}  # of each, by how many there are; else one
_TOGETHER: Final = 40  # of one decision, the likeliest
_SWITCH: Final = ("on", "true", "1", "off")

Accepted: TypeAlias = Mapping[str, Collection[str]]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Values that other columns have before the write, and those that it writes too; `key` are those of the latter, as
    they are sent, by which the row is then found. `settings` are those of the session, set right before the write."""

    label: str = ""
    before: ColumnValues = field(default_factory=dict)
    beside: ColumnValues = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> Iterator[tuple[str, sql.Composable]]:
        """All of them, by column."""
        yield from self.before.items()
        yield from self.beside.items()

    @property
    def set_statements(self) -> tuple[sql.Composed, ...]:
        """What sets the settings until the transaction ends."""
        return tuple(
            sql.SQL("SELECT pg_catalog.set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
            for name, value in self.settings.items()
        )


NO_CHANGE: Final = Change()


@dataclass(frozen=True, kw_only=True)
class OtherColumns:
    """Values to try of each column, and which of these columns one rule reads together, with the literals that stand
    there. Those of the `key` are only written, for by them a row is found. `decisions` are what rules decide by together,
    with the literals there, the likeliest first. What is `accepted`, where it is given, are the values that the table was
    seen to take."""

    values: tuple[ValuesToTry, ...] = ()
    key: tuple[str, ...] = ()
    pairs: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)
    decisions: Sequence[Mapping[str, tuple[str, ...]]] = ()

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
                yield self._beside("with", name, value)
            for value in chosen if self._is_linked(one) else ():
                yield Change(label=f"of a row whose {name} was {shown(value)}", before={name: value})

    def alone(self) -> Iterator[Change]:
        """Each column by itself, and nothing else written."""
        for one in self.values:
            name = one.column.bare_name
            for value in one.values:
                yield self._beside("of", name, value)

    def to_and_fro(self) -> Iterator[Change]:
        """Nothing else written but one column that a rule names: to null (or another simple value) and from it."""
        for one in self.values:
            for earlier, value in permutations(one.values, 2) if self._is_linked(one) and one.simple else ():
                if one.simple[0] in (earlier, value):
                    yield _from_value_to_value("of", one.column.bare_name, earlier, value)

    def links(self, values: int) -> Iterator[Change]:
        """A column that a rule names, from each of so many values to each other one."""
        for one in self.values:
            for earlier, value in permutations(one.values[:values], 2) if self._is_linked(one) else ():
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

    def together(self, accepted: Accepted | None = None) -> Iterator[Change]:
        """All columns and settings that a rule decides by at once: written, and also there before. Of each decision so
        many, those with the nearest literals first."""
        by_name = {one.column.bare_name: one for one in self.values}
        known: set[str] = set()
        for decision in self.decisions:
            most = _TOGETHER_VALUES.get(len(decision), 1)
            choices = [
                _likeliest(by_name[name], literals, accepted)[:most] if name in by_name else _switched(literals)[:most]
                for name, literals in decision.items()
            ]
            ranked = sorted(product(*choices), key=lambda several: sum(rank for rank, _ in several))
            for chosen in ranked[:_TOGETHER]:
                values = [(name, value) for name, (_, value) in zip(decision, chosen, strict=True) if value is not None]
                beside = {name: value for name, value in values if name in by_name}
                settings = {name: unquoted(value) or "" for name, value in values if name not in by_name}
                written = " and ".join(f"{name} = {shown(value)}" for name, value in values)
                if written in known:
                    continue
                known.add(written)
                yield Change(label=f"with {written}", beside=beside, settings=settings)
                if beside:
                    label = f"with {written} of a row that had it before"
                    yield Change(label=label, before=beside, beside=beside, settings=settings)

    def _beside(self, word: str, name: str, value: sql.Composable) -> Change:
        key = {name: unquoted(value)} if name in self.key else {}
        return Change(label=f"{word} {name} = {shown(value)}", beside={name: value}, key=key)

    def _is_linked(self, one: ValuesToTry) -> bool:
        """Whether what the column was before can matter, and the row is found by other columns."""
        return one.is_turning and one.column.bare_name not in self.key


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
    if isinstance(connection, Connection) and rules.settings():
        connection.is_set_up = True
    named = {*asked}
    taken = {*named, *target.values}
    columns = [
        column
        for column in context.after.columns_of(table)
        if column.bare_name not in taken and not column.generated and column.identity != "always"
    ]
    plain = [column.bare_name for column in columns if column.bare_name not in row.key]
    second = second_row(context, row, target)
    third = second_row(context, second, target) if second else None
    values = (
        one if one.column.bare_name in plain else _of_key(one, row, third)
        for one in values_to_try(context, connection, rules, row, columns)
    )
    return OtherColumns(
        values=tuple(values),
        key=row.key,
        pairs=rules.pairs(plain),
        decisions=(*_alone(rules), *rules.decisions(plain, named)),
    )


def shown(value: sql.Composable) -> str:
    """A value in a message, cut where it is long."""
    text = value.as_string()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _of_key(one: ValuesToTry, row: ProbeRow, third: ProbeRow | None) -> ValuesToTry:
    """Of a column of the key one that neither the row nor a second one has, and what rules speak of."""
    name = one.column.bare_name
    free = [sql.Literal(third.row[name])] if third and third.row[name] != row.row[name] else []
    named = [value for value in one.values if one.is_turning and unquoted(value) is not None]
    values = (*free, *named)
    return replace(one, values=values, of=len(values) + one.of - len(one.values), simple=tuple(free))


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


def _alone(rules: RuleTexts) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """Each setting by itself, with every literal of the text that reads it: it may be kept in a variable."""
    for name, literals in rules.settings().items():
        yield {name: literals}


def _likeliest(
    values: ValuesToTry, literals: Sequence[str], accepted: Accepted | None
) -> list[tuple[float, sql.Composable | None]]:
    """The column's values with how far they are from what the rule compares it with; None is to leave it as it is."""

    def rank(value: sql.Composable) -> float:
        text = value.as_string().strip("'")
        near = [at + 0.4 for at, literal in enumerate(literals) if _is_next_to(text, literal)]
        exact = [at for at, literal in enumerate(literals) if literal == text]
        return min([*exact, *near, 1.5 if value in values.simple else 2.5])

    taken: list[tuple[float, sql.Composable | None]] = [
        (rank(value), value) for value in values.values if _is_accepted(accepted, values, value)
    ]
    current = "NULL" if values.current is None else values.current
    taken.append((literals.index(current) if current in literals else 3, None))
    return sorted(taken, key=lambda one: one[0])


def _switched(literals: Sequence[str]) -> list[tuple[float, sql.Composable | None]]:
    # Once set it is empty and never unset again, which what casts it to boolean refuses: so what that takes is first.
    texts = dict.fromkeys((_SWITCH[0], *(text for text in literals[:4] if text != "NULL"), *_SWITCH))
    return [(at, sql.Literal(text)) for at, text in enumerate(texts)]


def _is_next_to(text: str, literal: str) -> bool:
    numbers = all(re.fullmatch(r"-?\d{1,18}", one) for one in (text, literal))
    return numbers and abs(int(text) - int(literal)) == 1


def _is_accepted(accepted: Accepted | None, values: ValuesToTry, value: sql.Composable) -> bool:
    if accepted is None or value in values.simple:
        return True
    return value.as_string() in accepted.get(values.column.bare_name, ())
