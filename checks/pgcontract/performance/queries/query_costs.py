"""What each declared query costs at each size: its samples, the plan that the server settles on, and every figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Final

import psycopg

from pgcontract.contract import Query
from pgcontract.errors import CouldNotAsk
from pgcontract.performance.growth import CallCost, SizeCost
from pgcontract.performance.index_heights import IndexFacts, read_indexes
from pgcontract.performance.loading import Load, LoadedServer, get_loaded_server
from pgcontract.performance.queries.parameter_samples import NoValue, Sample, draw_samples
from pgcontract.performance.queries.prepared_query import Mode, PreparedQuery, QueryRefused, Values, prepare_query
from pgcontract.performance.queries.query_plan import Call
from pgcontract.postgres.acting_identity import Identity, require_role
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.cached_facts import cached_fact, cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

WRITES: Final = "25006"  # read_only_sql_transaction
TIMED_OUT: Final = "57014"  # query_canceled
_TIMEOUT_MS: Final = 20_000  # for one call at up to 100,000 rows; in proportion above
_TIMEOUT_ROWS: Final = 100_000
FIRST_CALLS: Final = 5
_MANY_BUFFERS: Final = 10_000  # of five calls together: thirty that scan 100,000 rows would take seconds


@dataclass(frozen=True, kw_only=True)
class QueryFailure:
    """Why a query could not be measured at a size: the server's words, a parameter without a value, or a role that cannot
    be had."""

    size: int
    refusal: Refusal | None = None
    no_value: str | None = None
    no_role: str | None = None


@dataclass(frozen=True, kw_only=True)
class QueryMeasurement:
    """One query at one size: all samples planned in both ways, and called in `mode`, which the server settles on by
    itself after five calls. `generic` is its generic plan, `custom` the custom one for each sample.

    `calls` are those of the first samples: of all, unless the first five touch so many pages that the others would take
    seconds. `selected` are the places of some calls, the median by rows found first, then the least and the most.
    """

    size: int
    samples: tuple[Sample, ...]
    mode: Mode
    calls: tuple[Call, ...]
    generic: Call
    custom: tuple[Call, ...]
    selected: tuple[int, ...]
    indexes: Mapping[str, IndexFacts]

    @property
    def selected_values(self) -> tuple[Values, ...]:
        return tuple(self.samples[at].values for at in self.selected)

    @property
    def selected_calls(self) -> tuple[Call, ...]:
        return tuple(self.calls[at] for at in self.selected)

    @cached_property
    def cost(self) -> SizeCost:
        """What all calls at this size touched."""
        return SizeCost(
            size=self.size,
            costs=tuple(
                self.cost_of(call, miss=sample.miss) for call, sample in zip(self.calls, self.samples, strict=False)
            ),
        )

    @property
    def plan_summary(self) -> str:
        """The plan that most calls had."""
        return Counter(call.plan_summary for call in self.calls).most_common(1)[0][0]

    @property
    def height(self) -> int | None:
        """The greatest height of the B-trees that were searched."""
        heights = [index.height for call in self.calls for index in self.searched(call) if index.height]
        return max(heights, default=None)

    def searched(self, call: Call) -> tuple[IndexFacts, ...]:
        return tuple(index for index in self.indexes.values() for scan in call.scans if index.is_scanned_by(scan))

    def cost_of(self, call: Call, *, miss: bool = False) -> CallCost:
        """What one call at this size touched, with the heights of the indexes it descended."""
        trees = [(scan, index) for scan in call.scans for index in self.indexes.values() if index.is_scanned_by(scan)]
        tables = {scan.table for scan in call.scans}
        return CallCost(
            buffers=call.buffers,
            rows_found=call.rows_found,
            rows_handled=call.rows_handled,
            descent=sum(scan.searches * (tree.height or 0) for scan, tree in trees),
            searches=call.searches,
            pages_per_row=max(
                (index.pages_per_row for index in self.indexes.values() if index.bare_table in tables), default=2.0
            ),
            miss=miss,
        )


@dataclass(frozen=True, kw_only=True)
class MeasuredQuery:
    """One query: its readings, smallest size first, up to the size where there was trouble."""

    query: Query
    measurements: tuple[QueryMeasurement, ...]
    failure: QueryFailure | None = None

    @property
    def returns_rows(self) -> bool:
        return any(call.returned for measurement in self.measurements for call in measurement.calls)


@cached_fact
def measured_queries(context: Context) -> tuple[MeasuredQuery, ...]:
    """Every query of this migration's contract, in the order declared. CouldNotAsk without a loaded server."""
    loaded_server = get_loaded_server(context)
    return tuple(measure_query(context, loaded_server, query) for query in context.promise.of(Query))


@cached_state_fact
def indexes_of(head: Context, load: Load) -> Mapping[str, IndexFacts]:
    """The indexes at one size, read once."""
    return read_indexes(get_loaded_server(head), load)


def measure_query(context: Context, loaded_server: LoadedServer, query: Query) -> MeasuredQuery:
    """One query at every size, or up to the one where there was trouble."""
    measurements: list[QueryMeasurement] = []
    for load in loaded_server.loads:
        indexes = indexes_of(context, load)
        try:
            measurements.append(
                _measure_at_size(loaded_server, load, query, indexes, seed=f"{context.promise.seed}/{query.name}")
            )
        except QueryRefused as error:
            return _failed(query, measurements, QueryFailure(size=load.size, refusal=error.refusal))
        except NoValue as error:
            return _failed(query, measurements, QueryFailure(size=load.size, no_value=str(error)))
        except CouldNotAsk as error:
            return _failed(query, measurements, QueryFailure(size=load.size, no_role=str(error)))
    return MeasuredQuery(query=query, measurements=tuple(measurements))


def _failed(query: Query, measurements: list[QueryMeasurement], failure: QueryFailure) -> MeasuredQuery:
    return MeasuredQuery(query=query, measurements=tuple(measurements), failure=failure)


def _measure_at_size(
    loaded_server: LoadedServer, load: Load, query: Query, indexes: Mapping[str, IndexFacts], *, seed: str
) -> QueryMeasurement:
    if (identity := Identity.of(query.role, query.claims)) is not None:
        with closing(loaded_server.connect(load)) as connection:
            require_role(connection, identity)  # here, since it may take a GRANT, which is no query's
    with loaded_server.rolled_back(load) as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        limit_time(connection, load)
        try:
            samples = draw_samples(connection, query, rows=load.size, seed=f"{seed}/{load.size}")
        except psycopg.Error as error:
            raise QueryRefused(read_refusal(error)) from None
        values = tuple(sample.values for sample in samples)
        with prepare_query(connection, query) as statement:
            return _measure_prepared(statement, load, samples, values, indexes)


def _measure_prepared(
    statement: PreparedQuery,
    load: Load,
    samples: tuple[Sample, ...],
    values: tuple[Values, ...],
    indexes: Mapping[str, IndexFacts],
) -> QueryMeasurement:
    mode = statement.settled_mode(values)
    statement.set_plan_mode("force_generic_plan")
    [generic] = statement.plans(values[:1])
    statement.set_plan_mode("force_custom_plan")
    custom = statement.plans(values)
    statement.set_plan_mode(mode)
    # The first call loads pages of the catalog too, which are no part of the query's cost; next to many they are nothing.
    calls = statement.calls(values[:1])
    if statement.wrote:
        raise QueryRefused(Refusal(sqlstate=WRITES, message="it made or wrote something in a read-only transaction"))
    if calls[0].buffers <= _MANY_BUFFERS / FIRST_CALLS:
        calls = statement.calls(values[:1])
    calls += statement.calls(values[1:FIRST_CALLS])
    if sum(call.buffers for call in calls) <= _MANY_BUFFERS:
        calls += statement.calls(values[FIRST_CALLS:])
    return QueryMeasurement(
        size=load.size,
        samples=samples,
        mode=mode,
        calls=calls,
        generic=generic,
        custom=custom,
        selected=representative_calls(calls),
        indexes=indexes,
    )


def limit_time(connection: psycopg.Connection, load: Load) -> None:
    """Gives each statement of the transaction 20 s, more in proportion above 100,000 rows."""
    limit = _TIMEOUT_MS * max(load.size / _TIMEOUT_ROWS, 1)
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{limit:.0f}ms"])


def representative_calls(calls: tuple[Call, ...]) -> tuple[int, ...]:
    """The places of up to five calls by the rows they found: the median, the least, the most, and the quarters."""
    ordered = sorted(range(len(calls)), key=lambda at: (calls[at].rows_found, at))
    last = len(ordered) - 1
    return tuple(dict.fromkeys(ordered[last * quarter // 4] for quarter in (2, 0, 4, 1, 3)))
