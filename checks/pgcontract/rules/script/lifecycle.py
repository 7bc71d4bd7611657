"""The life of the script: it applies, as one transaction too, again, and leaves nothing behind when it fails."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pgcontract.catalog import read_identities
from pgcontract.model.schema import Origin
from pgcontract.postgres.connection import discard
from pgcontract.postgres.missing_features import Lack, nearest_extension
from pgcontract.postgres.script_execution import Refusal, apply_as_production, apply_statements, located
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.failure_injection import (
    objects,
    opening,
    rehearse_prefixes,
    skip_each,
    snapshot_transaction,
    unlike,
)
from pgcontract.probes.sample_rows import insert_samples
from pgcontract.probes.table_contents import table_text
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check
from pgcontract.rules.shape.object_count import counted


def one_script(_: Promise) -> tuple[str, ...]:
    return ("script",)


@check("script.applies", subjects=one_script)
def script_applies(trial: Trial) -> Iterator[Finding]:
    """The server takes the script, in a fresh database, from a role that is no superuser.

    Why it matters: everything else rests on it.
    How it is measured: the whole file is sent as one simple query, as web editors and `supabase db push` do, under
    each regime of default privileges; statement by statement where one runs only outside a transaction. A refusal for
    what the server is too old for, or was built without, is no fault of the script: then nothing is shown. What takes
    longer than --timeout is stopped from outside, whatever it does to the server's own limits.
    What to do: mend the statement at the given line, or run the gate on the server that is named.
    """
    for regime in trial.regimes:
        refusal, lack = trial.loaded(regime).refusal, trial.loaded(regime).lack
        if refusal is not None and refusal.is_late:
            yield _endless(trial, refusal)
            return
        if refusal is not None:
            path = trial.promise.script.path
            excused = lack is not None and lack.excuses
            yield answer(
                Status.UNKNOWN if excused else Status.BROKEN,
                "script",
                f"This server cannot take the script: {lack}."
                if excused
                else f"The server refuses the script: {refusal.message}.",
                expected="the script runs to its end",
                actual=str(refusal),
                remedy=_remedy(refusal, lack),
                evidence=refusal.evidence(),
                origin=Origin(file=path, line=refusal.line, column=refusal.column),
            )
            return
    made = objects(trial.made)
    yield answer(
        Status.KEPT,
        "script",
        f"The script applies from start to end and makes {counted(len(made), 'objects')}.",
        evidence=[Evidence(title="What it makes", text="\n".join(made))],
    )


def _remedy(refusal: Refusal, lack: Lack | None) -> str:
    if lack is not None:
        return f"Run the gate on a server that has it: {lack.who}." if lack.excuses else f"Do without it: {lack}."
    if nearest := nearest_extension(refusal):
        return f"Did you mean {nearest}?"
    return refusal.hint or "Mend the statement that the server refused."


def _endless(trial: Trial, refusal: Refusal) -> Finding:
    within = f"{trial.workbench.timeout_ms / 1000:g} s"
    return answer(
        Status.BROKEN,
        "script",
        f"The script does not end within {within}.",
        expected=f"the script runs to its end within {within}",
        actual=str(refusal),
        remedy="Mend the loop or the wait in this statement, or give it longer with --timeout.",
        evidence=refusal.evidence(),
        origin=Origin(file=trial.promise.script.path, line=refusal.line, column=refusal.column),
    )


@check("script.transaction", subjects=one_script)
def script_transaction(trial: Trial) -> Iterator[Finding]:
    """The script, run as one transaction, gives the same catalog.

    Why it matters: `supabase db push` and `psql -1` run a file as one transaction, or not at all.
    How it is measured: BEGIN, each statement, COMMIT; then the whole catalog is compared with that of the plain run.
    What to do: move what cannot run in a transaction (CREATE INDEX CONCURRENTLY, VACUUM) to a file of its own.
    """
    script = trial.promise.script
    refusing = next((each for each in script.statements if each.refuses_transaction), None)
    if refusing is not None:
        needed = trial.promise.project.platform == "supabase"
        yield answer(
            Status.BROKEN if needed else Status.NOTED,
            "script",
            f"The script cannot run as one transaction: {' '.join(refusing.words[:4])} runs only outside one.",
            expected="every statement can run in a transaction",
            actual=refusing.text[:200],
            remedy="Move the statement to a migration of its own.",
            origin=Origin(file=script.path, line=refusing.line, column=refusing.column),
        )
        return
    trial.demand_able_server()
    with trial.clone(trial.before_state) as connection:
        connection.execute("BEGIN")
        refusal = apply_statements(connection, script.statements, script) if script.parsed else None
        if not script.parsed:
            refusal = apply_as_production(connection, script)
        if refusal is None:
            connection.execute("COMMIT")
        else:
            connection.execute("ROLLBACK")
        with snapshot_transaction(connection):
            different = () if refusal else unlike(trial.catalog(connection), trial.after)
    if refusal is not None:
        yield answer(
            Status.BROKEN,
            "script",
            f"Run as one transaction, the script is refused: {refusal.message}.",
            expected="the script runs to its end",
            actual=str(refusal),
            remedy="Mend the statement, or move it to a migration of its own.",
            evidence=refusal.evidence(),
            origin=Origin(file=script.path, line=refusal.line, column=refusal.column),
        )
    elif different:
        yield answer(
            Status.BROKEN,
            "script",
            "Run as one transaction, the script makes something else.",
            expected="the same catalog",
            actual="; ".join(different),
            remedy="Look for statements that depend on an earlier COMMIT.",
        )
    else:
        yield answer(Status.KEPT, "script", "Run as one transaction, the script gives the same catalog.")


@check("script.rerun", subjects=one_script)
def script_rerun(trial: Trial) -> Iterator[Finding]:
    """A second run, with rows in the tables, raises nothing and changes nothing.

    Why it matters: a deployment that was cut off is run again, on a table that may hold rows by then.
    How it is measured: a row is put into each table, the script is run again, then the catalog, the identity of
    every object (its oid and file) and every row with its place and version are compared.
    What to do: IF NOT EXISTS, CREATE OR REPLACE, or a guard; a plain CREATE TRIGGER fails on the second run.
    """
    script = trial.promise.script
    with trial.clone(trial.after_state) as connection:
        filled, empty = insert_samples(trial, connection, trial.touched)
        before = _everything(trial, connection)
        refusal = apply_as_production(connection, script)
        if refusal is not None:
            refusal = located(connection, script, refusal)
        after = _everything(trial, connection) if refusal is None else before
    evidence = [Evidence(title="Tables that held a row", text="\n".join(filled))] if filled else []
    if empty:
        evidence.append(Evidence(title="Tables for which no row could be made", text="\n".join(empty)))
    if refusal is not None:
        yield answer(
            Status.BROKEN,
            "script",
            f"The second run is refused: {refusal.message}.",
            expected="a second run without error or change",
            actual=str(refusal),
            remedy="Write the statement so that it may be run again: IF NOT EXISTS or CREATE OR REPLACE.",
            evidence=[*refusal.evidence(), *evidence],
            # Nothing is lost by it, and not every migration promises to be repeatable; a claim that does is refuted.
            severity=Severity.WARNING,
            origin=Origin(file=script.path, line=refusal.line, column=refusal.column),
        )
        return
    changed = tuple(name for name in before if before[name] != after.get(name)) + tuple(after.keys() - before.keys())
    if changed:
        yield answer(
            Status.BROKEN,
            "script",
            f"The second run changes {changed[0]}.",
            expected="nothing changes",
            actual="; ".join(sorted(changed)),
            remedy="Do not drop and create again what is there; do not update rows without a condition.",
            evidence=evidence,
        )
    else:
        yield answer(
            Status.KEPT,
            "script",
            f"A second run changes no object and no row ({counted(len(filled), 'tables')} held a row).",
            evidence=evidence,
        )


def _everything(trial: Trial, connection: psycopg.Connection) -> dict[str, object]:
    """Each object's identity, each catalog part and each table's rows, by a name that a person can read."""
    with snapshot_transaction(connection):
        catalog = trial.catalog(connection)
        told: dict[str, object] = {
            f"the identity of {name}": id_ for name, id_ in read_identities(connection, transaction=False).items()
        }
        for part in catalog.parts():
            if part.kind != "rows":
                told[f"{part.kind} {part.name}"] = part
        for table in trial.touched.tables:
            if table.form == "table":
                told[f"a row of {table.name}"] = table_text(connection, table.name)
        return told


def too_large() -> Finding:
    """What is rehearsed statement by statement is not rehearsed for a file that was not split."""
    return answer(Status.NOTED, "script", "The file is above 5 MB and was not split, so this was not rehearsed.")


@check("script.failure", subjects=one_script)
def script_failure(trial: Trial) -> Iterator[Finding]:
    """A failure at any statement leaves nothing behind when the script runs as one transaction.

    Why it matters: half a migration is a state that nobody planned and nobody tested.
    How it is measured: the script is sent with an error after its first statement, its second, and so on, each time
    as one simple query; afterwards the catalog must be what it was.
    What to do: take COMMIT and what cannot run in a transaction out of the file.
    """
    script = trial.promise.script
    if not script.parsed:
        yield too_large()
        return
    trial.demand_able_server()
    with trial.clone(trial.before_state) as connection:
        for statement in script.statements:
            cut = statement.offset + len(statement.text)
            try:
                discard(connection, f"{script.text[:cut]};\nSELECT 1/0".encode())
            except psycopg.errors.QueryCanceled as error:
                raise CouldNotAsk(f"the script up to line {statement.line} does not end: {error}") from error
            except psycopg.Error:
                connection.execute("ROLLBACK")
        with snapshot_transaction(connection):
            left = unlike(trial.catalog(connection), trial.before)
    number = len(script.statements)
    if left:
        ending = next((each for each in script.statements if each.transaction_control or each.refuses_transaction), None)
        yield answer(
            Status.BROKEN,
            "script",
            "A failure in the middle of the script leaves something behind, even when it is run as one transaction.",
            expected="nothing is left",
            actual="; ".join(left[:20]),
            remedy="Take COMMIT and statements that end a transaction out of the file.",
            origin=Origin(file=script.path, line=ending.line, column=ending.column) if ending else None,
        )
    else:
        yield answer(
            Status.KEPT,
            "script",
            f"Failing after each of its {counted(number, 'statements')}, the script leaves nothing behind.",
        )


@check("script.psql", subjects=one_script, severity=Severity.INFO)
def script_psql(trial: Trial) -> Iterator[Finding]:
    """What `psql -f`, with and without its options, leaves behind when one statement fails.

    Why it matters: `psql -f file` goes on after an error and commits the rest; the operator learns of it later.
    How it is measured: the script is run statement by statement and stopped after each; and run to its end with
    each statement in turn left out. Objects are counted in the catalog.
    What to do: run it with `psql -1 -v ON_ERROR_STOP=1 -f`, which leaves nothing.
    """
    if not trial.promise.script.parsed:
        yield too_large()
        return
    prefixes = trial.once("prefixes", rehearse_prefixes)
    try:
        skipped = {each.number: (failed, missing) for each, failed, missing in trial.once("skipped", skip_each)}
    except CouldNotAsk:
        skipped = {}
    statements = trial.promise.script.statements
    left = {0: 0} | {prefix.done: prefix.left for prefix in prefixes if prefix.done < len(statements)}
    rows = []
    for done, objects_left in left.items():
        failing = statements[done]
        failed, missing = skipped.get(failing.number, (0, None))
        plain = "not rehearsed" if missing is None else f"{missing} missing, {counted(failed, 'more errors')}"
        rows.append((str(failing.line), opening(failing), "0", str(objects_left), plain))
    worst = max(left.values())
    yield answer(
        Status.NOTED,
        "script",
        f"When a statement fails, psql -1 leaves nothing, ON_ERROR_STOP alone up to {counted(worst, 'objects')}, and "
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
