"""How long each declared query takes, by the server's own clock and by a client's, at every size.

In the server a query is static SQL in a temporary function that reads clock_timestamp() before and after it and turns
every row into text, as a client that reads it would have it. The client sends the same query as a prepared statement
and waits for all of its answer; a SELECT 1 beside it shows what of that is only the way there and back.

Queries and sizes take turns in short blocks, in a seeded random order over two connections a size, so that whatever
slows the machine down strikes all of them. p95 is the median of the blocks' own p95 where a block has enough calls for
one: what strikes one block then moves it by little. Where a query is slow there are fewer calls, and all count as one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import psycopg

from pgcontract.contract import Query
from pgcontract.load import Load, bench
from pgcontract.measure.growth import median, p95
from pgcontract.measure.queries.reading import Measured, Reading, measured
from pgcontract.measure.queries.statement import Values
from pgcontract.measure.quiet import quiet
from pgcontract.measure.timed import Timed, make_empty, make_timed
from pgcontract.trial import Trial

_CONNECTIONS: Final = 2
_BLOCKS: Final = 8
_FEW_BLOCKS: Final = 5
_BLOCK_US: Final = 4_000.0  # of one query's calls, before another has its turn
_SLOW_US: Final = 10_000.0  # a query that takes longer has few blocks, of one call each
_MOST_CALLS: Final = 25
_ROUND_TRIPS: Final = 4  # that a client makes in each block
ENOUGH: Final = 20  # calls, for a p95 of their own
ENOUGH_FOR_P99: Final = 100


@dataclass(frozen=True, kw_only=True)
class Times:
    """So many calls, in microseconds: `blocks` hold them as they were measured, block by block."""

    blocks: tuple[tuple[float, ...], ...]

    @property
    def us(self) -> tuple[float, ...]:
        """All of them, sorted."""
        return tuple(sorted(each for block in self.blocks for each in block))

    @property
    def n(self) -> int:
        return sum(map(len, self.blocks))

    @property
    def p50_us(self) -> float:
        return median(self.us)

    @property
    def p95_us(self) -> float:
        enough = [p95(block) for block in self.blocks if len(block) >= ENOUGH]
        return median(enough) if enough else p95(self.us)

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
    return trial.once("measure/latency", _measure)


@dataclass(kw_only=True)
class _Turn:
    """One query at one size on its connections, and what was measured of it so far."""

    query: Query
    timed: Timed
    reading: Reading
    connections: tuple[psycopg.Connection, ...]
    calls: int = 1
    blocks: int = _BLOCKS
    server: list[tuple[float, ...]] = field(default_factory=list)
    client: list[tuple[float, ...]] = field(default_factory=list)
    _drawn: int = 0

    def warm_up(self) -> None:
        """Calls it on every connection, and decides how many calls its blocks have."""
        for connection in self.connections:
            self.timed.in_server(connection, self._samples(1), self.reading.mode)
            self.timed.by_client(connection, self._samples(1))
        [us] = self.timed.in_server(self.connections[0], self._samples(1), self.reading.mode)
        self.blocks = _BLOCKS if us < _SLOW_US else _FEW_BLOCKS
        self.calls = max(min(int(_BLOCK_US / max(us, 1.0)), _MOST_CALLS), 1)

    def take(self) -> None:
        """One block, on the next connection."""
        connection = self.connections[len(self.server) % len(self.connections)]
        self.server.append(self.timed.in_server(connection, self._samples(self.calls), self.reading.mode))
        self.client.append(self.timed.by_client(connection, self._samples(min(self.calls, _ROUND_TRIPS))))

    def times(self) -> SizeTimes:
        server, client = Times(blocks=tuple(self.server)), Times(blocks=tuple(self.client))
        return SizeTimes(size=self.reading.size, server=server, client=client)

    def _samples(self, count: int) -> list[Values]:
        """The next samples, round and round."""
        drawn = self.reading.samples
        found = [drawn[(self._drawn + at) % len(drawn)].values for at in range(count)]
        self._drawn += count
        return found


def _measure(trial: Trial) -> Latencies:
    there = bench(trial)
    queries = measured(trial)
    with quiet() as told, ExitStack() as stack:
        turns: list[_Turn] = []
        yardsticks: list[tuple[psycopg.Connection, Timed, Timed]] = []
        for load in there.loads:
            connections = tuple(stack.enter_context(there.connect(load)) for _ in range(_CONNECTIONS))
            yardsticks += [
                (each, make_timed(each, "pgcontract_select_1", "SELECT 1", {}), make_empty(each)) for each in connections
            ]
            turns += _turns(load, connections, queries)
        for turn in turns:
            turn.warm_up()
        order = [turn for turn in turns for _ in range(turn.blocks)]
        trial.promise.random("latency").shuffle(order)
        select_1: list[tuple[float, ...]] = []
        empty: list[float] = []
        for at, turn in enumerate(order):
            turn.take()
            connection, one, nothing = yardsticks[at % len(yardsticks)]
            select_1.append(one.by_client(connection, [()]))
            empty += nothing.in_server(connection, [()], "auto")
    return Latencies(
        queries=tuple(_joined(each, turns) for each in queries),
        select_1=Times(blocks=tuple(select_1)),
        empty_us=median(empty) if empty else 0.0,
        conditions=f"{there.conditions}; {told}",
    )


def _turns(load: Load, connections: tuple[psycopg.Connection, ...], queries: Iterable[Measured]) -> Iterator[_Turn]:
    """The queries that have samples at this size, made on its connections."""
    for number, each in enumerate(queries):
        reading = next((one for one in each.readings if one.size == load.size), None)
        if reading is None or each.trouble is not None:
            continue
        types = {parameter.name: parameter.type for parameter in each.query.parameters}
        for connection in connections:
            timed = make_timed(connection, f"pgcontract_query_{number}", each.query.sql, types)
        yield _Turn(query=each.query, timed=timed, reading=reading, connections=connections)


def _joined(each: Measured, turns: Iterable[_Turn]) -> QueryTimes:
    if each.trouble is None:
        return QueryTimes(query=each.query, sizes=tuple(turn.times() for turn in turns if turn.query is each.query))
    why = each.trouble.no_value or f"the server refused it: {each.trouble.refusal}"
    return QueryTimes(query=each.query, why_not=why)
