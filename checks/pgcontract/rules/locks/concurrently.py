"""Indexes that are built CONCURRENTLY: in a file of their own, and so that a second try finishes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Statement
from pgcontract.postgres.script_execution import apply_script, apply_statement, as_runner
from pgcontract.probes.context import Context
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.locks.work import IndexBuilt, TracedStatement
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.locks.findings import origin_of, shortened, statement_evidence
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check

_IN_TRANSACTION: Final = "25001"
_BUILD: Final = re.compile(r"^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)
_CONCURRENTLY: Final = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)


def _concurrent(promise: Promise) -> tuple[Statement, ...]:
    statements = promise.script.statements
    return tuple(each for each in statements if each.forbids_transaction_block and _CONCURRENTLY.search(each.text))


def _beside_others(promise: Promise) -> tuple[str, ...]:
    """Where a tool is taken to send such a file apart; what its own transaction refuses is refused when it is applied."""
    return pending_script(promise) if promise.script.execution.outside_transaction and _concurrent(promise) else ()


@check("lock.concurrently_alone", subjects=_beside_others, severity=Severity.WARNING, implied=True)
def lock_concurrently_alone(context: Context) -> Iterator[Answer]:
    """What runs CONCURRENTLY stands alone in its file.

    Why it matters: the server runs it in no transaction, and several statements in one message are one transaction: many
    tools, and every SQL editor, are refused. Sent one by one, what is before it stays when it fails.
    How it is measured: the file is sent as one message to the database as it is before it.
    What to do: move it to a file of its own.
    """
    script = context.promise.script
    first = _concurrent(context.promise)[0]
    others = [each for each in script.statements if each is not first and not each.is_transaction_control]
    if not others:
        yield Answer(Status.KEPT, "script", f"The statement at line {first.line} stands alone in its file.")
        return
    with context.clone(context.before_state) as connection, as_runner(connection, script):
        refusal = apply_script(connection, script)
    if refusal is None or refusal.sqlstate != _IN_TRANSACTION:
        yield Answer(Status.KEPT, "script", "The file runs as one message too.")
        return
    number = f"{len(others)} other statement{'s' if len(others) > 1 else ''}"
    yield Answer(
        # Whoever sends the statements one by one is not refused.
        Status.NOTED if script.execution.by_statement else Status.BROKEN,
        "script",
        f"Line {first.line} runs in no transaction, and its file has {number}: sent as one message it is refused, and "
        "sent one by one what comes before it stays when it fails.",
        expected="a file of its own",
        actual=str(refusal),
        remedy=f"Move line {first.line} to a file of its own. {context.promise.migration.outside_remedy}".rstrip(),
        evidence=[
            *refusal.evidence()[:1],
            Evidence(
                title="The statements of the file",
                columns=("line", "statement"),
                rows=tuple((str(each.line), shortened(each.shown)) for each in script.statements),
            ),
        ],
        origin=Origin(file=first.path or script.path, line=first.line, column=first.column),
    )


def _may_be_passed_over(promise: Promise) -> tuple[str, ...]:
    return pending_script(promise) if any(_BUILD.match(each.text) for each in _concurrent(promise)) else ()


@check("lock.concurrently_repeatable", subjects=_may_be_passed_over, severity=Severity.WARNING, implied=True)
def lock_concurrently_repeatable(context: Context) -> Iterator[Answer]:
    """A second try of CREATE INDEX CONCURRENTLY does not take what the first one left for done.

    Why it matters: a build that fails leaves an INVALID index, which costs every write and serves no query. IF NOT EXISTS
    finds its name taken and says nothing, so that the migration looks applied.
    How it is measured: the index is marked INVALID, as a failed build leaves it, and the statement is run again.
    What to do: drop what a first try may have left, and create the index without IF NOT EXISTS.
    """
    answers = [
        _second_try(context, traced, change)
        for traced in trace_locks(context).statements
        if _BUILD.match(traced.statement.text)
        for work in traced.work
        if isinstance(change := work.change, IndexBuilt)
    ]
    yield from answers or [
        Answer(Status.KEPT, "script", "Nothing is built: the name is taken by an index that was there before.")
    ]


def _second_try(context: Context, traced: TracedStatement, built: IndexBuilt) -> Answer:
    name, line = built.index.name, traced.statement.line
    if _is_valid_after_second_try(context, traced.statement, name):
        return Answer(Status.KEPT, name, f"A second run of line {line} leaves {name} valid.")
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name};"
    create = re.sub(r"\s+IF\s+NOT\s+EXISTS", "", traced.statement.shown, count=1, flags=re.IGNORECASE)
    return Answer(
        Status.BROKEN,
        name,
        f"Where a first try of line {line} has failed and left {QualifiedName.parse(name).name} INVALID, the second "
        "finds the name taken, builds nothing and reports no error: no query uses the index.",
        expected="the index is built, or an error",
        actual="INVALID, without an error",
        remedy="Drop what a first try may have left, and create it without IF NOT EXISTS.",
        evidence=[
            statement_evidence(traced),
            Evidence(title="A migration each, in this order", text=f"-- 1.\n{drop}\n\n-- 2.\n{create};", language="sql"),
        ],
        origin=origin_of(context, traced),
    )


def _is_valid_after_second_try(context: Context, statement: Statement, index: str) -> bool:
    sandbox, script = context.sandbox, context.promise.script
    if not sandbox.has_superuser:
        raise CouldNotAsk("only a superuser can mark an index INVALID; --pg auto tries it")
    with sandbox.clone(context.after_state) as database:
        with sandbox.connect(database, user=sandbox.server.superuser) as admin:
            oid = admin.execute("SELECT %s::pg_catalog.regclass::oid", [index]).fetchone()
            admin.execute("UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = %s", oid)
        with sandbox.connect(database) as connection:
            with as_runner(connection, script):
                refusal = apply_statement(connection, statement, script)
            query = "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = %s"
            row = connection.execute(query, oid).fetchone()
    return refusal is not None or bool(row and row[0])
