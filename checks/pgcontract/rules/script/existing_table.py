"""A table of the same name that was there before, with another shape: detected by the script, kept by its rollback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Schema
from pgcontract.model.sql import Script
from pgcontract.postgres.script_execution import Refusal, apply_as_production, ends_transactions
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, only_claimed
from pgcontract.values import dataclass

# Each is tried with the whole script: of more, it would take the square of the script's length.
_MAX_TABLES: Final = 20


@dataclass(frozen=True, kw_only=True)
class ConflictingTable:
    """A table of the name that the migration creates, and the SQL that creates it with a row."""

    description: str
    statements: tuple[str, ...]


def conflicting_tables(after: Schema, table: str) -> Iterator[ConflictingTable]:
    """Three tables of another shape: other columns, a column of another type, no constraints."""
    columns = sorted((column for column in after.columns if column.table == table), key=lambda column: column.position)
    if not columns:
        return
    yield ConflictingTable(
        description="a table with other columns",
        statements=(
            f"CREATE TABLE {table} (somebody_elses integer)",
            f"INSERT INTO {table} VALUES (1)",  # noqa: S608 - a name from the catalog
        ),
    )
    changed = columns[-1]
    other = "integer" if changed.type != "integer" else "text"
    ddl = [f"{_name(column)} {other if column is changed else column.type}" for column in columns]
    yield ConflictingTable(
        description=f"the same table, but {_name(changed)} is {other}",
        statements=(f"CREATE TABLE {table} ({', '.join(ddl)})", f"INSERT INTO {table} DEFAULT VALUES"),
    )
    if any(constraint.table == table for constraint in after.constraints):
        ddl = [
            f"{_name(column)} {column.type}{_default(column)}{'' if column.null else ' NOT NULL'}" for column in columns
        ]
        yield ConflictingTable(
            description="the same columns without constraints", statements=(f"CREATE TABLE {table} ({', '.join(ddl)})",)
        )


def _name(column: Column) -> str:
    return column.quoted_name


def _default(column: Column) -> str:
    plain = column.default is not None and not column.generated
    return f" DEFAULT {column.default}" if plain else ""


def _tables(promise: Promise) -> tuple[str, ...]:
    """The tables that this migration is the first to make: those its own contract, or else its text, names; of very many
    that nobody declared a sample, and none of a dump, which is restored into an empty database."""
    if promise.contract:
        earlier = promise.inherited_tables
        return tuple(
            table.name
            for table in promise.contract_schema.tables
            if table.form == "table" and not table.partition_of and table.name not in earlier
        )
    if promise.script.execution.restores:
        return ()
    names = tuple(created.name for created in promise.inventory.remaining if created.kind == "table")
    return names if len(names) <= _MAX_TABLES else tuple(promise.random("tables").sample(names, _MAX_TABLES))


def _new_tables(context: Context) -> Iterator[tuple[str, Answer | None]]:
    """Each planned table; with an answer where an earlier migration created it, so that nothing is tried."""
    names = {table.name for table in context.before.tables}
    for name in _tables(context.promise):
        known = name in names
        summary = f"The table {name} was created by an earlier migration."
        yield name, Answer(Status.NOTED, name, summary) if known else None


@check("script.respects_existing", subjects=_tables, severity=Severity.WARNING, promised=only_claimed)
def script_respects_existing(context: Context) -> Iterator[Answer]:
    """A table that already exists with another shape is noticed, not silently accepted and not destroyed.

    Why it matters: CREATE TABLE IF NOT EXISTS silently accepts a wrong table; the application finds out later.
    How it is measured: such a table is created in a database without the migration (other columns; one column of another
    type; the same columns without constraints), then the script is run. It must fail, or bring the table to the declared
    shape with its rows.
    What to do: at the top of the script, add a DO block that compares the table's columns and constraints and raises an
    exception.
    """

    def judge(connection: psycopg.Connection, table: str) -> tuple[str, str]:
        rows_before = _row_count(connection, table)
        refusal = apply_as_production(connection, context.promise.script)
        return _judge(context, connection, table, refusal, rows_before or 0)

    yield from _try_tables(
        context,
        context.promise.script,
        judge,
        kept="An existing table {table} with other columns or constraints is detected.",
        broken="An existing table {table} with other columns or constraints is not detected",
        expected="the script fails, or the table gets the declared shape and keeps its rows",
    )


def _judge(
    context: Context, connection: psycopg.Connection, table: str, refusal: Refusal | None, rows_before: int
) -> tuple[str, str]:
    if refusal is not None:
        return "detected", str(refusal)
    left = _row_count(connection, table)
    if left is None or left < rows_before:
        return "destroyed", "the script ends without an error and the rows are gone"
    if _shape(context.catalog(connection), table) == _shape(context.after, table):
        return "detected", "brought to the declared shape"
    return "kept without an error", "the script ends without an error and the table keeps its other shape"


def _shape(schema: Schema, table: str) -> tuple[object, ...]:
    columns = tuple(column for column in schema.columns if column.table == table)
    return (*columns, *(constraint for constraint in schema.constraints if constraint.table == table))


def _tables_with_rollback(promise: Promise) -> tuple[str, ...]:
    return _tables(promise) if promise.rollback else ()


@check("rollback.respects_existing", subjects=_tables_with_rollback, severity=Severity.WARNING, promised=only_claimed)
def rollback_respects_existing(context: Context) -> Iterator[Answer]:
    """The rollback does not silently destroy a table of the same name that the migration did not make.

    Why it matters: a rollback is run in a hurry, on the database at hand, and DROP TABLE removes whatever is there.
    How it is measured: such a table is created with a row in a database without the migration, then the rollback is run.
    It must fail, or leave the table and its row.
    What to do: at the top of the rollback, add a DO block that compares the table's columns and raises an exception.
    """
    rollback = context.promise.rollback
    assert rollback is not None

    def judge(connection: psycopg.Connection, table: str) -> tuple[str, str]:
        refusal = apply_as_production(connection, rollback)
        destroyed = refusal is None and _row_count(connection, table) is None
        return "destroyed" if destroyed else "left alone", str(refusal or "")

    yield from _try_tables(
        context,
        rollback,
        judge,
        kept="The rollback leaves alone a table {table} that the migration did not create.",
        broken="The rollback drops a table {table} that the migration did not create, without an error",
        expected="the rollback fails, or leaves the table alone",
    )


def _try_tables(
    context: Context,
    script: Script,
    judge: Callable[[psycopg.Connection, str], tuple[str, str]],
    *,
    kept: str,
    broken: str,
    expected: str,
) -> Iterator[Answer]:
    """Makes each table that the migration creates in other shapes; `judge` runs the script, and says how that ends."""
    word = "script" if script is context.promise.script else "rollback"
    for table, earlier_answer in _new_tables(context):
        if earlier_answer is not None:
            yield earlier_answer
            continue
        rows: list[tuple[str, str, str]] = []
        for conflicting_table in conflicting_tables(context.after, table):
            with _database_before_migration(context, script) as connection:
                if _create_conflicting_table(connection, table, conflicting_table):
                    outcome = judge(connection, table)
                else:
                    outcome = "not tried", "its types do not exist before the migration"
            rows.append((conflicting_table.description, *outcome))
        evidence = [Evidence(title="Existing tables tried", columns=("table", "outcome", "message"), rows=tuple(rows))]
        wrong = next((row for row in rows if row[1] in ("destroyed", "kept without an error")), None)
        if wrong is None:
            yield Answer(Status.KEPT, table, kept.format(table=table), evidence=evidence)
            continue
        yield Answer(
            Status.BROKEN,
            table,
            f"{broken.format(table=table)}: {wrong[0]} is {wrong[1]}.",
            expected=expected,
            actual=f"{wrong[0]}: {wrong[1]}",
            remedy=f"Begin the {word} with a DO block that looks up the columns of {table} in pg_attribute and raises an "
            "exception where they are others.",
            evidence=evidence,
        )


def _database_before_migration(context: Context, script: Script) -> AbstractContextManager[psycopg.Connection]:
    """A database without the migration; every change in it is discarded."""
    if ends_transactions(script):
        return context.clone(context.before_state)
    return context.sandbox.rolled_back(context.before_state)


def _create_conflicting_table(connection: psycopg.Connection, table: str, conflicting_table: ConflictingTable) -> bool:
    schema = identifier(QualifiedName.parse(table).parent)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            for statement in conflicting_table.statements:
                connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


def _row_count(connection: psycopg.Connection, table: str) -> int | None:
    """How many rows the table holds; None where it is gone."""
    row = connection.execute("SELECT pg_catalog.to_regclass(%s)::text", (table,)).fetchone()
    if row is None or row[0] is None:
        return None
    rows_before = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))).fetchone()
    return int(rows_before[0]) if rows_before else None
