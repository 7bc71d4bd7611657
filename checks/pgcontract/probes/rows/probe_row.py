"""A row to write to: one that the table accepts, found again by its key, each write as SQL that anyone can paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.made_row import no_row_accepted, row_candidates
from pgcontract.probes.row_generation.simple_values import any_value, needed_columns, simplest_values
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.probes.sample_rows import as_text
from pgcontract.values import dataclass

ColumnValues: TypeAlias = Mapping[str, sql.Composable]

_UNIQUE_VIOLATION = "23505"
_PRIMARY_KEY_COLUMNS = """
    SELECT attname
      FROM pg_catalog.pg_index
      JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = %s::pg_catalog.regclass AND indisprimary
     ORDER BY attnum
"""


@dataclass(frozen=True, kw_only=True)
class ProbeRow:
    """`row` are its values by bare column name, as they are sent, `key` the names of those that find it again.

    A table without a primary key has no `key`: then the row is the table's only one. `prerequisites` are the INSERTs of
    rows that it refers to. `inserts_into` is the table that an INSERT names, where that is not `table`.
    """

    table: str
    row: Mapping[str, Any]
    key: tuple[str, ...] = ()
    overriding_system_value: bool = False
    prerequisites: tuple[sql.Composed, ...] = ()
    inserts_into: str | None = None

    def without(self, *columns: str) -> ProbeRow:
        """The same row with these columns left out, of its key too: what is left finds it among the rows of a test."""
        return replace(
            self,
            row={name: value for name, value in self.row.items() if name not in columns},
            key=tuple(name for name in self.key if name not in columns),
        )

    def insert(self, values: ColumnValues | None = None) -> sql.Composed:
        """INSERT of the row with these values in place of its own."""
        row = self.values(values or {})
        # Put together without `format`, which reads its pattern each time: a thousand of these are made.
        return sql.Composed([sql.SQL("INSERT INTO "), sql.SQL(self.inserts_into or self.table), self.given(row)])

    def given(self, *rows: ColumnValues) -> sql.Composable:
        """What stands behind the table in an INSERT of rows with these values; what only one of them has is DEFAULT in
        the others."""
        names = tuple(dict.fromkeys(name for row in rows for name in row))
        if not names:
            return sql.SQL(" DEFAULT VALUES")
        listed = (sql.SQL(", ").join(row.get(name, sql.SQL("DEFAULT")) for name in names) for row in rows)
        word = " OVERRIDING SYSTEM VALUE" if self.overriding_system_value else ""
        columns, values = sql.SQL(", ").join(map(identifier, names)), sql.SQL("), (").join(listed)
        return sql.Composed([sql.SQL(" ("), columns, sql.SQL(f"){word} VALUES ("), values, sql.SQL(")")])

    def values(self, values: ColumnValues) -> dict[str, sql.Composable]:
        """What an INSERT of the row sends, by column, with these values in place of its own."""
        return {**{name: sql.Literal(value) for name, value in self.row.items()}, **values}

    def update(self, values: ColumnValues) -> sql.Composed:
        """UPDATE of the row."""
        return sql.Composed([sql.SQL("UPDATE "), sql.SQL(self.table), sql.SQL(" SET "), assignments(values), self._where])

    def select(self, *expressions: sql.Composable) -> sql.Composed:
        """SELECT of expressions over the row."""
        return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(", ").join(expressions), sql.SQL(self.table), self._where)

    def delete(self) -> sql.Composed:
        """DELETE of the row."""
        return sql.SQL("DELETE FROM {}{}").format(sql.SQL(self.table), self._where)

    @cached_property
    def condition(self) -> sql.Composed:
        """What is true of the row alone, by its key."""
        tests = [sql.SQL("{} = {}").format(identifier(name), sql.Literal(self.row[name])) for name in self.key]
        return sql.SQL(" AND ").join(tests) if tests else sql.Composed([sql.SQL("true")])

    @cached_property
    def _where(self) -> sql.Composed:
        return sql.Composed([sql.SQL(" WHERE "), self.condition]) if self.key else sql.Composed([])


def assignments(values: ColumnValues) -> sql.Composed:
    """`a = 1, b = now()`."""
    return sql.SQL(", ").join(sql.Composed([identifier(name), sql.SQL(" = "), value]) for name, value in values.items())


def find_probe_row(
    context: Context,
    connection: psycopg.Connection,
    table: str,
    variants: Sequence[ColumnValues] = ({},),
    *,
    target: WriteTarget | None = None,
) -> ProbeRow:
    """A row that the table accepts with one of the variants' values; undone, but rows of tables it refers to stay.

    Tried are the `row_candidates`; with a `target`, as rows that are written there.
    CouldNotAsk where none goes in.
    """
    if table not in {live_table.name for live_table in context.after.tables}:
        raise CouldNotAsk(f"the table {table} does not exist")
    refusals: list[Refusal] = []
    holder = target.holder if target else None
    for number, made in enumerate(row_candidates(context, connection, table, holder=holder)):
        candidate = _with_key(context, connection, table, made.values)
        if target is not None:
            candidate = _placed(context, candidate, target)
        if not number and not candidate.key and connection.execute(candidate.select(sql.SQL("1"))).fetchone():
            raise CouldNotAsk(f"{table} has rows and no primary key, so a test row cannot be distinguished from them")
        for row in (candidate, _with_free_key(connection, candidate)):
            if row is None or (row is not candidate and refusals[-1].sqlstate != _UNIQUE_VIOLATION):
                continue
            for values in variants:
                refusal = _execute_in_savepoint(connection, row.insert(values))
                if refusal is None:
                    return replace(row, prerequisites=made.parents)
                refusals.append(refusal)
    raise no_row_accepted(refusals, holder or table)


def _placed(context: Context, row: ProbeRow, target: WriteTarget) -> ProbeRow:
    """The row as it is written to the target; an INSERT that names the target itself gives what the target needs."""
    names_holder = target.holder in (target.table, target.inserts_into) and target.holder != row.table
    schema = context.after
    needed = simplest_values(schema, needed_columns(schema, target.holder)) if names_holder else {}
    values = {**needed, **row.row, **target.values}
    return replace(row, table=target.table, inserts_into=target.inserts_into, row=values)


def _with_free_key(connection: psycopg.Connection, row: ProbeRow) -> ProbeRow | None:
    """The row with a number as its key that no row of the table has; None where its key is no number."""
    name = row.key[0] if row.key else None
    if name is None or not str(row.row[name]).isdecimal():
        return None
    query = sql.SQL("SELECT coalesce(pg_catalog.max({}::numeric), 0)::int8 + 1 FROM {}").format(
        identifier(name), sql.SQL(row.table)
    )
    try:
        with connection.transaction():
            found = connection.execute(query).fetchone()
    except psycopg.Error:
        return None
    return replace(row, row={**row.row, name: str(found[0])}) if found else None


def _with_key(context: Context, connection: psycopg.Connection, table: str, row: Mapping[str, Any]) -> ProbeRow:
    key = tuple(name for (name,) in connection.execute(_PRIMARY_KEY_COLUMNS, [table]).fetchall())
    columns = {column.bare_name: column for column in context.after.columns_of(table)}
    key_values = {name: any_value(context.after, columns[name]) for name in key}
    return ProbeRow(
        table=table,
        row={**key_values, **{name: as_text(value) for name, value in row.items()}},
        key=key,
        overriding_system_value=any(columns[name].identity for name in key),
    )


def attempt(connection: psycopg.Connection, statement: sql.Composed) -> Refusal | None:
    """Run it in a savepoint; what it did stays, unless it is refused.

    CouldNotAsk where the server does not understand the statement itself: that is an error in the contract, no refusal.
    """
    return _execute_in_savepoint(connection, statement, keep=True)


def _execute_in_savepoint(
    connection: psycopg.Connection, statement: sql.Composed, *, keep: bool = False
) -> Refusal | None:
    try:
        with connection.transaction(force_rollback=not keep):
            connection.execute(statement)
    except psycopg.Error as error:
        refusal = read_refusal(error)
        if refusal.sqlstate.startswith("42") and error.diag.statement_position:
            raise CouldNotAsk(f"the server does not understand `{statement.as_string(connection)}`: {refusal}") from error
        return refusal
    return None


def reproduction_script(statements: Iterable[sql.Composed]) -> str:
    """The statements as a script to paste, in a transaction that is rolled back."""
    lines = ["BEGIN;", *(f"{statement.as_string()};" for statement in statements), "ROLLBACK;"]
    return "\n".join(lines)
