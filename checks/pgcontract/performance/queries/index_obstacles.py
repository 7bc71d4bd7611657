"""Why an index cannot serve a query, under the name that can be looked up, with the smallest example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.performance.index_heights import IndexFacts
from pgcontract.performance.loading import LoadedServer, get_loaded_server
from pgcontract.performance.queries.filter_conditions import (
    Condition,
    mentions,
    read_conditions,
    without_alias,
    without_brackets,
)
from pgcontract.performance.queries.prepared_query import QueryRefused, prepare_query
from pgcontract.performance.queries.query_costs import MeasuredQuery, measured_queries
from pgcontract.performance.queries.without_index import ForcedIndex, drop_indexes, forced_indexes, serves
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_LIKE: Final = {"~~": "LIKE", "~": "A pattern"}
_NO_PREFIX: Final = {"~~*": "ILIKE", "~*": "A pattern without regard to case", "!~~": "NOT LIKE", "!~~*": "NOT ILIKE"}


@dataclass(frozen=True, kw_only=True)
class IndexObstacle:
    """The reason, in a clause; the smallest example of it; what to do."""

    reason: str
    example: str
    remedy: str


@cached_fact
def index_obstacles(context: Context, query: str) -> tuple[IndexObstacle, ...]:
    """Why the query's index cannot serve it where it has no other to go by; the surest reason first, asked once."""
    forced = forced_indexes(context)[query]
    if isinstance(forced, Refusal):
        return ()
    measured_query = next(candidate for candidate in measured_queries(context) if candidate.query.name == query)
    return _find_obstacles(get_loaded_server(context), measured_query, forced)


def _find_obstacles(
    loaded_server: LoadedServer, measured_query: MeasuredQuery, forced: ForcedIndex
) -> tuple[IndexObstacle, ...]:
    measurement = measured_query.measurements[-1]
    index = measurement.indexes[measured_query.query.index or ""]
    seen_defeats = tuple(_removable_obstacles(loaded_server, measured_query, index)) or _obstacles_in_filters(
        index, forced
    )
    first: dict[str, IndexObstacle] = {}
    for defeat in seen_defeats:
        first.setdefault(defeat.reason, defeat)
    return tuple(first.values())


def _removable_obstacles(
    loaded_server: LoadedServer, measured_query: MeasuredQuery, index: IndexFacts
) -> Iterator[IndexObstacle]:
    """Obstacles proven by removing them: the index serves then."""
    if not index.valid:
        yield IndexObstacle(
            reason="it is invalid: CREATE INDEX CONCURRENTLY did not finish",
            example=f"-- pg_index.indisvalid of {index.name} is false",
            remedy=f"REINDEX INDEX CONCURRENTLY {index.name}, or drop it and make it again",
        )
    if _serves_inferred(loaded_server, measured_query, index):
        for param in measured_query.query.parameters:
            if param.type and param.column:
                yield IndexObstacle(
                    reason=f"the parameter {param.name} is sent as {param.type}, "
                    f"so the column is cast, not the parameter",
                    example=f"PREPARE q ({param.type}) AS SELECT ... WHERE {_column_name(param.column)} = $1;",
                    remedy=f"send the column's own type, or cast the parameter: CAST(%({param.name})s AS ...)",
                )
                return
    if index.predicate and _serves_whole(loaded_server, measured_query, index):
        yield IndexObstacle(
            reason=f"the query does not imply its predicate, {index.predicate}",
            example=f"CREATE INDEX ... ON {index.table} ({', '.join(index.keys)}) WHERE {index.predicate};",
            remedy=f"say {index.predicate} in the query's WHERE, or take the predicate off the index",
        )


def _serves_inferred(loaded_server: LoadedServer, measured_query: MeasuredQuery, index: IndexFacts) -> bool:
    """Whether the index serves once PostgreSQL infers the types of the parameters."""
    if not any(parameter.type for parameter in measured_query.query.parameters):
        return False
    load = next(candidate for candidate in loaded_server.loads if candidate.size == measured_query.measurements[-1].size)
    try:
        with (
            loaded_server.rolled_back(load) as connection,
            prepare_query(connection, measured_query.query, inferred=True) as statement,
        ):
            _leave_only(connection, measured_query, index)
            statement.set_plan_mode("force_custom_plan")
            plans = statement.plans(measured_query.measurements[-1].selected_values)
    except (QueryRefused, psycopg.Error):
        return False
    return any(serves(call, index, ordered=False) for call in plans)


def _serves_whole(loaded_server: LoadedServer, measured_query: MeasuredQuery, index: IndexFacts) -> bool:
    """Whether the index would serve if it had every row; tried at the smallest size, where it is made soonest."""
    load, measurement = loaded_server.loads[0], measured_query.measurements[0]
    with loaded_server.rolled_back(load) as connection:
        try:
            with prepare_query(connection, measured_query.query) as statement:
                _leave_only(connection, measured_query, index)
                connection.execute(
                    sql.SQL("CREATE INDEX pgcontract_whole ON {} USING {} ({})").format(
                        identifier(QualifiedName.parse(index.table)),
                        sql.Identifier(index.method),
                        sql.SQL(", ").join(map(_expression, index.keys)),
                    )
                )
                statement.set_plan_mode("force_custom_plan")
                plans = statement.plans(measurement.selected_values)
        except (QueryRefused, psycopg.Error):
            return False
    return any(scan.index == "pgcontract_whole" and scan.condition for plan in plans for scan in plan.scans)


def _leave_only(connection: psycopg.Connection, measured_query: MeasuredQuery, index: IndexFacts) -> None:
    """Drop every other index of the table and turn sequential scans off, as far as the query allows."""
    others = [
        other
        for other in measured_query.measurements[-1].indexes.values()
        if other.table == index.table and other.name != index.name and not other.primary
    ]
    drop_indexes(connection, others)
    connection.execute("SET LOCAL enable_seqscan = off")


def _obstacles_in_filters(index: IndexFacts, forced: ForcedIndex) -> Iterator[IndexObstacle]:
    """Obstacles shown by the conditions left in the plans' filters."""
    by_text: dict[str, Condition] = {}
    keys: tuple[str, ...] = ()
    # The first is the generic plan, in which a parameter is one whatever its value.
    plan = forced.plans[1 if forced.generic else 0]
    for scan in plan.scans:
        keys = keys or tuple(without_alias(key, scan.alias) for key in plan.sort_keys)
        if scan.table == index.bare_table or index.is_scanned_by(scan):
            unserved = None if scan.condition and index.matches_leading_key(scan.condition) else scan.condition
            for filter_text in filter(None, (unserved, scan.filter, *plan.joined)):
                by_text |= {condition.text: condition for condition in read_conditions(filter_text, scan.alias)}
    conditions = tuple(by_text.values())
    first = index.keys[0]
    about = [condition for condition in conditions if mentions(condition.text, first)]
    for condition in about:
        yield _condition_obstacle(index, condition, first, by_value=forced.custom)
    if about:
        return
    later = [key for key in index.keys[1:] if any(mentions(condition.text, key) for condition in conditions)]
    if later:
        yield IndexObstacle(
            reason=f"its leading column {first} is in no condition; {later[0]} comes after it in the index",
            example=f"... WHERE {next(condition.text for condition in conditions if mentions(condition.text, later[0]))}",
            remedy=f"add a condition on {first}, or make an index that begins with {later[0]}",
        )
    elif keys:
        yield IndexObstacle(
            reason=f"it is sorted by {', '.join(index.keys)}, and the query asks for another order",
            example=f"... ORDER BY {', '.join(keys)}",
            remedy="give index and ORDER BY the same columns, directions and place of nulls",
        )
    else:
        condition_text = " AND ".join(condition.text for condition in conditions)
        yield IndexObstacle(
            reason=f"the query has no condition on {first}",
            example=f"... WHERE {condition_text}" if condition_text else "-- no condition at all",
            remedy=f"add one, or declare the index that is meant; {index.name} is on {', '.join(index.keys)}",
        )


def _condition_obstacle(index: IndexFacts, condition: Condition, key: str, *, by_value: bool) -> IndexObstacle:
    """Why one condition on the leading column cannot be searched for in the index."""
    left, operator = condition.left, condition.operator
    example = f"... WHERE {condition.text}"
    if condition.is_or:
        return IndexObstacle(
            reason="the condition is an OR, and the other side of it needs another index",
            example=example,
            remedy="make an index for each side, or write a UNION of two queries",
        )
    if operator in _NO_PREFIX and condition.column == key:
        return IndexObstacle(
            reason=f"{_NO_PREFIX[operator]} is nothing that a B-tree can be searched for",
            example=example,
            remedy=f"compare lower({key}) with an index on it, or make a trigram index by pg_trgm",
        )
    if operator in _LIKE and condition.column == key and by_value:
        return IndexObstacle(
            reason=f"{_LIKE[operator]} searches a B-tree only by a prefix that is known when it is planned, "
            "and a generic plan knows none",
            example=example,
            remedy="have each call planned, by plan_cache_mode = force_custom_plan, or ask for a range of texts",
        )
    if operator in _LIKE and condition.column == key:
        return IndexObstacle(
            reason=f"{_LIKE[operator]} searches a B-tree only in a C collation or with text_pattern_ops, and only by a "
            "prefix",
            example=example,
            remedy=f"CREATE INDEX ON {index.table} ({key} text_pattern_ops), and patterns without % in front",
        )
    if condition.column == key and operator in ("<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
        return IndexObstacle(
            reason=f"{operator} is no condition that an index can be searched for",
            example=example,
            remedy="ask for what is wanted, by = or a range",
        )
    if (cast := re.fullmatch(r"\((.+)\)::([\w \"]+)", left)) and without_brackets(cast[1]) == key:
        return IndexObstacle(
            reason=f"the column {key} is cast to {cast[2]}, and the index holds it as it is",
            example=example,
            remedy=f"compare {key} itself, by a range where it is a time, and send a parameter of its own type",
        )
    if left != key and condition.column != key:
        return IndexObstacle(
            reason=f"{key} stands inside an expression, {left}, and the index holds {key} itself",
            example=example,
            remedy=f"CREATE INDEX ON {index.table} (({left})), or compare {key} itself",
        )
    return IndexObstacle(
        reason=f"the {index.method} index cannot be searched by `{operator}`"
        if operator
        else "the condition is no search",
        example=example,
        remedy="use a method and an operator class that know this operator",
    )


def _column_name(column: str) -> str:
    return QualifiedName.parse(column).quoted_name


def _expression(key: str) -> sql.SQL:
    return sql.SQL(key)
