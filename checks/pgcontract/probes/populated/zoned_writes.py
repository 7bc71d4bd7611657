"""Statements of a pending migration that write other times where the session that runs them is in another time zone."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.sql import Statement
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.held_clock import held_statement, hold_clock, move_clock, moved_text
from pgcontract.probes.locks.changes import reads_rows
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.populated.table_snapshots import TableSnapshot, take_snapshot
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

# The zones that are farthest apart: no moment has the same day in both. Neither has a summer time, by which a day that
# is added to a moment would be 23 hours long in one of them.
_WEST, _EAST = "Etc/GMT+12", "Etc/GMT-14"
_WITH: Final = "with time zone"
_ZONED: Final = re.compile(r"\btimestamptz\b|\bwith\s+time\s+zone\b|\bat\s+time\s+zone\b", re.IGNORECASE)
_TIMES: Final = ("timestamp", "date")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_NEAR: Final = dt.timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class ZonedWrite:
    """`west` and `east` are one value each of the column, which the statement writes in those zones alone."""

    statement: Statement
    table: str
    column: str
    west: str
    east: str

    @property
    def subject(self) -> str:
        return f"{self.table}.{quote_identifier(self.column)}"


@cached_promise_fact
def zoned_writes(context: Context) -> tuple[ZonedWrite, ...]:
    """The first of each column; () where the migration does not run over rows. What comes from the clock, or is written
    in the statement itself, is of no zone that somebody could have missed."""
    script = context.promise.script
    columns = [column for schema in (context.before, context.after) for column in schema.columns if _WITH in column.type]
    zoned = frozenset(column.bare_name for column in columns)
    if not script.parsed or not context.before.tables or not any(_may_cross(each, zoned) for each in script.statements):
        return ()
    over = run_over_rows(context)
    if over.after is None:
        return ()
    found: dict[str, ZonedWrite] = {}
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        for statement in steps_of(connection, script):
            if _may_cross(statement, zoned) and connection.info.transaction_status is TransactionStatus.INTRANS:
                for write in _compare(context, connection, statement):
                    found.setdefault(write.subject, write)
            if apply_statement(connection, statement, script) is not None:
                break
    return tuple(found.values())


def _may_cross(statement: Statement, zoned: frozenset[str]) -> bool:
    text = statement.text
    return reads_rows(statement) and (_ZONED.search(text) is not None or any(names_in_code(text, each) for each in zoned))


def _compare(context: Context, connection: psycopg.Connection, statement: Statement) -> Iterator[ZonedWrite]:
    """Run the statement in either zone, and once more at another time of the clock; and undo all."""
    there = {text for table in take_snapshot(connection).values() for row in table.rows for text in row.values()}
    west, later = (_run(context, connection, statement, _WEST, moved=moved) for moved in (False, True))
    east = _run(context, connection, statement, _EAST)
    row = connection.execute("SELECT current_date").fetchone()
    days = {day for each in _DAY.findall(statement.text) if (day := _day(each))} | {row[0] if row else dt.date.max}
    for name, table in west.items() if later and east else ():
        for number, column in table.columns.items():
            if not table.types[number].startswith(_TIMES):
                continue
            one, other = (_values(each.get(name), number) for each in (west, east))
            lasting = _values(later.get(name), number)
            only = [
                [text for text in values if text not in there and not _is_near(text, days)]
                for values in ((one - other) & lasting, other - one)
            ]
            if all(only):
                yield ZonedWrite(statement=statement, table=name, column=column, west=min(only[0]), east=min(only[1]))


def _run(
    context: Context, connection: psycopg.Connection, statement: Statement, zone: str, *, moved: bool = False
) -> Mapping[str, TableSnapshot]:
    """The tables after it, by name; {} where it is refused."""
    set_zone = "SELECT pg_catalog.set_config('TimeZone', %s, true)"
    connection.execute("SAVEPOINT pgcontract_zone")
    try:
        (move_clock if moved else hold_clock)(connection)
        connection.execute(set_zone, [zone])
        again = replace(statement, text=moved_text(statement.text)) if moved else held_statement(statement)
        if apply_statement(connection, again, context.promise.script) is not None:
            return {}
        connection.execute(set_zone, ["UTC"])
        return {table.name: table for table in take_snapshot(connection).values()}
    except psycopg.Error:
        return {}
    finally:
        connection.execute("ROLLBACK TO SAVEPOINT pgcontract_zone; RELEASE SAVEPOINT pgcontract_zone")


def _values(table: TableSnapshot | None, number: int) -> Counter[str]:
    return Counter(text for row in table.rows if (text := row.get(number)) is not None) if table else Counter()


def _day(text: str) -> dt.date | None:
    with suppress(ValueError):
        return dt.date.fromisoformat(text[:10])
    return None


def _is_near(text: str, days: set[dt.date]) -> bool:
    """Whether it is within what zones lie apart of one of the days; what is no day of this calendar tells nothing."""
    day = _day(text)
    return day is None or any(abs(day - each) <= _NEAR for each in days)
