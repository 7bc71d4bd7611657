"""All files that are pending, in the one transaction in which their tool runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg

from pgcontract.contract import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql import TransactionScope
from pgcontract.postgres.script_execution import (
    Refusal,
    apply_as_production,
    as_runner,
    commit,
    send,
)
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

_ADDS_LABEL: Final = re.compile(r"\bALTER\s+TYPE\b[^;]*\bADD\s+VALUE\b", re.IGNORECASE)


def _together(promise: Promise) -> tuple[Migration, ...]:
    """What the tool runs in one transaction: what is pending; on an empty database everything."""
    project = promise.project
    chain = project.pending if project.knows_applied else project.chain
    return tuple(link for link in chain if link.up.execution.transaction is TransactionScope.ALL)


def _subjects(promise: Promise) -> tuple[str, ...]:
    is_head = promise.migration.key == promise.project.head.key
    return ("folder",) if is_head and len(_together(promise)) > 1 else ()


@check("migration.one_transaction", subjects=_subjects, replays=True)
def migration_one_transaction(context: Context) -> Iterator[Answer]:
    """All pending files run in one transaction, where their tool runs them so.

    Why it matters: what one file adds, the next cannot always use before a COMMIT (a new label of an enum); file by file
    it works, and a deployment of both fails.
    How it is measured: the pending files, on an empty database all of them, are sent between one BEGIN and one COMMIT.
    Where nobody says what is pending, each file that adds a label to an enum is also sent together with those behind it.
    What to do: deploy the first file before the second is added, or write both so that one transaction will do: a new
    enum type in place of a new label, for one.
    """
    together, chain = _together(context.promise), context.promise.project.chain
    known = context.promise.project.knows_applied
    first = chain.index(together[0])
    refused = _refused(context, chain[:first], chain[first:])
    where = "" if known else "on an empty database "
    if refused is None and not known:
        for number in _adding_labels(chain, first):
            if refused := _refused(context, chain[:number], chain[number:]):
                where = f"where {chain[number].display_name} is pending with it, "
                break
    if refused is None:
        summary = f"All {len(together)} files run in one transaction, as the tool does it."
        yield Answer(Status.KEPT, "folder", summary)
        return
    migration, refusal = refused
    if _refused_alone(context, migration):
        summary = f"Whether all run in one transaction was not asked: {migration.display_name} does not run by itself."
        yield Answer(Status.NOTED, "folder", summary)
        return
    yield Answer(
        Status.BROKEN,
        "folder",
        f"The tool runs all pending files in one transaction, and {where}{migration.display_name} is refused in it: "
        f"{refusal.message}. File by file it runs.",
        expected="all pending files run in one transaction",
        actual=str(refusal),
        remedy=f"Deploy what comes before {migration.display_name} first, or write it so that one transaction will do.",
        evidence=refusal.evidence(),
        origin=Origin(file=refusal.path or migration.up.path, line=refusal.line, column=refusal.column),
        # Who has deployed the first of the two long ago will not meet it.
        severity=Severity.WARNING if where.startswith("where") else None,
    )


def _adding_labels(chain: Sequence[Migration], first: int) -> Iterator[int]:
    """The numbers of the files behind the first, and before the last, that add a label, the latest first."""
    for number in range(len(chain) - 2, first, -1):
        if _ADDS_LABEL.search(chain[number].up.text):
            yield number


def _refused(
    context: Context, before: Sequence[Migration], together: Sequence[Migration]
) -> tuple[Migration, Refusal] | None:
    """The first of these that is refused in one transaction, with why; the last for what the COMMIT refuses."""
    with _empty_database(context) as connection:
        _apply_each(connection, before)
        connection.execute("BEGIN")
        for migration in together:
            with as_runner(connection, migration.up):
                refusal = send(connection, migration.up)
            if refusal:
                return migration, refusal
        refusal = commit(connection, together[-1].up)
        return (together[-1], refusal) if refusal else None


def _refused_alone(context: Context, last: Migration) -> bool:
    """Whether it is refused by itself too, after those before it."""
    chain = context.promise.project.chain
    with _empty_database(context) as connection:
        _apply_each(connection, chain[: chain.index(last)])
        return apply_as_production(connection, last.up) is not None


def _apply_each(connection: psycopg.Connection, chain: Sequence[Migration]) -> None:
    for migration in chain:
        apply_as_production(connection, migration.up)
        connection.execute("ROLLBACK")


@contextmanager
def _empty_database(context: Context) -> Iterator[psycopg.Connection]:
    with context.clone(context.sandbox.platform_state(context.regimes[0])) as connection:
        yield connection
