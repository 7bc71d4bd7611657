"""Rows put into a table as a restore puts them: triggers and rules off, indexes built afterwards, then all as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from pgcontract.load.faults import explained, orphan
from pgcontract.load.makers import Filling
from pgcontract.load.row import identifier

CHUNK_ROWS = 100_000
_WHOLE_SAMPLE_ROWS = 300_000
_SAMPLE_FACTOR = 300  # rows that ANALYZE reads for each unit of a statistics target (analyze.c)

_LEAVES = """
SELECT p.relid::int8 FROM pg_catalog.unnest(%s::pg_catalog.oid[]) AS t(oid)
 CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.oid) AS p
UNION SELECT pg_catalog.unnest(%s::int8[])
"""
_OFF = """
UPDATE pg_catalog.pg_index SET indisready = false, indisvalid = false
 WHERE indrelid::int8 = ANY (%s) AND indisready AND indisvalid
   AND (SELECT relkind FROM pg_catalog.pg_class WHERE oid = indexrelid) = 'i'
RETURNING indrelid::pg_catalog.regclass::text
"""
_TRIGGERS = """
SELECT t.tgrelid::pg_catalog.regclass::text, t.tgname, t.tgenabled::text
  FROM pg_catalog.pg_trigger AS t
 WHERE t.tgrelid::int8 = ANY (%s) AND t.tgenabled <> 'D' AND t.tgparentid = 0 AND (%s OR NOT t.tgisinternal)
 ORDER BY t.tgrelid, t.tgname
"""
_RULES = """
SELECT r.ev_class::pg_catalog.regclass::text, r.rulename, r.ev_enabled::text
  FROM pg_catalog.pg_rewrite AS r
 WHERE r.ev_class::int8 = ANY (%s) AND r.ev_enabled <> 'D' AND r.rulename <> '_RETURN'
 ORDER BY 1, 2
"""
_ENABLE = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_SEQUENCES = """
SELECT s.oid::pg_catalog.regclass::text, a.attname
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid::int8 = %s AND d.refobjsubid > 0
 UNION
SELECT s.oid::pg_catalog.regclass::text, a.attname
  FROM pg_catalog.pg_attrdef AS e
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
  JOIN pg_catalog.pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
  JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (e.adrelid, e.adnum)
 WHERE e.adrelid::int8 = %s
 ORDER BY 1
"""
Moved = Callable[[int], None]


def fill(
    connection: psycopg.Connection, fillings: Sequence[Filling], *, superuser: bool, moved: Moved = lambda rows: None
) -> dict[str, int]:
    """Every filling's rows, in chunks; `moved` hears of each. The rows in each table by part name.

    ContractError where a row is refused: which, by which rule, and where the data set says it.
    """
    for filling in fillings:
        with _bare(connection, filling, superuser=superuser):
            for first in range(1, filling.rows + 1, CHUNK_ROWS):
                last = min(first + CHUNK_ROWS - 1, filling.rows)
                try:
                    connection.execute(_insert(filling, first, last))
                except psycopg.Error as error:
                    raise explained(connection, filling, error, first, last) from error
                moved(last - first + 1)
        _advance_sequences(connection, filling)
    for filling in fillings:
        if filling.rows:
            orphan(connection, filling)
            _tidy(connection, filling)
    return {filling.table.name: _count(connection, filling.table.name) for filling in fillings}


def _insert(filling: Filling, first: int, last: int) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE {}").format(
        sql.SQL(filling.table.name), sql.SQL(", ").join(map(identifier, filling.makers)), filling.query(first, last)
    )


@contextmanager
def _bare(connection: psycopg.Connection, filling: Filling, *, superuser: bool) -> Iterator[None]:
    """The table without triggers, rules and, for a superuser, indexes; it has them back afterwards, each as it was."""
    oids = [oid for (oid,) in connection.execute(_LEAVES.encode(), [[filling.table.oid]] * 2).fetchall()]
    triggers = connection.execute(_TRIGGERS.encode(), [oids, superuser]).fetchall()
    rules = connection.execute(_RULES.encode(), [oids]).fetchall()
    alter = sql.SQL("ALTER TABLE {} {} {} {}")
    for kind, found in (("TRIGGER", triggers), ("RULE", rules)):
        for table, name, _ in found:
            words = (sql.SQL(table), sql.SQL("DISABLE"), sql.SQL(kind), identifier(name))
            connection.execute(alter.format(*words))
    indexed = []
    if superuser and filling.rows:
        indexed = sorted({table for (table,) in connection.execute(_OFF.encode(), [oids]).fetchall()})
    yield
    for table in indexed:
        try:
            connection.execute(sql.SQL("REINDEX TABLE {}").format(sql.SQL(table)))
        except psycopg.Error as error:
            raise explained(connection, filling, error, 1, filling.rows) from error
    for kind, found in (("TRIGGER", triggers), ("RULE", rules)):
        for table, name, state in found:
            words = (sql.SQL(table), sql.SQL(_ENABLE[state]), sql.SQL(kind), identifier(name))
            connection.execute(alter.format(*words))


def _advance_sequences(connection: psycopg.Connection, filling: Filling) -> None:
    """As a restore does: what is inserted next gets a number of its own."""
    for sequence, column in connection.execute(_SEQUENCES.encode(), [filling.table.oid] * 2).fetchall():
        connection.execute(
            sql.SQL(
                "SELECT pg_catalog.setval({}, pg_catalog.max({})::int8) FROM {} HAVING pg_catalog.max({}) > 0"
            ).format(sql.Literal(sequence), identifier(column), sql.SQL(filling.table.name), identifier(column))
        )


def _tidy(connection: psycopg.Connection, filling: Filling) -> None:
    """VACUUM, so that no reader has hint bits to set and index-only scans are, and ANALYZE of every row.

    ANALYZE draws its sample at random, unless it is large enough to be the whole table. How large is the largest
    target's say; one of statistics that are dropped again leaves the columns' own as they are.
    """
    table = sql.SQL(filling.table.name)
    columns = [each.name for each in filling.table.columns][:2]
    target = min(-(-min(filling.rows, _WHOLE_SAMPLE_ROWS) // _SAMPLE_FACTOR) + 1, 10_000)
    extra = None
    if len(columns) == 2 and target > 100:
        schema = filling.table.name.partition(".")[0] if '"' not in filling.table.name else "public"
        extra = sql.SQL("{}.pgcontract_sample").format(sql.SQL(schema))
        connection.execute(
            sql.SQL("CREATE STATISTICS {} (dependencies) ON {} FROM {}").format(
                extra, sql.SQL(", ").join(map(identifier, columns)), table
            )
        )
        connection.execute(sql.SQL("ALTER STATISTICS {} SET STATISTICS {}").format(extra, sql.Literal(target)))
    connection.execute(sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(table))
    if extra is not None:
        connection.execute(sql.SQL("DROP STATISTICS {}").format(extra))


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT pg_catalog.count(*) FROM {}").format(sql.SQL(table))).fetchone()
    return int(row[0]) if row else 0
