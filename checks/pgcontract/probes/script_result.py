"""One script handed to the server as production would: the states before and after it, or why it was refused."""

from __future__ import annotations

from dataclasses import dataclass

from pgcontract.catalog import read_catalog
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script, TransactionScope
from pgcontract.postgres.missing_features import MissingFeature, find_missing_feature
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import Refusal, apply_as_production, ends_transactions, locate_refusal
from pgcontract.probes.promise import Promise


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
            before_catalog = sandbox.as_production(read_catalog(connection))
            refusal = apply_as_production(connection, script)
        if refusal is None:
            # A session that the script left changed (role, search_path) must not change what is read.
            with sandbox.connect(name) as connection:
                after_catalog = sandbox.as_production(read_catalog(connection))
    if refusal is None:
        return ScriptResult(
            before=before,
            before_catalog=before_catalog,
            refusal=None,
            after=sandbox.read_state(name),
            after_catalog=after_catalog,
        )
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


def _leaves_changes(script: Script) -> bool:
    """Whether what its tool did before the refusal may stay."""
    by_statement = script.execution.by_statement and script.execution.transaction is TransactionScope.MESSAGE
    return by_statement or ends_transactions(script)
