"""What a script can change outside its database: roles, memberships, settings. Read, and restored.

A role that objects of another database depend on cannot be dropped, so a role that should not be there yet is
renamed, and renamed back when a state that has it is restored. On an owner's server the run's login is all that a
script can change, and of that its settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.model.schema import Schema
from pgcontract.values import dataclass

RENAMED_PREFIX = "pgcontract_parked_"

_ROLES = """
SELECT r.oid::int8, r.rolname,
       ARRAY[r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
             r.rolbypassrls],
       r.rolconnlimit,
       ARRAY(SELECT pg_catalog.to_jsonb(m) FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid
             ORDER BY m.roleid, m.grantor),
       ARRAY(SELECT pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s
             WHERE s.setrole = r.oid AND s.setdatabase = 0 ORDER BY 1)
FROM pg_catalog.pg_roles r
WHERE CASE WHEN %(login)s::text IS NULL THEN r.oid >= 16384 ELSE r.rolname = %(login)s END
ORDER BY r.oid
"""
_DATABASE_SETTINGS = """
SELECT r.rolname, s.setconfig
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE d.datname = %s
"""
# What brings a new database to its template's comment and privileges, in order.
_DATABASE_STATEMENTS = """
WITH template AS (SELECT oid, datdba, datacl FROM pg_catalog.pg_database WHERE datname = %(template)s)
SELECT pg_catalog.format('COMMENT ON DATABASE %%I IS %%L', %(database)s::text, d.description)
FROM template t
JOIN pg_catalog.pg_shdescription d ON d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
UNION ALL
SELECT pg_catalog.format('REVOKE ALL ON DATABASE %%I FROM PUBLIC, %%I', %(database)s::text,
                         pg_catalog.pg_get_userbyid(t.datdba))
FROM template t WHERE t.datacl IS NOT NULL
UNION ALL
SELECT pg_catalog.format('GRANT %%s ON DATABASE %%I TO %%s%%s', a.privilege_type, %(database)s::text,
                         CASE a.grantee WHEN 0 THEN 'PUBLIC'
                             ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
                         CASE WHEN a.is_grantable AND a.grantee <> t.datdba THEN ' WITH GRANT OPTION' ELSE '' END)
FROM template t CROSS JOIN LATERAL pg_catalog.aclexplode(t.datacl) a
"""
_LOGIN_SETTINGS = """
SELECT d.datname, ARRAY(SELECT pg_catalog.split_part(c, '=', 1) FROM pg_catalog.unnest(s.setconfig) c)
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE r.rolname = %s AND (s.setdatabase = 0 OR NOT %s) ORDER BY d.datname NULLS FIRST
"""
_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")
# A login that is a member of nothing cannot be another at its start; whoever administers could be, to copy that.
_IDENTITIES = ("role", "session_authorization")
# Since 16 these are stored, and nobody but a superuser takes them away again: with all others, or not at all. They count
# for one transaction, or one random number, at the start of a session.
NEVER_RESET = ("transaction_isolation", "transaction_read_only", "transaction_deferrable", "seed")
# Members of these may act outside the server, as the operating system's user who runs it.
FILE_ACCESS_ROLES = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")


@dataclass(frozen=True, kw_only=True)
class Membership:
    """One GRANT of a role by one grantor, both by oid; `inherit` and `can_set` (SET) are None before 16."""

    group: int
    grantor: int
    admin: bool
    inherit: bool | None
    can_set: bool | None


@dataclass(frozen=True, kw_only=True)
class ClusterRole:
    name: str
    attributes: tuple[bool, ...]
    connection_limit: int
    member_of: tuple[Membership, ...]
    settings: tuple[str, ...]


ClusterRoles = Mapping[int, ClusterRole]


def protect_file_access_roles(connection: psycopg.Connection) -> None:
    """Keep roles with CREATEROLE out of the predefined roles that reach files and programs. On a server made for the run.

    Before 16 CREATEROLE gives away any role but a superuser's, so a script could run programs as the user who runs the
    server. None logs in as these or is a member of them: that they count as superusers' changes nothing else.
    """
    if connection.info.server_version < 160000:
        connection.execute(
            "UPDATE pg_catalog.pg_authid SET rolsuper = true WHERE rolname = ANY (%s)", ([*FILE_ACCESS_ROLES],)
        )


def read_cluster_roles(connection: psycopg.Connection, *, login: str | None = None) -> ClusterRoles:
    """Every role that is not the server's own, by oid; those renamed by `restore_cluster_roles` are left out.

    With `login`, that role alone: what a run may change on a server that is not its own.
    """
    return {
        oid: ClusterRole(
            name=name,
            attributes=tuple(attributes),
            connection_limit=limit,
            member_of=tuple(map(_read_membership, member_of)),
            settings=tuple(settings),
        )
        for oid, name, attributes, limit, member_of, settings in connection.execute(_ROLES, {"login": login})
        if not name.startswith(RENAMED_PREFIX)
    }


def _read_membership(row: Mapping[str, Any]) -> Membership:
    return Membership(
        group=int(row["roleid"]),
        grantor=int(row["grantor"]),
        admin=row["admin_option"],
        inherit=row.get("inherit_option"),
        can_set=row.get("set_option"),
    )


def without_renamed_roles(schema: Schema) -> Schema:
    """The catalog without the roles that `restore_cluster_roles` renamed."""
    return replace(
        schema,
        roles=tuple(
            replace(role, member_of=tuple(group for group in role.member_of if not group.startswith(RENAMED_PREFIX)))
            for role in schema.roles
            if not role.name.startswith(RENAMED_PREFIX)
        ),
        settings=tuple(setting for setting in schema.settings if f" of {RENAMED_PREFIX}" not in setting.name),
    )


def restore_cluster_roles(connection: psycopg.Connection, expected: ClusterRoles, *, login: str | None = None) -> None:
    """Make the cluster's roles what they were when `expected` was read. `connection` is the administering role's.

    With `login`, that role's settings, given back as itself: whoever administers need not be let alter it.
    """
    current = read_cluster_roles(connection, login=login)
    if current == expected:
        return
    if login is not None:
        for oid, role in expected.items():
            if oid not in current or current[oid].settings != role.settings:
                _restore_settings(connection, role, login)
        return
    for oid in current.keys() - expected.keys():
        _execute(connection, "ALTER ROLE {} RENAME TO {}", current[oid].name, f"{RENAMED_PREFIX}{oid}")
    for oid in expected.keys() - current.keys():
        _execute(connection, "ALTER ROLE {} RENAME TO {}", f"{RENAMED_PREFIX}{oid}", expected[oid].name)
    for oid, role in expected.items():
        before = current.get(oid)
        if before is not None and before != role:
            if before.name != role.name:
                _execute(connection, "ALTER ROLE {} RENAME TO {}", before.name, role.name)
            _restore_role(connection, before, role)
    _restore_memberships(connection, expected)


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
        _restore_settings(connection, role)


def _restore_settings(connection: psycopg.Connection, role: ClusterRole, login: str | None = None) -> None:
    target = sql.SQL("ROLE {}").format(sql.Identifier(role.name))
    if login is None:
        connection.execute(sql.SQL("ALTER {} RESET ALL").format(target))
    else:
        reset_settings(connection, login, everywhere=False)
    _alter_settings(connection, target, role.settings, login)


def reset_settings(connection: psycopg.Connection, login: str, *, everywhere: bool = True) -> None:
    """Take away what migrations had the login remember, in every database or for all of them at once: it may give itself
    settings. Those that the server lets it take away; RESET ALL would fail at the others."""
    for database, names in connection.execute(_LOGIN_SETTINGS, [login, not everywhere]).fetchall():
        where = sql.SQL(" IN DATABASE {}").format(sql.Identifier(database)) if database is not None else sql.SQL("")
        for name in names:
            if name not in NEVER_RESET or connection.info.server_version < 160000:
                statement = sql.SQL("ALTER ROLE {}{} RESET {}").format(sql.Identifier(login), where, sql.Identifier(name))
                alter_as_itself(connection, login, statement)


def alter_as_itself(connection: psycopg.Connection, login: str, statement: sql.Composed) -> None:
    """Everybody may change their own password and settings; who administers need not be let alter the login."""
    with connection.transaction():
        _set_local_role(connection, login)
        connection.execute(statement)


def _restore_memberships(connection: psycopg.Connection, expected: ClusterRoles) -> None:
    """Undo GRANTs of roles and repeat those undone. A membership in a renamed role is renamed with it."""
    current = read_cluster_roles(connection)
    for oid, role in expected.items():
        for membership in current[oid].member_of:
            if membership not in role.member_of and membership.group in expected:
                _execute_membership(
                    connection, "REVOKE {} FROM {}", expected[membership.group], role, membership, "CASCADE"
                )
    current = read_cluster_roles(connection)
    for oid, role in expected.items():
        for membership in role.member_of:
            if membership not in current[oid].member_of and membership.group in expected:
                options = {"ADMIN": membership.admin, "INHERIT": membership.inherit, "SET": membership.can_set}
                option_words = ", ".join(f"{word} {on}" for word, on in options.items() if on is not None)
                if membership.inherit is None:
                    option_words = "ADMIN OPTION" if membership.admin else ""
                statement = "GRANT {} TO {}" + (f" WITH {option_words}" if option_words else "")
                _execute_membership(connection, statement, expected[membership.group], role, membership)


def _execute_membership(
    connection: psycopg.Connection,
    text: str,
    group: ClusterRole,
    member: ClusterRole,
    membership: Membership,
    end: str = "",
) -> None:
    """GRANT or REVOKE of a role; since 16 each grantor's is one of its own, and only its name undoes it."""
    names = [group.name, member.name]
    if membership.inherit is not None:
        row = connection.execute("SELECT pg_catalog.pg_get_userbyid(%s)", (membership.grantor,)).fetchone()
        names += [str(row[0])] if row else []
        text += " GRANTED BY {}"
    _execute(connection, f"{text} {end}", *names)


def copy_settings(connection: psycopg.Connection, template: str, database: str, *, login: str | None = None) -> None:
    """Give a copy of a database what ALTER DATABASE SET, COMMENT and GRANT gave to its template: CREATE DATABASE leaves
    it behind.

    With `login`, as that role, which owns both.
    """
    for [statement] in connection.execute(_DATABASE_STATEMENTS, {"template": template, "database": database}).fetchall():
        with connection.transaction():
            _set_local_role(connection, login)
            connection.execute(statement)
    for role, settings in connection.execute(_DATABASE_SETTINGS, (template,)).fetchall():
        target = sql.SQL("DATABASE {}").format(sql.Identifier(database))
        if role is not None:
            if login not in (None, role):
                continue
            target = sql.SQL("ROLE {} IN {}").format(sql.Identifier(role), target)
        _alter_settings(connection, target, settings, login)


def _alter_settings(
    connection: psycopg.Connection, target: sql.Composed, settings: Iterable[str], login: str | None = None
) -> None:
    """ALTER ... SET each `name=value`, as the catalog stores them; with `login`, as that role."""
    for setting in settings:
        # The stored text is the value as SET takes it back through set_config: lists keep their commas.
        name, _, value = setting.partition("=")
        if login is not None and name in (*_IDENTITIES, *NEVER_RESET):
            continue
        # In a transaction: a script's `role`, or a time-out of 1 ms, must not outlive a refusal.
        with connection.transaction():
            connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
            _set_local_role(connection, login)
            connection.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(target, sql.Identifier(name)))


def _set_local_role(connection: psycopg.Connection, login: str | None) -> None:
    if login is not None:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(login)))


def _execute(connection: psycopg.Connection, text: str, *names: str) -> None:
    connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))
