"""A table emptied in a transaction that is undone: no trigger, rule or publication of its owner's has a say in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from psycopg import sql

# Each: what switches it off, and what makes it as it was.
_IN_THE_WAY: Final = """
SELECT pg_catalog.format('ALTER TABLE %%s DISABLE TRIGGER %%I', t.tgrelid::pg_catalog.regclass, t.tgname),
       pg_catalog.format('ALTER TABLE %%s ENABLE %%s TRIGGER %%I', t.tgrelid::pg_catalog.regclass,
                         CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, t.tgname)
  FROM pg_catalog.pg_trigger AS t
 WHERE t.tgrelid = %(table)s::pg_catalog.regclass AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 8 <> 0
 UNION ALL
SELECT pg_catalog.format('ALTER TABLE %%s DISABLE RULE %%I', r.ev_class::pg_catalog.regclass, r.rulename),
       pg_catalog.format('ALTER TABLE %%s ENABLE %%s RULE %%I', r.ev_class::pg_catalog.regclass,
                         CASE r.ev_enabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, r.rulename)
  FROM pg_catalog.pg_rewrite AS r
 WHERE r.ev_class = %(table)s::pg_catalog.regclass AND r.ev_type = '4' AND r.ev_enabled <> 'D'
 UNION ALL
SELECT pg_catalog.format('ALTER TABLE %%s REPLICA IDENTITY FULL', c.oid::pg_catalog.regclass),
       pg_catalog.format('ALTER TABLE %%s REPLICA IDENTITY %%s', c.oid::pg_catalog.regclass,
                         CASE c.relreplident WHEN 'n' THEN 'NOTHING' ELSE 'DEFAULT' END)
  FROM pg_catalog.pg_class AS c
 WHERE c.oid = %(table)s::pg_catalog.regclass AND c.relreplident IN ('d', 'n') AND c.relkind = 'r'
"""


def empty_table(connection: psycopg.Connection, table: str) -> None:
    """Delete its rows; where the server refuses that all the same, they stay."""
    with suppress(psycopg.Error), connection.transaction(), _out_of_the_way(connection, table):
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.SQL(table)))


@contextmanager
def _out_of_the_way(connection: psycopg.Connection, table: str) -> Iterator[None]:
    found = connection.execute(_IN_THE_WAY, {"table": table}).fetchall()
    for off, _ in found:
        connection.execute(sql.SQL(off))
    yield
    for _, back in found:
        connection.execute(sql.SQL(back))
