"""Every kind of statement with which a client can set a row's timestamp."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.rows.timestamp_upkeep import FUTURE, PAST, TimestampProbe, TimestampWrite


def forge_by_insert(probe: TimestampProbe) -> Iterator[TimestampWrite]:
    """By a plain INSERT of a new row."""
    yield probe.insert("INSERT of NULL", sql.NULL)
    yield probe.insert(f"INSERT of {PAST}", sql.Literal(PAST))
    yield probe.insert(f"INSERT of {FUTURE}", sql.Literal(FUTURE))


def forge_by_other_inserts(probe: TimestampProbe) -> Iterator[TimestampWrite]:
    """By the other statements that insert a row."""
    yield probe.copy(f"COPY of {PAST}", PAST)
    if probe.probe_row.key:
        past = sql.Literal(PAST)
        yield probe.insert("INSERT … ON CONFLICT DO UPDATE of a new row", past, conflict=_upsert(probe, past))


def forge_by_update(probe: TimestampProbe) -> Iterator[TimestampWrite]:
    """By each statement that changes the row, which must exist."""
    column, past = probe.timestamp.bare_column, sql.Literal(PAST)
    yield probe.update("UPDATE to NULL", {column: sql.NULL})
    yield probe.update(f"UPDATE to {PAST}", {column: past})
    yield probe.update(f"UPDATE to {FUTURE}", {column: sql.Literal(FUTURE)})
    if probe.probe_row.key:
        yield probe.insert("INSERT … ON CONFLICT DO UPDATE of an existing row", conflict=_upsert(probe, past))


def _upsert(probe: TimestampProbe, value: sql.Composable) -> sql.Composed:
    return sql.SQL("ON CONFLICT ({}) DO UPDATE SET {} = {}").format(
        sql.SQL(", ").join(map(identifier, probe.probe_row.key)), identifier(probe.timestamp.bare_column), value
    )
