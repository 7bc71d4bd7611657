"""What the roles hold on what is exposed, and the GRANTs that make of one regime's database another's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

import psycopg

from pgcontract.values import dataclass

OPERATIONS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
_HELD: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), r.name,
       pg_catalog.has_schema_privilege(r.name, n.oid, 'USAGE'),
       ARRAY(SELECT p.name FROM pg_catalog.unnest(%(operations)s::text[]) AS p(name)
              WHERE pg_catalog.has_table_privilege(r.name, c.oid, p.name)),
       (SELECT pg_catalog.jsonb_object_agg(p.name, k.columns)
          FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE}'::text[]) AS p(name)
         CROSS JOIN LATERAL (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum) AS columns
                               FROM pg_catalog.pg_attribute AS a
                              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL
                                AND pg_catalog.has_column_privilege(r.name, c.oid, a.attnum, p.name)) AS k
         WHERE k.columns IS NOT NULL)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN pg_catalog.unnest(%(roles)s::text[]) AS r(name)
 WHERE pg_catalog.format('%%I.%%I', n.nspname, c.relname) = ANY (%(names)s)
"""
_ACL: Final = """
SELECT 'TABLE ' || pg_catalog.format('%I.%I', n.nspname, c.relname), g.grantee::pg_catalog.regrole::text, g.privilege_type
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS g
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_get_userbyid(c.relowner) = session_user AND g.grantee <> 0
   AND g.grantee <> c.relowner
 UNION ALL
SELECT 'SEQUENCE ' || pg_catalog.format('%I.%I', n.nspname, c.relname), g.grantee::pg_catalog.regrole::text,
       g.privilege_type
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS g
 WHERE c.relkind = 'S' AND pg_catalog.pg_get_userbyid(c.relowner) = session_user AND g.grantee <> 0
   AND g.grantee <> c.relowner
"""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a role holds on a relation: whole privileges, and columns by privilege where those alone are granted."""

    whole: frozenset[str] = frozenset()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def may(self, operation: str) -> bool:
        return operation in self.whole or bool(self.columns.get(operation))

    def may_column(self, operation: str, column: str) -> bool:
        return operation in self.whole or column in self.columns.get(operation, ())


def read_privileges(
    connection: psycopg.Connection, names: Sequence[str], roles: Sequence[str]
) -> Mapping[tuple[str, str], Held]:
    """By relation and role; a relation in a schema that a role may not use is none that it holds anything on."""
    values: dict[str, Any] = {"operations": list(OPERATIONS), "names": list(names), "roles": list(roles)}
    held = {}
    for name, role, usable, whole, columns in connection.execute(_HELD, values).fetchall():
        if usable:
            by_column = {operation: tuple(listed) for operation, listed in (columns or {}).items()}
            held[name, role] = Held(whole=frozenset(whole), columns=by_column)
    return held


def read_grants(connection: psycopg.Connection) -> frozenset[tuple[str, str, str]]:
    """What others than its owner were granted on each relation and sequence: what it is, who, which privilege."""
    return frozenset(connection.execute(_ACL).fetchall())


def grants_between(here: frozenset[tuple[str, str, str]], there: frozenset[tuple[str, str, str]]) -> Iterator[str]:
    """The statements that make `there` of `here`, each of all that somebody is granted alike."""
    for verb, word, rows in (("GRANT", "TO", there - here), ("REVOKE", "FROM", here - there)):
        privileges: dict[tuple[str, str], list[str]] = {}
        for on, grantee, privilege in sorted(rows):
            privileges.setdefault((on, grantee), []).append(privilege)
        alike: dict[tuple[str, str, str], list[str]] = {}
        for (on, grantee), granted in privileges.items():
            kind, _, name = on.partition(" ")
            alike.setdefault((", ".join(granted), kind, grantee), []).append(name)
        for (granted_alike, kind, grantee), names in alike.items():
            yield f"{verb} {granted_alike} ON {kind} {', '.join(names)} {word} {grantee}"
