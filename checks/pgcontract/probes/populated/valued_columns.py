"""Values in columns that hold none: what a migration does to a column is seen in rows that have something in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.context import Context
from pgcontract.probes.populated.deployed import is_of_this_deploy
from pgcontract.probes.populated.stored_rows import triggers_off
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.few_rows import migrated_tables, named_tables
from pgcontract.probes.row_generation.row_maker import FEW, RowMaker, is_numbered
from pgcontract.probes.row_generation.target_tables import FilledTable, read_tables

_MAX_TRIED: Final = 8


def give_values(
    context: Context, connection: psycopg.Connection, *, later: Mapping[str, FilledTable], first: int
) -> None:
    """Write a value into the first rows of each column that holds none, of the tables that the script changes or names.

    Rows of a table that were made before it had the column may be all that its keys let in. A row stays NULL where there
    are several. `first` is the number that values are counted from.
    """
    names = _reached_tables(context)
    tables = read_tables(connection, names) if names else ()
    for table in tables:
        if table.name in names:
            for name, rows in _without_value(connection, table):
                if is_of_this_deploy(context, table.name, name):
                    continue
                _give(context, connection, tables, table, name, rows=rows, later=later.get(table.name), first=first)


def _reached_tables(context: Context) -> set[str]:
    """Those of before that the script names, that lose a column to it, or of which any part is another after it."""
    tables = migrated_tables(context, context.before)
    after = {column.name for column in context.after.columns}
    changed = {table.name for table in context.touched.tables}
    changed |= {column.table for column in context.before.columns if column.name not in after}
    return (changed & set(tables)) | set(named_tables(context.promise, tables))


def _without_value(connection: psycopg.Connection, table: FilledTable) -> list[tuple[str, int]]:
    """The columns that are NULL in each of the rows, with the number of these; none of a table without rows."""
    free = [column.name for column in table.columns if column.null and not is_numbered(column)]
    if not free:
        return []
    counts = sql.SQL(", ").join(sql.SQL("count({})").format(identifier(name)) for name in free)
    query = sql.SQL("SELECT count(*), {} FROM {}").format(counts, sql.SQL(table.name))
    [(rows, *valued)] = connection.execute(query).fetchall()
    return [(name, rows) for name, number in zip(free, valued, strict=True) if rows and not number]


def _give(
    context: Context,
    connection: psycopg.Connection,
    tables: tuple[FilledTable, ...],
    table: FilledTable,
    name: str,
    *,
    rows: int,
    later: FilledTable | None,
    first: int,
) -> None:
    wanted = min(max(rows - 1, 1), FEW - 1)
    if rows == 1 and later and any(column.name == name and not column.null for column in later.columns):
        return  # that the row is NULL stops the migration
    for part in parts_of(table, name):
        maker = maker_of(context, connection, tables, part, first=first, later=later)
        names = [column.name for column in part.columns]
        refused = 0
        for place in range(min(rows, _MAX_TRIED)):
            values = maker.planned_values(first + place, names)
            if values is None or values[name] is None:
                break
            if not _is_written(connection, table.name, name, values, behind=refused):
                refused += 1
                continue
            wanted -= 1
            if not wanted:
                return


def maker_of(
    context: Context,
    connection: psycopg.Connection,
    tables: Sequence[FilledTable],
    part: FilledTable,
    *,
    first: int,
    later: FilledTable | None = None,
) -> RowMaker:
    """Makes values for the columns of a part of one of the tables, which holds rows."""
    return RowMaker(
        promise=context.promise,
        connection=connection,
        tables=[part if other.name == part.name else other for other in tables],
        table=part,
        into=part.name,
        first=first,
        texts=example_texts(context.promise),
        later=later,
        is_empty=False,
    )


def parts_of(table: FilledTable, name: str) -> Iterator[FilledTable]:
    """The column with those of its foreign keys, alone; then with those that a CHECK names beside them, too."""
    keys = [set(key.columns) for key in table.references if name in key.columns]
    names = {name}.union(*keys)
    wider = names.union(*(check.columns for check in table.checks if names & set(check.columns)))
    for chosen in (names, wider) if wider != names else (names,):
        yield replace(
            table,
            columns=tuple(column for column in table.columns if column.name in chosen and not is_numbered(column)),
            checks=tuple(check for check in table.checks if set(check.columns) <= chosen),
            keys=tuple(key for key in table.keys if set(key.columns) <= chosen),
            references=tuple(key for key in table.references if set(key.columns) <= chosen),
        )


def _is_written(
    connection: psycopg.Connection, table: str, name: str, values: Mapping[str, str | None], *, behind: int
) -> bool:
    """Write them into a row without a value in that column, `behind` so many others; past triggers that refuse it."""
    statement = sql.SQL(
        "UPDATE {0} SET {1} WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM {0} WHERE {2} IS NULL "
        "ORDER BY tableoid, ctid LIMIT 1 OFFSET {3})"
    ).format(
        sql.SQL(table),
        sql.SQL(", ").join(sql.SQL("{} = {}").format(identifier(each), sql.Literal(values[each])) for each in values),
        identifier(name),
        sql.Literal(behind),
    )
    for tables in ([], [table]):
        with suppress(psycopg.Error), connection.transaction(), triggers_off(connection, tables):
            if connection.execute(statement).rowcount:
                query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS NOT NULL)").format(
                    sql.SQL(table), identifier(name)
                )
                if connection.execute(query).fetchone() == (True,):  # no trigger took it away again
                    return True
    return False
