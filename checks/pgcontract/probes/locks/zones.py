"""Rewrites that a statement is spared under the time zone UTC alone: between timestamps with and without a time zone."""

from __future__ import annotations

from typing import Final

import psycopg

from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.locks.trace import trace_in_zone, trace_locks
from pgcontract.probes.locks.work import ColumnRetyped, TracedStatement, Work, WorkKind
from pgcontract.values import dataclass

ELSEWHERE: Final = "Europe/Berlin"
_TIMESTAMP: Final = "timestamp"
# Set by whoever has the database, and not only by the server that this run is made on.
_IS_SET: Final = """
SELECT source IN ('database', 'user', 'database user') FROM pg_catalog.pg_settings WHERE name = 'TimeZone'
"""


@dataclass(frozen=True, kw_only=True)
class ZonedRewrite:
    """A change of a column that rewrites the table in the zone ELSEWHERE, and does not where it was traced."""

    traced: TracedStatement
    work: Work
    change: ColumnRetyped


@cached_fact
def rewrites_elsewhere(context: Context) -> tuple[ZonedRewrite, ...]:
    """Those of the script, tried in both zones; () where the zone is known: a script or a database may set it."""
    if not _retypes_timestamps(context):
        return ()
    if is_zone_set(context):
        return ()
    here = {(traced.statement.number, work.table) for traced, work in _rewrites(trace_locks(context).statements)}
    try:
        there = trace_in_zone(context, ELSEWHERE).statements
    except psycopg.Error:  # a server that has no such zone
        return ()
    return tuple(
        ZonedRewrite(traced=traced, work=work, change=work.change)
        for traced, work in _rewrites(there)
        if isinstance(work.change, ColumnRetyped) and (traced.statement.number, work.table) not in here
    )


def is_zone_set(context: Context) -> bool:
    """Whether the database, or the role that migrates, says in which time zone sessions are."""
    with context.sandbox.rolled_back(context.before_state) as connection:
        row = connection.execute(_IS_SET.encode()).fetchone()
    return bool(row and row[0])


def _rewrites(statements: tuple[TracedStatement, ...]) -> list[tuple[TracedStatement, Work]]:
    return [(traced, work) for traced in statements for work in traced.work if work.kind is WorkKind.REWRITE]


def _retypes_timestamps(context: Context) -> bool:
    """Whether a column's type may be one of a timestamp before or after, and is another one: to be cheap where not."""
    text = context.promise.script.text.upper()
    if "TYPE" not in text:
        return False
    if _TIMESTAMP.upper() in text:
        return True
    columns = {(column.table, column.name): column.type for column in context.before.columns}
    return any(
        columns.get(name := (column.table, column.name), column.type) != column.type
        and _TIMESTAMP in f"{columns[name]} {column.type}"
        for column in context.after.columns
    )
