"""Every way in which a caller can write the time of a row himself."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pgcontract.probes.rows.probe_row import identifier
from pgcontract.probes.rows.timestamp_upkeep import FUTURE, PAST, Keeping, Kept


def inserts(it: Keeping) -> Iterator[Kept]:
    """By a plain INSERT of a new row."""
    yield it.insert("INSERT of null", sql.NULL)
    yield it.insert("INSERT of a time long past", sql.Literal(PAST))
    yield it.insert("INSERT of a time far ahead", sql.Literal(FUTURE))


def other_inserts(it: Keeping) -> Iterator[Kept]:
    """By whatever else makes a new row."""
    yield it.copy("COPY of a time long past", PAST)
    if it.specimen.key:
        past = sql.Literal(PAST)
        yield it.insert("INSERT ... ON CONFLICT DO UPDATE, of a new row", past, conflict=_upsert(it, past))


def updates(it: Keeping) -> Iterator[Kept]:
    """By whatever changes the row, which must be there."""
    column, past = it.clock.bare_column, sql.Literal(PAST)
    yield it.update("UPDATE to null", {column: sql.NULL})
    yield it.update("UPDATE to a time long past", {column: past})
    yield it.update("UPDATE to a time far ahead", {column: sql.Literal(FUTURE)})
    if it.specimen.key:
        yield it.insert("INSERT ... ON CONFLICT DO UPDATE, of a row that is there", conflict=_upsert(it, past))


def _upsert(it: Keeping, value: sql.Composable) -> sql.Composed:
    return sql.SQL("ON CONFLICT ({}) DO UPDATE SET {} = {}").format(
        sql.SQL(", ").join(map(identifier, it.specimen.key)), identifier(it.clock.bare_column), value
    )
