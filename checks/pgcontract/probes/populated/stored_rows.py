"""Rows as they are stored, and some of them taken out, with whatever refers to them, as if they had never been there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.values import dataclass

_MAX_READ: Final = 40
# Tables and partitions that hold rows themselves.
_HOLDERS: Final = """
SELECT c.oid::int8, pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.format('%I.%I', tn.nspname, t.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class AS t ON t.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
  JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
 WHERE c.relkind = 'r' AND pg_catalog.pg_get_userbyid(c.relowner) = session_user AND n.nspname !~ '^pg_'
 ORDER BY 3, 2
"""
_CHILDREN: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname),
       pg_catalog.string_agg(pg_catalog.format('child.%%I = parent.%%I', own.attname, there.attname), ' AND ')
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) AS pair(own, there)
  JOIN pg_catalog.pg_attribute AS own ON (own.attrelid, own.attnum) = (k.conrelid, pair.own)
  JOIN pg_catalog.pg_attribute AS there ON (there.attrelid, there.attnum) = (k.confrelid, pair.there)
 WHERE k.contype = 'f' AND k.confrelid = %s::pg_catalog.regclass AND c.relkind = 'r'
 GROUP BY k.oid, 1 ORDER BY k.oid
"""
_TRIGGERS: Final = """
SELECT pg_catalog.quote_ident(tgname), tgenabled::text FROM pg_catalog.pg_trigger
 WHERE tgrelid = %s::pg_catalog.regclass AND NOT tgisinternal AND tgenabled <> 'D'
"""
_DEFERRED: Final = """
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname)
  FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.connamespace
 WHERE c.condeferred AND c.contype <> 't'
"""
_ENABLE: Final = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER", "R": "ENABLE REPLICA TRIGGER"}


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """A row: the table or partition that holds it, the table at the top, where it lies, and its values as text."""

    holder: str
    table: str
    ctid: str
    values: Mapping[str, str | None]


def read_rows(connection: psycopg.Connection, tables: Collection[str] | None = None) -> tuple[StoredRow, ...]:
    """The first rows of each of the tables (by the name of the table at the top), of whoever migrates."""
    return tuple(_rows(connection, tables))


def _rows(connection: psycopg.Connection, tables: Collection[str] | None) -> Iterator[StoredRow]:
    for _, holder, table in connection.execute(_HOLDERS).fetchall():
        if tables is not None and table not in tables:
            continue
        yield from _read_holder(connection, holder, table)


def _read_holder(connection: psycopg.Connection, holder: str, table: str) -> Iterator[StoredRow]:
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = %s::pg_catalog.regclass AND attnum > 0 "
            "AND NOT attisdropped ORDER BY attnum",
            [holder],
        ).fetchall()
    ]
    listed = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in ("ctid", *columns))
    # By where it lies, not by the text that is read of it, in which (0,10) comes before (0,2).
    query = sql.SQL("SELECT {} FROM ONLY {} AS held ORDER BY held.ctid LIMIT {}").format(
        listed, sql.SQL(holder), sql.Literal(_MAX_READ)
    )
    for ctid, *values in connection.execute(query).fetchall():
        yield StoredRow(holder=holder, table=table, ctid=ctid, values=dict(zip(columns, values, strict=True)))


def remove_rows(connection: psycopg.Connection, rows: Sequence[StoredRow]) -> None:
    """Delete the rows, and those that refer to them, without a trigger of the owner's, in the open transaction."""
    doomed: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    for row in rows:
        doomed.setdefault(row.holder, set()).add(row.ctid)
    waiting = list(doomed)
    while waiting:
        holder = waiting.pop(0)
        for child, condition in connection.execute(_CHILDREN, [holder]).fetchall():
            query = sql.SQL("SELECT child.ctid::text FROM ONLY {} AS child, ONLY {} AS parent WHERE {} AND {}").format(
                sql.SQL(child),
                sql.SQL(holder),
                sql.SQL(condition),
                sql.SQL("parent.ctid = ANY ({}::pg_catalog.tid[])").format(sql.Literal(sorted(doomed[holder]))),
            )
            found = {ctid for (ctid,) in connection.execute(query).fetchall()}
            if found and child != holder:
                children.setdefault(holder, set()).add(child)
            if found - doomed.get(child, set()):
                doomed[child] = doomed.get(child, set()) | found
                waiting.append(child)
    order = list(_children_first(doomed, children))
    with triggers_off(connection, order):
        for holder in order:
            connection.execute(
                sql.SQL("DELETE FROM ONLY {} WHERE ctid = ANY ({}::pg_catalog.tid[])").format(
                    sql.SQL(holder), sql.Literal(sorted(doomed[holder]))
                )
            )


def _children_first(tables: Iterable[str], children: Mapping[str, set[str]]) -> Iterator[str]:
    """Each table once, behind those that refer to it."""
    seen: set[str] = set()

    def visit(table: str) -> Iterator[str]:
        if table not in seen:
            seen.add(table)
            for child in sorted(children.get(table, ())):
                yield from visit(child)
            yield table

    for table in tables:
        yield from visit(table)


@contextmanager
def triggers_off(connection: psycopg.Connection, tables: Sequence[str]) -> Iterator[None]:
    """The owner's triggers of these tables off meanwhile, and then as they were; no check waits for the COMMIT."""
    triggers = [
        (table, name, mode) for table in tables for name, mode in connection.execute(_TRIGGERS, [table]).fetchall()
    ]
    for table, name, _ in triggers:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(sql.SQL(table), sql.SQL(name)))
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name, mode in triggers:
        connection.execute(sql.SQL("ALTER TABLE {} {} {}").format(sql.SQL(table), sql.SQL(_ENABLE[mode]), sql.SQL(name)))
    for (name,) in connection.execute(_DEFERRED).fetchall():
        connection.execute(sql.SQL("SET CONSTRAINTS {} DEFERRED").format(sql.SQL(name)))
