"""What a replay can change outside its database: roles, memberships, settings. Read, and put back.

A role that objects of another database depend on cannot be dropped, so a role that should not be there yet is
renamed out of the way, and renamed back when a state that has it is entered again. The server is ours and
thrown away afterwards, so nothing has to be dropped for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from pgcontract.model import Schema

PARKED = "pgcontract_parked_"

_ROLES = """
SELECT r.oid::int8, r.rolname,
       ARRAY[r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
             r.rolbypassrls],
       r.rolconnlimit,
       ARRAY(SELECT m.roleid::int8 FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid ORDER BY 1),
       ARRAY(SELECT pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s
             WHERE s.setrole = r.oid AND s.setdatabase = 0 ORDER BY 1)
FROM pg_catalog.pg_roles r
WHERE r.oid >= 16384
ORDER BY r.oid
"""
_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")


@dataclass(frozen=True, kw_only=True)
class ClusterRole:
    name: str
    attributes: tuple[bool, ...]
    connection_limit: int
    member_of: tuple[int, ...]
    settings: tuple[str, ...]


Cluster = Mapping[int, ClusterRole]


def read_cluster(connection: psycopg.Connection) -> Cluster:
    """Every role that is not the server's own, by oid; those parked by `restore_cluster` are left out."""
    return {
        oid: ClusterRole(
            name=name,
            attributes=tuple(attributes),
            connection_limit=limit,
            member_of=tuple(member_of),
            settings=tuple(settings),
        )
        for oid, name, attributes, limit, member_of, settings in connection.execute(_ROLES)
        if not name.startswith(PARKED)
    }


def without_parked(schema: Schema) -> Schema:
    """The catalog as it would be had the roles that are out of the way never been made."""
    return replace(
        schema,
        roles=tuple(
            replace(role, member_of=tuple(each for each in role.member_of if not each.startswith(PARKED)))
            for role in schema.roles
            if not role.name.startswith(PARKED)
        ),
        settings=tuple(each for each in schema.settings if f" of {PARKED}" not in each.name),
    )


def restore_cluster(connection: psycopg.Connection, wanted: Cluster) -> None:
    """Make the cluster's roles what they were when `wanted` was read. `connection` is the superuser's."""
    found = read_cluster(connection)
    if found == wanted:
        return
    for oid in found.keys() - wanted.keys():
        _run(connection, "ALTER ROLE {} RENAME TO {}", found[oid].name, f"{PARKED}{oid}")
    for oid in wanted.keys() - found.keys():
        _run(connection, "ALTER ROLE {} RENAME TO {}", f"{PARKED}{oid}", wanted[oid].name)
    for oid, role in wanted.items():
        before = found.get(oid)
        if before is not None and before != role:
            if before.name != role.name:
                _run(connection, "ALTER ROLE {} RENAME TO {}", before.name, role.name)
            _restore_role(connection, before, role, wanted)


def _restore_role(connection: psycopg.Connection, before: ClusterRole, role: ClusterRole, wanted: Cluster) -> None:
    words = [("" if on else "NO") + word for word, on in zip(_ATTRIBUTES, role.attributes, strict=True)]
    connection.execute(
        sql.SQL("ALTER ROLE {} WITH {} CONNECTION LIMIT {}").format(
            sql.Identifier(role.name),
            sql.SQL(" ").join(sql.SQL(word) for word in words),
            sql.Literal(role.connection_limit),
        )
    )
    # A membership in a role that is parked goes and comes back with it.
    for group in sorted((set(before.member_of) - set(role.member_of)) & wanted.keys()):
        _run(connection, "REVOKE {} FROM {}", wanted[group].name, role.name)
    for group in sorted(set(role.member_of) - set(before.member_of)):
        _run(connection, "GRANT {} TO {}", wanted[group].name, role.name)
    if before.settings != role.settings:
        connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(role.name)))
        for setting in role.settings:
            # The stored text is the value as SET takes it back through set_config: lists keep their commas.
            name, _, value = setting.partition("=")
            connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
            _run(connection, "ALTER ROLE {} SET {} FROM CURRENT", role.name, name)
            _run(connection, "RESET {}", name)


def _run(connection: psycopg.Connection, text: str, *names: str) -> None:
    connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))
