"""The migration on tables that hold rows already: those it must take as they are, and those it must stop at."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pgcontract.contract import PriorRows
from pgcontract.model.schema import Origin
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.script_execution import Refusal, apply_as_production, located, refusal_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.failure_injection import snapshot_transaction, unlike
from pgcontract.probes.table_contents import table_text
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check


def _names(promise: Promise) -> tuple[str, ...]:
    return tuple(each.name for each in promise.contract.prior_rows) if promise.contract else ()


@check("script.rows", subjects=_names)
def script_rows(trial: Trial) -> Iterator[Finding]:
    """Over rows that are there before, the migration applies, or stops and changes nothing, as declared.

    Why it matters: a migration that was only tried on empty tables meets its first row in production.
    How it is measured: the declared rows are put into a database right before the migration, then the script is run.
    Where it must apply, every row is still there; where it must stop, catalog and rows are what they were, and the
    error says what the contract demands.
    What to do: count the rows that a new rule would refuse at the head of the script and raise one error.
    """
    for case in trial.promise.contract.prior_rows if trial.promise.contract else ():
        yield _rehearse(trial, case)


def _rehearse(trial: Trial, case: PriorRows) -> Finding:
    script = trial.promise.script
    shown = Evidence(title="The rows before", text=case.sql.strip(), language="sql")
    with trial.clone(trial.before_state) as connection:
        try:
            connection.execute(case.sql.encode())
        except psycopg.Error as error:
            refusal = refusal_of(error)
            return answer(
                Status.BROKEN,
                case.name,
                f"The rows of {case.name} cannot be put in before the migration: {refusal.message}.",
                expected="rows that the state before the migration takes",
                actual=str(refusal),
                remedy="Mend the SQL of these rows in the contract.",
                evidence=[shown, *refusal.evidence()],
                origin=case.origin,
            )
        before = _rows(trial, connection)
        with snapshot_transaction(connection):
            catalog = trial.catalog(connection)
        refused = apply_as_production(connection, script)
        if refused is not None:
            refused = located(connection, script, refused)
        after = _rows(trial, connection)
        with snapshot_transaction(connection):
            changed = unlike(trial.catalog(connection), catalog) if refused is not None else ()
    if case.stops:
        return _stopped(case, refused, before == after and not changed, shown, script.path)
    kept = {table: len(rows) for table, rows in before.items()} == {
        table: len(rows) for table, rows in after.items() if table in before
    }
    return _applied(case, refused, kept, shown, script.path)


def _rows(trial: Trial, connection: psycopg.Connection) -> dict[str, tuple[str, ...]]:
    """The rows of every table that was there before the migration, with their places and versions."""
    tables = [table.name for table in trial.before.tables if table.form == "table" and table.owner == MIGRATOR]
    return {table: table_text(connection, table) for table in tables}


def _stopped(case: PriorRows, refused: Refusal | None, unchanged: bool, shown: Evidence, path: str) -> Finding:
    if refused is None:
        return answer(
            Status.BROKEN,
            case.name,
            f"The migration applies over the rows of {case.name}, at which it must stop.",
            expected="the migration stops and changes nothing",
            actual="it runs to its end",
            remedy="Count the rows that the new rules refuse at the head of the script and raise one error.",
            evidence=[shown],
            origin=case.origin,
        )
    words = "\n".join(filter(None, (refused.message, refused.detail, refused.hint)))
    missing = [word for word in case.says if word not in words]
    if missing or not unchanged:
        return answer(
            Status.BROKEN,
            case.name,
            f"The migration stops at the rows of {case.name}, but "
            + ("it leaves something changed." if not unchanged else f"does not say: {missing[0]}."),
            expected=missing[0] if missing else "nothing changed",
            actual=words,
            remedy="Raise the error before anything is changed, and say in it which rows are meant.",
            evidence=[shown, *refused.evidence()],
            origin=Origin(file=path, line=refused.line),
        )
    return answer(
        Status.KEPT,
        case.name,
        f"The migration stops at the rows of {case.name} and changes nothing.",
        evidence=[shown, *refused.evidence()[:1]],
        origin=case.origin,
    )


def _applied(case: PriorRows, refused: Refusal | None, kept: bool, shown: Evidence, path: str) -> Finding:
    if refused is not None or not kept:
        return answer(
            Status.BROKEN,
            case.name,
            f"The migration is refused over the rows of {case.name}: {refused.message}."
            if refused is not None
            else f"The migration loses rows of {case.name}.",
            expected="the migration applies and every row is still there",
            actual=str(refused) if refused is not None else "rows are gone",
            remedy="Bring the rows to the new rules in the migration, or declare that it stops at them.",
            evidence=[shown, *(refused.evidence() if refused is not None else ())],
            origin=Origin(file=path, line=refused.line if refused is not None else None),
        )
    return answer(
        Status.KEPT,
        case.name,
        f"The migration applies over the rows of {case.name} and keeps every one.",
        evidence=[shown],
        origin=case.origin,
    )
