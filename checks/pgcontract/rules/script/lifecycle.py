"""The script runs as one transaction, and leaves nothing behind when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pgcontract.catalog.contents import read_contents
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Statement
from pgcontract.model.wording import number_of
from pgcontract.postgres.script_execution import (
    apply_as_production,
    apply_statements,
    as_runner,
)
from pgcontract.probes.contents_changes import (
    changed_rows,
    describe_difference,
)
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import (
    catalog_differences,
    fail_at_each_statement,
    fails_midway,
    first_line,
    run_prefixes,
    run_skipping_each,
    snapshot_transaction,
)
from pgcontract.probes.promise import Promise
from pgcontract.probes.rehearsal import FilledState, filled_before
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

_ATOMIC: Final = r"(?<!not )(?<!isn't )atomic(?:ally)?\b|all[- ]or[- ]nothing|in (?:one|a single) transaction"


def one_script(_: Promise) -> tuple[str, ...]:
    return ("script",)


def _says_atomic(promise: Promise) -> bool:
    return promise.script_says(_ATOMIC)


@check("script.transaction", subjects=one_script, promised=_says_atomic)
def script_transaction(context: Context) -> Iterator[Answer]:
    """The script, run as one transaction, gives the same catalog.

    Why it matters: `supabase db push` and `psql -1` run a file as one transaction, or not at all.
    How it is measured: BEGIN, each statement, COMMIT; then the whole catalog is compared with that of the plain run.
    What to do: move what cannot run in a transaction (CREATE INDEX CONCURRENTLY, VACUUM) to a file of its own.
    """
    script = context.promise.script
    refusing = next((statement for statement in script.statements if statement.forbids_transaction_block), None)
    if refusing is not None:
        yield Answer(
            Status.BROKEN,
            "script",
            f"The script cannot run as one transaction: {_command(refusing)} runs only outside one.",
            expected="every statement can run in a transaction",
            actual=refusing.shown[:200],
            remedy="Move the statement to a migration of its own.",
            origin=Origin(file=refusing.path or script.path, line=refusing.line, column=refusing.column),
        )
        return
    context.require_features()
    with context.clone(context.before_state) as connection:
        connection.execute("BEGIN")
        refusal = None
        if script.parsed:
            with as_runner(connection, script):
                refusal = apply_statements(connection, script.statements, script)
        else:
            refusal = apply_as_production(connection, script)
        if refusal is None:
            connection.execute("COMMIT")
        else:
            connection.execute("ROLLBACK")
        with snapshot_transaction(connection):
            different = () if refusal else catalog_differences(context.catalog(connection), context.after)
    if refusal is not None:
        yield Answer(
            Status.BROKEN,
            "script",
            f"Run as one transaction, the script fails: {refusal.message}.",
            expected="the script runs to its end",
            actual=str(refusal),
            remedy="Fix the statement, or move it to a migration of its own.",
            evidence=refusal.evidence(),
            origin=Origin(file=refusal.path or script.path, line=refusal.line, column=refusal.column),
        )
    elif different:
        yield Answer(
            Status.BROKEN,
            "script",
            f"Run as one transaction, the script gives a different catalog: {different[0]}.",
            expected="the same catalog",
            actual="; ".join(different),
            remedy="Look for statements that depend on an earlier COMMIT.",
        )
    else:
        yield Answer(Status.KEPT, "script", "Run as one transaction, the script gives the same catalog.")


def too_large_answer() -> Answer:
    """The answer for a file too large to be split into statements: nothing is tried statement by statement."""
    return Answer(Status.NOTED, "script", "The file is above 5 MB and was not split, so this was not run.")


@check("script.atomic", subjects=one_script, promised=_says_atomic)
def script_atomic(context: Context) -> Iterator[Answer]:
    """A failure at any statement leaves nothing behind when the script runs as one transaction.

    Why it matters: half a migration is a state that nobody planned and nobody tested.
    How it is measured: with rows in the tables, the script is sent with an error in the place of its first statement, its
    second, and so on, each time as one simple query. Afterwards the catalog and every row must be unchanged.
    What to do: remove COMMIT from the file, and move what cannot run in a transaction to a file of its own.
    """
    script = context.promise.script
    if not script.parsed:
        yield too_large_answer()
        return
    context.require_features()
    before = filled_before(context)
    left = _left_behind(context, before) if fails_midway(script) else ()
    number = len(script.statements)
    if left:
        ending = next(
            (
                candidate
                for candidate in script.statements
                if candidate.is_transaction_control or candidate.forbids_transaction_block
            ),
            None,
        )
        yield Answer(
            Status.BROKEN,
            "script",
            f"A failure in the middle of the script leaves changes behind, even as one transaction: {left[0]}.",
            expected="nothing is left",
            actual="; ".join(left[:20]),
            remedy="Remove COMMIT and statements that end a transaction from the file.",
            origin=Origin(file=ending.path or script.path, line=ending.line, column=ending.column) if ending else None,
        )
    else:
        yield Answer(
            Status.KEPT,
            "script",
            f"Failing at each of its {number_of(number, 'statements')}, the script leaves nothing behind."
            if number
            else "The script has no statement, so none can fail.",
        )


def _left_behind(context: Context, before: FilledState) -> tuple[str, ...]:
    with context.clone(before.state) as connection, as_runner(connection, context.promise.script):
        fail_at_each_statement(context, connection)
        with snapshot_transaction(connection):
            catalog = replace(context.catalog(connection), rows=())
            rows = changed_rows(context, before.contents, read_contents(connection))
    return (
        *catalog_differences(catalog, replace(context.before, rows=())),
        *(f"rows are changed, {describe_difference(difference)}" for difference in rows),
    )


def _command(statement: Statement) -> str:
    """`CREATE INDEX CONCURRENTLY`, `VACUUM`: without what stands behind it."""
    words = statement.words[:4]
    if "CONCURRENTLY" in words:
        return " ".join(words[: words.index("CONCURRENTLY") + 1])
    return " ".join(words[: 1 if words[0] == "VACUUM" else 2])


@check("script.psql", subjects=one_script, severity=Severity.INFO)
def script_psql(context: Context) -> Iterator[Answer]:
    """`psql -f`, without further options, leaves nothing behind when one statement fails.

    Why it matters: `psql -f file` continues after an error and commits the rest; the operator finds out later.
    How it is measured: the script is run statement by statement and stopped after each; and run to its end with each
    statement in turn left out. Objects are counted in the catalog.
    What to do: run it with `psql -1 -v ON_ERROR_STOP=1 -f`, which leaves nothing.
    """
    if not context.promise.script.parsed:
        yield too_large_answer()
        return
    if not context.promise.script.statements:
        yield Answer(Status.KEPT, "script", "The script has no statement that could fail.")
        return
    if context.promise.script.execution.restores:
        yield Answer(Status.NOTED, "script", "A dump goes into an empty database: where it fails, make it again.")
        return
    statements = context.promise.script.statements
    # CouldNotAsk where the script is refused. Before its only statement it has left nothing.
    prefixes = run_prefixes(context) if context.before_state and len(statements) > 1 else ()
    try:
        skipped = {statement.number: (failed, missing) for statement, failed, missing in run_skipping_each(context)}
    except CouldNotAsk:
        skipped = {}
    left = {0: 0} | {
        prefix.statements_run: prefix.objects_left for prefix in prefixes if prefix.statements_run < len(statements)
    }
    rows = []
    for done, objects_left in left.items():
        failing = statements[done]
        failed, missing = skipped.get(failing.number, (0, None))
        plain = "not run" if missing is None else f"{missing} missing, {number_of(failed, 'more errors')}"
        rows.append((str(failing.line), first_line(failing), "0", str(objects_left), plain))
    worst = max(left.values())
    yield Answer(
        Status.NOTED,
        "script",
        f"When a statement fails, psql -1 leaves nothing, ON_ERROR_STOP alone up to {number_of(worst, 'objects')}, and "
        "plain psql -f goes on past the error.",
        remedy="Run it with psql -1 -v ON_ERROR_STOP=1 -f.",
        evidence=[
            Evidence(
                title="What is left when the statement at this line fails",
                columns=("line", "statement", "psql -1", "ON_ERROR_STOP=1", "plain psql -f"),
                rows=tuple(rows),
            )
        ],
    )
