"""Control runs of a query: without its index, and with its index alone, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.performance.index_heights import IndexFacts
from pgcontract.performance.loading import Load, LoadedServer, get_loaded_server
from pgcontract.performance.queries.prepared_query import PreparedQuery, QueryRefused, Values, prepare_query
from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryMeasurement, limit_time, measured_queries
from pgcontract.performance.queries.query_plan import Call
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_ENOUGH_BUFFERS: Final = 10_000  # what a control run touches before it stops calling: two scans of 100,000 rows show it
_NO_INDEX: Final = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


@dataclass(frozen=True, kw_only=True)
class ControlRun:
    """Some samples of one size with all indexes and without the query's own, call by call; `refused` where the server
    does not take the query without it."""

    size: int
    index: str
    with_index: tuple[Call, ...] = ()
    without_index: tuple[Call, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, kw_only=True)
class ForcedIndex:
    """The query at the largest size with sequential scans off and no other index on the table.

    `generic` and `custom` say whether the index serves such a plan; `calls` are some samples so planned in the mode the
    server settles on, `chosen` the same samples as it plans them by itself.
    """

    size: int
    generic: bool
    custom: bool
    plans: tuple[Call, ...]
    chosen: tuple[Call, ...] = ()
    calls: tuple[Call, ...] = ()


@cached_fact
def runs_without_index(context: Context) -> Mapping[str, tuple[ControlRun, ...]]:
    """By query, the run without its index at each size; asked once, for the queries that name an index."""
    loaded_server = get_loaded_server(context)
    loads = {load.size: load for load in loaded_server.loads}
    return {
        measured_query.query.name: tuple(
            _run_without_index(loaded_server, loads[measurement.size], measured_query, measurement)
            for measurement in measured_query.measurements
        )
        for measured_query in _queries_with_index(context)
    }


@cached_fact
def forced_indexes(context: Context) -> Mapping[str, ForcedIndex | Refusal]:
    """By query, its plans and costs with no other index; the refusal where the server does not accept the query so."""
    loaded_server, forced = get_loaded_server(context), dict[str, ForcedIndex | Refusal]()
    for measured_query in _queries_with_index(context):
        try:
            forced[measured_query.query.name] = _force_index(loaded_server, measured_query)
        except QueryRefused as error:
            forced[measured_query.query.name] = error.refusal
    return forced


def _queries_with_index(context: Context) -> tuple[MeasuredQuery, ...]:
    return tuple(
        measured_query
        for measured_query in measured_queries(context)
        if not measured_query.failure and index_exists(measured_query)
    )


def index_exists(measured_query: MeasuredQuery) -> bool:
    """Whether the index that is to serve it is there at all."""
    return bool(measured_query.measurements) and measured_query.query.index in measured_query.measurements[-1].indexes


def _run_without_index(
    loaded_server: LoadedServer, load: Load, measured_query: MeasuredQuery, measurement: QueryMeasurement
) -> ControlRun:
    index = measurement.indexes[measured_query.query.index or ""]
    with loaded_server.rolled_back(load) as connection:
        limit_time(connection, load)
        try:
            with prepare_query(connection, measured_query.query) as statement:
                drop_indexes(connection, [index])
                statement.set_plan_mode(measurement.mode)
                without_index = run_some_calls(statement, measurement.selected_values)
        except (QueryRefused, psycopg.Error) as error:
            refused = str(error if isinstance(error, QueryRefused) else read_refusal(error))
            return ControlRun(size=load.size, index=index.name, refused=refused)
    return ControlRun(
        size=load.size,
        index=index.name,
        with_index=measurement.selected_calls[: len(without_index)],
        without_index=without_index,
    )


def _force_index(loaded_server: LoadedServer, measured_query: MeasuredQuery) -> ForcedIndex:
    measurement = measured_query.measurements[-1]
    load = next(candidate for candidate in loaded_server.loads if candidate.size == measurement.size)
    index = measurement.indexes[measured_query.query.index or ""]
    ordered = _needs_sort(loaded_server, load, measured_query)
    # A primary key that the query is grouped by cannot go without the query going too.
    for spared in ((), tuple(other for other in measurement.indexes.values() if other.primary)):
        with loaded_server.rolled_back(load) as connection:
            limit_time(connection, load)
            try:
                with prepare_query(connection, measured_query.query) as statement:
                    drop_indexes(
                        connection, (other for other in _other_indexes(index, measurement.indexes) if other not in spared)
                    )
                    connection.execute("SET LOCAL enable_seqscan = off")
                    return _measure_forced(statement, measurement, index, ordered)
            except QueryRefused as error:
                refused = error
            except psycopg.Error as error:
                refused = QueryRefused(read_refusal(error))
    raise refused


def _measure_forced(
    statement: PreparedQuery, measurement: QueryMeasurement, index: IndexFacts, ordered: bool
) -> ForcedIndex:
    show = statement.plans if len(index.keys) == 1 else statement.calls
    statement.set_plan_mode("force_generic_plan")
    generic = show(measurement.selected_values[:1])
    statement.set_plan_mode("force_custom_plan")
    custom = show(measurement.selected_values)
    by_mode = {"force_generic_plan": generic, "force_custom_plan": custom}
    passed_by = [number for number in measurement.selected if not used(measurement.calls[number], index)]
    calls: tuple[Call, ...] = ()
    if passed_by and any(serves(call, index, ordered) for call in by_mode[measurement.mode]):
        statement.set_plan_mode(measurement.mode)
        calls = run_some_calls(statement, [measurement.samples[at].values for at in passed_by])
    return ForcedIndex(
        size=measurement.size,
        generic=any(serves(call, index, ordered) for call in generic),
        custom=any(serves(call, index, ordered) for call in custom),
        plans=(*generic, *custom),
        chosen=tuple(measurement.calls[at] for at in passed_by)[: len(calls)],
        calls=calls,
    )


def _needs_sort(loaded_server: LoadedServer, load: Load, measured_query: MeasuredQuery) -> bool:
    """Whether the query must sort where no index gives it an order."""
    with loaded_server.rolled_back(load) as connection, prepare_query(connection, measured_query.query) as statement:
        for setting in _NO_INDEX:
            connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(setting)))
        statement.set_plan_mode("force_custom_plan")
        [plan] = statement.plans(measured_query.measurements[-1].selected_values[:1])
    return "Sort" in plan.shape


def serves(call: Call, index: IndexFacts, ordered: bool) -> bool:
    """Whether the plan searches the index, or takes from it an order that a LIMIT needs, or reads it in place of a larger
    table. A scan of the whole index with a filter is none of these; nor is one for a column that the index is not sorted
    by, unless the call shows that it skips most of the pages (from 18 on it can)."""
    for scan in call.scans:
        if not index.is_scanned_by(scan):
            continue
        searched = scan.condition and (index.matches_leading_key(scan.condition) or 0 < call.buffers < index.pages / 2)
        partial = index.predicate is not None and index.entries <= index.table_rows / 2
        instead = scan.node == "Index Only Scan" and not scan.filter
        if searched or partial or instead or (scan.sorted and ordered):
            return True
    return False


def used(call: Call, index: IndexFacts) -> bool:
    return any(index.is_scanned_by(scan) for scan in call.scans)


def run_some_calls(statement: PreparedQuery, values: Sequence[Values]) -> tuple[Call, ...]:
    """The calls in order, until they have touched enough pages to tell."""
    statement.plans(values[:1])  # loads the catalog's pages, which are no part of the query's cost
    calls: list[Call] = []
    for value in values:
        calls += statement.calls([value])
        if sum(call.buffers for call in calls) > _ENOUGH_BUFFERS:
            break
    return tuple(calls)


def _other_indexes(index: IndexFacts, indexes: Mapping[str, IndexFacts]) -> Iterator[IndexFacts]:
    return (other for other in indexes.values() if other.table == index.table and other.name != index.name)


def drop_indexes(connection: psycopg.Connection, indexes: Iterable[IndexFacts]) -> None:
    """Drops them, and with them the constraints that they enforce and those that refer to these."""
    for index in indexes:
        if index.constraint:
            statement = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(
                identifier(QualifiedName.parse(index.table)), identifier(index.constraint)
            )
        else:
            statement = sql.SQL("DROP INDEX {} CASCADE").format(identifier(QualifiedName.parse(index.name)))
        connection.execute(statement)
