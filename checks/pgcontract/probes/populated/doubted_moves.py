"""What is taken for moved while another table held the same; and rows in which that is told apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.probes.context import Context
from pgcontract.probes.populated.moved_rows import Ends, is_row_kept, is_value_kept
from pgcontract.probes.populated.moved_rows import key as key_of
from pgcontract.probes.populated.stored_rows import triggers_off
from pgcontract.probes.populated.table_snapshots import Snapshot, StoredValues, TableSnapshot
from pgcontract.probes.populated.valued_columns import maker_of, parts_of
from pgcontract.probes.row_generation.row_maker import is_numbered
from pgcontract.probes.row_generation.target_tables import FilledTable, read_tables
from pgcontract.probes.script_words import names_in_code

# A table's oid with the number of its column, or with None: its rows.
Doubt: TypeAlias = tuple[int, int | None]

_FIRST: Final = 700
_MAX_ROWS: Final = 200
# Of each type SQL for another value that sorts and compares as the one at {0} does, by the table's number at {1}.
_SHIFTED: Final = {
    **dict.fromkeys(("text", "varchar", "bpchar"), "{0} || '~' || {1}"),
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), "{0} + 1003 * {1}"),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "{0} + 1003 * {1} * interval '1 day'"),
}


def doubted_moves(ends: Ends, changed: Collection[int]) -> Iterator[Doubt]:
    """What is no longer in these tables and stands elsewhere, where a row of another table had the same before."""
    alike = _Alike(ends.start)
    for oid, table in ends.start.items():
        if oid not in changed:
            continue
        final = ends.final.get(oid)
        later = {key_of(row, table): row for row in final.rows} if final is not None and table.key else {}
        gone = [row for row in table.rows if key_of(row, table) not in later]
        if any(alike.holds(oid, _texts(row.values())) and is_row_kept(row, ends) for row in gone):
            yield oid, None
        for number in table.columns if final is not None else ():
            there = ((row, later.get(key_of(row, table))) for row in table.rows)
            if any(
                now is not None
                and row[number] not in (None, now.get(number))
                and alike.holds(oid, _texts([row[number], *key_of(row, table)]))
                and is_value_kept(row, number, table, ends)
                for row, now in there
            ):
                yield oid, number


class _Alike:
    """The rows of all tables, by what stands in them."""

    def __init__(self, start: Snapshot) -> None:
        self._by_text: dict[str, list[tuple[int, StoredValues]]] = {}
        for oid, table in start.items():
            for row in table.rows:
                for text in _texts(row.values()):
                    self._by_text.setdefault(text, []).append((oid, row))

    def holds(self, oid: int, texts: set[str]) -> bool:
        """Whether all of the texts stand in one row of another table."""
        rarest = min((self._by_text.get(text, []) for text in texts), key=len, default=[])
        return any(other != oid and texts <= set(row.values()) for other, row in rarest)


def _texts(values: Collection[str | None]) -> set[str]:
    return {value for value in values if value}


def told_apart(context: Context, state: DatabaseState, start: Snapshot, doubts: Sequence[Doubt]) -> DatabaseState:
    """The state in which no other table has what is doubted, as far as the columns take another value."""
    numbers: dict[int, list[int | None]] = {}
    for oid, number in doubts:
        numbers.setdefault(oid, []).append(number)
    with context.sandbox.clone(state, keep=True) as name:
        with context.sandbox.connect(name) as connection:
            names = {start[oid].name for oid in numbers}
            tables = read_tables(connection, sorted(names))
            for place, table in enumerate((table for table in tables if table.name in names), start=1):
                columns = _columns(context, table, start[table.oid], numbers[table.oid])
                if columns and not _shift(connection, table, columns, place):
                    for column in columns:
                        if not _shift(connection, table, [column], place):
                            _change(context, connection, tables, table, column, first=_FIRST + place * _MAX_ROWS)
        return context.sandbox.read_state(name)


def _columns(context: Context, table: FilledTable, own: TableSnapshot, numbers: Collection[int | None]) -> Sequence[str]:
    """The doubted columns; of doubted rows what no key has and, if there is such, the script does not name: by what it
    names it may choose them."""
    chosen = [own.columns[number] for number in numbers if number is not None]
    if None not in numbers:
        return chosen
    keys = {name for key in table.keys for name in key.columns}
    keys |= {name for key in table.references for name in key.columns}
    free = [column.name for column in table.columns if column.name not in keys and not is_numbered(column)]
    texts = [each.text for each in context.promise.script.statements]
    unnamed = [name for name in free if not any(names_in_code(text, name) for text in texts)]
    return list(dict.fromkeys([*chosen, *(unnamed or free)]))


def _shift(connection: psycopg.Connection, table: FilledTable, names: Sequence[str], place: int) -> bool:
    """Write another value into each of these columns of all rows; whether the table took that."""
    shifted = {column.name: _SHIFTED.get(column.type.typname) for column in table.columns if column.name in names}
    written = [
        sql.SQL("{} = {}").format(identifier(name), sql.SQL(value).format(identifier(name), sql.Literal(place)))
        for name, value in shifted.items()
        if value is not None
    ]
    if len(written) < len(names):
        return False
    statement = sql.SQL("UPDATE {} SET {}").format(sql.SQL(table.name), sql.SQL(", ").join(written))
    with suppress(psycopg.Error), connection.transaction(), triggers_off(connection, [table.name]):
        connection.execute(statement)
        return True
    return False


def _change(
    context: Context,
    connection: psycopg.Connection,
    tables: Sequence[FilledTable],
    table: FilledTable,
    name: str,
    *,
    first: int,
) -> None:
    """Write other values into the column row by row, such as its type, keys and CHECKs suggest."""
    query = sql.SQL(
        "SELECT tableoid::int8, ctid::text FROM {1} WHERE {0} IS NOT NULL ORDER BY tableoid, ctid LIMIT {2}"
    ).format(identifier(name), sql.SQL(table.name), _MAX_ROWS)
    for part in parts_of(table, name):
        maker = maker_of(context, connection, tables, part, first=first)
        names = [column.name for column in part.columns]
        changed = False
        for number, (oid, ctid) in enumerate(connection.execute(query).fetchall(), start=first):
            values = maker.planned_values(number, names) or {}
            if values.get(name) is not None and _is_written(connection, table.name, oid, ctid, values):
                changed = True
        if changed:
            return


def _is_written(
    connection: psycopg.Connection, table: str, oid: int, ctid: str, values: Mapping[str, str | None]
) -> bool:
    """Write them into that row, without the owner's triggers."""
    statement = sql.SQL("UPDATE {} SET {} WHERE (tableoid::int8, ctid) = ({}, {}::pg_catalog.tid)").format(
        sql.SQL(table),
        sql.SQL(", ").join(sql.SQL("{} = {}").format(identifier(each), sql.Literal(values[each])) for each in values),
        sql.Literal(oid),
        sql.Literal(ctid),
    )
    with suppress(psycopg.Error), connection.transaction(), triggers_off(connection, [table]):
        return connection.execute(statement).rowcount > 0
    return False
