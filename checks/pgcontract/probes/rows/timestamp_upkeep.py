"""A row whose time the database keeps, at one of the places where rows are written: put there, moved back in time
without triggers, looked at after each write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.rows.places import Places
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow, attempt, find_probe_row
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.write_targets import WriteTarget

PAST: Final = "2001-02-03 04:05:06+00"
DATABASE_TIME: Final = "the database's time"
UNCHANGED: Final = "unchanged"
CLIENT_VALUE: Final = "the client's value"
NULL: Final = "null"

_NOW: Final = sql.SQL("now()")
_TEMPORAL: Final = ("timestamp", "date")
_UNITS: Final = {0: 1, 3: 1_000, 6: 1_000_000, 9: 1_000_000_000}  # by the power of ten that a count of seconds is off
# The clock's readings around a write; a number counts whole units, rounded either way.
_CLASSIFY: Final = """
    CASE WHEN {column} IS NULL THEN 'null'
         WHEN {column} = CAST({before} AS {type}) THEN 'unchanged'
         WHEN {column} < {earliest} THEN 'earlier than the transaction'
         WHEN {column} > {latest} THEN 'later than the clock'
         ELSE 'the database''s time'
    END
"""
_COMPARE: Final = """
    CASE WHEN {column} > {before} THEN 'later' WHEN {column} = {before} THEN 'the same' ELSE 'earlier' END
"""


class TimestampProbe:
    """Writes to one row at one place, in one transaction. `row` is without the time; `second` is like it, by another
    key (None: there can be none); `before` is the time that both had before a write, as text."""

    def __init__(
        self, context: Context, connection: psycopg.Connection, timestamp: Timestamp, target: WriteTarget
    ) -> None:
        self.context = context
        self.connection = connection
        self.timestamp = timestamp
        self.target = target
        self.columns = [column for column in context.after.columns if column.table == timestamp.table]
        self.column = next(column for column in self.columns if column.name == timestamp.column)
        self.name = identifier(timestamp.bare_column)
        self.row = find_probe_row(context, connection, timestamp.table, target=target).without(timestamp.bare_column)
        self.second = second_row(context, self.row, target)
        self.before: str | None = None
        self.unit = self._unit()

    @property
    def rows(self) -> tuple[ProbeRow, ...]:
        """Those that `put_rows` put there."""
        return (self.row, self.second) if self.second else (self.row,)

    def time(self, moment: sql.Composable) -> sql.Composable:
        """A moment (a timestamptz) as the column holds it: itself, or the number of units since 1970."""
        if self.unit is None:
            return moment
        return sql.SQL("CAST(extract(epoch FROM {}) * {} AS {})").format(
            moment, sql.Literal(self.unit), sql.SQL(self.column.type)
        )

    def classified(self) -> sql.Composed:
        """What the row's time is: `the database's time`, `unchanged`, `null`, earlier or later."""
        now, clock = sql.SQL("pg_catalog.now()"), sql.SQL("pg_catalog.clock_timestamp()")
        cast = "CAST({} AS {})" if self.unit is None else "pg_catalog.floor(extract(epoch FROM {}) * {})"
        given = sql.SQL(self.column.type) if self.unit is None else sql.Literal(self.unit)
        return sql.SQL(_CLASSIFY).format(
            column=self.name,
            type=sql.SQL(self.column.type),
            before=sql.Literal(self.before),
            earliest=sql.SQL(cast).format(now, given),
            latest=sql.SQL(cast.replace("floor", "ceil")).format(clock, given),
        )

    def compared(self) -> sql.Composed:
        """How the row's time compares to `before`: `later`, `the same`, `earlier`."""
        before = sql.SQL("CAST({} AS {})").format(sql.Literal(self.before), sql.SQL(self.column.type))
        return sql.SQL(_COMPARE).format(column=self.name, before=before)

    def look(self, expression: sql.Composable) -> str | None:
        """The expression over the row, as text; None where there is no row."""
        record = self.connection.execute(self.row.select(expression)).fetchone()
        return record[0] if record else None

    def update_once(self, values: ColumnValues) -> str | None:
        """An update that is not undone: the row's time is `later`, `the same` or `earlier`; None where a trigger or rule
        dropped it, so that nothing was updated."""
        self.before = self.look(sql.SQL("{}::pg_catalog.text").format(self.name))
        version = self.look(self.version)
        refusal = attempt(self.connection, self.row.update(values))
        if refusal is None and self.look(self.version) == version:
            return None
        return f"rejected: {refusal}" if refusal else str(self.look(self.compared()) or "no row")

    @property
    def version(self) -> sql.Composable:
        """Which write the row is of, as text: another one after each, for each is a subtransaction of its own."""
        return sql.SQL("xmin::pg_catalog.text")

    @property
    def contents(self) -> sql.Composable:
        """The whole row, as text."""
        names = sql.SQL(", ").join(identifier(column.bare_name) for column in self.columns)
        return sql.SQL("ROW({})::pg_catalog.text").format(names)

    def unchanged_values(self) -> ColumnValues:
        """An update that changes nothing: a plain column set to itself, or one of the key where there is no other."""
        writable = [
            column.bare_name
            for column in self.columns
            if column is not self.column and not column.generated and column.identity != "always"
        ]
        for name in sorted(writable, key=lambda name: (name in self.row.key, name not in self.row.row)):
            return {name: identifier(name)}
        raise CouldNotAsk(f"{self.timestamp.table} has no column to update but the timestamp")

    def put_row(self) -> None:
        """Insert the row, with the transaction's time where it does not go in without. CouldNotAsk where not even so."""
        refusal = attempt(self.connection, self.row.insert())
        if refusal and (refusal := attempt(self.connection, self.row.insert({self.timestamp.bare_column: _NOW}))):
            raise CouldNotAsk(f"no test row can be inserted into {self.target.holder}: {refusal}")

    def put_rows(self, shift: str) -> None:
        """Insert the row and the second one with every time in them moved by `shift`: without triggers, as a replica
        does. CouldNotAsk where the row does not go in."""
        self.put_row()
        if self.second and attempt(self.connection, self.second.insert()):
            self.second = None
        shifted = {
            column.bare_name: self.shifted(shift) if column is self.column else _shifted(column.bare_name, shift)
            for column in self.columns
            if (column is self.column or column.type.startswith(_TEMPORAL)) and not column.generated
            if column.bare_name not in self.row.key and column.bare_name not in self.target.values
        }
        for statement in self.untriggered(*(row.update(shifted) for row in self.rows)):
            self.connection.execute(statement)
        self.before = self.look(sql.SQL("{}::pg_catalog.text").format(self.name))
        for row in self.rows[1:]:
            for statement in self.set_back(row):
                self.connection.execute(statement)

    def set_back(self, row: ProbeRow) -> tuple[sql.Composed, ...]:
        """The row's time is `before` again."""
        return self.untriggered(row.update({self.timestamp.bare_column: sql.Literal(self.before)}))

    def untriggered(self, *statements: sql.Composed) -> tuple[sql.Composed, ...]:
        """The statements with session_replication_role = replica; triggers that fire even then are disabled as well.

        Without a superuser, the table's owner disables every trigger.
        """
        has_superuser = self.context.sandbox.has_superuser
        fires = ("always", "replica") if has_superuser else ("always", "replica", "origin")
        disable: list[sql.Composed] = []
        enable: list[sql.Composed] = []
        for trigger in self.context.after.triggers:
            if trigger.table in (self.target.table, self.target.holder) and trigger.enabled in fires:
                table, name = sql.SQL(trigger.table), sql.SQL(trigger.quoted_name)
                word = sql.SQL("" if trigger.enabled == "origin" else trigger.enabled.upper())
                disable.append(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(table, name))
                enable.append(sql.SQL("ALTER TABLE {} ENABLE {} TRIGGER {}").format(table, word, name))
        if has_superuser:
            disable.append(sql.Composed([sql.SQL("SET LOCAL session_replication_role = replica")]))
            enable.append(sql.Composed([sql.SQL("SET LOCAL session_replication_role = origin")]))
        return (*disable, *statements, *enable)

    def shifted(self, shift: str) -> sql.Composed:
        """The row's time, moved by so much."""
        if self.unit is None:
            return _shifted(self.timestamp.bare_column, shift)
        return sql.SQL("{} + extract(epoch FROM {}::pg_catalog.interval) * {}").format(
            self.name, sql.Literal(shift), sql.Literal(self.unit)
        )

    def _unit(self) -> int | None:
        """Of a column of numbers how many they count a second, by what the database itself puts there; None of times.

        CouldNotAsk where the column can hold no time.
        """
        described = self.connection.execute(
            sql.SQL("SELECT {} FROM {} LIMIT 0").format(self.name, sql.SQL(self.timestamp.table))
        ).description
        assert described is not None
        kind = self.connection.execute(
            "SELECT pg_catalog.format_type(oid, -1), typcategory::pg_catalog.text FROM pg_catalog.pg_type WHERE oid = %s",
            [described[0].type_code],
        ).fetchone()
        assert kind is not None
        if kind[0].startswith(_TEMPORAL):
            return None
        if kind[1] != "N":
            raise CouldNotAsk(f"{self.column.name} is {self.column.type}, which holds no moment in time")
        with self.connection.transaction(force_rollback=True):
            attempt(self.connection, self.row.insert())
            power = sql.SQL("""
                CASE WHEN {0} > 0 THEN
                    pg_catalog.round(pg_catalog.log({0}::pg_catalog.numeric / extract(epoch FROM pg_catalog.now())), 1)
                END::pg_catalog.text
            """).format(self.name)
            found = self.look(power)
        unit = _UNITS.get(int(float(found))) if found and float(found).is_integer() else None
        if unit is None:
            raise CouldNotAsk(
                f"{self.column.name} is {self.column.type}, and an INSERT without it sets no count of seconds, "
                "milliseconds, microseconds or nanoseconds since 1970"
            )
        return unit


def _shifted(name: str, shift: str) -> sql.Composed:
    return sql.SQL("{} OPERATOR(pg_catalog.+) {}::pg_catalog.interval").format(identifier(name), sql.Literal(shift))


def compare_times(
    connection: psycopg.Connection, probe_row: ProbeRow, timestamp: Timestamp, type_name: str, before: str | None
) -> str:
    """How the row's time compares to the one before: `later`, `the same`, `earlier`."""
    old = sql.SQL("CAST({} AS {})").format(sql.Literal(before), sql.SQL(type_name))
    query = sql.SQL(_COMPARE).format(column=identifier(timestamp.bare_column), before=old)
    row = connection.execute(probe_row.select(query)).fetchone()
    return str(row[0]) if row else "no row"


@contextmanager
def timestamp_places(context: Context, timestamp: Timestamp) -> Iterator[Places[TimestampProbe]]:
    """The places of the timestamp's table in a transaction that is undone, written on by the role that migrates.

    Where we have a superuser, it grants that role SET on session_replication_role meanwhile: as a superuser, the
    migration's own functions would run with every privilege, also on this machine.
    """
    sandbox = context.sandbox
    privilege = sql.SQL("SET ON PARAMETER session_replication_role")
    migrator = sql.Identifier(sandbox.migrator)
    if sandbox.has_superuser:
        sandbox.admin.execute(sql.SQL("GRANT {} TO {}").format(privilege, migrator))
    try:
        with sandbox.rolled_back(context.after_state) as connection:
            if timestamp.column not in {column.name for column in context.after.columns}:
                raise CouldNotAsk(f"the column {timestamp.column} does not exist")
            yield Places(
                context,
                connection,
                timestamp.table,
                (timestamp.bare_column,),
                lambda target: TimestampProbe(context, connection, timestamp, target),
                led_by=f"{timestamp.column} itself leads rows there",
            )
    finally:
        if sandbox.has_superuser and not sandbox.admin.closed:
            sandbox.admin.execute(sql.SQL("REVOKE {} FROM {}").format(privilege, migrator))
