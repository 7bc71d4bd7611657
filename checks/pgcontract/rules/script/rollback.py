"""The rollback script: it exists, restores from every state, is repeatable, and spares other tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Origin, Rows, Schema
from pgcontract.model.sql import Script
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import catalog_differences, first_line, run_prefixes, snapshot_transaction
from pgcontract.probes.promise import Promise
from pgcontract.probes.sample_rows import insert_samples
from pgcontract.probes.separate_server import on_separate_server
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.shape.object_count import number_of


@check("rollback.exists", subjects=lambda promise: ("script",), severity=Severity.INFO)
def rollback_exists(context: Context) -> Iterator[Answer]:
    """There is a rollback script: `<migration>.down.sql` next to the migration.

    Why it matters: at three in the morning nobody writes one well.
    How it is measured: the file is there.
    What to do: write it; the other checks of rollback.* then rehearse it.
    """
    if context.promise.rollback:
        yield Answer(Status.KEPT, "script", "The migration has a rollback script.")
    else:
        yield Answer(
            Status.NOTED,
            "script",
            "The migration has no rollback script, so none was run.",
            remedy=context.promise.migration.down_remedy,
        )


def _with_rollback(promise: Promise) -> tuple[str, ...]:
    return ("script",) if promise.rollback else ()


def _rollback_script(context: Context) -> Script:
    if context.promise.rollback is None:
        raise CouldNotAsk("the migration has no rollback script")
    context.sandbox.require_testable(context.promise.rollback.text)
    return context.promise.rollback


def _refusal_answer(subject: str, summary: str, refusal: Refusal, script: Script) -> Answer:
    return Answer(
        Status.BROKEN,
        subject,
        f"{summary}: {refusal.message}.",
        expected="the rollback runs to its end",
        actual=str(refusal),
        remedy=f"Fix the statement at line {refusal.line} of {script.path}."
        if refusal.line
        else f"Fix the statement in {script.path} that the server rejected.",
        evidence=refusal.evidence(),
        origin=Origin(file=script.path, line=refusal.line, column=refusal.column),
    )


@check("rollback.restores", subjects=_with_rollback)
def rollback_restores(context: Context) -> Iterator[Answer]:
    """The rollback restores the exact catalog from before the migration, with rows in the tables.

    Why it matters: a rollback that leaves a function or a grant behind makes the next deployment fail.
    How it is measured: the migration, a row in each table and the rollback are run; then the whole catalog is compared
    with the one before.
    What to do: drop everything that the migration creates, in reverse order of dependency, and restore what it changed.
    """
    yield from _run_rollback(context, times=1)


@check("rollback.repeatable", subjects=_with_rollback)
def rollback_repeatable(context: Context) -> Iterator[Answer]:
    """The rollback may be run twice.

    Why it matters: a rollback that was interrupted is run again.
    How it is measured: the rollback is run a second time. It must not fail, and the catalog must stay as before.
    What to do: DROP ... IF EXISTS.
    """
    yield from _run_rollback(context, times=2)


def _with_rows(before: Schema, filled: tuple[str, ...]) -> Schema:
    """The catalog before, with the one row more that was inserted into tables which survive the rollback."""
    number_of = {rows.name: rows.rows for rows in before.rows}
    for table in before.tables:
        if table.name in filled:
            number_of[table.name] = number_of.get(table.name, 0) + 1
    return replace(before, rows=tuple(Rows(name=name, rows=rows) for name, rows in sorted(number_of.items())))


def _run_rollback(context: Context, *, times: int) -> Iterator[Answer]:
    script = _rollback_script(context)
    # A role cannot be dropped while another database gives it rights, and each of our copies does.
    with on_separate_server(context) if context.changed_parts.roles else context.clone(context.after_state) as connection:
        filled, _ = insert_samples(context, connection, context.touched)
        for _ in range(times):
            refusal = apply_as_production(connection, script)
            if refusal is not None:
                break
        if refusal is not None:
            refusal = locate_refusal(connection, script, refusal)
        with snapshot_transaction(connection):
            different = (
                () if refusal else catalog_differences(context.catalog(connection), _with_rows(context.before, filled))
            )
    heading = "The rollback, run twice," if times == 2 else "The rollback"
    if refusal is not None:
        yield _refusal_answer("script", f"{heading} fails", refusal, script)
    elif different:
        yield Answer(
            Status.BROKEN,
            "script",
            f"{heading} does not restore the catalog: {different[0]}.",
            expected="the catalog from before the migration",
            actual="; ".join(different),
            remedy=f"In {script.path}, drop what is left and restore what was changed: {different[0]}.",
        )
    else:
        yield Answer(Status.KEPT, "script", f"{heading} restores the exact catalog from before the migration.")


@check("rollback.from_partial", subjects=_with_rollback)
def rollback_from_partial(context: Context) -> Iterator[Answer]:
    """The rollback restores the catalog from after every single statement of the migration.

    Why it matters: a rollback is needed most where a migration stopped halfway.
    How it is measured: the migration is run statement by statement. After each one the rollback is run in a transaction,
    the catalog is compared with the one before the migration, and the transaction is rolled back.
    What to do: DROP ... IF EXISTS for everything, in an order that works in every partial state.
    """
    script = _rollback_script(context)
    if not context.promise.script.parsed:
        yield Answer(Status.NOTED, "script", "The file is above 5 MB and was not split, so this was not run.")
        return
    prefixes = run_prefixes(context)
    rows = tuple(
        (
            str(prefix.statement.line),
            first_line(prefix.statement),
            str(prefix.refusal) if prefix.refusal else "; ".join(prefix.rollback_differences),
        )
        for prefix in prefixes
        if prefix.refusal or prefix.rollback_differences
    )
    if rows:
        yield Answer(
            Status.BROKEN,
            "script",
            f"Where the migration stops half-way, the rollback does not restore the catalog after {len(rows)} of "
            f"{len(prefixes)} statements; first after the statement at line {rows[0][0]}: {rows[0][2]}.",
            expected="the catalog from before the migration",
            actual=rows[0][2],
            remedy="Write each DROP with IF EXISTS, and let none depend on what later statements create.",
            evidence=[
                Evidence(
                    title="Statements after which the rollback fails",
                    columns=("after line", "statement", "what is wrong"),
                    rows=rows,
                )
            ],
            origin=Origin(file=script.path),
        )
    else:
        yield Answer(
            Status.KEPT,
            "script",
            f"The rollback restores the exact catalog after each of {number_of(len(prefixes), 'statements')}.",
        )
