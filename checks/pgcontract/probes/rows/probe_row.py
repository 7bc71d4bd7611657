"""A row to write on: one that the table accepts, found again by its key, each write as SQL that anyone can paste."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract.identifiers import bare, quote
from pgcontract.model.schema import Column, Schema
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.sample_rows import as_text, simplest_row

Values: TypeAlias = Mapping[str, sql.Composable]

_NOT_THERE = "23503"  # the row that a foreign key refers to
_KEY = """
    SELECT attname
      FROM pg_catalog.pg_index
      JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = %s::pg_catalog.regclass AND indisprimary
     ORDER BY attnum
"""


# Every table that rows of a table refer to, and those that these refer to.
_ABOVE = """
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


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """`row` are its values by bare column name, as they are sent, `key` the names of those that find it again.

    A table without a primary key has no `key`: then the row is the table's only one. `first` are the INSERTs of rows
    that it refers to.
    """

    table: str
    row: Mapping[str, Any]
    key: tuple[str, ...] = ()
    overriding: bool = False
    first: tuple[sql.Composed, ...] = ()

    def without(self, *columns: str) -> Specimen:
        """The same row with these columns left out."""
        return replace(self, row={name: value for name, value in self.row.items() if name not in columns})

    def insert(self, values: Values | None = None) -> sql.Composed:
        """INSERT of the row with these values in place of its own."""
        row = {**{name: sql.Literal(value) for name, value in self.row.items()}, **(values or {})}
        if not row:
            return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.SQL(self.table))
        return sql.SQL("INSERT INTO {} ({}){} VALUES ({})").format(
            sql.SQL(self.table),
            sql.SQL(", ").join(map(identifier, row)),
            sql.SQL(" OVERRIDING SYSTEM VALUE" if self.overriding else ""),
            sql.SQL(", ").join(row.values()),
        )

    def update(self, values: Values) -> sql.Composed:
        """UPDATE of the row."""
        return sql.SQL("UPDATE {} SET {}{}").format(sql.SQL(self.table), assigned(values), self._where())

    def select(self, *expressions: sql.Composable) -> sql.Composed:
        """SELECT of expressions over the row."""
        return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(", ").join(expressions), sql.SQL(self.table), self._where())

    def delete(self) -> sql.Composed:
        """DELETE of the row."""
        return sql.SQL("DELETE FROM {}{}").format(sql.SQL(self.table), self._where())

    def _where(self) -> sql.Composed:
        tests = [sql.SQL("{} = {}").format(identifier(name), sql.Literal(self.row[name])) for name in self.key]
        return sql.Composed([sql.SQL(" WHERE "), sql.SQL(" AND ").join(tests)]) if tests else sql.Composed([])


def identifier(name: str) -> sql.Composable:
    """A column's bare name, in quotes only where it needs them."""
    return sql.SQL(quote(name))


def assigned(values: Values) -> sql.Composed:
    """`a = 1, b = now()`."""
    return sql.SQL(", ").join(sql.SQL("{} = {}").format(identifier(name), value) for name, value in values.items())


def specimen_of(trial: Trial, connection: psycopg.Connection, table: str, variants: Sequence[Values] = ({},)) -> Specimen:
    """A row that the table accepts with one of the variants' values; undone, but rows of tables it refers to stay.

    Tried are the promise's sample row, the head's, and the simplest one. CouldNotAsk where none goes in.
    """
    if table not in {each.name for each in trial.after.tables}:
        raise CouldNotAsk(f"the table {table} is not there")
    candidates = list(_rows_of(trial, connection, table))
    if not candidates[0].key and connection.execute(candidates[0].select(sql.SQL("1"))).fetchone():
        raise CouldNotAsk(f"{table} has rows, and no primary key to tell ours from them")
    refusals: list[Refusal] = []
    first: tuple[sql.Composed, ...] = ()
    for _ in range(2):
        for each in candidates:
            for values in variants:
                refusal = _refusal(connection, each.insert(values))
                if refusal is None:
                    return replace(each, first=first)
                refusals.append(refusal)
        if first or not any(each.sqlstate == _NOT_THERE for each in refusals):
            break
        first = _referred_to(trial, connection, table)
    raise CouldNotAsk(f"no row goes into {table}: {refusals[0]}; give the table a `sample` that does")


def _referred_to(trial: Trial, connection: psycopg.Connection, table: str) -> tuple[sql.Composed, ...]:
    """Put a row into each table above: the INSERTs that went in, in an order that can be repeated."""
    waiting = [
        next(_rows_of(trial, connection, above)).insert()
        for (above,) in connection.execute(_ABOVE, [table, table]).fetchall()
    ]
    done: list[sql.Composed] = []
    for _ in range(len(waiting)):
        for statement in list(waiting):
            if _refusal(connection, statement, keep=True) is None:
                waiting.remove(statement)
                done.append(statement)
    return tuple(done)


def _rows_of(trial: Trial, connection: psycopg.Connection, table: str) -> Iterator[Specimen]:
    return (_keyed(trial, connection, table, row) for row in _rows(trial, table))


def _rows(trial: Trial, table: str) -> Iterator[Mapping[str, Any]]:
    head = trial.promise.project.head.stem
    for samples in (trial.promise.samples, trial.promise.project.shape(head).samples):
        if table in samples:
            yield samples[table]
    yield simplest_row(trial.after, table)


def _keyed(trial: Trial, connection: psycopg.Connection, table: str, row: Mapping[str, Any]) -> Specimen:
    key = tuple(name for (name,) in connection.execute(_KEY, [table]).fetchall())
    columns = {bare(last_part(each.name, table)): each for each in trial.after.columns if each.table == table}
    given = {name: simplest_value(trial.after, columns[name]) for name in key}
    return Specimen(
        table=table,
        row={**given, **{name: as_text(value) for name, value in row.items()}},
        key=key,
        overriding=any(columns[name].identity for name in key),
    )


def simplest_value(schema: Schema, column: Column) -> Any:
    """A value of the column's type, even for one that could do without."""
    needed = replace(column, null=False, default=None, identity=None, generated=None)
    return next(iter(simplest_row(replace(schema, columns=(needed,)), column.table).values()))


def attempt(connection: psycopg.Connection, statement: sql.Composed) -> Refusal | None:
    """Run it in a savepoint; what it did stays, unless it is refused.

    CouldNotAsk where the server does not understand the statement itself: that is the contract's fault, no refusal.
    """
    return _refusal(connection, statement, keep=True)


def _refusal(connection: psycopg.Connection, statement: sql.Composed, *, keep: bool = False) -> Refusal | None:
    try:
        with connection.transaction(force_rollback=not keep):
            connection.execute(statement)
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if refusal.sqlstate.startswith("42") and error.diag.statement_position:
            raise CouldNotAsk(f"the server does not understand `{statement.as_string(connection)}`: {refusal}") from error
        return refusal
    return None


def told(statements: Iterable[sql.Composed]) -> str:
    """The statements as a person pastes them, in a transaction that leaves nothing behind."""
    lines = ["BEGIN;", *(f"{each.as_string()};" for each in statements), "ROLLBACK;"]
    return "\n".join(lines)
