"""What keeps an index from serving a query, told by the name that an owner can look up, with the smallest example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import identifiers
from pgcontract.performance.index_heights import IndexFacts
from pgcontract.performance.loading import Bench, bench
from pgcontract.performance.queries.filter_conditions import (
    Condition,
    mentions,
    read_conditions,
    unwrapped,
    without_alias,
)
from pgcontract.performance.queries.prepared_query import Refused, prepared
from pgcontract.performance.queries.query_costs import Measured, measured
from pgcontract.performance.queries.without_index import Forced, all_forced, drop, serves
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Trial

_LIKE: Final = {"~~": "LIKE", "~": "A pattern"}
_NO_PREFIX: Final = {"~~*": "ILIKE", "~*": "A pattern without regard to case", "!~~": "NOT LIKE", "!~~*": "NOT ILIKE"}


@dataclass(frozen=True, kw_only=True)
class Defeat:
    """What stands in the way, in a clause; the smallest example of it; what to do."""

    why: str
    example: str
    remedy: str


def defeats(trial: Trial, query: str) -> tuple[Defeat, ...]:
    """Why the query's index cannot serve it where it has no other to go by; the surest reason first, asked once."""
    return trial.once(f"measure/queries/defeats/{query}", lambda trial: _defeats(trial, query))


def _defeats(trial: Trial, query: str) -> tuple[Defeat, ...]:
    can = all_forced(trial)[query]
    if isinstance(can, Refusal):
        return ()
    asked = next(each for each in measured(trial) if each.query.name == query)
    return _find(bench(trial), asked, can)


def _find(workplace: Bench, asked: Measured, can: Forced) -> tuple[Defeat, ...]:
    reading = asked.readings[-1]
    index = reading.indexes[asked.query.index or ""]
    found = tuple(_tried(workplace, asked, index)) or _seen(index, can)
    first: dict[str, Defeat] = {}
    for each in found:
        first.setdefault(each.why, each)
    return tuple(first.values())


def _tried(workplace: Bench, asked: Measured, index: IndexFacts) -> Iterator[Defeat]:
    """What is shown by taking it away: the index serves then."""
    if not index.valid:
        yield Defeat(
            why="it is invalid: CREATE INDEX CONCURRENTLY did not finish",
            example=f"-- pg_index.indisvalid of {index.name} is false",
            remedy=f"REINDEX INDEX CONCURRENTLY {index.name}, or drop it and make it again",
        )
    if _serves_inferred(workplace, asked, index):
        for each in asked.query.parameters:
            if each.type and each.column:
                yield Defeat(
                    why=f"the parameter {each.name} is sent as {each.type}, so the column is cast, not the parameter",
                    example=f"PREPARE q ({each.type}) AS SELECT ... WHERE {_bare(each.column)} = $1;",
                    remedy=f"send the column's own type, or cast the parameter: CAST(%({each.name})s AS ...)",
                )
                return
    if index.predicate and _serves_whole(workplace, asked, index):
        yield Defeat(
            why=f"the query does not imply its predicate, {index.predicate}",
            example=f"CREATE INDEX ... ON {index.table} ({', '.join(index.keys)}) WHERE {index.predicate};",
            remedy=f"say {index.predicate} in the query's WHERE, or take the predicate off the index",
        )


def _serves_inferred(workplace: Bench, asked: Measured, index: IndexFacts) -> bool:
    """Whether the index serves once PostgreSQL infers the types of the parameters."""
    if not any(each.type for each in asked.query.parameters):
        return False
    load = next(each for each in workplace.loads if each.size == asked.readings[-1].size)
    try:
        with workplace.rolled_back(load) as connection, prepared(connection, asked.query, inferred=True) as statement:
            _alone(connection, asked, index)
            statement.plan_with("force_custom_plan")
            plans = statement.plans(asked.readings[-1].few_values)
    except (Refused, psycopg.Error):
        return False
    return any(serves(each, index, ordered=False) for each in plans)


def _serves_whole(workplace: Bench, asked: Measured, index: IndexFacts) -> bool:
    """Whether the index would serve if it had every row; tried at the smallest size, where it is made soonest."""
    load, reading = workplace.loads[0], asked.readings[0]
    with workplace.rolled_back(load) as connection:
        try:
            with prepared(connection, asked.query) as statement:
                _alone(connection, asked, index)
                connection.execute(
                    sql.SQL("CREATE INDEX pgcontract_whole ON {} USING {} ({})").format(
                        sql.Identifier(*identifiers.split(index.table)),
                        sql.Identifier(index.method),
                        sql.SQL(", ").join(map(_expression, index.keys)),
                    )
                )
                statement.plan_with("force_custom_plan")
                plans = statement.plans(reading.few_values)
        except (Refused, psycopg.Error):
            return False
    return any(each.index == "pgcontract_whole" and each.condition for plan in plans for each in plan.scans)


def _alone(connection: psycopg.Connection, asked: Measured, index: IndexFacts) -> None:
    """Takes away what else could serve, as far as the query allows it."""
    others = [
        each
        for each in asked.readings[-1].indexes.values()
        if each.table == index.table and each.name != index.name and not each.primary
    ]
    drop(connection, others)
    connection.execute("SET LOCAL enable_seqscan = off")


def _seen(index: IndexFacts, can: Forced) -> Iterator[Defeat]:
    """What the conditions left in the plans' filters show."""
    found: dict[str, Condition] = {}
    keys: tuple[str, ...] = ()
    # The first is the generic plan, in which a parameter is one whatever its value.
    plan = can.plans[1 if can.generic else 0]
    for scan in plan.scans:
        keys = keys or tuple(without_alias(each, scan.alias) for each in plan.sort_keys)
        if scan.table == index.bare_table or index.is_in(scan):
            unserved = None if scan.condition and index.leads(scan.condition) else scan.condition
            for told in filter(None, (unserved, scan.filter, *plan.joined)):
                found |= {each.text: each for each in read_conditions(told, scan.alias)}
    conditions = tuple(found.values())
    first = index.keys[0]
    about = [each for each in conditions if mentions(each.text, first)]
    for each in about:
        yield _of_condition(index, each, first, by_value=can.custom)
    if about:
        return
    later = [key for key in index.keys[1:] if any(mentions(each.text, key) for each in conditions)]
    if later:
        yield Defeat(
            why=f"its leading column {first} is in no condition; {later[0]} comes after it in the index",
            example=f"... WHERE {next(each.text for each in conditions if mentions(each.text, later[0]))}",
            remedy=f"add a condition on {first}, or make an index that begins with {later[0]}",
        )
    elif keys:
        yield Defeat(
            why=f"it is sorted by {', '.join(index.keys)}, and the query asks for another order",
            example=f"... ORDER BY {', '.join(keys)}",
            remedy="give index and ORDER BY the same columns, directions and place of nulls",
        )
    else:
        told = " AND ".join(each.text for each in conditions)
        yield Defeat(
            why=f"the query has no condition on {first}",
            example=f"... WHERE {told}" if told else "-- no condition at all",
            remedy=f"add one, or declare the index that is meant; {index.name} is on {', '.join(index.keys)}",
        )


def _of_condition(index: IndexFacts, condition: Condition, key: str, *, by_value: bool) -> Defeat:
    """One condition on the leading column, and why a search of the index is no answer to it."""
    left, operator = condition.left, condition.operator
    example = f"... WHERE {condition.text}"
    if condition.either:
        return Defeat(
            why="the condition is an OR, and the other side of it needs another index",
            example=example,
            remedy="make an index for each side, or write a UNION of two queries",
        )
    if operator in _NO_PREFIX and condition.column == key:
        return Defeat(
            why=f"{_NO_PREFIX[operator]} is nothing that a B-tree can be searched for",
            example=example,
            remedy=f"compare lower({key}) with an index on it, or make a trigram index by pg_trgm",
        )
    if operator in _LIKE and condition.column == key and by_value:
        return Defeat(
            why=f"{_LIKE[operator]} searches a B-tree only by a prefix that is known when it is planned, and a generic "
            "plan knows none",
            example=example,
            remedy="have each call planned, by plan_cache_mode = force_custom_plan, or ask for a range of texts",
        )
    if operator in _LIKE and condition.column == key:
        return Defeat(
            why=f"{_LIKE[operator]} searches a B-tree only in a C collation or with text_pattern_ops, and only by a "
            "prefix",
            example=example,
            remedy=f"CREATE INDEX ON {index.table} ({key} text_pattern_ops), and patterns without % in front",
        )
    if condition.column == key and operator in ("<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
        return Defeat(
            why=f"{operator} is no condition that an index can be searched for",
            example=example,
            remedy="ask for what is wanted, by = or a range",
        )
    if (cast := re.fullmatch(r"\((.+)\)::([\w \"]+)", left)) and unwrapped(cast[1]) == key:
        return Defeat(
            why=f"the column {key} is cast to {cast[2]}, and the index holds it as it is",
            example=example,
            remedy=f"compare {key} itself, by a range where it is a time, and send a parameter of its own type",
        )
    if left != key and condition.column != key:
        return Defeat(
            why=f"{key} stands inside an expression, {left}, and the index holds {key} itself",
            example=example,
            remedy=f"CREATE INDEX ON {index.table} (({left})), or compare {key} itself",
        )
    return Defeat(
        why=f"the {index.method} index cannot be searched by `{operator}`" if operator else "the condition is no search",
        example=example,
        remedy="use a method and an operator class that know this operator",
    )


def _bare(column: str) -> str:
    return identifiers.quote(identifiers.split(column)[-1])


def _expression(key: str) -> sql.SQL:
    return sql.SQL(key)
