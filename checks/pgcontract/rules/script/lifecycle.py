"""The script runs as one transaction and a second time, and leaves nothing behind when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import psycopg

from pgcontract.catalog import read_object_ids
from pgcontract.catalog.contents import read_contents
from pgcontract.errors import CouldNotAsk
from pgcontract.model.contents import Contents, row_counts
from pgcontract.model.schema import Origin, Part
from pgcontract.model.sql import Statement
from pgcontract.postgres.script_execution import (
    apply_as_production,
    apply_statements,
    as_runner,
    locate_refusal,
)
from pgcontract.probes.contents_changes import (
    changed_rows,
    changed_sequences,
    describe_difference,
    follows_later_rows,
    only_clock_set,
    row_evidence,
    tables_written,
)
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import (
    catalog_differences,
    fail_at_each_statement,
    first_line,
    run_prefixes,
    run_skipping_each,
    snapshot_transaction,
)
from pgcontract.probes.promise import Promise
from pgcontract.probes.rehearsal import Rehearsal, filled_before, rehearse
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.shape.object_count import number_of

# What a script's own comments promise of it, in a sentence that does not deny it.
REPEATABLE: Final = (
    r"(?<!not )(?<!isn't )idempotent|(?:safe|safely|can be|may be) (?:to )?(?:be )?(?:re-?run|re-?runnable|re-?applied"
    r"|(?:run|ran|applied|executed) (?:again|twice|repeatedly|more than once|multiple times|several times|any number))"
)
_ATOMIC: Final = r"(?<!not )(?<!isn't )atomic(?:ally)?\b|all[- ]or[- ]nothing|in (?:one|a single) transaction"


def one_script(_: Promise) -> tuple[str, ...]:
    return ("script",)


def _says_atomic(promise: Promise) -> bool:
    return promise.script_says(_ATOMIC)


def _says_repeatable(promise: Promise) -> bool:
    """Where its tool runs it whenever it has changed, or its own comments say that it may run again."""
    return promise.script.execution.repeatable or promise.script_says(REPEATABLE)


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


@check("script.rerun", subjects=one_script, promised=_says_repeatable)
def script_rerun(context: Context) -> Iterator[Answer]:
    """A second run of the script, with rows in all tables, raises nothing and changes nothing.

    Why it matters: a deployment that was interrupted is run again, on tables that have rows by then.
    How it is measured: the script is run over rows in every table that the migrations made; rows are inserted into every
    table after it, and it is run again. Then the catalog, every row by value and every sequence are compared. Columns
    that a trigger or a default sets from the clock or at random count nothing; a sequence counts where it would hand out
    a number that is in use, or where the script sets it. Rows inserted since may have their NULLs filled in and
    others derived from them, where a third run then changes nothing.
    What to do: use IF NOT EXISTS, CREATE OR REPLACE, ON CONFLICT, or a condition in a DO block; give each UPDATE a
    condition that fails the second time. A plain CREATE TRIGGER fails on the second run.
    """
    script = context.promise.script
    rehearsal = rehearse(context)
    before = rehearsal.after.contents
    with context.clone(rehearsal.after.state) as connection:
        parts_before, ids_before = _objects(context, connection)
        refusal = apply_as_production(connection, script)
        if refusal is not None:
            refusal = locate_refusal(connection, script, refusal)
        else:
            parts, ids = _objects(context, connection)
            contents = _read_contents(connection)
            rows = changed_rows(context, before, contents, script=script)
            filled_in = [row for row in rows if follows_later_rows(row, rehearsal.migrated)]
            if filled_in and len(filled_in) == len(rows) and apply_as_production(connection, script) is None:
                rows = changed_rows(context, contents, _read_contents(connection), script=script)
    held = rehearsal.held_rows
    evidence = [Evidence(title="Tables that held rows", text="\n".join(held))] if held else []
    if refusal is not None:
        yield Answer(
            Status.BROKEN,
            "script",
            f"The second run fails: {refusal.message}.",
            expected="a second run without error or change",
            actual=str(refusal),
            remedy="Make the statement repeatable: IF NOT EXISTS, CREATE OR REPLACE or DROP … IF EXISTS.",
            evidence=[*refusal.evidence(), *evidence],
            # Nothing is lost by it; a claim that promises it is refuted, and a tool that does it is stopped.
            severity=None if script.execution.repeatable else Severity.WARNING,
            origin=Origin(file=refusal.path or script.path, line=refusal.line, column=refusal.column),
        )
        return
    recreated = tuple(name for name, number in ids_before.items() if ids.get(name, number) != number)
    changed = (
        *(name for name, part in parts_before.items() if parts.get(name) != part),
        *(parts.keys() - parts_before.keys()),
        *(f"{name}, which it empties or creates again" for name in recreated if _loses_rows(name, rehearsal)),
        *changed_sequences(context, script, before, contents),
    )
    if rows or changed:
        first = f"rows: {describe_difference(rows[0])}" if rows else changed[0]
        yield Answer(
            Status.BROKEN,
            "script",
            f"The second run changes {first}.",
            expected="nothing changes",
            actual="; ".join((*((row_counts(rows),) if rows else ()), *changed)),
            remedy="Do not drop and create again what holds rows; give each UPDATE a condition that fails the second "
            "time, and each INSERT an ON CONFLICT or a WHERE NOT EXISTS.",
            evidence=[*row_evidence("Rows that the second run changes", rows), *evidence],
            severity=Severity.WARNING if not changed and only_clock_set(context, rows) else None,
        )
        return
    unasked = tables_written(script, rehearsal.not_tried)
    again = [name for name in recreated if not name.startswith("column ")]
    if again:
        evidence.append(Evidence(title="Made again, under a lock", text="\n".join(again)))
    unknown = bool(unasked) and context.promise.is_claimed("script.rerun", "script")
    yield Answer(
        Status.UNKNOWN if unknown else Status.KEPT,
        "script",
        f"Whether a second run changes rows of {unasked[0]} could not be asked: {rehearsal.not_tried[unasked[0]]}."
        if unknown
        else f"A second run changes no object and no row, with rows in {number_of(len(held), 'tables')}"
        + (f"; it makes {', '.join(again[:3])} again, under a lock" if again else "")
        + (
            f"; it does for rows inserted since what the first did for those before: {describe_difference(filled_in[0])}"
            if filled_in
            else ""
        )
        + ".",
        remedy=f"Declare a row that {unasked[0]} accepts as the table's `sample`." if unknown else None,
        evidence=evidence,
    )


def _objects(
    context: Context, connection: psycopg.Connection
) -> tuple[Mapping[str, Part], Mapping[str, tuple[int, ...]]]:
    """Each part of the catalog, but for rows, which are compared by value; and the identity of each object."""
    with snapshot_transaction(connection):
        parts = context.catalog(connection).parts()
        return {f"{part.kind} {part.name}": part for part in parts if part.kind != "rows"}, read_object_ids(connection)


def _read_contents(connection: psycopg.Connection) -> Contents:
    with snapshot_transaction(connection):
        return read_contents(connection)


def _loses_rows(name: str, rehearsal: Rehearsal) -> bool:
    """Whether it is a table in which no row could be shown to be lost."""
    kind, _, table = name.partition(" ")
    return kind == "table" and table in rehearsal.not_tried


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
    with context.clone(before.state) as connection, as_runner(connection, script):
        fail_at_each_statement(context, connection)
        with snapshot_transaction(connection):
            catalog = replace(context.catalog(connection), rows=())
            rows = changed_rows(context, before.contents, read_contents(connection))
    left = (
        *catalog_differences(catalog, replace(context.before, rows=())),
        *(f"rows are changed, {describe_difference(difference)}" for difference in rows),
    )
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
    prefixes = run_prefixes(context)
    try:
        skipped = {statement.number: (failed, missing) for statement, failed, missing in run_skipping_each(context)}
    except CouldNotAsk:
        skipped = {}
    statements = context.promise.script.statements
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
