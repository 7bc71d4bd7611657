"""Who keeps a time: writes on a row whose clock is a day behind or an hour ahead, and whose time it has afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract import Clock
from pgcontract.contract.identifiers import bare
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.rows.alternative_values import another_values
from pgcontract.probes.rows.probe_row import Specimen, Values, attempt, identifier, specimen_of

PAST: Final = "2001-02-03 04:05:06+00"
FUTURE: Final = "2999-12-31 23:59:59+00"
CLOCK: Final = "the database's time"
AS_IT_WAS: Final = "as it was"

_TEMPORAL: Final = ("timestamp", "date")
_RELATION = """
    CASE WHEN {column} IS NULL THEN 'null'
         WHEN {column} = CAST({before} AS {type}) THEN 'as it was'
         WHEN {column} IN (CAST({past} AS {type}), CAST({future} AS {type})) THEN 'as written'
         WHEN {column} < CAST(pg_catalog.now() AS {type}) THEN 'earlier than the transaction'
         WHEN {column} > CAST(pg_catalog.clock_timestamp() AS {type}) THEN 'later than the clock'
         ELSE 'the database''s time'
    END, {column}::pg_catalog.text
"""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What became of a write: the statement, and what the clock's value is now or who refused."""

    way: str
    statement: str
    found: str
    refused: bool = False


class Keeping:
    """Writes on one row in one transaction; each is undone."""

    def __init__(self, trial: Trial, connection: psycopg.Connection, clock: Clock) -> None:
        self.trial = trial
        self.connection = connection
        self.clock = clock
        self.columns = [each for each in trial.after.columns if each.table == clock.table]
        found = next((each for each in self.columns if each.name == clock.column), None)
        if found is None:
            raise CouldNotAsk(f"the column {clock.column} is not there")
        self.column = found
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.specimen = specimen_of(trial, connection, clock.table).without(clock.bare_column)
        self.before: str | None = None

    def insert(self, way: str, value: sql.Composable | None = None, *, conflict: sql.Composable | None = None) -> Kept:
        """INSERT of the row with the clock as given; onto the row that is there, `conflict` is what it then does."""
        statement = self.specimen.insert({} if value is None else {self.clock.bare_column: value})
        return self.write(way, statement if conflict is None else sql.Composed([statement, sql.SQL(" "), conflict]))

    def update(self, way: str, values: Values) -> Kept:
        """UPDATE of the row."""
        return self.write(way, self.specimen.update(values))

    def copy(self, way: str, value: str) -> Kept:
        """COPY of the row with the clock as given."""
        row = {**self.specimen.row, self.clock.bare_column: value}
        names = sql.SQL(", ").join(map(identifier, row))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.SQL(self.clock.table), names)
        line = "\t".join(str(each).replace("\\", "\\\\") for each in row.values())
        shown = f"{statement.as_string()};\n{line}\n\\."
        try:
            with self.connection.transaction(force_rollback=True):
                with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
                    copy.write_row([*row.values()])
                relation, _ = self._read(self.specimen.select(self._relation()))
        except psycopg.Error as error:
            return Kept(way=way, statement=shown, found=f"refused: {refusal_of(error)}", refused=True)
        return Kept(way=way, statement=shown, found=relation)

    def write(self, way: str, statement: sql.Composed) -> Kept:
        """The write, its result read by RETURNING, undone."""
        shown = f"{statement.as_string()};"
        returning = sql.Composed([statement, sql.SQL(" RETURNING "), self._relation()])
        try:
            with self.connection.transaction(force_rollback=True):
                return Kept(way=way, statement=shown, found=self._read(returning)[0])
        except psycopg.Error as error:
            refusal = refusal_of(error)
            if refusal.sqlstate.startswith("42") and error.diag.statement_position:
                raise
            return Kept(way=way, statement=shown, found=f"refused: {refusal}", refused=True)

    def step(self) -> str:
        """An update that changes nothing, not undone: the row's time is `later`, `the same`, or it `went back`."""
        text = sql.SQL("{}::pg_catalog.text").format(identifier(self.clock.bare_column))
        _, before = self._read(self.specimen.select(sql.SQL("''"), text))
        refusal = attempt(self.connection, self.specimen.update(self.touch()))
        if refusal is not None:
            return f"refused: {refusal}"
        return moved(self.connection, self.specimen, self.clock, self.column.type, before)

    def touch(self) -> Values:
        """An update that changes nothing: a plain column set to itself."""
        for each in self.columns:
            name = bare(last_part(each.name, each.table))
            if each is not self.column and name not in self.specimen.key and not each.generated:
                return {name: identifier(name)}
        raise CouldNotAsk(f"{self.clock.table} has no column to update but the clock and its key")

    def changes(self) -> Iterator[tuple[str, Values]]:
        """For each other column an update that the table accepts; to another value, if it accepts one."""
        for each in self.columns:
            name = bare(last_part(each.name, each.table))
            if each is self.column or each.generated or (each.identity == "always"):
                continue
            value = next((value for value in another_values(self.trial, each) if self._accepted(name, value)), None)
            if value is None:
                yield f"{name}, to itself: every other value tried is refused", {name: identifier(name)}
            else:
                yield name, {name: value}

    def _accepted(self, name: str, value: sql.Composable) -> bool:
        with self.connection.transaction(force_rollback=True):
            return attempt(self.connection, self.specimen.update({name: value})) is None

    def start(self, shift: str) -> None:
        """Put the row there, every time in it moved by `shift`: past the triggers, as a replica does."""
        self.connection.execute(self.specimen.insert())
        moved = {
            bare(last_part(each.name, each.table)): sql.SQL("{} OPERATOR(pg_catalog.+) {}::pg_catalog.interval").format(
                identifier(bare(last_part(each.name, each.table))), sql.Literal(shift)
            )
            for each in self.columns
            if (each is self.column or each.type.startswith(_TEMPORAL)) and not each.generated
        }
        with self.past_triggers():
            self.connection.execute(self.specimen.update(moved))
        text = sql.SQL("{}::pg_catalog.text").format(identifier(self.clock.bare_column))
        row = self.connection.execute(self.specimen.select(text)).fetchone()
        self.before = row[0] if row else None

    @contextmanager
    def past_triggers(self) -> Iterator[None]:
        """In the role of a replica; triggers that fire even there are switched off as well.

        Where no superuser lends that, the table's owner switches off every trigger.
        """
        lent = self.trial.workbench.has_superuser
        fires = ("always", "replica") if lent else ("always", "replica", "origin")
        always = [each for each in self.trial.after.triggers if each.table == self.clock.table and each.enabled in fires]
        table = sql.SQL(self.clock.table)
        if lent:
            self.connection.execute("SET LOCAL session_replication_role = replica")
        for each in always:
            name = sql.SQL(last_part(each.name, each.table))
            self.connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(table, name))
        yield
        for each in always:
            name = sql.SQL(last_part(each.name, each.table))
            word = sql.SQL("" if each.enabled == "origin" else each.enabled.upper())
            self.connection.execute(sql.SQL("ALTER TABLE {} ENABLE {} TRIGGER {}").format(table, word, name))
        if lent:
            self.connection.execute("SET LOCAL session_replication_role = origin")

    def _relation(self) -> sql.Composed:
        return sql.SQL(_RELATION).format(
            column=identifier(self.clock.bare_column),
            type=sql.SQL(self.column.type),
            before=sql.Literal(self.before),
            past=sql.Literal(PAST),
            future=sql.Literal(FUTURE),
        )

    def _read(self, query: sql.Composed) -> tuple[str, str | None]:
        found = self.connection.execute(query).fetchone()
        return (found[0], found[1]) if found else ("no row", None)


def moved(connection: psycopg.Connection, specimen: Specimen, clock: Clock, type_name: str, before: str | None) -> str:
    """How the row's time stands to the one before: `later`, `the same`, `went back`."""
    query = sql.SQL("CASE WHEN {0} > {1} THEN 'later' WHEN {0} = {1} THEN 'the same' ELSE 'went back' END")
    old = sql.SQL("CAST({} AS {})").format(sql.Literal(before), sql.SQL(type_name))
    row = connection.execute(specimen.select(query.format(identifier(clock.bare_column), old))).fetchone()
    return str(row[0]) if row else "no row"


@contextmanager
def keeping(trial: Trial, clock: Clock) -> Iterator[Keeping]:
    """The clock's row in a transaction that is undone, written on by the role that migrates.

    Where a superuser is ours, that role is lent the setting of a replica for as long: as a superuser, the migration's own
    functions would run with every right there is, also on this machine.
    """
    bench = trial.workbench
    lent = sql.SQL("SET ON PARAMETER session_replication_role")
    migrator = sql.Identifier(bench.migrator)
    if bench.has_superuser:
        bench.admin.execute(sql.SQL("GRANT {} TO {}").format(lent, migrator))
    try:
        with bench.rolled_back(trial.after_state) as connection:
            yield Keeping(trial, connection, clock)
    finally:
        if bench.has_superuser and not bench.admin.closed:
            bench.admin.execute(sql.SQL("REVOKE {} FROM {}").format(lent, migrator))
