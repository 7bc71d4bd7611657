"""The rows of every table and the position of every sequence, as the server prints them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from pgcontract.catalog.forced_row_security import every_row_visible
from pgcontract.catalog.row_digests import DIGEST_MAX_BYTES
from pgcontract.catalog.snapshot import open_snapshot
from pgcontract.catalog.sql_names import identifier
from pgcontract.model.contents import Contents, SequencePosition, TableContents
from pgcontract.model.qualified_name import QualifiedName

# The alias must not be the name of a column, which would be digested in place of the row.
_DIGEST: Final = sql.SQL(
    'select pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended("pgcontract row"::text, 0))::text '
    'as "pgcontract digest" from {} as "pgcontract row"'
)
_DIGEST_NAME: Final = "pgcontract digest"
_POSITION: Final = sql.SQL("select last_value, is_called, {} from {}")
_FURTHEST_KEY: Final = sql.SQL("(select pg_catalog.{}({})::text from {})")


def read_contents(connection: Connection[Any]) -> Contents:
    """Every table's rows and every sequence's position.

    Of a table above `DIGEST_MAX_BYTES` only their number and a digest. Rows of foreign tables, and of materialized views,
    whose rows follow from tables, are not read.
    """

    def run(query: sql.Composed) -> Any:
        return connection.cursor(row_factory=tuple_row).execute(query, prepare=False)

    with every_row_visible(connection), open_snapshot(connection) as snapshot:
        tables, sequences = snapshot.run_query("contents"), snapshot.run_query("sequence_positions")
        read: list[tuple[TableContents, Any]] = []
        for oid, schema, name, partitioned, size, columns, numerics, key, referenced in tables.fetchall():
            part = QualifiedName.of(schema, name)
            table = TableContents(
                name=str(part), oid=oid, columns=tuple(columns), key=tuple(key), referenced=tuple(referenced)
            )
            source = sql.SQL("{}" if partitioned else "only {}").format(identifier(part))
            if not size:
                read.append((table, None))
            elif size > DIGEST_MAX_BYTES:
                read.append((table, run(_DIGEST.format(source))))
            else:
                texts = sql.SQL(", ").join(
                    sql.SQL("pg_catalog.trim_scale({})::text" if column in numerics else "{}::text").format(
                        sql.Identifier(column)
                    )
                    for column in columns
                )
                read.append((table, run(sql.SQL("select {} from {}").format(texts, source))))
        positions = []
        for schema, name, increment, table_schema, table_name, column in sequences.fetchall():
            furthest: sql.Composable = sql.SQL("null")
            if column is not None:
                furthest = _FURTHEST_KEY.format(
                    sql.SQL("max" if increment > 0 else "min"),
                    sql.Identifier(column),
                    identifier(QualifiedName.of(table_schema, table_name)),
                )
            query = _POSITION.format(furthest, identifier(QualifiedName.of(schema, name)))
            positions.append((str(QualifiedName.of(schema, name)), increment, column is not None, run(query)))
        return Contents(
            tables={table.name: _with_rows(table, cursor) for table, cursor in read},
            sequences={name: _position(name, *rest) for name, *rest in positions},
        )


def _with_rows(table: TableContents, cursor: Any) -> TableContents:
    if cursor is None:
        return table
    rows = cursor.fetchall()
    if cursor.description and cursor.description[-1].name == _DIGEST_NAME:  # a table may have no columns
        return replace(table, rows=None, count=rows[0][0], digest=rows[0][1])
    return replace(table, rows=tuple(rows), count=len(rows))


def _position(name: str, increment: int, numbers_column: bool, cursor: Any) -> SequencePosition:
    [(last, is_called, furthest)] = cursor.fetchall()
    return SequencePosition(
        name=name,
        next_number=last + increment if is_called else last,
        increment=increment,
        numbers_column=numbers_column,
        furthest_key=_whole_number(furthest),
    )


def _whole_number(text: str | None) -> int | None:
    number = None if text is None else Decimal(text)
    return int(number) if number is not None and number.is_finite() else None
