"""The rollback script: it exists, restores from every state, is repeatable, and spares other tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgcontract.errors import CouldNotAsk
from pgcontract.model.contents import Contents, row_counts
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Script
from pgcontract.model.wording import number_of
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.contents_changes import (
    changed_rows,
    changed_sequences,
    describe_difference,
    only_clock_set,
    row_evidence,
    rows_after_rollback,
    tables_written,
)
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import first_line, run_prefixes
from pgcontract.probes.own_guard import guard_words, is_own_guard
from pgcontract.probes.promise import Promise
from pgcontract.probes.rehearsal import Rehearsal
from pgcontract.probes.rollback_run import columns_taken_back, run_rollback
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, only_claimed
from pgcontract.rules.script.second_run import REPEATABLE


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
        remedy=f"Fix the statement at line {refusal.line} of {refusal.path or script.path}."
        if refusal.line
        else f"Fix the statement in {script.path} that the server rejected.",
        evidence=refusal.evidence(),
        origin=Origin(file=refusal.path or script.path, line=refusal.line, column=refusal.column),
    )


@check(
    "rollback.restores",
    subjects=_with_rollback,
    always_asked=True,
    severity_without_contract=Severity.WARNING,
)
def rollback_restores(context: Context) -> Iterator[Answer]:
    """The rollback restores the exact catalog and every row from before the migration.

    Why it matters: a rollback that leaves a function or a grant behind makes the next deployment fail; one that empties
    a column makes it worse than it was.
    How it is measured: with rows in every table, the migration is run, rows are inserted into every table again, and the
    rollback is run. Then the whole catalog is compared with the one before, each row of before by value, and each
    sequence. Rows inserted since may stay; where only they stop it, that is a warning, and the rollback's own RAISE is no
    fault of it. Columns that a trigger or a default sets from the clock or at random count nothing. What was written
    since into columns that it takes back is told. What the migration itself had lost already is told apart: no rollback
    brings it back, so only a claim that it restores everything is refuted by it.
    What to do: drop everything that the migration creates, in reverse order of dependency, and restore what it changed.
    Keep what a migration takes away (in another table, under another name) until no rollback is needed any more.
    """
    script = _rollback_script(context)
    run = run_rollback(context, script, times=1)
    rehearsal, different, after = run.rehearsal, run.different, run.after
    if run.refusal is not None:
        yield _refusal_answer("script", "The rollback fails", run.refusal, script)
        return
    rows = rows_after_rollback(
        context,
        before=rehearsal.before.contents,
        migrated=rehearsal.migrated,
        filled=rehearsal.after.contents,
        after=after,
        script=script,
    )
    claimed = context.promise.is_claimed("rollback.restores", "script")
    sequences = changed_sequences(context, script, _sequences_to_restore(rehearsal, after), after)
    broken = (*rows.own, *(rows.lost_before if claimed else ()))
    evidence = [
        *row_evidence("Rows that the rollback does not restore", rows.own),
        *row_evidence("Rows that the migration itself had lost already", rows.lost_before),
    ]
    if different or broken or sequences:
        if different:
            summary = f"does not restore the catalog: {different[0]}"
        elif broken:
            lost = "" if rows.own else "; the migration itself had lost it"
            summary = f"does not restore rows: {describe_difference(broken[0])}{lost}"
        else:
            summary = f"does not restore {sequences[0]}"
        yield Answer(
            Status.BROKEN,
            "script",
            f"The rollback {summary}.",
            expected="the catalog and the rows from before the migration",
            actual="; ".join((*different, *((row_counts(broken),) if broken else ()), *sequences)),
            remedy=f"In {script.path}, drop what is left and restore what was changed: {different[0]}."
            if different
            else f"In {script.path}, change back what the migration changed, and nothing else; let the migration keep "
            "what it takes away until no rollback is needed.",
            evidence=evidence,
            severity=Severity.WARNING if not (different or sequences) and only_clock_set(context, broken) else None,
        )
        return
    guard = run.stopped if run.stopped is not None and is_own_guard(run.stopped, script) else None
    if run.stopped is not None and guard is None:
        yield replace(
            _refusal_answer("script", "The rollback fails over rows written since the migration", run.stopped, script),
            expected="the rollback runs to its end over every row that the migrated tables take",
            remedy=f"In {script.path}, change the rows that the earlier tables cannot take, or count them and RAISE "
            "EXCEPTION before anything is changed.",
            severity=None if claimed else Severity.WARNING,
        )
        return
    unasked = tables_written(script, rehearsal.not_tried)
    gone = "".join(f"; it takes {number_of(number, 'rows')} inserted since" for number in rows.gone_since.values())
    taken = columns_taken_back(context)
    gone += f"; what was written into {', '.join(taken[:3])} since is gone with it" if taken else ""
    gone += "".join(
        f"; {number_of(number, 'rows')} that triggers wrote into {table} stay" for table, number in rows.logged.items()
    )
    if unasked and claimed:
        reason = rehearsal.not_tried[unasked[0]]
        yield Answer(
            Status.UNKNOWN,
            "script",
            f"Whether the rollback restores rows of {unasked[0]} could not be asked: {reason}.",
            remedy=f"Declare a row that {unasked[0]} accepts as the table's `sample`.",
            evidence=evidence,
        )
    elif rows.lost_before:
        yield Answer(
            Status.NOTED,
            "script",
            "The rollback restores the exact catalog from before the migration, but not what the migration itself had "
            f"lost: {describe_difference(rows.lost_before[0])}.",
            remedy="Keep what the migration takes away, in another table or under another name, until no rollback is "
            "needed.",
            evidence=evidence,
        )
    else:
        held = [name for name, table in rehearsal.before.contents.tables.items() if table.count]
        yield Answer(
            Status.KEPT,
            "script",
            "The rollback restores the exact catalog from before the migration"
            + (f", and the rows of {number_of(len(held), 'tables')}" if held else "")
            + gone
            + (
                f"; over other rows it stops, with words of its own: {guard_words(guard).removesuffix('.')}"
                if guard
                else ""
            )
            + ".",
            evidence=[*evidence, *(guard.evidence() if guard else ())],
        )


def _says_repeatable(promise: Promise) -> bool:
    return promise.rollback_says(REPEATABLE)


@check("rollback.repeatable", subjects=_with_rollback, promised=_says_repeatable)
def rollback_repeatable(context: Context) -> Iterator[Answer]:
    """The rollback may be run twice.

    Why it matters: a rollback that was interrupted is run again.
    How it is measured: the rollback is run a second time, with rows in every table. It must not fail, the catalog must
    stay as before, and no row may change by value.
    What to do: DROP ... IF EXISTS, and a condition on what changes rows.
    """
    script = _rollback_script(context)
    run = run_rollback(context, script, times=2)
    rehearsal, different, after = run.rehearsal, run.different, run.after
    heading = "The rollback, run twice,"
    if run.refusal is not None:
        yield _refusal_answer("script", f"{heading} fails", run.refusal, script)
        return
    first = rehearsal.after.contents
    rows = changed_rows(context, first, after, script=script)
    sequences = changed_sequences(context, script, first, after)
    if different or rows or sequences:
        yield Answer(
            Status.BROKEN,
            "script",
            f"{heading} does not restore the catalog: {different[0]}."
            if different
            else f"{heading} changes {f'rows again: {describe_difference(rows[0])}' if rows else sequences[0]}.",
            expected="the second run changes nothing",
            actual="; ".join((*different, *((row_counts(rows),) if rows else ()), *sequences)),
            remedy=f"In {script.path}, drop what is left and restore what was changed: {different[0]}."
            if different
            else f"In {script.path}, change rows only where the migration is still in place.",
            evidence=row_evidence("Rows that the second run of the rollback changes", rows),
            severity=Severity.WARNING if not (different or sequences) and only_clock_set(context, rows) else None,
        )
    else:
        yield Answer(Status.KEPT, "script", f"{heading} restores the exact catalog from before the migration.")


def _sequences_to_restore(rehearsal: Rehearsal, after: Contents) -> Contents:
    """The sequences of before, where they stood when the rollback began, unless they are back where they were: numbers
    that were handed out since are gaps, and what the migration itself set is not the rollback's doing."""
    filled = rehearsal.after.contents.sequences
    return Contents(
        sequences={
            name: position if after.sequences.get(name) == position else filled.get(name, position)
            for name, position in rehearsal.before.contents.sequences.items()
        }
    )


@check("rollback.from_partial", subjects=_with_rollback, promised=only_claimed)
def rollback_from_partial(context: Context) -> Iterator[Answer]:
    """The rollback restores the catalog and the rows from after every single statement of the migration.

    Why it matters: a rollback is needed most where a migration stopped halfway.
    How it is measured: with rows in the tables, the migration is run statement by statement. After each one the rollback
    is run in a transaction, the catalog and the rows are compared with those before the migration, and the transaction is
    rolled back. What the migration itself had changed by then and the rollback left so counts nothing here.
    What to do: DROP ... IF EXISTS for everything, in an order that works in every partial state; change rows back only
    where they were changed.
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
        what = "the rows" if rows[0][2].startswith("rows are not restored") else "the catalog"
        yield Answer(
            Status.BROKEN,
            "script",
            f"Where the migration stops half-way, the rollback does not restore {what} after {len(rows)} of "
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
