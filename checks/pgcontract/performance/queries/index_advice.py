"""Indexes that would serve a query better, tried in a transaction that is undone: none is named without figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.performance.growth import median
from pgcontract.performance.loading import LoadedServer, get_loaded_server
from pgcontract.performance.queries.filter_conditions import Condition, read_conditions, without_alias
from pgcontract.performance.queries.prepared_query import QueryRefused, prepare_query
from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryMeasurement, limit_time, measured_queries
from pgcontract.performance.queries.query_plan import Call, Scan
from pgcontract.performance.queries.without_index import run_some_calls
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_MIN_GAIN_FACTOR: Final = 2  # an index is reported that halves the pages touched, and saves eight
_MIN_PAGES_SAVED: Final = 8
_MAX_CANDIDATES: Final = 4
_NAME: Final = "pgcontract_advice"
_COMPARED: Final = ("=", "<", "<=", ">", ">=")
_JSON_OPERATOR_CLASSES: Final = {
    "@>": "jsonb_path_ops",
    "?": "jsonb_ops",
    "?|": "jsonb_ops",
    "?&": "jsonb_ops",
    "@?": "jsonb_path_ops",
}


@dataclass(frozen=True, kw_only=True)
class CandidateIndex:
    """An index on one table: its method and what is between the brackets."""

    table: str
    method: str
    keys: tuple[str, ...]

    @property
    def ddl(self) -> str:
        using = "" if self.method == "btree" else f" USING {self.method}"
        return f"CREATE INDEX ON {self.table}{using} ({', '.join(self.keys)})"


@dataclass(frozen=True, kw_only=True)
class IndexAdvice:
    """An index that was made at a size, what the median call touched without and with it, and what it takes to keep."""

    ddl: str
    size: int
    before: int
    after: int
    calls: int
    index_bytes: int
    bytes_per_row: float


@cached_fact
def index_advice(context: Context) -> Mapping[str, tuple[IndexAdvice, ...]]:
    """By query, the indexes that would serve it better; asked once."""
    loaded_server = get_loaded_server(context)
    return {
        measured_query.query.name: _advise(loaded_server, measured_query) for measured_query in measured_queries(context)
    }


def _advise(loaded_server: LoadedServer, measured_query: MeasuredQuery) -> tuple[IndexAdvice, ...]:
    """The indexes that at the middle size halve what the query touches, best first; none where none does."""
    if measured_query.failure or not measured_query.measurements:
        return ()
    measurement = measured_query.measurements[len(measured_query.measurements) // 2]
    load = next(sized_load for sized_load in loaded_server.loads if sized_load.size == measurement.size)
    before = int(median([call.buffers for call in measurement.selected_calls]))
    if before < _MIN_GAIN_FACTOR * _MIN_PAGES_SAVED:
        return ()
    tables = {index.bare_table: index.table for index in measurement.indexes.values()}
    advised: list[IndexAdvice] = []
    for candidate in list(dict.fromkeys(_candidates(measurement, tables)))[:_MAX_CANDIDATES]:
        with loaded_server.rolled_back(load) as connection:
            limit_time(connection, load)
            index_advice = _try_candidate(connection, measured_query, measurement, candidate, before)
        if (
            index_advice is not None
            and index_advice.after * _MIN_GAIN_FACTOR <= before
            and before - index_advice.after >= _MIN_PAGES_SAVED
        ):
            advised.append(index_advice)
    return tuple(sorted(advised, key=lambda proposal: (proposal.after, proposal.index_bytes, proposal.ddl)))


def _try_candidate(
    connection: psycopg.Connection,
    measured_query: MeasuredQuery,
    measurement: QueryMeasurement,
    candidate: CandidateIndex,
    before: int,
) -> IndexAdvice | None:
    """The same calls with the index; None where the server does not make it: on an expression that may change."""
    try:
        connection.execute(
            sql.SQL("CREATE INDEX {} ON {} USING {} ({})").format(
                sql.Identifier(_NAME),
                identifier(QualifiedName.parse(candidate.table)),
                sql.Identifier(candidate.method),
                sql.SQL(", ").join(sql.SQL(key) for key in candidate.keys),
            )
        )
        with prepare_query(connection, measured_query.query) as statement:
            statement.set_plan_mode(measurement.mode)
            calls = run_some_calls(statement, measurement.selected_values)
        size_of = """
            SELECT pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_relation_size(c.oid) / greatest(t.reltuples, 1)
              FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
              JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
             WHERE c.relname = %s"""
        [(index_bytes, bytes_per_row)] = connection.execute(size_of, [_NAME]).fetchall()
    except (QueryRefused, psycopg.Error):
        return None
    return IndexAdvice(
        ddl=candidate.ddl,
        size=measurement.size,
        before=before,
        after=int(median([call.buffers for call in calls])),
        calls=len(calls),
        index_bytes=index_bytes,
        bytes_per_row=float(bytes_per_row),
    )


def _candidates(measurement: QueryMeasurement, tables: dict[str, str]) -> Iterator[CandidateIndex]:
    """What the filters and the order of the plans suggest, the plainest first."""
    calls = (measurement.generic, *(measurement.custom[at] for at in measurement.selected))
    for call in calls:
        for scan in call.scans:
            if scan.table in tables and (scan.filter or call.sort_keys):
                yield from _candidates_for_scan(tables[scan.table], call, scan)


def _candidates_for_scan(table: str, call: Call, scan: Scan) -> Iterator[CandidateIndex]:
    conditions = read_conditions(scan.filter or "", scan.alias) if scan.filter else ()
    searched = read_conditions(scan.condition or "", scan.alias) if scan.condition else ()
    plain = [
        condition for condition in (*searched, *conditions) if condition.operator in _COMPARED and condition.constant
    ]
    equal = tuple(dict.fromkeys(_index_key(condition) for condition in plain if condition.operator == "="))
    ranges = tuple(dict.fromkeys(_index_key(condition) for condition in plain if condition.operator != "="))
    order = tuple(without_alias(key, scan.alias) for key in call.sort_keys)
    ordered = order if all(_is_plain(sort_key) for sort_key in order) else ()
    if keys := (*equal, *(ordered or ranges[:1])):
        yield CandidateIndex(table=table, method="btree", keys=keys)
    if equal and (ordered or ranges):
        yield CandidateIndex(table=table, method="btree", keys=equal)
    for condition in conditions:
        if condition.operator in _JSON_OPERATOR_CLASSES and condition.column:
            yield CandidateIndex(
                table=table, method="gin", keys=(f"{condition.column} {_JSON_OPERATOR_CLASSES[condition.operator]}",)
            )
        if condition.operator == "~~" and condition.column:
            yield CandidateIndex(table=table, method="btree", keys=(f"{condition.column} text_pattern_ops",))


def _index_key(condition: Condition) -> str:
    """The column, or the expression in brackets of its own."""
    return condition.column or f"({condition.left})"


def _is_plain(sort_key: str) -> bool:
    """Whether a sort key is a column of the table, perhaps with a direction."""
    return re.fullmatch(r'(?:[a-z_]\w*|"[^"]+")(?: DESC)?(?: NULLS (?:FIRST|LAST))?', sort_key) is not None
