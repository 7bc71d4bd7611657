"""All files that are pending, in the one transaction in which their tool runs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg

from pgcontract.contract import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql import TransactionScope
from pgcontract.postgres.script_execution import (
    Refusal,
    apply_as_production,
    apply_statements,
    commit,
    send,
)
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _together(promise: Promise) -> tuple[Migration, ...]:
    """What the tool runs in one transaction: what is pending; on an empty database everything."""
    project = promise.project
    chain = project.chain if project.applied is None else project.pending
    return tuple(link for link in chain if link.up.execution.transaction is TransactionScope.ALL)


def _subjects(promise: Promise) -> tuple[str, ...]:
    is_head = promise.migration.key == promise.project.head.key
    return ("folder",) if is_head and len(_together(promise)) > 1 else ()


@check("migration.one_transaction", subjects=_subjects, replays=True)
def migration_one_transaction(context: Context) -> Iterator[Answer]:
    """All pending files run in one transaction, where their tool runs them so.

    Why it matters: what one file adds, the next cannot always use before a COMMIT (a new label of an enum); file by file
    it works, and every new database, or a deployment of both, fails.
    How it is measured: the pending files, on an empty database all of them, are sent between one BEGIN and one COMMIT.
    What to do: deploy the first file before the second is added, or write both so that one transaction will do: a new
    enum type in place of a new label, for one.
    """
    promise, sandbox = context.promise, context.sandbox
    together = _together(promise)
    state = sandbox.platform_state(context.regimes[0])
    with sandbox.clone(state) as name, sandbox.connect(name) as connection:
        before = [link for link in promise.project.chain if link not in together and link not in promise.project.pending]
        for migration in before:
            apply_as_production(connection, migration.up)
            connection.execute("ROLLBACK")
        refused = _refused(connection, together)
    if refused is None:
        yield Answer(
            Status.KEPT, "folder", f"All {len(together)} files run in one transaction, as {_tool(context)} does it."
        )
        return
    migration, refusal = refused
    with sandbox.clone(state) as name, sandbox.connect(name) as connection:
        alone = _refused_alone(connection, [*before, *together], migration)
    if alone:
        yield Answer(
            Status.NOTED,
            "folder",
            f"Whether all files run in one transaction was not asked: {migration.display_name} does not run by itself.",
        )
        return
    where = "" if promise.project.applied is not None else "on an empty database "
    yield Answer(
        Status.BROKEN,
        "folder",
        f"{_tool(context)} runs all pending files in one transaction, and {where}{migration.display_name} is refused in "
        f"it: {refusal.message}. File by file it runs.",
        expected="all pending files run in one transaction",
        actual=str(refusal),
        remedy=f"Deploy what comes before {migration.display_name} first, or write it so that one transaction will do.",
        evidence=refusal.evidence(),
        origin=Origin(file=refusal.path or migration.up.path, line=refusal.line, column=refusal.column),
    )


def _tool(context: Context) -> str:
    layout = context.promise.project.layout
    return "The runner" if layout == "flat" else layout.capitalize()


def _refused(connection: psycopg.Connection, together: Sequence[Migration]) -> tuple[Migration, Refusal] | None:
    """The first that is refused in one transaction, with why; the last for what the COMMIT refuses."""
    connection.execute("BEGIN")
    for migration in together:
        connection.execute("SAVEPOINT pgcontract_file")
        if refusal := send(connection, migration.up):
            return migration, _placed(connection, migration, refusal)
    refusal = commit(connection, together[-1].up)
    return (together[-1], refusal) if refusal else None


def _placed(connection: psycopg.Connection, migration: Migration, refusal: Refusal) -> Refusal:
    """With its line, where the server gave none: the file again from where it began."""
    if refusal.line is not None or connection.closed:
        return refusal
    connection.execute("ROLLBACK TO pgcontract_file")
    return apply_statements(connection, migration.up.statements, migration.up) or refusal


def _refused_alone(connection: psycopg.Connection, chain: Sequence[Migration], last: Migration) -> bool:
    """Whether the last of these is refused by itself too, after those before it."""
    for migration in chain[: chain.index(last) + 1]:
        refusal = apply_as_production(connection, migration.up)
        connection.execute("ROLLBACK")
        if migration is last:
            return refusal is not None
    return False
