"""A table of the same name that was there before, with another shape: noticed by the script, spared by its way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part, split_name
from pgcontract.model.schema import Column, Schema
from pgcontract.model.sql import Script
from pgcontract.postgres.script_execution import Refusal, apply_as_production, ends_transactions
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check


@dataclass(frozen=True, kw_only=True)
class Occupant:
    """A table that stands where the migration wants its own, and the SQL that puts it there with a row."""

    told: str
    statements: tuple[str, ...]


def occupants(after: Schema, table: str) -> Iterator[Occupant]:
    """Three wrong tables: one of other columns, one with a column of another type, one without constraints."""
    columns = sorted((each for each in after.columns if each.table == table), key=lambda each: each.position)
    if not columns:
        return
    yield Occupant(
        told="a table of other columns",
        statements=(
            f"CREATE TABLE {table} (somebody_elses integer)",
            f"INSERT INTO {table} VALUES (1)",  # noqa: S608 - a name from the catalog
        ),
    )
    changed = columns[-1]
    other = "integer" if changed.type != "integer" else "text"
    ddl = [f"{_name(each)} {other if each is changed else each.type}" for each in columns]
    yield Occupant(
        told=f"the same table, but {_name(changed)} is {other}",
        statements=(f"CREATE TABLE {table} ({', '.join(ddl)})", f"INSERT INTO {table} DEFAULT VALUES"),
    )
    if any(each.table == table for each in after.constraints):
        ddl = [f"{_name(each)} {each.type}{_default(each)}{'' if each.null else ' NOT NULL'}" for each in columns]
        yield Occupant(
            told="the same columns without constraints", statements=(f"CREATE TABLE {table} ({', '.join(ddl)})",)
        )


def _name(column: Column) -> str:
    return last_part(column.name, column.table)


def _default(column: Column) -> str:
    plain = column.default is not None and not column.generated
    return f" DEFAULT {column.default}" if plain else ""


def _tables(promise: Promise) -> tuple[str, ...]:
    """The tables that this migration is the first to make: those its own contract, or else its text, names."""
    if promise.contract:
        earlier = promise.inherited_tables
        return tuple(
            table.name
            for table in promise.own.tables
            if table.form == "table" and not table.partition_of and table.name not in earlier
        )
    return tuple(each.name for each in promise.inventory.left if each.kind == "table")


def _made(trial: Trial) -> Iterator[tuple[str, Finding | None]]:
    """Each planned table, with the answer where there is nothing to try: it was there before the migration."""
    there = {table.name for table in trial.before.tables}
    for name in _tables(trial.promise):
        known = name in there
        summary = f"The table {name} is an earlier migration's."
        yield name, answer(Status.NOTED, name, summary) if known else None


@check("script.occupied", subjects=_tables, severity=Severity.WARNING)
def script_occupied(trial: Trial) -> Iterator[Finding]:
    """A table that was there before with another shape is noticed, not silently kept and not destroyed.

    Why it matters: CREATE TABLE IF NOT EXISTS keeps a wrong table without a word; the application finds out.
    How it is measured: such a table is made in a database without the migration (other columns; one column of
    another type; the same columns without constraints), then the script is run: it must be refused, or bring the
    table to the declared shape with its rows.
    What to do: a guard at the head of the script that compares the shape and raises an exception.
    """
    for table, settled in _made(trial):
        if settled is not None:
            yield settled
            continue
        rows: list[tuple[str, str, str]] = []
        wrong = 0
        for occupant in occupants(trial.after, table):
            with _undone(trial, trial.promise.script) as connection:
                if not _put(connection, table, occupant):
                    rows.append((occupant.told, "not tried", "its types are not there before the migration"))
                    continue
                counted = _rows(connection, table)
                refusal = apply_as_production(connection, trial.promise.script)
                verdict, said = _judge(trial, connection, table, refusal, counted or 0)
            wrong += verdict != "noticed"
            rows.append((occupant.told, verdict, said))
        yield _finding(
            table,
            wrong,
            rows,
            kept=f"A table in the place of {table} with another shape is noticed.",
            broken=f"A table in the place of {table} with another shape is not noticed.",
            expected="the script is refused, or the table gets the declared shape and keeps its rows",
            remedy="Begin the script with a guard that compares the table's shape and raises an exception.",
        )


def _judge(
    trial: Trial, connection: psycopg.Connection, table: str, refusal: Refusal | None, counted: int
) -> tuple[str, str]:
    if refusal is not None:
        return "noticed", str(refusal)
    left = _rows(connection, table)
    if left is None or left < counted:
        return "destroyed", "the script ends without error and the rows are gone"
    if _shape(trial.catalog(connection), table) == _shape(trial.after, table):
        return "noticed", "brought to the declared shape"
    return "kept silently", "the script ends without error and the table is still another"


def _shape(schema: Schema, table: str) -> tuple[object, ...]:
    columns = tuple(each for each in schema.columns if each.table == table)
    return (*columns, *(each for each in schema.constraints if each.table == table))


def _tables_with_way_back(promise: Promise) -> tuple[str, ...]:
    return _tables(promise) if promise.way_back else ()


@check("way_back.occupied", subjects=_tables_with_way_back, severity=Severity.WARNING)
def way_back_occupied(trial: Trial) -> Iterator[Finding]:
    """The way back does not silently destroy a table of the same name that the migration did not make.

    Why it matters: a way back is run in a hurry, on the database at hand; a DROP TABLE takes whatever is there.
    How it is measured: such a table is made with a row in a database without the migration, then the way back is
    run: it must be refused, or leave the table and its row.
    What to do: a guard at the head of the way back that compares the shape and raises an exception.
    """
    way_back = trial.promise.way_back
    assert way_back is not None
    for table, settled in _made(trial):
        if settled is not None:
            yield settled
            continue
        rows: list[tuple[str, str, str]] = []
        wrong = 0
        for occupant in occupants(trial.after, table):
            with _undone(trial, way_back) as connection:
                if not _put(connection, table, occupant):
                    rows.append((occupant.told, "not tried", "its types are not there before the migration"))
                    continue
                refusal = apply_as_production(connection, way_back)
                gone = refusal is None and _rows(connection, table) is None
            wrong += gone
            rows.append((occupant.told, "destroyed" if gone else "spared", str(refusal or "")))
        yield _finding(
            table,
            wrong,
            rows,
            kept=f"The way back spares a table in the place of {table} that the migration did not make.",
            broken=f"The way back silently destroys a table in the place of {table} that the migration did not make.",
            expected="the way back is refused, or leaves the table",
            remedy="Begin the way back with a guard that compares the table's shape and raises an exception.",
        )


def _finding(
    table: str,
    wrong: int,
    rows: list[tuple[str, str, str]],
    *,
    kept: str,
    broken: str,
    expected: str,
    remedy: str,
) -> Finding:
    evidence = [Evidence(title="Tables put in its place", columns=("table", "outcome", "words"), rows=tuple(rows))]
    if wrong:
        first = next(row for row in rows if row[1] in ("destroyed", "kept silently"))
        return answer(
            Status.BROKEN,
            table,
            broken,
            expected=expected,
            actual=f"{first[0]}: {first[1]}",
            remedy=remedy,
            evidence=evidence,
        )
    return answer(Status.KEPT, table, kept, evidence=evidence)


def _undone(trial: Trial, script: Script) -> AbstractContextManager[psycopg.Connection]:
    """A database without the migration, in which nothing that is done stays."""
    if ends_transactions(script):
        return trial.clone(trial.before_state)
    return trial.workbench.rolled_back(trial.before_state)


def _put(connection: psycopg.Connection, table: str, occupant: Occupant) -> bool:
    schema, _ = split_name(table)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.SQL(schema)))
            for statement in occupant.statements:
                connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


def _rows(connection: psycopg.Connection, table: str) -> int | None:
    """How many rows the table holds; None where it is gone."""
    found = connection.execute("SELECT pg_catalog.to_regclass(%s)::text", (table,)).fetchone()
    if found is None or found[0] is None:
        return None
    counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(table))).fetchone()
    return int(counted[0]) if counted else None
