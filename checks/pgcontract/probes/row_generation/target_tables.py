"""What a loader must know of the tables that it fills, read from the live catalog: types, CHECKs, keys, references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.probes.row_generation.value_types import ValueType, read_type
from pgcontract.values import dataclass

PARTITION_BOUNDS = "the bounds of its partitions"
_RELATIONS = """
SELECT c.oid::int8, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind::text,
       pg_catalog.pg_get_partkeydef(c.oid)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
 ORDER BY 2
"""
_COLUMNS = """
SELECT a.attrelid::int8, a.attname, a.atttypid::int8, a.atttypmod, pg_catalog.format_type(a.atttypid, -1), a.attnotnull,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity <> '',
       ARRAY(SELECT p.prosrc FROM pg_catalog.pg_depend AS s
               JOIN pg_catalog.pg_proc AS p ON p.oid = s.refobjid AND p.provolatile = 'v'
              WHERE s.classid = 'pg_catalog.pg_attrdef'::regclass AND s.objid = d.oid
                AND s.refclassid = 'pg_catalog.pg_proc'::regclass)
  FROM pg_catalog.pg_attribute AS a
  LEFT JOIN pg_catalog.pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
 WHERE a.attrelid::int8 = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 ORDER BY a.attrelid, a.attnum
"""
_CHECKS = """
SELECT c.conrelid::int8, c.conname, pg_catalog.pg_get_expr(c.conbin, c.conrelid),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) ORDER BY a.attnum)
  FROM pg_catalog.pg_constraint AS c
 WHERE c.contype = 'c' AND c.conrelid::int8 = ANY (%s)
   AND coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::bool, true)
 ORDER BY 1, 2
"""
# What goes by chance or by the clock, of the server, pgcrypto and uuid-ossp; and what counts, or writes.
_DRAWS = re.compile(
    r"\b(?:(?:random(?:_normal)?|gen_random_\w+|gen_salt|uuid_generate_v\w+|uuidv[47]"
    r"|now|(?:clock|statement|transaction)_timestamp)\s*\(|CURRENT_(?:DATE|TIME)|LOCALTIME)",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\b(?:nextval|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
# The bounds of all partitions that hold rows, as one more CHECK of the table at the top.
_BOUNDS = """
SELECT t.oid::int8, pg_catalog.string_agg('(' || pg_catalog.pg_get_partition_constraintdef(p.relid) || ')', ' OR '
                                          ORDER BY p.relid)
  FROM pg_catalog.unnest(%s::pg_catalog.oid[]) AS t(oid)
 CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.oid) AS p
 WHERE p.isleaf AND p.level > 0
 GROUP BY t.oid
"""
_KEYS = """
SELECT i.indrelid::int8, c.relname, i.indisunique, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
       ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, true)
               FROM pg_catalog.generate_series(1, i.indnkeyatts) AS k ORDER BY k),
       i.indnullsnotdistinct
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
 WHERE i.indrelid::int8 = ANY (%s) AND (i.indisunique OR i.indisexclusion)
 ORDER BY i.indrelid, i.indisprimary DESC, c.relname
"""
_REFERENCES = """
SELECT c.conrelid::int8, c.conname, pg_catalog.format('%%I.%%I', n.nspname, p.relname),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k(number, place)
              JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (c.conrelid, k.number) ORDER BY k.place),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k(number, place)
              JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (c.confrelid, k.number) ORDER BY k.place)
  FROM pg_catalog.pg_constraint AS c
  JOIN pg_catalog.pg_class AS p ON p.oid = c.confrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.relnamespace
 WHERE c.contype = 'f' AND c.conrelid::int8 = ANY (%s)
   AND coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::bool, true)
 ORDER BY 1, 2
"""


@dataclass(frozen=True, kw_only=True)
class FilledColumn:
    """A column that takes values. Its default `draws` if it, or a function in it, gives another value each time."""

    name: str
    type: ValueType
    null: bool
    default: str | None = None
    identity: bool = False
    draws: bool = False


@dataclass(frozen=True, kw_only=True)
class TableCheck:
    name: str
    expression: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Key:
    """A unique index, or an exclusion constraint (`unique` is False); `keys` as SQL, `columns` those named in them."""

    name: str
    unique: bool
    predicate: str | None
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    nulls_distinct: bool = True


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """A foreign key: `columns` refer to `parent_columns` of `parent`, in order."""

    name: str
    parent: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FilledTable:
    """A table with rows of its own, or the top of its partitions. It is `storable` unless no column takes a value or
    there is no partition."""

    name: str
    oid: int
    columns: tuple[FilledColumn, ...]
    checks: tuple[TableCheck, ...]
    keys: tuple[Key, ...]
    references: tuple[ForeignKey, ...]
    partitioned: bool = False
    storable: bool = True

    def column(self, name: str) -> FilledColumn:
        return next(candidate for candidate in self.columns if candidate.name == name)


def read_tables(connection: psycopg.Connection, names_asked: Iterable[str]) -> tuple[FilledTable, ...]:
    """These tables and all that their rows refer to, sorted by name; a name that is no table with rows is left out."""
    relations = {name: (oid, kind, bool(key)) for oid, name, kind, key in connection.execute(_RELATIONS).fetchall()}
    names = {name for name in names_asked if name in relations}
    while True:
        oids = [relations[name][0] for name in sorted(names)]
        references = _grouped(connection, _REFERENCES, oids)
        above = {parent for rows in references.values() for _, parent, _, _ in rows if parent in relations}
        if above <= names:
            break
        names |= above
    types: dict[tuple[int, int], ValueType] = {}
    columns = _grouped(connection, _COLUMNS, oids)
    checks = _grouped(connection, _CHECKS, oids)
    keys = _grouped(connection, _KEYS, oids)
    bounds: dict[int, str] = dict(connection.execute(_BOUNDS, [oids]).fetchall())
    tables = []
    for name in sorted(names):
        oid, kind, _ = relations[name]
        filled = tuple(_column(connection, row, types) for row in columns.get(oid, ()))
        bare = {filled_column.name for filled_column in filled}
        table_checks = [
            TableCheck(name=check, expression=text, columns=tuple(named)) for check, text, named in checks.get(oid, ())
        ]
        if bounds.get(oid):
            inside = tuple(sorted(named_in(bounds[oid]) & bare))
            table_checks.append(TableCheck(name=PARTITION_BOUNDS, expression=bounds[oid], columns=inside))
        tables.append(
            FilledTable(
                name=name,
                oid=oid,
                columns=filled,
                checks=tuple(table_checks),
                keys=tuple(_key(row, bare) for row in keys.get(oid, ())),
                references=tuple(
                    ForeignKey(
                        name=constraint_name, parent=parent, columns=tuple(own), parent_columns=tuple(parent_columns)
                    )
                    for constraint_name, parent, own, parent_columns in references.get(oid, ())
                ),
                partitioned=kind == "p",
                storable=bool(filled) and (kind == "r" or oid in bounds),
            )
        )
    return tuple(tables)


def count_rows(connection: psycopg.Connection, table: FilledTable) -> int:
    """The rows of the table and its partitions, not of tables that inherit from it."""
    form = "SELECT count(*) FROM {}" if table.partitioned else "SELECT count(*) FROM ONLY {}"
    row = connection.execute(sql.SQL(form).format(sql.SQL(table.name))).fetchone()
    return int(row[0]) if row else 0


def named_in(expression: str) -> set[str]:
    """Every name that stands in an expression by itself, its quotes undone: columns among them."""
    names = set()
    read = tokens(expression)
    for before, token, after in zip((None, *read), read, (*read[1:], None), strict=False):
        called = after is not None and after.text == "("
        if (
            token.kind in (TokenKind.WORD, TokenKind.QUOTED)
            and not called
            and not (before and before.text in (".", "::"))
        ):
            names.add(token.name)
    return names


def _grouped(connection: psycopg.Connection, query: str, oids: list[int]) -> Mapping[int, list[tuple[Any, ...]]]:
    by_table: dict[int, list[tuple[Any, ...]]] = {}
    for oid, *row in connection.execute(query.encode(), [oids]).fetchall():
        by_table.setdefault(oid, []).append(tuple(row))
    return by_table


def _column(
    connection: psycopg.Connection, row: tuple[Any, ...], types: dict[tuple[int, int], ValueType]
) -> FilledColumn:
    name, oid, modifier, _, required, default, identity, bodies = row
    type_ = read_type(connection, oid, modifier, types)
    texts = (default or "", *(body for body in bodies if not _WRITES.search(body)))
    return FilledColumn(
        name=name,
        type=type_,
        null=not (required or type_.required),
        default=default,
        identity=identity,
        draws=any(map(_DRAWS.search, texts)),
    )


def _key(row: tuple[Any, ...], columns: set[str]) -> Key:
    name, unique, predicate, keys, nulls_not_distinct = row
    named = sorted(set().union(*map(named_in, keys)) & columns)
    return Key(
        name=quote_identifier(name),
        unique=unique,
        predicate=predicate,
        keys=tuple(keys),
        columns=tuple(named),
        nulls_distinct=not nulls_not_distinct,
    )
