"""What a replay can change outside its database: roles, memberships, settings. Read, and put back.

A role that objects of another database depend on cannot be dropped, so a role that should not be there yet is
renamed out of the way, and renamed back when a state that has it is entered again. On a server of somebody else's
that is done with roles alone which the role of this run made, and which go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.model.schema import Schema

PARKED = "pgcontract_parked_"

# `within` names the role of this run, where only it and what it made is ours; since 16 the maker of a role may give it
# on, and before that ours makes none.
_ROLES = """
WITH RECURSIVE ours AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(within)s
    UNION SELECT m.roleid FROM ours JOIN pg_catalog.pg_auth_members m ON m.member = ours.oid AND m.admin_option
)
SELECT r.oid::int8, r.rolname,
       ARRAY[r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
             r.rolbypassrls],
       r.rolconnlimit,
       ARRAY(SELECT pg_catalog.to_jsonb(m) FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid
             ORDER BY m.roleid, m.grantor),
       ARRAY(SELECT pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s
             WHERE s.setrole = r.oid AND s.setdatabase = 0 ORDER BY 1)
FROM pg_catalog.pg_roles r
WHERE CASE WHEN %(within)s::text IS NULL THEN r.oid >= 16384 ELSE r.oid IN (SELECT oid FROM ours) END
ORDER BY r.oid
"""
_DATABASE_SETTINGS = """
SELECT r.rolname, s.setconfig
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE d.datname = %s
"""
_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")
# Each lets its members act outside the server, as the user of the operating system who runs it.
_WAYS_OUT = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")


@dataclass(frozen=True, kw_only=True)
class Membership:
    """One GRANT of a role by one grantor, both by oid; `inherit` and `assume` (SET) are None before 16."""

    group: int
    grantor: int
    admin: bool
    inherit: bool | None
    assume: bool | None


@dataclass(frozen=True, kw_only=True)
class ClusterRole:
    name: str
    attributes: tuple[bool, ...]
    connection_limit: int
    member_of: tuple[Membership, ...]
    settings: tuple[str, ...]


Cluster = Mapping[int, ClusterRole]


def close_ways_out(connection: psycopg.Connection) -> None:
    """Keep who may make roles from entering those that reach files and programs of the machine. On our own server.

    Before 16 CREATEROLE gives away any role but a superuser's, so a script could run programs as the user who runs the
    server. None logs in as these or is a member of them: that they count as superusers' changes nothing else.
    """
    if connection.info.server_version < 160000:
        connection.execute("UPDATE pg_catalog.pg_authid SET rolsuper = true WHERE rolname = ANY (%s)", ([*_WAYS_OUT],))


def read_cluster(connection: psycopg.Connection, *, within: str | None = None) -> Cluster:
    """Every role that is not the server's own, by oid; those parked by `restore_cluster` are left out.

    With `within`, that role and those which it made, or they: what a run may change on a server that is not its own.
    """
    return {
        oid: ClusterRole(
            name=name,
            attributes=tuple(attributes),
            connection_limit=limit,
            member_of=tuple(map(_membership, member_of)),
            settings=tuple(settings),
        )
        for oid, name, attributes, limit, member_of, settings in connection.execute(_ROLES, {"within": within})
        if not name.startswith(PARKED)
    }


def _membership(row: Mapping[str, Any]) -> Membership:
    return Membership(
        group=int(row["roleid"]),
        grantor=int(row["grantor"]),
        admin=row["admin_option"],
        inherit=row.get("inherit_option"),
        assume=row.get("set_option"),
    )


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


def restore_cluster(connection: psycopg.Connection, wanted: Cluster, *, within: str | None = None) -> None:
    """Make the cluster's roles what they were when `wanted` was read. `connection` is of the one who administers."""
    found = read_cluster(connection, within=within)
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
            _restore_role(connection, before, role)
    _restore_memberships(connection, wanted, within)


def _restore_role(connection: psycopg.Connection, before: ClusterRole, role: ClusterRole) -> None:
    # Only what differs: some attributes nobody but a superuser may name, even to leave them as they are.
    words = [
        ("" if on else "NO") + word
        for word, was, on in zip(_ATTRIBUTES, before.attributes, role.attributes, strict=True)
        if was != on
    ]
    connection.execute(
        sql.SQL("ALTER ROLE {} WITH {} CONNECTION LIMIT {}").format(
            sql.Identifier(role.name),
            sql.SQL(" ").join(sql.SQL(word) for word in words),
            sql.Literal(role.connection_limit),
        )
    )
    if before.settings != role.settings:
        connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(role.name)))
        _set(connection, sql.SQL("ROLE {}").format(sql.Identifier(role.name)), role.settings)


def _restore_memberships(connection: psycopg.Connection, wanted: Cluster, within: str | None) -> None:
    """Undo GRANTs of roles and repeat those undone. One in a role that is parked goes and comes back with it."""
    found = read_cluster(connection, within=within)
    for oid, role in wanted.items():
        for each in found[oid].member_of:
            if each not in role.member_of and each.group in wanted:
                _membership_run(connection, "REVOKE {} FROM {}", wanted[each.group], role, each, "CASCADE")
    found = read_cluster(connection, within=within)
    for oid, role in wanted.items():
        for each in role.member_of:
            if each not in found[oid].member_of and each.group in wanted:
                options = {"ADMIN": each.admin, "INHERIT": each.inherit, "SET": each.assume}
                told = ", ".join(f"{word} {on}" for word, on in options.items() if on is not None)
                if each.inherit is None:
                    told = "ADMIN OPTION" if each.admin else ""
                given = "GRANT {} TO {}" + (f" WITH {told}" if told else "")
                _membership_run(connection, given, wanted[each.group], role, each)


def _membership_run(
    connection: psycopg.Connection, text: str, group: ClusterRole, member: ClusterRole, each: Membership, end: str = ""
) -> None:
    """GRANT or REVOKE of a role; since 16 each grantor's is one of its own, and only its name undoes it."""
    names = [group.name, member.name]
    if each.inherit is not None:
        found = connection.execute("SELECT pg_catalog.pg_get_userbyid(%s)", (each.grantor,)).fetchone()
        names += [str(found[0])] if found else []
        text += " GRANTED BY {}"
    _run(connection, f"{text} {end}", *names)


def copy_settings(connection: psycopg.Connection, template: str, database: str) -> None:
    """Give a copy of a database what ALTER DATABASE SET gave to its template: CREATE DATABASE leaves it behind."""
    for role, settings in connection.execute(_DATABASE_SETTINGS, (template,)).fetchall():
        target = sql.SQL("DATABASE {}").format(sql.Identifier(database))
        if role is not None:
            target = sql.SQL("ROLE {} IN {}").format(sql.Identifier(role), target)
        _set(connection, target, settings)


def _set(connection: psycopg.Connection, target: sql.Composed, settings: Iterable[str]) -> None:
    """ALTER ... SET each `name=value`, as the catalog stores them."""
    for setting in settings:
        # The stored text is the value as SET takes it back through set_config: lists keep their commas.
        name, _, value = setting.partition("=")
        # In a transaction: a script's `role`, or a time-out of 1 ms, must not outlive a refusal.
        with connection.transaction():
            connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
            connection.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(target, sql.Identifier(name)))


def _run(connection: psycopg.Connection, text: str, *names: str) -> None:
    connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))
