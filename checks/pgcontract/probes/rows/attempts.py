"""Writes with what an expression over their rows says before and after: the way in which a rule is tried where it may
hide. Other columns are changed before the write, with it, or both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import product
from typing import Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.probes.rows.column_values import ValuesToTry
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.write_trials import Trial, TrialResult, try_writes
from pgcontract.values import dataclass

_PAIRED_VALUES: Final = 5  # of each column of a pair

Accepted: TypeAlias = Mapping[str, Collection[str]]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A write: what kind it is (counted and told), how it is called, and the rows to look at before and after it."""

    kind: str
    label: str
    setup: tuple[sql.Composed, ...] = ()
    write: sql.Composed
    before: tuple[ProbeRow, ...] = ()
    after: tuple[ProbeRow, ...]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """An attempt that was made: what was seen before (of each row a tuple of one text; () where there was none)."""

    attempt: Attempt
    before: tuple[tuple[str | None, ...], ...]
    result: TrialResult


@dataclass(frozen=True, kw_only=True)
class Change:
    """Values that other columns have before the write, and those that it writes too."""

    label: str
    before: ColumnValues = field(default_factory=dict)
    beside: ColumnValues = field(default_factory=dict)


def make_attempts(
    connection: psycopg.Connection, attempts: Sequence[Attempt], expression: sql.Composable
) -> Iterator[Tried]:
    """Each attempt whose setup the server took, with what the expression (a text) says of its rows. In order; those of
    one setup should stand together, for they share it."""
    trials: list[Trial] = []
    owners: list[Attempt | None] = []
    looks: dict[tuple[int, ...], tuple[sql.Composed, ...]] = {}

    def look(rows: tuple[ProbeRow, ...]) -> tuple[sql.Composed, ...]:
        key = tuple(map(id, rows))
        if key not in looks:
            looks[key] = tuple(row.select(expression) for row in rows)
        return looks[key]

    last: Attempt | None = None
    for attempt in attempts:
        if last is None or attempt.setup is not last.setup or attempt.before != last.before:
            trials.append(Trial(setup=attempt.setup, writes=(), look=look(attempt.before)))
            owners.append(None)
        trials.append(Trial(setup=attempt.setup, writes=(attempt.write,), look=look(attempt.after)))
        owners.append(attempt)
        last = attempt
    before: tuple[tuple[str | None, ...], ...] | None = None
    for owner, result in zip(owners, try_writes(connection, trials), strict=True):
        if owner is None:
            before = result.rows
        elif before is not None:
            yield Tried(attempt=owner, before=before, result=result)


def single_changes(values: Iterable[ValuesToTry], *, accepted: Accepted | None = None) -> Iterator[Change]:
    """Each column by itself: a value beside the write, and where a rule names the column also before it."""
    for one in values:
        name = one.column.bare_name
        chosen = [value for value in one.values if accepted is None or _is_accepted(accepted, one, value)]
        for value in chosen:
            yield Change(label=f"with {name} = {shown(value)}", beside={name: value})
        for value in chosen if one.is_turning else ():
            yield Change(label=f"of a row whose {name} was {shown(value)}", before={name: value})


def changes_alone(values: Iterable[ValuesToTry]) -> Iterator[Change]:
    """Each column by itself, and nothing else written."""
    for one in values:
        name = one.column.bare_name
        for value in one.values:
            yield Change(label=f"{name} = {shown(value)}", beside={name: value})


def changes_to_and_fro(values: Iterable[ValuesToTry]) -> Iterator[Change]:
    """Nothing else written but one column that a rule names: to null (or another simple value) and from it."""
    for one in values:
        name = one.column.bare_name
        for earlier, value in product(one.values, one.values) if one.is_turning and one.simple else ():
            if earlier is not value and one.simple[0] in (earlier, value):
                label = f"{name} = {shown(value)} of a row whose {name} was {shown(earlier)}"
                yield Change(label=label, before={name: earlier}, beside={name: value})


def paired_changes(
    values: Iterable[ValuesToTry], pairs: Mapping[tuple[str, str], Collection[str]], accepted: Accepted
) -> Iterator[Change]:
    """Two columns that a rule names together: both beside the write, both before it, and one of them each way. Of each
    at most five values: those near the literals that stand there with them, and simple ones."""
    by_name = {one.column.bare_name: one for one in values}
    for (first, second), literals in pairs.items():
        choices = [_paired_values(by_name[name], literals, accepted) for name in (first, second)]
        for one, other in product(*choices):
            both = {first: one, second: other}
            written = f"{first} = {shown(one)} and {second} = {shown(other)}"
            yield Change(label=f"with {written}", beside=both)
            yield Change(label=f"of a row that had {written}", before=both)
            yield Change(
                label=f"with {second} = {shown(other)} of a row whose {first} was {shown(one)}",
                before={first: one},
                beside={second: other},
            )
            yield Change(
                label=f"with {first} = {shown(one)} of a row whose {second} was {shown(other)}",
                before={second: other},
                beside={first: one},
            )


def _paired_values(values: ValuesToTry, literals: Collection[str], accepted: Accepted) -> list[sql.Composable]:
    near = {str(int(text) + step) for text in literals if re.fullmatch(r"-?\d{1,18}", text) for step in (-1, 1)}

    def rank(value: sql.Composable) -> int:
        text = value.as_string().strip("'")
        return 0 if text in literals else 1 if value in values.simple[:2] else 2 if text in near else 3

    taken = [value for value in values.values if _is_accepted(accepted, values, value)]
    return sorted(taken, key=rank)[:_PAIRED_VALUES]


def shown(value: sql.Composable) -> str:
    """A value in a message, cut where it is long."""
    text = value.as_string()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_accepted(accepted: Accepted, values: ValuesToTry, value: sql.Composable) -> bool:
    return value in values.simple or value.as_string() in accepted.get(values.column.bare_name, ())
