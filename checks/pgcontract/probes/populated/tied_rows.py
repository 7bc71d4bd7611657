"""Rows that are alike in all by which a statement chooses, sorts or joins them, and differ in what it takes from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.probes.context import Context
from pgcontract.probes.populated.row_picks import row_pick
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.few_rows import migrated_tables
from pgcontract.probes.row_generation.row_maker import RowMaker, is_numbered
from pgcontract.probes.row_generation.selected_values import selected_values
from pgcontract.probes.row_generation.target_tables import FilledTable, read_tables
from pgcontract.probes.script_words import names_in_code

_MAX_ENDS: Final = 4  # rows at either end of an order that get a twin
_MAX_ASKED: Final = 3  # conditions among whose rows there are some of each
_APART: Final = 10


def insert_tied_rows(context: Context, connection: psycopg.Connection, *, first: int) -> None:
    """For each table that a statement takes one of several rows from, two such rows, and a twin of those at either end of
    what it sorts by; `first` is the number that other values are counted from. A key among the columns refuses them."""
    deciding: dict[str, set[str]] = {}
    conditions = selected_values(context.promise.script).conditions
    for statement in context.promise.script.statements:
        pick = row_pick(statement)
        for name in migrated_tables(context, context.before) if pick else ():
            if pick and names_in_code(statement.text, QualifiedName.parse(name).name):
                deciding.setdefault(name, set()).update(pick.names)
    tables = read_tables(connection, deciding) if deciding else ()
    for table in tables:
        shared = _shared(table, deciding.get(table.name, set()))
        if not shared:
            continue
        maker = RowMaker(
            promise=context.promise,
            connection=connection,
            tables=tables,
            table=table,
            into=table.name,
            first=first,
            texts=example_texts(context.promise),
            is_empty=False,
        )
        bare = QualifiedName.parse(table.name).name
        asked = [each.row(shared) for each in conditions if bare in each.words and each.row(shared)]
        values = maker.planned_values(first, shared) or {}
        for place, given in enumerate([{}, *asked[:_MAX_ASKED]]):
            start = first + place * 2 * _APART
            for number in (start, start + 1) if values else ():
                maker.insert_with({**values, **given}, number)
            for number, row in enumerate(_ends(connection, table, shared, given), start=start + _APART):
                maker.insert_with(row, number)


def _shared(table: FilledTable, names: set[str]) -> list[str]:
    """The table's columns of these names in which two rows may be alike."""
    alone = {key.columns[0] for key in table.keys if key.unique and len(key.columns) == 1 and not key.predicate}
    return [
        column.name
        for column in table.columns
        if column.name in names and column.name not in alone and not is_numbered(column)
    ]


def _ends(
    connection: psycopg.Connection, table: FilledTable, shared: Sequence[str], given: Mapping[str, str | None]
) -> Iterator[Mapping[str, str | None]]:
    """What stands in these columns of the rows that come first and last in the order of each of them, of those that have
    what is given."""
    tests = [
        sql.SQL("{}::text IS NOT DISTINCT FROM {}").format(identifier(name), sql.Literal(text))
        for name, text in given.items()
    ]
    listed = sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(name)) for name in shared)
    rows: dict[tuple[str | None, ...], None] = {}
    for name in shared:
        for direction in ("ASC", "DESC"):
            query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} {}, tableoid, ctid LIMIT 1").format(
                listed,
                sql.SQL(table.name),
                sql.SQL(" AND ").join([sql.SQL("{} IS NOT NULL").format(identifier(name)), *tests]),
                identifier(name),
                sql.SQL(direction),
            )
            with suppress(psycopg.Error), connection.transaction():
                rows |= dict.fromkeys(connection.execute(query).fetchall())
    yield from (dict(zip(shared, row, strict=True)) for row in list(rows)[:_MAX_ENDS])
