"""The rows of tables at one moment, by the tables' and columns' identity, so that a change of a name changes nothing.

Generated columns are left out: what is in them follows from the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.forced_row_security import every_row_visible
from pgcontract.catalog.sql_names import identifier
from pgcontract.model.contents import TableContents
from pgcontract.values import dataclass

_MAX_ROWS: Final = 200
_MAX_WITHOUT_KEY: Final = 1_000  # by no order in which a row keeps its place when it is written
_TABLES: Final = """
SELECT c.oid::int8, pg_catalog.format('%I.%I', n.nspname, c.relname),
       ARRAY(SELECT a.attnum::int4 FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              ORDER BY a.attnum),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              ORDER BY a.attnum),
       ARRAY(SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              ORDER BY a.attnum),
       coalesce((SELECT i.indkey::int2[] FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary),
                '{}'),
       CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_catalog.pg_get_userbyid(c.relowner) = session_user
   AND n.nspname !~ '^pg_'
 ORDER BY 2
"""

StoredValues: TypeAlias = Mapping[int, str | None]


@dataclass(frozen=True, kw_only=True)
class TableSnapshot:
    """A table's rows: each the text of its columns by their number. `columns` and `types` are named by it, too; `key` are
    the numbers of the primary key."""

    oid: int
    name: str
    columns: Mapping[int, str]
    types: Mapping[int, str]
    key: tuple[int, ...]
    rows: tuple[StoredValues, ...]

    def seen_in(self, other: TableSnapshot) -> TableSnapshot:
        """The table without the rows at its end that may lie behind those which were read of the other: new ones came
        before them."""
        if not self.key or len(other.rows) < _MAX_ROWS:
            return self
        there = {tuple(row.get(number) for number in self.key) for row in other.rows}
        keys = [tuple(row[number] for number in self.key) for row in self.rows]
        return replace(
            self, rows=self.rows[: max((place + 1 for place, key in enumerate(keys) if key in there), default=0)]
        )

    @property
    def contents(self) -> TableContents:
        """The rows with columns named by their numbers."""
        return TableContents(
            name=self.name,
            oid=self.oid,
            columns=tuple(map(str, self.columns)),
            key=tuple(map(str, self.key)),
            count=len(self.rows),
            rows=tuple(tuple(row[number] for number in self.columns) for row in self.rows),
        )


Snapshot: TypeAlias = Mapping[int, TableSnapshot]


def take_snapshot(connection: psycopg.Connection, oids: Collection[int] | None = None) -> Snapshot:
    """The tables of whoever migrates, or those of these numbers, by number; of each the first rows."""
    with every_row_visible(connection):
        return _read_tables(connection, oids)


def _read_tables(connection: psycopg.Connection, oids: Collection[int] | None) -> Snapshot:
    snapshot: dict[int, TableSnapshot] = {}
    for oid, name, numbers, names, types, key, only in connection.execute(_TABLES).fetchall():
        if oids is not None and oid not in oids:
            continue
        listed = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in names)
        key = key if set(key) <= set(numbers) else []
        by_key = sql.SQL(", ").join(sql.SQL("held.{}").format(identifier(names[numbers.index(each)])) for each in key)
        query = sql.SQL("SELECT {} FROM {} AS held{} LIMIT {}").format(
            listed,
            sql.SQL(only + name),
            sql.SQL(" ORDER BY {}").format(by_key) if key else sql.SQL(""),
            sql.Literal(_MAX_ROWS if key else _MAX_WITHOUT_KEY),
        )
        rows = connection.execute(query).fetchall() if names else []
        snapshot[oid] = TableSnapshot(
            oid=oid,
            name=name,
            columns=dict(zip(numbers, names, strict=True)),
            types=dict(zip(numbers, types, strict=True)),
            key=tuple(key),
            rows=tuple(dict(zip(numbers, row, strict=True)) for row in rows),
        )
    return snapshot
