"""The way back: given, complete from every state, repeatable, and harmless to what is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgcontract.model.schema import Origin, Rows, Schema
from pgcontract.model.sql import Script
from pgcontract.postgres.script_execution import Refusal, apply_as_production, located
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.failure_injection import opening, rehearse_prefixes, snapshot_transaction, unlike
from pgcontract.probes.sample_rows import insert_samples
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check
from pgcontract.rules.shape.object_count import counted


@check("way_back.given", subjects=lambda promise: ("script",), severity=Severity.INFO, server=False)
def way_back_given(trial: Trial) -> Iterator[Finding]:
    """There is a way back: `<migration>.down.sql` beside the migration.

    Why it matters: at three in the morning nobody writes one well.
    How it is measured: the file is there.
    What to do: write it; the other checks of way_back.* then rehearse it.
    """
    if trial.promise.way_back:
        yield answer(Status.KEPT, "script", "The migration has a way back.")
    else:
        yield answer(
            Status.NOTED,
            "script",
            "The migration has no way back, so none was rehearsed.",
            remedy=f"Write {trial.promise.migration.stem}.down.sql beside it.",
        )


def _given(promise: Promise) -> tuple[str, ...]:
    return ("script",) if promise.way_back else ()


def _script(trial: Trial) -> Script:
    if trial.promise.way_back is None:
        raise CouldNotAsk("the migration has no way back")
    trial.workbench.demand_reach(trial.promise.way_back.text)
    return trial.promise.way_back


def _refused(subject: str, summary: str, refusal: Refusal, script: Script) -> Finding:
    return answer(
        Status.BROKEN,
        subject,
        f"{summary}: {refusal.message}.",
        expected="the way back runs to its end",
        actual=str(refusal),
        remedy="Mend the statement of the way back that the server refused.",
        evidence=refusal.evidence(),
        origin=Origin(file=script.path, line=refusal.line, column=refusal.column),
    )


@check("way_back.restores", subjects=_given)
def way_back_restores(trial: Trial) -> Iterator[Finding]:
    """The way back restores the exact catalog from before the migration, with rows in the tables.

    Why it matters: a rollback that leaves a function or a grant behind makes the next deployment fail.
    How it is measured: the migration, a row in each table, the way back; then the whole catalog against that before.
    What to do: drop everything the migration makes, in reverse order of dependency, and restore what it changed.
    """
    yield from _run_back(trial, times=1)


@check("way_back.twice", subjects=_given)
def way_back_twice(trial: Trial) -> Iterator[Finding]:
    """The way back may be run twice.

    Why it matters: a rollback that was cut off is run again.
    How it is measured: the way back is run a second time; it must not be refused, and the catalog stay as before.
    What to do: DROP ... IF EXISTS.
    """
    yield from _run_back(trial, times=2)


def _with_rows(before: Schema, filled: tuple[str, ...]) -> Schema:
    """The catalog before, with the one row more that was put into tables which outlive the way back."""
    counted = {rows.name: rows.rows for rows in before.rows}
    for table in before.tables:
        if table.name in filled:
            counted[table.name] = counted.get(table.name, 0) + 1
    return replace(before, rows=tuple(Rows(name=name, rows=rows) for name, rows in sorted(counted.items())))


def _run_back(trial: Trial, *, times: int) -> Iterator[Finding]:
    script = _script(trial)
    # A role cannot be dropped while another database gives it rights, and each of our copies does.
    with trial.alone() if trial.made.roles else trial.clone(trial.after_state) as connection:
        filled, _ = insert_samples(trial, connection, trial.touched)
        for _ in range(times):
            refusal = apply_as_production(connection, script)
            if refusal is not None:
                break
        if refusal is not None:
            refusal = located(connection, script, refusal)
        with snapshot_transaction(connection):
            different = () if refusal else unlike(trial.catalog(connection), _with_rows(trial.before, filled))
    word = "The way back, run twice," if times == 2 else "The way back"
    if refusal is not None:
        yield _refused("script", f"{word} is refused", refusal, script)
    elif different:
        yield answer(
            Status.BROKEN,
            "script",
            f"{word} does not restore the catalog from before: {different[0]}.",
            expected="the catalog from before the migration",
            actual="; ".join(different),
            remedy="Drop what is left and restore what was changed.",
        )
    else:
        yield answer(Status.KEPT, "script", f"{word} restores the exact catalog from before the migration.")


@check("way_back.partial", subjects=_given)
def way_back_partial(trial: Trial) -> Iterator[Finding]:
    """The way back restores the catalog from after every single statement of the migration.

    Why it matters: the state that needs a way back most is the one in which a migration stopped.
    How it is measured: the migration is run statement by statement; after each one the way back is run in a
    transaction, the catalog compared with that before, and the transaction undone.
    What to do: DROP ... IF EXISTS for everything, in an order that holds in every partial state.
    """
    script = _script(trial)
    if not trial.promise.script.parsed:
        yield answer(Status.NOTED, "script", "The file is above 5 MB and was not split, so this was not rehearsed.")
        return
    prefixes = trial.once("prefixes", rehearse_prefixes)
    rows = tuple(
        (
            str(prefix.statement.line),
            opening(prefix.statement),
            str(prefix.refusal) if prefix.refusal else "; ".join(prefix.unlike_before),
        )
        for prefix in prefixes
        if prefix.refusal or prefix.unlike_before
    )
    if rows:
        yield answer(
            Status.BROKEN,
            "script",
            f"From {len(rows)} of {len(prefixes)} partial states the way back does not restore the catalog; "
            f"first after the statement at line {rows[0][0]}.",
            expected="the catalog from before the migration",
            actual=rows[0][2],
            remedy="Make each DROP conditional and independent of what later statements make.",
            evidence=[Evidence(title="Partial states", columns=("after line", "statement", "what is wrong"), rows=rows)],
            origin=Origin(file=script.path),
        )
    else:
        yield answer(
            Status.KEPT,
            "script",
            f"The way back restores the exact catalog from after each of {counted(len(prefixes), 'statements')}.",
        )
