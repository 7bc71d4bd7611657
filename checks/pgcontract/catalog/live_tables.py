"""Tables as the session that changes them sees them: what a statement did to their files, columns, constraints, indexes.

Read between two statements of one transaction, so that what is different after a statement is what it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg

from pgcontract.model.lock_mode import LockMode
from pgcontract.values import dataclass

_RELATIONS: Final = """
SELECT c.oid::int8, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind::text,
       coalesce(i.indrelid, c.oid)::int8,
       coalesce(pg_catalog.pg_partition_root(coalesce(i.indrelid, o.refobjid, c.oid)), i.indrelid, o.refobjid,
                c.oid)::oid::int8,
       coalesce((SELECT h.inhparent FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid AND NOT c.relispartition
                 AND c.relkind = 'r' ORDER BY h.inhseqno LIMIT 1), 0)::int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_depend o ON o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.objid = c.oid
    AND c.relkind = 'S' AND o.refclassid = o.classid AND o.deptype IN ('a', 'i')
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND c.relkind IN ('r', 'p', 'm', 'v', 'i', 'I', 'S')
"""
_LOCKS: Final = """
SELECT l.relation::int8, l.mode
FROM pg_catalog.pg_locks l
WHERE l.pid = %s AND l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
ORDER BY 1
"""
_TABLES: Final = """
SELECT c.oid::int8, pg_catalog.format('%%I.%%I', n.nspname, c.relname),
       coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::int8,
       pg_catalog.pg_stat_get_xact_numscans(c.oid), pg_catalog.pg_stat_get_xact_tuples_returned(c.oid),
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid),
       pg_catalog.pg_stat_get_xact_tuples_updated(c.oid),
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid),
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, pg_catalog.quote_ident(a.attname),
                   pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
                   coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''), a.attgenerated::text || a.attidentity::text,
                   a.attcollation::int8,
                   (WITH RECURSIVE domain (base, modifier) AS (
                        SELECT y.typbasetype, y.typtypmod FROM pg_catalog.pg_type y
                        WHERE y.oid = a.atttypid AND y.typtype = 'd'
                        UNION ALL
                        SELECT y.typbasetype, y.typtypmod FROM pg_catalog.pg_type y JOIN domain ON y.oid = domain.base
                        WHERE y.typtype = 'd')
                    SELECT pg_catalog.format_type(domain.base, domain.modifier) FROM domain
                    JOIN pg_catalog.pg_type y ON y.oid = domain.base AND y.typtype <> 'd')) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(k.oid::int8, pg_catalog.quote_ident(k.conname),
                   k.contype::text,
                   k.convalidated, pg_catalog.pg_get_constraintdef(k.oid), k.conindid::int8, k.confrelid::int8,
                   k.conparentid = 0, k.conkey) ORDER BY k.oid)
        FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid),
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indexrelid::int8,
                   pg_catalog.format('%%I.%%I', xn.nspname, x.relname),
                   coalesce(pg_catalog.pg_relation_filenode(x.oid), 0)::int8,
                   pg_catalog.pg_get_indexdef(i.indexrelid), i.indisunique,
                   i.indkey::int2[]) ORDER BY i.indexrelid)
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        JOIN pg_catalog.pg_namespace xn ON xn.oid = x.relnamespace
        WHERE i.indrelid = c.oid),
       c.relispopulated
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[])
"""


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table, view, sequence or index by its name; `table` is the one that an index is of, `root` the topmost
    partitioned table above it, or above the table that a sequence belongs to; both itself where there is none. `parent`
    is what it inherits from without being a partition, else 0. All but the name are oids."""

    oid: int
    name: str
    kind: str
    table: int
    root: int
    parent: int


@dataclass(frozen=True)
class LiveColumn:
    """A column; `generated` holds pg_attribute's letters of a generated or an identity column, `base` the type that its
    domain is of, where its type is one."""

    name: str
    type: str
    not_null: bool
    default: str
    generated: str
    collation: int
    base: str | None


@dataclass(frozen=True)
class LiveConstraint:
    """A constraint; `kind` is pg_constraint's letter, `columns` are their numbers. `own` is False for the part of one
    that a partitioned table has."""

    name: str
    kind: str
    validated: bool
    definition: str
    index: int
    references: int
    own: bool
    columns: Sequence[int] | None


@dataclass(frozen=True)
class LiveIndex:
    """An index; `columns` are their numbers, 0 for an expression."""

    name: str
    file: int
    definition: str
    unique: bool
    columns: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class LiveTable:
    """A table in the middle of a transaction: columns by number, constraints and indexes by oid. `scans` and the counts
    of rows are what this transaction did so far; `file` is 0 where it has none of its own, as a partitioned table;
    `is_filled` is false of a materialised view WITH NO DATA alone."""

    oid: int
    name: str
    file: int
    scans: int
    read: int
    inserted: int
    updated: int
    deleted: int
    columns: Mapping[int, LiveColumn]
    constraints: Mapping[int, LiveConstraint]
    indexes: Mapping[int, LiveIndex]
    is_filled: bool


def read_relations(connection: psycopg.Connection) -> Mapping[int, Relation]:
    """Every table, view and index outside PostgreSQL's own schemas, by oid."""
    rows = connection.execute(_RELATIONS).fetchall()
    return {
        oid: Relation(oid=oid, name=name, kind=kind, table=table, root=root, parent=parent)
        for oid, name, kind, table, root, parent in rows
    }


def read_locks(observer: psycopg.Connection, backend: int) -> Mapping[int, LockMode]:
    """The strongest lock that the backend with that process id holds on each relation, asked from another session."""
    strongest: dict[int, LockMode] = {}
    for oid, word in observer.execute(_LOCKS, [backend]).fetchall():
        mode = LockMode(word)
        if oid not in strongest or mode.rank > strongest[oid].rank:
            strongest[oid] = mode
    return strongest


def read_tables(connection: psycopg.Connection, oids: Iterable[int]) -> Mapping[int, LiveTable]:
    """The tables that are still there, with every name spelled in full, whatever the session's search_path is.

    In an open transaction, of which nothing is changed.
    """
    connection.execute("SAVEPOINT pgcontract_tables; SET LOCAL search_path = ''")
    rows = connection.execute(_TABLES, [list(oids)]).fetchall()
    connection.execute("ROLLBACK TO SAVEPOINT pgcontract_tables; RELEASE SAVEPOINT pgcontract_tables")
    return {row[0]: _table(*row) for row in rows}


def _table(
    oid: int,
    name: str,
    file: int,
    scans: int,
    read: int,
    inserted: int,
    updated: int,
    deleted: int,
    columns: list[list[Any]] | None,
    constraints: list[list[Any]] | None,
    indexes: list[list[Any]] | None,
    is_filled: bool,
) -> LiveTable:
    return LiveTable(
        oid=oid,
        name=name,
        file=file,
        scans=scans,
        read=read,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        columns={number: LiveColumn(*rest) for number, *rest in columns or ()},
        constraints={number: LiveConstraint(*rest) for number, *rest in constraints or ()},
        indexes={number: LiveIndex(*rest) for number, *rest in indexes or ()},
        is_filled=is_filled,
    )
