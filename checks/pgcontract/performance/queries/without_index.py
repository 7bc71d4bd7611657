"""The control arms of a query: its index taken away, and every other taken away, inside a transaction that is undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import identifiers
from pgcontract.performance.index_heights import IndexFacts
from pgcontract.performance.loading import Bench, Load, bench
from pgcontract.performance.queries.prepared_query import Refused, Statement, Values, prepared
from pgcontract.performance.queries.query_costs import Measured, Reading, limit_time, measured
from pgcontract.performance.queries.query_plan import Call
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import Trial

_ENOUGH_BUFFERS: Final = 10_000  # what an arm touches before it stops calling: two scans of 100,000 rows show it
_NO_INDEX: Final = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


@dataclass(frozen=True, kw_only=True)
class Control:
    """Some samples of one size with all indexes and without the query's own, call by call; `refused` where the server
    does not take the query without it."""

    size: int
    index: str
    present: tuple[Call, ...] = ()
    absent: tuple[Call, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, kw_only=True)
class Forced:
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


def controls(trial: Trial) -> Mapping[str, tuple[Control, ...]]:
    """By query, the arm without its index at each size; asked once, for the queries that name an index."""
    return trial.once("measure/queries/controls", _controls)


def all_forced(trial: Trial) -> Mapping[str, Forced | Refusal]:
    """By query, what its index can do where nothing else would; why not, where the server does not take the query so."""
    return trial.once("measure/queries/forced", _all_forced)


def _with_index(trial: Trial) -> tuple[Measured, ...]:
    return tuple(each for each in measured(trial) if not each.trouble and has_its_index(each))


def has_its_index(asked: Measured) -> bool:
    """Whether the index that is to serve it is there at all."""
    return bool(asked.readings) and asked.query.index in asked.readings[-1].indexes


def _controls(trial: Trial) -> Mapping[str, tuple[Control, ...]]:
    workplace = bench(trial)
    loads = {each.size: each for each in workplace.loads}
    return {
        each.query.name: tuple(_without(workplace, loads[reading.size], each, reading) for reading in each.readings)
        for each in _with_index(trial)
    }


def _all_forced(trial: Trial) -> Mapping[str, Forced | Refusal]:
    workplace, found = bench(trial), dict[str, Forced | Refusal]()
    for each in _with_index(trial):
        try:
            found[each.query.name] = _force(workplace, each)
        except Refused as error:
            found[each.query.name] = error.refusal
    return found


def _without(workplace: Bench, load: Load, asked: Measured, reading: Reading) -> Control:
    index = reading.indexes[asked.query.index or ""]
    with workplace.rolled_back(load) as connection:
        limit_time(connection, load)
        try:
            with prepared(connection, asked.query) as statement:
                drop(connection, [index])
                statement.plan_with(reading.mode)
                absent = some_calls(statement, reading.few_values)
        except (Refused, psycopg.Error) as error:
            refused = str(error if isinstance(error, Refused) else refusal_of(error))
            return Control(size=load.size, index=index.name, refused=refused)
    return Control(size=load.size, index=index.name, present=reading.few_calls[: len(absent)], absent=absent)


def _force(workplace: Bench, asked: Measured) -> Forced:
    reading = asked.readings[-1]
    load = next(each for each in workplace.loads if each.size == reading.size)
    index = reading.indexes[asked.query.index or ""]
    ordered = _wants_order(workplace, load, asked)
    # A primary key that the query is grouped by cannot go without the query going too.
    for spared in ((), tuple(each for each in reading.indexes.values() if each.primary)):
        with workplace.rolled_back(load) as connection:
            limit_time(connection, load)
            try:
                with prepared(connection, asked.query) as statement:
                    drop(connection, (each for each in _beside(index, reading.indexes) if each not in spared))
                    connection.execute("SET LOCAL enable_seqscan = off")
                    return _forced(statement, reading, index, ordered)
            except Refused as error:
                refused = error
            except psycopg.Error as error:
                refused = Refused(refusal_of(error))
    raise refused


def _forced(statement: Statement, reading: Reading, index: IndexFacts, ordered: bool) -> Forced:
    show = statement.plans if len(index.keys) == 1 else statement.calls
    statement.plan_with("force_generic_plan")
    generic = show(reading.few_values[:1])
    statement.plan_with("force_custom_plan")
    custom = show(reading.few_values)
    by_mode = {"force_generic_plan": generic, "force_custom_plan": custom}
    passed_by = [each for each in reading.few if not used(reading.calls[each], index)]
    calls: tuple[Call, ...] = ()
    if passed_by and any(serves(each, index, ordered) for each in by_mode[reading.mode]):
        statement.plan_with(reading.mode)
        calls = some_calls(statement, [reading.samples[at].values for at in passed_by])
    return Forced(
        size=reading.size,
        generic=any(serves(each, index, ordered) for each in generic),
        custom=any(serves(each, index, ordered) for each in custom),
        plans=(*generic, *custom),
        chosen=tuple(reading.calls[at] for at in passed_by)[: len(calls)],
        calls=calls,
    )


def _wants_order(workplace: Bench, load: Load, asked: Measured) -> bool:
    """Whether the query must sort where no index gives it an order."""
    with workplace.rolled_back(load) as connection, prepared(connection, asked.query) as statement:
        for setting in _NO_INDEX:
            connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(setting)))
        statement.plan_with("force_custom_plan")
        [plan] = statement.plans(asked.readings[-1].few_values[:1])
    return "Sort" in plan.shape


def serves(call: Call, index: IndexFacts, ordered: bool) -> bool:
    """Whether the plan searches the index, or takes from it an order that a LIMIT needs, or reads it in place of a larger
    table. A scan of the whole index with a filter is none of these; nor is one for a column that the index is not sorted
    by, unless the call shows that it skips most of the pages (from 18 on it can)."""
    for scan in call.scans:
        if not index.is_in(scan):
            continue
        searched = scan.condition and (index.leads(scan.condition) or 0 < call.buffers < index.pages / 2)
        partial = index.predicate is not None and index.entries <= index.table_rows / 2
        instead = scan.node == "Index Only Scan" and not scan.filter
        if searched or partial or instead or (scan.sorted and ordered):
            return True
    return False


def used(call: Call, index: IndexFacts) -> bool:
    return any(index.is_in(scan) for scan in call.scans)


def some_calls(statement: Statement, values: Sequence[Values]) -> tuple[Call, ...]:
    """The calls in order, until they have touched enough pages to tell."""
    statement.plans(values[:1])  # loads the catalog's pages, which are no part of the query's cost
    found: list[Call] = []
    for each in values:
        found += statement.calls([each])
        if sum(call.buffers for call in found) > _ENOUGH_BUFFERS:
            break
    return tuple(found)


def _beside(index: IndexFacts, indexes: Mapping[str, IndexFacts]) -> Iterator[IndexFacts]:
    return (each for each in indexes.values() if each.table == index.table and each.name != index.name)


def drop(connection: psycopg.Connection, indexes: Iterable[IndexFacts]) -> None:
    """Drops them, and with them the constraints that they enforce and those that refer to these."""
    for each in indexes:
        if each.constraint:
            words = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(
                sql.Identifier(*identifiers.split(each.table)), sql.Identifier(each.constraint)
            )
        else:
            words = sql.SQL("DROP INDEX {} CASCADE").format(sql.Identifier(*identifiers.split(each.name)))
        connection.execute(words)
