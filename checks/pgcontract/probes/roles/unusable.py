"""Grants that their role cannot use: for want of USAGE on the schema, or on the sequence that a default draws from."""

from __future__ import annotations

from typing import Final

from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

# A view or a policy names a table by its oid: who reads through it needs no USAGE on the schema. What a role lacks its
# members may have by another one.
_NO_USAGE: Final = """
SELECT pg_catalog.format('%I', r.rolname), pg_catalog.format('%I', n.nspname),
       pg_catalog.array_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname))
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS g
  JOIN pg_catalog.pg_roles AS r ON r.oid = g.grantee
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND g.grantee NOT IN (c.relowner, n.nspowner)
   AND g.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS m
                    WHERE pg_catalog.pg_has_role(m.oid, r.oid, 'USAGE') AND (m.oid = r.oid OR m.oid <> n.nspowner)
                      AND (m.oid = r.oid OR NOT m.rolsuper) AND pg_catalog.has_schema_privilege(m.oid, n.oid, 'USAGE'))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                     LEFT JOIN pg_catalog.pg_rewrite AS w
                       ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND w.oid = d.objid
                    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
                      AND (w.ev_class <> c.oid OR d.classid = 'pg_catalog.pg_policy'::regclass AND d.deptype = 'n'))
 GROUP BY 1, 2 ORDER BY 1, 2
"""
_NO_SEQUENCE: Final = """
SELECT pg_catalog.format('%I', r.rolname), pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.array_agg(DISTINCT s.oid::regclass::text)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attrdef AS a ON a.adrelid = c.oid
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = a.oid
   AND d.refclassid = 'pg_catalog.pg_class'::regclass
  JOIN pg_catalog.pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
  JOIN pg_catalog.pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = a.adnum
 CROSS JOIN LATERAL (SELECT g.grantee FROM pg_catalog.aclexplode(c.relacl) AS g WHERE g.privilege_type = 'INSERT'
                      UNION
                     SELECT g.grantee FROM pg_catalog.pg_attribute AS o, pg_catalog.aclexplode(o.attacl) AS g
                      WHERE o.attrelid = c.oid AND g.privilege_type = 'INSERT') AS g
  JOIN pg_catalog.pg_roles AS r ON r.oid = g.grantee
 WHERE c.relkind IN ('r', 'p') AND g.grantee <> c.relowner
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS m
                    WHERE pg_catalog.pg_has_role(m.oid, r.oid, 'USAGE') AND (m.oid = r.oid OR m.oid <> s.relowner)
                      AND (m.oid = r.oid OR NOT m.rolsuper)
                      AND pg_catalog.has_sequence_privilege(m.oid, s.oid, 'USAGE, UPDATE'))
 GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """`schemas` are a role, a schema and what it was granted there; `sequences` a role, a table that it may insert into,
    and the sequences that its defaults draw from."""

    schemas: tuple[tuple[str, str, list[str]], ...]
    sequences: tuple[tuple[str, str, list[str]], ...]


@cached_state_fact
def find_unusable(context: Context) -> Unusable:
    """CouldNotAsk where the head is not applied."""
    with context.sandbox.rolled_back(context.after_state) as connection:
        connection.execute("SET LOCAL search_path = ''")
        return Unusable(
            schemas=tuple(connection.execute(_NO_USAGE).fetchall()),
            sequences=tuple(connection.execute(_NO_SEQUENCE).fetchall()),
        )
