"""Rows that refer to those of a table, so that whoever deletes one of these meets them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_maker import RowMaker
from pgcontract.probes.row_generation.target_tables import read_tables

_MAX_ROWS: Final = 20
_CHILDREN: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place)
               JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (k.conrelid, u.number) ORDER BY u.place),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(number, place)
               JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (k.confrelid, u.number) ORDER BY u.place)
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.confrelid = %s::pg_catalog.regclass AND k.conparentid = 0 AND k.conrelid <> k.confrelid
 ORDER BY 1, k.oid
"""


def insert_children(promise: Promise, connection: psycopg.Connection, parents: Iterable[str], *, first: int) -> None:
    """For each row of these tables that no other table's refers to, one that does, where it is taken; `first` is the
    number that their values are counted from."""
    for parent in parents:
        for child, own, there in connection.execute(_CHILDREN, [parent]).fetchall():
            tables = read_tables(connection, [child])
            maker = RowMaker(
                promise=promise,
                connection=connection,
                tables=tables,
                table=next(table for table in tables if table.name == child),
                into=child,
                first=first,
                texts=example_texts(promise),
                is_empty=False,
            )
            for place, values in enumerate(_without_child(connection, parent, child, own, there)):
                maker.insert_with(dict(zip(own, values, strict=True)), first + place)


def _without_child(
    connection: psycopg.Connection, parent: str, child: str, own: list[str], there: list[str]
) -> list[tuple[str, ...]]:
    pairs = zip(own, there, strict=True)
    query = sql.SQL("SELECT {} FROM {} AS p WHERE NOT EXISTS (SELECT FROM {} AS c WHERE {}) LIMIT {}").format(
        sql.SQL(", ").join(sql.SQL("p.{}::text").format(identifier(name)) for name in there),
        sql.SQL(parent),
        sql.SQL(child),
        sql.SQL(" AND ").join(sql.SQL("c.{} = p.{}").format(identifier(a), identifier(b)) for a, b in pairs),
        sql.Literal(_MAX_ROWS),
    )
    with suppress(psycopg.Error), connection.transaction():
        return connection.execute(query).fetchall()
    return []
