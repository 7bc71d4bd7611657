"""How long each declared query takes, by the server's own clock and by a client's, at every size.

In the server a query is static SQL in a temporary function that reads clock_timestamp() before and after it and turns
every row into text, as a client that reads it would have it. The client sends the same query as a prepared statement
and waits for all of its answer; a SELECT 1 beside it shows what of that is only the way there and back.

Queries and sizes take turns, in a seeded random order over two connections a size, so that whatever slows the machine
down strikes all of them. A turn is shorter than what a scheduler gives a process before another has the core, and a
process that slept while others had their turn is not made to wait: so a busy machine adds to few calls. p95 is the
median of the p95 of every twenty calls in the order they were made: what strikes a few in a row moves it by little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from pgcontract.contract import Query
from pgcontract.performance.growth import median, p95
from pgcontract.performance.loading import Load, bench
from pgcontract.performance.machine_lock import quiet
from pgcontract.performance.queries.prepared_query import Values
from pgcontract.performance.queries.query_costs import Measured, Reading, measured
from pgcontract.performance.timing_functions import Line, Timed, make_empty, make_timed
from pgcontract.probes.context import Trial

_LINES: Final = 2
_TURNS: Final = 20
_CALLS: Final = 100  # at least, for a p95 of five times twenty, unless they would take longer than all turns may
_FEW_TURNS: Final = 4
_ONCE_US: Final = 100_000.0  # what takes so long has one turn beside the call that warms up
_ALL_TURNS_US: Final = 60_000.0  # of one query at one size: where it is slow it has fewer turns
_TURN_US: Final = 1_000.0  # of one query's calls, before another has its turn
_MOST_CALLS: Final = 20
_COLD_AMONG: Final = 5  # calls of a turn: then one more is made, and the first not counted
_ROUND_TRIPS: Final = 2  # that a client makes in each turn, at most
_EMPTY_CALLS: Final = 3
ENOUGH: Final = 20  # calls, for a p95 of their own
ENOUGH_FOR_P99: Final = 100


@dataclass(frozen=True, kw_only=True)
class Times:
    """So many calls, in microseconds, in the order they were made."""

    made: tuple[float, ...]

    @cached_property
    def us(self) -> tuple[float, ...]:
        """All of them, sorted."""
        return tuple(sorted(self.made))

    @property
    def n(self) -> int:
        return len(self.made)

    @property
    def p50_us(self) -> float:
        return median(self.us)

    @property
    def p95_us(self) -> float:
        groups = max(self.n // ENOUGH, 1)
        return median([p95(self.made[at * self.n // groups : (at + 1) * self.n // groups]) for at in range(groups)])

    @property
    def p99_us(self) -> float | None:
        """None where there are fewer than a hundred calls."""
        return self.us[math.ceil(0.99 * self.n) - 1] if self.n >= ENOUGH_FOR_P99 else None

    @property
    def quantiles_us(self) -> tuple[float, ...]:
        """21 of them: of 0, 5, ... 100 in 100."""
        us = self.us
        return tuple(us[round(each / 20 * (len(us) - 1))] for each in range(21))


@dataclass(frozen=True, kw_only=True)
class SizeTimes:
    """One query at one size, in the server and by a client's round trips."""

    size: int
    server: Times
    client: Times


@dataclass(frozen=True, kw_only=True)
class QueryTimes:
    """One query; where it could not be measured `why_not` says so."""

    query: Query
    sizes: tuple[SizeTimes, ...] = ()
    why_not: str | None = None


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Every query of the promise; `select_1` are a client's round trips with it, `empty_us` what the clock itself takes,
    which is in every time."""

    queries: tuple[QueryTimes, ...]
    select_1: Times
    empty_us: float
    conditions: str


def latencies(trial: Trial) -> Latencies:
    """The promise's queries in the trial's state, measured once. CouldNotAsk where there is no server to load."""
    return trial.once("measure/latency", measure_latencies)


@dataclass(kw_only=True)
class _Turn:
    """One query at one size on its connections, and what was measured of it so far."""

    query: Query
    timed: Timed
    reading: Reading
    lines: tuple[Line, ...]
    calls: int = 1
    turns: int = _TURNS
    taken: int = 0
    server: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    _drawn: int = 0

    def warm_up(self) -> None:
        """Calls it on every connection, and decides how many calls its turns have."""
        took: list[float] = []
        for line in self.lines:
            line.plan_with(self.reading.mode)
            took += self.timed.in_server(line, self._samples(1))
            if took[0] > _ALL_TURNS_US:
                # Whoever reads for so long has its pages in memory by then, and planning is no part of it: it counts.
                self.server, self.turns = took, _FEW_TURNS if took[0] < _ONCE_US else 1
                return
            self.timed.by_client(line, self._samples(1))
            took += self.timed.in_server(line, self._samples(1))
        us = max(min(took), 1.0)
        self.calls = int(max(min(_TURN_US / us, _MOST_CALLS), 1))
        self.turns = int(max(min(_ALL_TURNS_US / us / self.calls, max(_TURNS, _CALLS / self.calls)), _FEW_TURNS))

    def take(self) -> None:
        """One turn, on the next connection."""
        line = self.lines[self.taken % len(self.lines)]
        self.taken += 1
        line.plan_with(self.reading.mode)
        # The first call finds cold what the turns of others left in the processor's caches.
        cold = 1 if self.calls >= _COLD_AMONG else 0
        self.server += self.timed.in_server(line, self._samples(self.calls + cold))[cold:]
        # Where calls are few, every second turn has a client's: the way there and back is little of them.
        if self.turns >= _TURNS or self.taken % 2:
            self.client += self.timed.by_client(line, self._samples(min(self.calls, _ROUND_TRIPS)))

    def times(self) -> SizeTimes:
        server, client = Times(made=tuple(self.server)), Times(made=tuple(self.client))
        return SizeTimes(size=self.reading.size, server=server, client=client)

    def _samples(self, count: int) -> list[Values]:
        """The next samples, round and round."""
        drawn = self.reading.samples
        found = [drawn[(self._drawn + at) % len(drawn)].values for at in range(count)]
        self._drawn += count
        return found


def measure_latencies(trial: Trial) -> Latencies:
    """The same, measured anew at every call."""
    there = bench(trial)
    queries = measured(trial)
    with quiet() as told, ExitStack() as stack:
        turns: list[_Turn] = []
        yardsticks: list[tuple[Line, Timed, Timed]] = []
        for load in there.loads:
            lines = tuple(Line(connection=stack.enter_context(there.connect(load))) for _ in range(_LINES))
            one = "pgcontract_select_1"
            yardsticks += [(each, make_timed(each, one, "SELECT 1", {}), make_empty(each)) for each in lines]
            turns += _turns(load, lines, queries)
        for turn in turns:
            turn.warm_up()
        order = [turn for turn in turns for _ in range(turn.turns)]
        trial.promise.random("latency").shuffle(order)
        select_1: list[float] = []
        empty: list[float] = []
        for at, turn in enumerate(order):
            turn.take()
            line, select, nothing = yardsticks[at % len(yardsticks)]
            select_1 += select.by_client(line, [()])
            empty += nothing.in_server(line, [()] * _EMPTY_CALLS)[1:]
    return Latencies(
        queries=tuple(_joined(each, turns) for each in queries),
        select_1=Times(made=tuple(select_1)),
        empty_us=median(empty) if empty else 0.0,
        conditions=f"{there.conditions}; {told}",
    )


def _turns(load: Load, lines: tuple[Line, ...], queries: Iterable[Measured]) -> Iterator[_Turn]:
    """The queries that have samples at this size, made on its connections."""
    for number, each in enumerate(queries):
        reading = next((one for one in each.readings if one.size == load.size), None)
        if reading is None or each.trouble is not None:
            continue
        types = {parameter.name: parameter.type for parameter in each.query.parameters}
        for line in lines:
            timed = make_timed(line, f"pgcontract_query_{number}", each.query.sql, types)
        yield _Turn(query=each.query, timed=timed, reading=reading, lines=lines)


def _joined(each: Measured, turns: Iterable[_Turn]) -> QueryTimes:
    if each.trouble is None:
        return QueryTimes(query=each.query, sizes=tuple(turn.times() for turn in turns if turn.query is each.query))
    why = each.trouble.no_value or f"the server refused it: {each.trouble.refusal}"
    return QueryTimes(query=each.query, why_not=why)
