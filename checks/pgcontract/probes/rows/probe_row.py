"""A row to write to: one that the table accepts, found again by its key, each write as SQL that anyone can paste."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.probes.sample_rows import any_value, as_text, simplest_row

ColumnValues: TypeAlias = Mapping[str, sql.Composable]

_FOREIGN_KEY_VIOLATION = "23503"  # the row that a foreign key refers to
_PRIMARY_KEY_COLUMNS = """
    SELECT attname
      FROM pg_catalog.pg_index
      JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = %s::pg_catalog.regclass AND indisprimary
     ORDER BY attnum
"""


# Every table that rows of a table refer to, and those that these refer to.
_REFERENCED_TABLES = """
    WITH RECURSIVE above AS (
        SELECT confrelid FROM pg_catalog.pg_constraint WHERE conrelid = %s::pg_catalog.regclass AND contype = 'f'
        UNION
        SELECT c.confrelid FROM pg_catalog.pg_constraint c JOIN above ON c.conrelid = above.confrelid WHERE contype = 'f'
    )
    SELECT pg_catalog.format('%%I.%%I', nspname, relname)
      FROM above
      JOIN pg_catalog.pg_class AS t ON t.oid = confrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
     WHERE confrelid <> %s::pg_catalog.regclass
     ORDER BY 1
"""


class NoRowAccepted(CouldNotAsk):
    """No row that was tried goes into a table; `is_closed`: rules of its own refuse rows (RAISE, a missing privilege),
    not one for its values."""

    def __init__(self, refusals: Sequence[Refusal], message: str) -> None:
        super().__init__(message)
        self.is_closed = not any(
            refusal.sqlstate[:2] in ("22", "23") and not (refusal.sqlstate == "23514" and refusal.constraint is None)
            for refusal in refusals
        )


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
        table = sql.SQL(self.inserts_into or self.table)
        if not row:
            return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table)
        return sql.SQL("INSERT INTO {} ({}){} VALUES ({})").format(
            table,
            sql.SQL(", ").join(map(identifier, row)),
            sql.SQL(" OVERRIDING SYSTEM VALUE" if self.overriding_system_value else ""),
            sql.SQL(", ").join(row.values()),
        )

    def values(self, values: ColumnValues) -> dict[str, sql.Composable]:
        """What an INSERT of the row sends, by column, with these values in place of its own."""
        return {**{name: sql.Literal(value) for name, value in self.row.items()}, **values}

    def update(self, values: ColumnValues) -> sql.Composed:
        """UPDATE of the row."""
        # Put together without `format`, which reads its pattern each time: a thousand of these are made.
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

    Tried are the promise's sample row, the head's, and the simplest one; with a `target`, as rows that are written there.
    CouldNotAsk where none goes in.
    """
    if table not in {live_table.name for live_table in context.after.tables}:
        raise CouldNotAsk(f"the table {table} does not exist")
    candidates = list(_candidate_rows(context, connection, table))
    if target is not None:
        candidates = [_placed(context, candidate, target) for candidate in candidates]
    if not candidates[0].key and connection.execute(candidates[0].select(sql.SQL("1"))).fetchone():
        raise CouldNotAsk(f"{table} has rows and no primary key, so a test row cannot be distinguished from them")
    refusals: list[Refusal] = []
    prerequisites: tuple[sql.Composed, ...] = ()
    for _ in range(2):
        for candidate in candidates:
            for values in variants:
                refusal = _execute_in_savepoint(connection, candidate.insert(values))
                if refusal is None:
                    return replace(candidate, prerequisites=prerequisites)
                refusals.append(refusal)
        if prerequisites or not any(earlier_refusal.sqlstate == _FOREIGN_KEY_VIOLATION for earlier_refusal in refusals):
            break
        prerequisites = _insert_referenced_rows(context, connection, target.holder if target else table)
    raise NoRowAccepted(
        refusals,
        f"no test row can be inserted into {target.holder if target else table}: {refusals[0]}; declare one that is "
        "accepted as the table's `sample`",
    )


def _placed(context: Context, row: ProbeRow, target: WriteTarget) -> ProbeRow:
    """The row as it is written to the target; an INSERT that names the target itself gives what the target needs."""
    names_holder = target.holder in (target.table, target.inserts_into) and target.holder != row.table
    needed = simplest_row(context.after, target.holder) if names_holder else {}
    values = {**needed, **row.row, **target.values}
    return replace(row, table=target.table, inserts_into=target.inserts_into, row=values)


def _insert_referenced_rows(context: Context, connection: psycopg.Connection, table: str) -> tuple[sql.Composed, ...]:
    """Insert a row into each referenced table: the INSERTs that were accepted, in an order that can be repeated."""
    waiting = [
        next(_candidate_rows(context, connection, above)).insert()
        for (above,) in connection.execute(_REFERENCED_TABLES, [table, table]).fetchall()
    ]
    done: list[sql.Composed] = []
    for _ in range(len(waiting)):
        for statement in list(waiting):
            if _execute_in_savepoint(connection, statement, keep=True) is None:
                waiting.remove(statement)
                done.append(statement)
    return tuple(done)


def _candidate_rows(context: Context, connection: psycopg.Connection, table: str) -> Iterator[ProbeRow]:
    return (_with_key(context, connection, table, row) for row in _candidate_values(context, table))


def _candidate_values(context: Context, table: str) -> Iterator[Mapping[str, Any]]:
    head = context.promise.project.head.key
    for samples in (context.promise.samples, context.promise.project.shape(head).samples):
        if table in samples:
            yield samples[table]
    yield simplest_row(context.after, table)


def _with_key(context: Context, connection: psycopg.Connection, table: str, row: Mapping[str, Any]) -> ProbeRow:
    key = tuple(name for (name,) in connection.execute(_PRIMARY_KEY_COLUMNS, [table]).fetchall())
    columns = {column.bare_name: column for column in context.after.columns if column.table == table}
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
