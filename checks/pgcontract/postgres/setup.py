"""What its owner has run before the first migration: once in each state that the chain may start from.

On a server made for the run the migrating role runs it as a superuser, and is none afterwards: so what it makes belongs
to whom it would belong to had the owner's own runner made it. On an owner's server it has no more power than the
migrations have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.errors import CouldNotAsk, InputError
from pgcontract.model.sql import Script, Statement, messages
from pgcontract.postgres.cluster_settings import FILE_ACCESS_ROLES, ClusterRoles, read_cluster_roles
from pgcontract.postgres.script_execution import Refusal, apply_script, apply_statement

# Each state has a database of its own, and they share all else.
_NOT_OF_ONE_DATABASE: Final = (
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("ALTER", "SYSTEM"),
)
_POWERFUL_MEMBERS: Final = """
SELECT m.rolname, p.rolname
FROM pg_catalog.pg_roles p JOIN pg_catalog.pg_roles m ON NOT m.rolsuper AND m.oid >= 16384
WHERE (p.rolsuper OR p.rolname = ANY (%s)) AND pg_catalog.pg_has_role(m.oid, p.oid, 'MEMBER') ORDER BY 1, 2
"""


def require_runnable(script: Script) -> None:
    """InputError at a statement whose effect would be no single database's."""
    for statement in script.statements:
        if (words := statement.words[:2]) in _NOT_OF_ONE_DATABASE:
            raise InputError(
                f"a setup prepares the one database that migrations run in, and {' '.join(words)} reaches beyond it: "
                "leave the statement out; the run makes its databases itself",
                file=statement.path or script.path,
                line=statement.line,
            )


def run_setup(connection: psycopg.Connection, script: Script) -> None:
    """Send the statements one by one, as psql does. InputError where one is refused, with its place and the server's
    words, or where a transaction is left open."""
    if not script.parsed and not script.statements:
        if refusal := apply_script(connection, script):
            raise _refused(script, refusal)
        return
    for statement in messages(script):
        try:
            refusal = apply_statement(connection, statement, script)
        except CouldNotAsk as error:
            raise _error(script, statement, str(error)) from error
        if refusal:
            raise _refused(script, refusal)
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        raise InputError("the setup ends within a transaction that it began: end it with COMMIT", file=script.path)


@contextmanager
def with_power(admin: psycopg.Connection, role: str, script: Script) -> Iterator[None]:
    """The role is a superuser while it runs the script. What it makes then, it has afterwards without being one;
    InputError where a role could act as a superuser that could not before."""
    roles, members = read_cluster_roles(admin), _powerful_members(admin)
    admin.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(role)))
    try:
        yield
    finally:
        admin.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER").format(sql.Identifier(role)))
    if new := [pair for pair in _powerful_members(admin) if pair not in members]:
        member, powerful = new[0]
        raise InputError(
            f"the setup makes the role {member} a member of {powerful}, and so lets migrations reach what only a "
            "superuser may; they run without such power: leave that membership out",
            file=script.path,
        )
    if admin.info.server_version >= 160000:
        _give_to_maker(admin, role, roles)


def _give_to_maker(admin: psycopg.Connection, maker: str, before: ClusterRoles) -> None:
    """The ADMIN OPTION of the roles that are new: since 16 whoever makes a role without being a superuser has it."""
    after = read_cluster_roles(admin)
    [maker_role] = (role for role in after.values() if role.name == maker)
    groups = {membership.group for membership in maker_role.member_of}
    superuser = 0  # the first attribute
    for oid, role in after.items():
        if oid not in before and not role.attributes[superuser]:
            options = "ADMIN TRUE" if oid in groups else "ADMIN TRUE, INHERIT FALSE, SET FALSE"
            text = f"GRANT {{}} TO {{}} WITH {options}"
            admin.execute(sql.SQL(text).format(sql.Identifier(role.name), sql.Identifier(maker)))


def _powerful_members(admin: psycopg.Connection) -> list[tuple[str, str]]:
    """The roles that are no superusers and are members, in whatever way, of one that is or that reaches files."""
    return [(member, role) for member, role in admin.execute(_POWERFUL_MEMBERS, [[*FILE_ACCESS_ROLES]]).fetchall()]


def _refused(script: Script, refusal: Refusal) -> InputError:
    column = f" at column {refusal.column}" if refusal.column is not None else ""
    words = "; ".join(filter(None, (str(refusal), refusal.detail, refusal.hint)))
    return InputError(
        f"the server refuses the setup{column}: {words}", file=refusal.path or script.path, line=refusal.line
    )


def _error(script: Script, statement: Statement, reason: str) -> InputError:
    return InputError(
        f"the setup cannot be run on this server, at column {statement.column}: {reason}",
        file=statement.path or script.path,
        line=statement.line,
    )
