"""Who a session acts as for a while: a role by SET ROLE, and the claims of a token in request.jwt.claims.

So does the REST API of Supabase for every request: it logs in as authenticator, and for one transaction it is the role
that the token names, with all of the token's claims in that setting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.values import dataclass

CLAIMS_SETTING: Final = "request.jwt.claims"
_MAY_SET: Final = """
SELECT CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN pg_catalog.pg_has_role(r.oid, 'SET') ELSE pg_catalog.pg_has_role(r.oid, 'MEMBER') END
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = %s"""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A role, None for the session's own, and the claims as JSON, None where there are none."""

    role: str | None = None
    claims: str | None = None

    @classmethod
    def of(cls, role: str | None, claims: Mapping[str, Any]) -> Identity | None:
        """None where nothing is said of either; claims without a role have that of the session."""
        if role is None and not claims:
            return None
        whole = claims if role is None or not claims else {**claims, "role": claims.get("role", role)}
        return cls(role=role, claims=json.dumps(whole, ensure_ascii=False, default=str) if whole else None)

    def settings(self, *, local: bool = True) -> sql.Composed:
        """What begins it, until the transaction ends where it is `local`; of the session's own role without claims, what
        ends it."""
        return sql.SQL(
            "SELECT pg_catalog.set_config({}, {}, {local}), pg_catalog.set_config('role', {}, {local})"
        ).format(
            sql.Literal(CLAIMS_SETTING),
            sql.Literal(self.claims or ""),
            sql.Literal(self.role or "none"),
            local=sql.Literal(local),
        )

    @property
    def script(self) -> tuple[str, str]:
        """What begins it and what ends it, to paste into a transaction."""
        begins = []
        if self.claims is not None:
            begins.append(f"SET LOCAL {CLAIMS_SETTING} = {sql.Literal(self.claims).as_string(None)};")
        if self.role is not None:
            begins.append(f"SET LOCAL ROLE {sql.Identifier(self.role).as_string(None)};")
        return "\n".join(begins), "RESET ROLE;" if self.role is not None else ""


NOBODY: Final = Identity()


@contextmanager
def acting_as(connection: psycopg.Connection, identity: Identity | None) -> Iterator[None]:
    """In a transaction. A statement that fails leaves it to the rollback that must follow. CouldNotAsk where the session
    may not be the role."""
    if identity is None:
        yield
        return
    require_role(connection, identity)
    connection.execute(identity.settings())
    yield
    if connection.info.transaction_status is TransactionStatus.INTRANS:
        connection.execute(NOBODY.settings())


def require_role(connection: psycopg.Connection, identity: Identity | None) -> None:
    """That the session may SET ROLE to it: who made a role is its admin, but since 16 not yet a member who may be it.

    CouldNotAsk where that cannot be had."""
    if identity is None or identity.role is None:
        return
    may_set = connection.execute(_MAY_SET, [identity.role]).fetchone()
    if may_set is None:
        raise CouldNotAsk(f"there is no role {identity.role}; make it in a migration, or with --setup FILE")
    if may_set[0]:
        return
    name = sql.Identifier(identity.role)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    except psycopg.Error as error:
        raise CouldNotAsk(
            f"the role that migrates may not act as {identity.role}: {read_refusal(error)}; give it the right with "
            f"--setup FILE: GRANT {name.as_string(None)} TO CURRENT_USER;"
        ) from None
