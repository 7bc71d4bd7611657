"""Writes with what an expression over their rows says before and after: the way in which a rule is tried where it may
hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.probes.rows.other_columns import NO_CHANGE, Change
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.write_trials import Trial, TrialResult, try_writes
from pgcontract.values import dataclass

MAX_ATTEMPTS: Final = 20_000  # made at once; more are counted and told, and leave the question open


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The values that a write sends of what is asked about, and how they are called (not at all, where they are none, or
    the only ones). `key` are those, as they are sent, by which the row is then found, if they are in its key."""

    name: str = ""
    values: ColumnValues = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A write: what kind it is (counted and told), how it is called, and the rows to look at before and after it.

    `sent` and `change` are what it was made of; `is_move` to another partition, which is an INSERT there.
    """

    kind: str
    label: str
    setup: tuple[sql.Composed, ...] = ()
    write: sql.Composed
    before: tuple[ProbeRow, ...] = ()
    after: tuple[ProbeRow, ...]
    is_new: bool = False
    is_move: bool = False
    sent: Sent = Sent()
    change: Change = NO_CHANGE


@dataclass(frozen=True, kw_only=True)
class Tried:
    """An attempt that was made: what was seen before (of each row a tuple of one text; () where there was none). Of a
    COPY the lines as psql reads them are in `copied`."""

    attempt: Attempt
    before: tuple[tuple[str | None, ...], ...] = ()
    result: TrialResult
    copied: tuple[str, ...] = ()

    def script(self, row: ProbeRow, *looked: sql.Composed, there: Iterable[ProbeRow] = ()) -> str:
        """All it took, to paste, and what is then looked at; `row` is the one that it was made of, and `there` are rows
        that must be there before."""
        before = (*row.prerequisites, *(one.insert() for one in there), *self.attempt.setup)
        written = self.copied or _lines(self.attempt.write)
        return "\n".join(["BEGIN;", *_lines(*before), *written, *_lines(*looked), "ROLLBACK;"])


def _lines(*statements: sql.Composed) -> list[str]:
    return [f"{statement.as_string()};" for statement in statements]


class Attempts:
    """Attempts made at one place. `tried` counts them by kind, `accepted` are the other columns' values that were seen to
    go in, `left_out` says in words what was not tried."""

    def __init__(self, connection: psycopg.Connection, holder: str, left_out: Iterable[str] = ()) -> None:
        self.connection = connection
        self.holder = holder
        self.left_out = [*left_out]
        self.tried: Counter[str] = Counter()
        self.accepted: dict[str, set[str]] = {}

    def make(self, attempts: Iterable[Attempt], look: sql.Composable, *, learn: bool = False) -> Iterator[Tried]:
        """Each attempt whose setup the server took, with what `look` (a text) says of its rows. In order; those of one
        setup should stand together, for they share it. With `learn` the other columns' values that go in are noted."""
        chosen = list(attempts)
        if len(chosen) > MAX_ATTEMPTS:
            self.left_out.append(f"{MAX_ATTEMPTS:,} of {len(chosen):,} writes to {self.holder} were tried")
        for made in _make(self.connection, chosen[:MAX_ATTEMPTS], look):
            self.tried[made.attempt.kind] += 1
            if learn and made.result.rows is not None:
                for name, value in made.attempt.change.values:
                    self.accepted.setdefault(name, set()).add(value.as_string())
            yield made


def _make(connection: psycopg.Connection, attempts: Sequence[Attempt], expression: sql.Composable) -> Iterator[Tried]:
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
