"""What refers to a table or view from elsewhere, by oid: so that a change of names hides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from psycopg import Connection

from pgcontract.values import dataclass

# A relation is referred to by itself, by the type of its rows and by the sequences that belong to its columns. What is
# part of it (its indexes, constraints, triggers, own rules and policies) is left out: that goes where it goes.
_DEPENDENTS: Final = """
WITH meant AS (
    SELECT c.oid, c.reltype FROM pg_catalog.pg_class AS c WHERE c.oid = ANY(%s::oid[])
),
referred AS (
    SELECT m.oid AS relation, 'pg_catalog.pg_class'::pg_catalog.regclass AS classid, m.oid AS objid FROM meant AS m
    UNION ALL
    SELECT m.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, m.reltype FROM meant AS m
    UNION ALL
    SELECT m.oid, d.classid, d.objid
    FROM meant AS m
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = m.oid
        AND d.classid = d.refclassid AND d.deptype IN ('a', 'i')
    JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
),
reference AS (
    SELECT DISTINCT r.relation, d.classid, d.objid, d.objsubid, r.classid AS through
    FROM referred AS r
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype IN ('n', 'a')
)
SELECT f.relation::int8, k.kind, k.oid::int8, k.name
FROM reference AS f
JOIN pg_catalog.pg_rewrite AS w ON f.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = f.objid
JOIN pg_catalog.pg_class AS v ON v.oid = w.ev_class AND v.oid <> f.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = v.relnamespace
CROSS JOIN LATERAL (
    SELECT 'view' AS kind, v.oid, pg_catalog.format('%%I.%%I', n.nspname, v.relname) AS name WHERE v.relkind IN ('v', 'm')
    UNION ALL
    SELECT 'rule', w.oid, pg_catalog.format('%%I.%%I.%%I', n.nspname, v.relname, w.rulename) WHERE v.relkind IN ('r', 'p')
) AS k
UNION
SELECT f.relation::int8, 'foreign key', k.oid::int8, pg_catalog.format('%%I.%%I.%%I', n.nspname, c.relname, k.conname)
FROM reference AS f
JOIN pg_catalog.pg_constraint AS k ON f.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = f.objid
    AND k.contype = 'f' AND k.conrelid <> f.relation AND k.conparentid = 0
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
UNION
SELECT f.relation::int8, 'policy', p.oid::int8, pg_catalog.format('%%I.%%I.%%I', n.nspname, c.relname, p.polname)
FROM reference AS f
JOIN pg_catalog.pg_policy AS p ON f.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = f.objid
    AND p.polrelid <> f.relation
JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
UNION
SELECT f.relation::int8, 'function', p.oid::int8, p.oid::pg_catalog.regprocedure::text
FROM reference AS f
JOIN pg_catalog.pg_proc AS p ON f.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = f.objid
UNION
SELECT f.relation::int8, 'default', d.oid::int8, pg_catalog.format('%%I.%%I.%%I', n.nspname, c.relname, a.attname)
FROM reference AS f
JOIN pg_catalog.pg_attrdef AS d ON f.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.oid = f.objid
    AND d.adrelid <> f.relation
JOIN pg_catalog.pg_class AS c ON c.oid = d.adrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
UNION
SELECT f.relation::int8, CASE WHEN c.relispartition THEN 'partition' ELSE 'child table' END, c.oid::int8,
       pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM reference AS f
JOIN pg_catalog.pg_inherits AS i ON f.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.inhrelid = f.objid
    AND i.inhparent = f.relation
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
UNION
SELECT f.relation::int8, 'column', 0, pg_catalog.format('%%I.%%I.%%I', n.nspname, c.relname, a.attname)
FROM reference AS f
JOIN pg_catalog.pg_class AS c ON f.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = f.objid
    AND f.through = 'pg_catalog.pg_type'::pg_catalog.regclass AND f.objsubid > 0 AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = f.objsubid
UNION
SELECT p.prrelid::int8, 'publication', b.oid::int8, pg_catalog.quote_ident(b.pubname)
FROM meant AS m
JOIN pg_catalog.pg_publication_rel AS p ON p.prrelid = m.oid
JOIN pg_catalog.pg_publication AS b ON b.oid = p.prpubid
ORDER BY 1, 2, 4
"""


@dataclass(frozen=True, kw_only=True)
class Dependent:
    """`kind` is view, rule, foreign key, policy, function, default, partition, child table, column or publication;
    `relation` the oid of what it refers to."""

    relation: int
    kind: str
    oid: int
    name: str


def read_dependents(connection: Connection[Any], relations: Iterable[int]) -> tuple[Dependent, ...]:
    """What refers to these relations, and is no part of them."""
    connection.execute("SELECT pg_catalog.set_config('search_path', '', true)")
    rows = connection.execute(_DEPENDENTS, [list(relations)]).fetchall()
    return tuple(Dependent(relation=relation, kind=kind, oid=oid, name=name) for relation, kind, oid, name in rows)
