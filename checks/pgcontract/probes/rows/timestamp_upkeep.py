"""Who keeps a time: writes on a row whose timestamp is a day behind or an hour ahead, and the time it has afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Timestamp
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.rows.alternative_values import other_values
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow, attempt, find_probe_row

PAST: Final = "2001-02-03 04:05:06+00"
FUTURE: Final = "2999-12-31 23:59:59+00"
DATABASE_TIME: Final = "the database's time"
UNCHANGED: Final = "unchanged"
CLIENT_VALUE: Final = "the client's value"

_TEMPORAL: Final = ("timestamp", "date")
_CLASSIFY_TIME = """
    CASE WHEN {column} IS NULL THEN 'null'
         WHEN {column} = CAST({before} AS {type}) THEN 'unchanged'
         WHEN {column} IN (CAST({past} AS {type}), CAST({future} AS {type})) THEN 'the client''s value'
         WHEN {column} < CAST(pg_catalog.now() AS {type}) THEN 'earlier than the transaction'
         WHEN {column} > CAST(pg_catalog.clock_timestamp() AS {type}) THEN 'later than the clock'
         ELSE 'the database''s time'
    END, {column}::pg_catalog.text
"""


@dataclass(frozen=True, kw_only=True)
class TimestampWrite:
    """What became of a write: the statement, and what the timestamp's value is now or who refused."""

    label: str
    statement: str
    result: str
    refused: bool = False


class TimestampProbe:
    """Writes to one row in one transaction; each is rolled back."""

    def __init__(self, context: Context, connection: psycopg.Connection, timestamp: Timestamp) -> None:
        self.context = context
        self.connection = connection
        self.timestamp = timestamp
        self.columns = [column for column in context.after.columns if column.table == timestamp.table]
        table_column = next((column for column in self.columns if column.name == timestamp.column), None)
        if table_column is None:
            raise CouldNotAsk(f"the column {timestamp.column} does not exist")
        self.column = table_column
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.probe_row = find_probe_row(context, connection, timestamp.table).without(timestamp.bare_column)
        self.before: str | None = None

    def insert(
        self, label: str, value: sql.Composable | None = None, *, conflict: sql.Composable | None = None
    ) -> TimestampWrite:
        """INSERT of the row with the timestamp as given; onto the row that is there, `conflict` is what it then does."""
        statement = self.probe_row.insert({} if value is None else {self.timestamp.bare_column: value})
        return self.write(label, statement if conflict is None else sql.Composed([statement, sql.SQL(" "), conflict]))

    def update(self, label: str, values: ColumnValues) -> TimestampWrite:
        """UPDATE of the row."""
        return self.write(label, self.probe_row.update(values))

    def copy(self, label: str, value: str) -> TimestampWrite:
        """COPY of the row with the timestamp as given."""
        row = {**self.probe_row.row, self.timestamp.bare_column: value}
        names = sql.SQL(", ").join(map(identifier, row))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.SQL(self.timestamp.table), names)
        line = "\t".join(str(cell).replace("\\", "\\\\") for cell in row.values())
        shown = f"{statement.as_string()};\n{line}\n\\."
        try:
            with self.connection.transaction(force_rollback=True):
                with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
                    copy.write_row([*row.values()])
                relation, _ = self._fetch(self.probe_row.select(self._classified_time()))
        except psycopg.Error as error:
            return TimestampWrite(label=label, statement=shown, result=f"rejected: {read_refusal(error)}", refused=True)
        return TimestampWrite(label=label, statement=shown, result=relation)

    def write(self, label: str, statement: sql.Composed) -> TimestampWrite:
        """Execute the write, read its result by RETURNING, roll it back."""
        shown = f"{statement.as_string()};"
        returning = sql.Composed([statement, sql.SQL(" RETURNING "), self._classified_time()])
        try:
            with self.connection.transaction(force_rollback=True):
                return TimestampWrite(label=label, statement=shown, result=self._fetch(returning)[0])
        except psycopg.Error as error:
            refusal = read_refusal(error)
            if refusal.sqlstate.startswith("42") and error.diag.statement_position:
                raise
            return TimestampWrite(label=label, statement=shown, result=f"rejected: {refusal}", refused=True)

    def update_unchanged(self) -> str:
        """An update that changes nothing, not undone: the row's time is `later`, `the same` or `earlier`."""
        text = sql.SQL("{}::pg_catalog.text").format(identifier(self.timestamp.bare_column))
        _, before = self._fetch(self.probe_row.select(sql.SQL("''"), text))
        refusal = attempt(self.connection, self.probe_row.update(self.unchanged_values()))
        if refusal is not None:
            return f"rejected: {refusal}"
        return compare_times(self.connection, self.probe_row, self.timestamp, self.column.type, before)

    def unchanged_values(self) -> ColumnValues:
        """An update that changes nothing: a plain column set to itself."""
        for column in self.columns:
            name = column.bare_name
            if column is not self.column and name not in self.probe_row.key and not column.generated:
                return {name: identifier(name)}
        raise CouldNotAsk(f"{self.timestamp.table} has no column to update but the timestamp and its key")

    def column_updates(self) -> Iterator[tuple[str, ColumnValues]]:
        """For each other column an update that the table accepts; to another value, if it accepts one."""
        for column in self.columns:
            name = column.bare_name
            if column is self.column or column.generated or (column.identity == "always"):
                continue
            value = next((value for value in other_values(self.context, column) if self._accepted(name, value)), None)
            if value is None:
                yield f"{name} to itself (every other value tried is rejected)", {name: identifier(name)}
            else:
                yield name, {name: value}

    def _accepted(self, name: str, value: sql.Composable) -> bool:
        with self.connection.transaction(force_rollback=True):
            return attempt(self.connection, self.probe_row.update({name: value})) is None

    def insert_shifted_row(self, shift: str) -> None:
        """Insert the row with every time in it moved by `shift`: without triggers, as a replica does."""
        self.connection.execute(self.probe_row.insert())
        shifted = {
            column.bare_name: sql.SQL("{} OPERATOR(pg_catalog.+) {}::pg_catalog.interval").format(
                identifier(column.bare_name), sql.Literal(shift)
            )
            for column in self.columns
            if (column is self.column or column.type.startswith(_TEMPORAL)) and not column.generated
        }
        with self.without_triggers():
            self.connection.execute(self.probe_row.update(shifted))
        text = sql.SQL("{}::pg_catalog.text").format(identifier(self.timestamp.bare_column))
        row = self.connection.execute(self.probe_row.select(text)).fetchone()
        self.before = row[0] if row else None

    @contextmanager
    def without_triggers(self) -> Iterator[None]:
        """With session_replication_role = replica; triggers that fire even then are disabled as well.

        Without a superuser, the table's owner disables every trigger.
        """
        has_superuser = self.context.sandbox.has_superuser
        fires = ("always", "replica") if has_superuser else ("always", "replica", "origin")
        always = [
            trigger
            for trigger in self.context.after.triggers
            if trigger.table == self.timestamp.table and trigger.enabled in fires
        ]
        table = sql.SQL(self.timestamp.table)
        if has_superuser:
            self.connection.execute("SET LOCAL session_replication_role = replica")
        for trigger in always:
            name = sql.SQL(trigger.quoted_name)
            self.connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(table, name))
        yield
        for trigger in always:
            name = sql.SQL(trigger.quoted_name)
            word = sql.SQL("" if trigger.enabled == "origin" else trigger.enabled.upper())
            self.connection.execute(sql.SQL("ALTER TABLE {} ENABLE {} TRIGGER {}").format(table, word, name))
        if has_superuser:
            self.connection.execute("SET LOCAL session_replication_role = origin")

    def _classified_time(self) -> sql.Composed:
        return sql.SQL(_CLASSIFY_TIME).format(
            column=identifier(self.timestamp.bare_column),
            type=sql.SQL(self.column.type),
            before=sql.Literal(self.before),
            past=sql.Literal(PAST),
            future=sql.Literal(FUTURE),
        )

    def _fetch(self, query: sql.Composed) -> tuple[str, str | None]:
        row = self.connection.execute(query).fetchone()
        return (row[0], row[1]) if row else ("no row", None)


def compare_times(
    connection: psycopg.Connection, probe_row: ProbeRow, timestamp: Timestamp, type_name: str, before: str | None
) -> str:
    """How the row's time compares to the one before: `later`, `the same`, `earlier`."""
    query = sql.SQL("CASE WHEN {0} > {1} THEN 'later' WHEN {0} = {1} THEN 'the same' ELSE 'earlier' END")
    old = sql.SQL("CAST({} AS {})").format(sql.Literal(before), sql.SQL(type_name))
    row = connection.execute(probe_row.select(query.format(identifier(timestamp.bare_column), old))).fetchone()
    return str(row[0]) if row else "no row"


@contextmanager
def timestamp_probe(context: Context, timestamp: Timestamp) -> Iterator[TimestampProbe]:
    """The timestamp's row in a transaction that is undone, written on by the role that migrates.

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
            yield TimestampProbe(context, connection, timestamp)
    finally:
        if sandbox.has_superuser and not sandbox.admin.closed:
            sandbox.admin.execute(sql.SQL("REVOKE {} FROM {}").format(privilege, migrator))
