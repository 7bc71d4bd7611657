"""Indexes that would serve a query better, tried in a transaction that is undone: none is named without its figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import identifiers
from pgcontract.performance.growth import median
from pgcontract.performance.loading import Bench, bench
from pgcontract.performance.queries.filter_conditions import Condition, read_conditions, without_alias
from pgcontract.performance.queries.prepared_query import Refused, prepared
from pgcontract.performance.queries.query_costs import Measured, Reading, limit_time, measured
from pgcontract.performance.queries.query_plan import Call, Scan
from pgcontract.performance.queries.without_index import some_calls
from pgcontract.probes.context import Trial

_GAIN: Final = 2  # an index is worth telling of that halves the pages touched, and saves eight
_SAVES: Final = 8
_TRIED: Final = 4
_NAME: Final = "pgcontract_advice"
_COMPARED: Final = ("=", "<", "<=", ">", ">=")
_OF_JSON: Final = {"@>": "jsonb_path_ops", "?": "jsonb_ops", "?|": "jsonb_ops", "?&": "jsonb_ops", "@?": "jsonb_path_ops"}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An index on one table: its method and what is between the brackets."""

    table: str
    method: str
    keys: tuple[str, ...]

    @property
    def ddl(self) -> str:
        using = "" if self.method == "btree" else f" USING {self.method}"
        return f"CREATE INDEX ON {self.table}{using} ({', '.join(self.keys)})"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """An index that was made at a size, what the median call touched without and with it, and what it takes to keep."""

    ddl: str
    size: int
    before: int
    after: int
    calls: int
    index_bytes: int
    bytes_a_row: float


def advice(trial: Trial) -> Mapping[str, tuple[Advice, ...]]:
    """By query, the indexes that would serve it better; asked once."""
    return trial.once(
        "measure/queries/advice",
        lambda trial: {each.query.name: _advise(bench(trial), each) for each in measured(trial)},
    )


def _advise(workplace: Bench, asked: Measured) -> tuple[Advice, ...]:
    """The indexes that at the middle size halve what the query touches, best first; none where none does."""
    if asked.trouble or not asked.readings:
        return ()
    reading = asked.readings[len(asked.readings) // 2]
    load = next(each for each in workplace.loads if each.size == reading.size)
    before = int(median([each.buffers for each in reading.few_calls]))
    if before < _GAIN * _SAVES:
        return ()
    tables = {each.bare_table: each.table for each in reading.indexes.values()}
    found: list[Advice] = []
    for candidate in list(dict.fromkeys(_candidates(reading, tables)))[:_TRIED]:
        with workplace.rolled_back(load) as connection:
            limit_time(connection, load)
            advice = _tried(connection, asked, reading, candidate, before)
        if advice is not None and advice.after * _GAIN <= before and before - advice.after >= _SAVES:
            found.append(advice)
    return tuple(sorted(found, key=lambda each: (each.after, each.index_bytes, each.ddl)))


def _tried(
    connection: psycopg.Connection, asked: Measured, reading: Reading, candidate: Candidate, before: int
) -> Advice | None:
    """The same calls with the index; None where the server does not make it: on an expression that may change."""
    try:
        connection.execute(
            sql.SQL("CREATE INDEX {} ON {} USING {} ({})").format(
                sql.Identifier(_NAME),
                sql.Identifier(*identifiers.split(candidate.table)),
                sql.Identifier(candidate.method),
                sql.SQL(", ").join(sql.SQL(each) for each in candidate.keys),
            )
        )
        with prepared(connection, asked.query) as statement:
            statement.plan_with(reading.mode)
            calls = some_calls(statement, reading.few_values)
        size_of = """
            SELECT pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_relation_size(c.oid) / greatest(t.reltuples, 1)
              FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
              JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
             WHERE c.relname = %s"""
        [(index_bytes, bytes_a_row)] = connection.execute(size_of, [_NAME]).fetchall()
    except (Refused, psycopg.Error):
        return None
    return Advice(
        ddl=candidate.ddl,
        size=reading.size,
        before=before,
        after=int(median([each.buffers for each in calls])),
        calls=len(calls),
        index_bytes=index_bytes,
        bytes_a_row=float(bytes_a_row),
    )


def _candidates(reading: Reading, tables: dict[str, str]) -> Iterator[Candidate]:
    """What the filters and the order of the plans suggest, the plainest first."""
    calls = (reading.generic, *(reading.custom[at] for at in reading.few))
    for call in calls:
        for scan in call.scans:
            if scan.table in tables and (scan.filter or call.sort_keys):
                yield from _of_scan(tables[scan.table], call, scan)


def _of_scan(table: str, call: Call, scan: Scan) -> Iterator[Candidate]:
    conditions = read_conditions(scan.filter or "", scan.alias) if scan.filter else ()
    searched = read_conditions(scan.condition or "", scan.alias) if scan.condition else ()
    plain = [each for each in (*searched, *conditions) if each.operator in _COMPARED and each.constant]
    equal = tuple(dict.fromkeys(_key(each) for each in plain if each.operator == "="))
    ranges = tuple(dict.fromkeys(_key(each) for each in plain if each.operator != "="))
    order = tuple(without_alias(each, scan.alias) for each in call.sort_keys)
    ordered = order if all(_is_plain(each) for each in order) else ()
    if keys := (*equal, *(ordered or ranges[:1])):
        yield Candidate(table=table, method="btree", keys=keys)
    if equal and (ordered or ranges):
        yield Candidate(table=table, method="btree", keys=equal)
    for each in conditions:
        if each.operator in _OF_JSON and each.column:
            yield Candidate(table=table, method="gin", keys=(f"{each.column} {_OF_JSON[each.operator]}",))
        if each.operator == "~~" and each.column:
            yield Candidate(table=table, method="btree", keys=(f"{each.column} text_pattern_ops",))


def _key(condition: Condition) -> str:
    """The column, or the expression in brackets of its own."""
    return condition.column or f"({condition.left})"


def _is_plain(sort_key: str) -> bool:
    """Whether a sort key is a column of the table, perhaps with a direction."""
    return re.fullmatch(r'(?:[a-z_]\w*|"[^"]+")(?: DESC)?(?: NULLS (?:FIRST|LAST))?', sort_key) is not None
