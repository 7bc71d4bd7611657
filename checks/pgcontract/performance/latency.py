"""How long each declared query takes, by the server's own clock and by a client's, at every size.

In the server a query is static SQL in a temporary function that reads clock_timestamp() before and after it and turns
every row into text, as a client that reads it would have it. The client sends the same query as a prepared statement
and waits for all of its answer; a SELECT 1 measured next to it shows how much of that is the round trip alone.

Queries and sizes take turns, in a seeded random order over two connections a size, so that whatever slows the machine
down strikes all of them. A turn is shorter than what a scheduler gives a process before another has the core, and a
process that slept while others had their turn is not made to wait: so a busy machine adds to few calls. p95 is the
median of the p95 of every twenty calls in the order they were made: what strikes a few in a row moves it by little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import field
from functools import cached_property
from typing import Final

from pgcontract.contract import Query
from pgcontract.performance.growth import median, p95
from pgcontract.performance.loading import Load, get_loaded_server
from pgcontract.performance.machine_lock import measurement_lock
from pgcontract.performance.queries.prepared_query import Values
from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryMeasurement, measured_queries
from pgcontract.performance.timing_functions import TimedQuery, TimingSession, make_empty_function, make_timed_query
from pgcontract.postgres.acting_identity import Identity
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_SESSIONS: Final = 2
_TURNS: Final = 20
_CALLS: Final = 100  # at least, for a p95 of five times twenty, unless they would take longer than all turns may
_FEW_TURNS: Final = 4
_ONCE_US: Final = 100_000.0  # what takes so long is called once after the call that warms up
_ALL_TURNS_US: Final = 60_000.0  # of one query at one size: where it is slow it has fewer turns
_TURN_US: Final = 1_000.0  # of one query's calls, before another has its turn
_MOST_CALLS: Final = 20
_COLD_AMONG: Final = 5  # calls of a turn: then one more is made, and the first not counted
_ROUND_TRIPS: Final = 2  # that a client makes in each turn, at most
_EMPTY_CALLS: Final = 3
CALLS_FOR_P95: Final = 20  # calls, for a p95 of their own
CALLS_FOR_P99: Final = 100


@dataclass(frozen=True, kw_only=True)
class Times:
    """The times of some calls, in microseconds; `in_call_order` as they were made."""

    in_call_order: tuple[float, ...]

    @cached_property
    def us(self) -> tuple[float, ...]:
        """All of them, sorted."""
        return tuple(sorted(self.in_call_order))

    @property
    def n(self) -> int:
        return len(self.in_call_order)

    @property
    def p50_us(self) -> float:
        return median(self.us)

    @property
    def p95_us(self) -> float:
        groups = max(self.n // CALLS_FOR_P95, 1)
        return median(
            [p95(self.in_call_order[at * self.n // groups : (at + 1) * self.n // groups]) for at in range(groups)]
        )

    @property
    def p99_us(self) -> float | None:
        """None where there are fewer than a hundred calls."""
        return self.us[math.ceil(0.99 * self.n) - 1] if self.n >= CALLS_FOR_P99 else None

    @property
    def quantiles_us(self) -> tuple[float, ...]:
        """21 of them: of 0, 5, ... 100 in 100."""
        us = self.us
        return tuple(us[round(number / 20 * (len(us) - 1))] for number in range(21))


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
    """Every query of the promise; `select_1` are a client's round trips with it, `clock_us` what reading the
    clock takes, which is in every time."""

    queries: tuple[QueryTimes, ...]
    select_1: Times
    clock_us: float
    conditions: str


@cached_fact
def latencies(context: Context) -> Latencies:
    """The promise's queries in the context's state, measured once. CouldNotAsk where there is no server to load."""
    return measure_latencies(context)


@dataclass(kw_only=True)
class _QueryTiming:
    """One query at one size on its sessions, and its times measured so far."""

    query: Query
    timed: TimedQuery
    measurement: QueryMeasurement
    sessions: tuple[TimingSession, ...]
    calls: int = 1
    turns: int = _TURNS
    taken: int = 0
    server: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    _drawn: int = 0

    def warm_up(self) -> None:
        """Calls it on every connection, and decides how many calls its turns have."""
        took: list[float] = []
        for session in self.sessions:
            session.act_as(Identity.of(self.query.role, self.query.claims))
            session.set_plan_mode(self.measurement.mode)
            took += self.timed.time_in_server(session, self._next_samples(1))
            if took[0] > _ALL_TURNS_US:
                # Whoever reads for so long has its pages in memory by then, and planning is no part of it: it counts.
                self.server, self.turns = took, _FEW_TURNS if took[0] < _ONCE_US else 1
                return
            self.timed.time_by_client(session, self._next_samples(1))
            took += self.timed.time_in_server(session, self._next_samples(1))
        us = max(min(took), 1.0)
        self.calls = int(max(min(_TURN_US / us, _MOST_CALLS), 1))
        self.turns = int(max(min(_ALL_TURNS_US / us / self.calls, max(_TURNS, _CALLS / self.calls)), _FEW_TURNS))

    def run_turn(self) -> None:
        """One turn, on the next connection."""
        session = self.sessions[self.taken % len(self.sessions)]
        self.taken += 1
        session.act_as(Identity.of(self.query.role, self.query.claims))
        session.set_plan_mode(self.measurement.mode)
        # The first call finds cold what the turns of others left in the processor's caches.
        cold = 1 if self.calls >= _COLD_AMONG else 0
        self.server += self.timed.time_in_server(session, self._next_samples(self.calls + cold))[cold:]
        # Where calls are few, every second turn has a client's: the way there and back is little of them.
        if self.turns >= _TURNS or self.taken % 2:
            self.client += self.timed.time_by_client(session, self._next_samples(min(self.calls, _ROUND_TRIPS)))

    def times(self) -> SizeTimes:
        server, client = Times(in_call_order=tuple(self.server)), Times(in_call_order=tuple(self.client))
        return SizeTimes(size=self.measurement.size, server=server, client=client)

    def _next_samples(self, count: int) -> list[Values]:
        """The next samples, starting over after the last."""
        drawn = self.measurement.samples
        samples = [drawn[(self._drawn + at) % len(drawn)].values for at in range(count)]
        self._drawn += count
        return samples


def measure_latencies(context: Context) -> Latencies:
    """The same, measured anew at every call."""
    loaded_server = get_loaded_server(context)
    queries = measured_queries(context)
    with measurement_lock() as quietness, ExitStack() as stack:
        turns: list[_QueryTiming] = []
        yardsticks: list[tuple[TimingSession, TimedQuery, TimedQuery]] = []
        for load in loaded_server.loads:
            sessions = tuple(
                TimingSession(connection=stack.enter_context(loaded_server.connect(load))) for _ in range(_SESSIONS)
            )
            one = "pgcontract_select_1"
            yardsticks += [
                (open_session, make_timed_query(open_session, one, "SELECT 1", {}), make_empty_function(open_session))
                for open_session in sessions
            ]
            turns += _query_timings(load, sessions, queries)
        for turn in turns:
            turn.warm_up()
        order = [turn for turn in turns for _ in range(turn.turns)]
        context.promise.random("latency").shuffle(order)
        select_1: list[float] = []
        empty: list[float] = []
        for at, turn in enumerate(order):
            turn.run_turn()
            session, select, nothing = yardsticks[at % len(yardsticks)]
            select_1 += select.time_by_client(session, [()])
            empty += nothing.time_in_server(session, [()] * _EMPTY_CALLS)[1:]
    return Latencies(
        queries=tuple(_query_times(query, turns) for query in queries),
        select_1=Times(in_call_order=tuple(select_1)),
        clock_us=median(empty) if empty else 0.0,
        conditions=f"{loaded_server.conditions}; {quietness}",
    )


def _query_timings(
    load: Load, sessions: tuple[TimingSession, ...], queries: Iterable[MeasuredQuery]
) -> Iterator[_QueryTiming]:
    """The queries that have samples at this size, made on its connections."""
    for number, query in enumerate(queries):
        measurement = next((one for one in query.measurements if one.size == load.size), None)
        if measurement is None or query.failure is not None:
            continue
        types = {parameter.name: parameter.type for parameter in query.query.parameters}
        for session in sessions:
            timed = make_timed_query(session, f"pgcontract_query_{number}", query.query.sql, types)
        yield _QueryTiming(query=query.query, timed=timed, measurement=measurement, sessions=sessions)


def _query_times(measured_query: MeasuredQuery, turns: Iterable[_QueryTiming]) -> QueryTimes:
    if measured_query.failure is None:
        return QueryTimes(
            query=measured_query.query, sizes=tuple(turn.times() for turn in turns if turn.query is measured_query.query)
        )
    why = measured_query.failure.no_value or measured_query.failure.no_role
    why = why or f"the server refused it: {measured_query.failure.refusal}"
    return QueryTimes(query=measured_query.query, why_not=why)
