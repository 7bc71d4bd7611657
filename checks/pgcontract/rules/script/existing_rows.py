"""The migration on tables that hold rows already: rows it must accept, and rows at which it must fail."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pgcontract.catalog.contents import read_contents
from pgcontract.contract import ExistingRows
from pgcontract.model.contents import TableContents
from pgcontract.model.schema import Origin
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal, read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import catalog_differences, snapshot_transaction
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _names(promise: Promise) -> tuple[str, ...]:
    return tuple(row.name for row in promise.of(ExistingRows))


@check("script.existing_rows", subjects=_names)
def script_existing_rows(context: Context) -> Iterator[Answer]:
    """With rows already in the tables the migration applies, or fails and changes nothing, as declared.

    Why it matters: a migration that was only tried on empty tables meets its first row in production.
    How it is measured: the declared rows are inserted right before the migration, then the script is run. Where it must
    apply, every row is still there. Where it must fail, catalog and rows are unchanged and the error contains the text
    that the contract demands.
    What to do: at the top of the script, count the rows that a new rule would refuse, and RAISE EXCEPTION with that
    number.
    """
    for case in context.promise.of(ExistingRows):
        yield _run_over_rows(context, case)


def _run_over_rows(context: Context, case: ExistingRows) -> Answer:
    script = context.promise.script
    shown = Evidence(title="The rows before", text=case.sql.strip(), language="sql")
    with context.clone(context.before_state) as connection:
        try:
            connection.execute(case.sql.encode())
        except psycopg.Error as error:
            refusal = read_refusal(error)
            return Answer(
                Status.BROKEN,
                case.name,
                f"The rows of {case.name} cannot be inserted before the migration: {refusal.message}.",
                expected="rows that the tables accept before the migration",
                actual=str(refusal),
                remedy=f"Fix the SQL under [existing_rows.{case.name}].",
                evidence=[shown, *refusal.evidence()],
                origin=case.origin,
            )
        before = _rows(context, connection)
        with snapshot_transaction(connection):
            catalog = context.catalog(connection)
        refused = apply_as_production(connection, script)
        if refused is not None:
            refused = locate_refusal(connection, script, refused)
        after = _rows(context, connection)
        with snapshot_transaction(connection):
            changed = catalog_differences(context.catalog(connection), catalog) if refused is not None else ()
    if case.must_fail:
        return _must_fail_answer(case, refused, before == after and not changed, shown, script.path)
    kept = {table: rows.count for table, rows in before.items()} == {
        table: rows.count for table, rows in after.items() if table in before
    }
    return _must_apply_answer(case, refused, kept, shown, script.path)


def _rows(context: Context, connection: psycopg.Connection) -> dict[str, TableContents]:
    """The rows of every table that was there before the migration."""
    tables = {table.name for table in context.before.tables if table.owner == MIGRATOR}
    with snapshot_transaction(connection):
        return {name: table for name, table in read_contents(connection).tables.items() if name in tables}


def _must_fail_answer(case: ExistingRows, refused: Refusal | None, unchanged: bool, shown: Evidence, path: str) -> Answer:
    if refused is None:
        return Answer(
            Status.BROKEN,
            case.name,
            f"The migration runs to its end over the rows of {case.name}, at which it must fail.",
            expected="the migration fails and changes nothing",
            actual="it runs to its end",
            remedy="At the head of the script, count the rows that the new rules reject and RAISE EXCEPTION.",
            evidence=[shown],
            origin=case.origin,
        )
    words = "\n".join(filter(None, (refused.message, refused.detail, refused.hint)))
    missing = [word for word in case.error_contains if word not in words]
    if missing or not unchanged:
        return Answer(
            Status.BROKEN,
            case.name,
            f"The migration fails at the rows of {case.name}, but "
            + ("it leaves changes behind." if not unchanged else f"its error does not contain: {missing[0]}."),
            expected=missing[0] if missing else "nothing changed",
            actual=words,
            remedy="Raise the error before anything is changed, with the words that error_contains lists.",
            evidence=[shown, *refused.evidence()],
            origin=Origin(file=refused.path or path, line=refused.line),
        )
    return Answer(
        Status.KEPT,
        case.name,
        f"The migration fails at the rows of {case.name} and changes nothing.",
        evidence=[shown, *refused.evidence()[:1]],
        origin=case.origin,
    )


def _must_apply_answer(case: ExistingRows, refused: Refusal | None, kept: bool, shown: Evidence, path: str) -> Answer:
    if refused is not None or not kept:
        return Answer(
            Status.BROKEN,
            case.name,
            f"The migration fails at the rows of {case.name}: {refused.message}."
            if refused is not None
            else f"The migration loses rows of {case.name}.",
            expected="the migration applies and every row is still there",
            actual=str(refused) if refused is not None else "rows are gone",
            remedy="Change the rows in the migration before the new rules, or set must_fail = true under "
            f"[existing_rows.{case.name}].",
            evidence=[shown, *(refused.evidence() if refused is not None else ())],
            origin=Origin(file=(refused and refused.path) or path, line=refused.line if refused is not None else None),
        )
    return Answer(
        Status.KEPT,
        case.name,
        f"The migration applies with the rows of {case.name} in place and keeps all of them.",
        evidence=[shown],
        origin=case.origin,
    )
