"""One script handed to the server as production would: the states before and after it, or why it was refused."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.catalog import read_catalog
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script, TransactionScope
from pgcontract.postgres.missing_features import MissingFeature, find_missing_feature
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import Refusal, apply_as_production, ends_transactions, locate_refusal
from pgcontract.probes.promise import Promise
from pgcontract.values import dataclass

_LETS_IN: Final = """
SELECT d.datallowconn AND d.datconnlimit <> 0 AND r.rolcanlogin AND r.rolconnlimit <> 0
       AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT')
FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
WHERE d.datname = pg_catalog.current_database() AND r.rolname = session_user
"""


@dataclass(frozen=True, kw_only=True)
class ScriptResult:
    """One regime's result of applying the script; `after` is None where the server refused it, and `missing_feature` is
    what the script needs and this server lacks, where that is known to be why. `left` is what a refused script leaves
    where it ends transactions of its own."""

    before: DatabaseState
    before_catalog: Schema
    refusal: Refusal | None
    missing_feature: MissingFeature | None = None
    after: DatabaseState | None = None
    after_catalog: Schema | None = None
    left: DatabaseState | None = None


def apply_to_clone(promise: Promise, sandbox: Sandbox, before: DatabaseState) -> ScriptResult:
    """The promise's script applied to a clone of a state, which is kept where the script ran to its end."""
    script = promise.script
    sandbox.require_testable(script.text)
    with sandbox.clone(before, keep=True) as name:
        with sandbox.connect(name) as connection:
            before_catalog = sandbox.catalog(before, connection)
            refusal = apply_as_production(connection, script)
            after_catalog = _read_after(connection, sandbox) if refusal is None else None
        if refusal is None and after_catalog is None:
            with sandbox.connect(name) as connection:
                after_catalog = sandbox.as_production(read_catalog(connection))
    if after_catalog is not None:
        after = sandbox.read_state(name)
        sandbox.remember_catalog(after, after_catalog)
        return ScriptResult(
            before=before, before_catalog=before_catalog, refusal=None, after=after, after_catalog=after_catalog
        )
    assert refusal is not None
    left = sandbox.read_state(name) if _leaves_changes(script) else None
    if left is None:
        sandbox.drop(name)
    with sandbox.clone(before) as copy, sandbox.connect(copy) as connection:
        refusal = locate_refusal(connection, script, refusal)
        missing_feature = find_missing_feature(
            connection,
            refusal,
            script,
            spec=sandbox.server.provider,
            production=promise.project.postgres,
            platform=promise.project.platform,
        )
    return ScriptResult(
        before=before, before_catalog=before_catalog, refusal=refusal, missing_feature=missing_feature, left=left
    )


def _read_after(connection: psycopg.Connection, sandbox: Sandbox) -> Schema | None:
    """The catalog read in the session of the script, whose caches are warm; None where that has left it in a state that
    cannot be cleared: what the script changed of it (role, search_path) must not change what is read. And where nobody
    is let in any more: the next session is to find that."""
    if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
        return None
    try:
        connection.execute("DISCARD ALL")
        if connection.execute(_LETS_IN).fetchone() != (True,):
            return None
        return sandbox.as_production(read_catalog(connection))
    except psycopg.Error:
        return None


def _leaves_changes(script: Script) -> bool:
    """Whether what its tool did before the refusal may stay."""
    by_statement = script.execution.by_statement and script.execution.transaction is TransactionScope.MESSAGE
    return by_statement or ends_transactions(script)
