"""A second run of the script raises nothing and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import psycopg

from pgcontract.catalog import read_object_ids
from pgcontract.catalog.contents import read_contents
from pgcontract.model.contents import Contents, RowDifference, row_counts
from pgcontract.model.schema import Origin, Part
from pgcontract.model.wording import number_of
from pgcontract.postgres.script_execution import (
    apply_as_production,
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
    snapshot_transaction,
)
from pgcontract.probes.held_clock import move_clock, writes_coarse_times
from pgcontract.probes.promise import Promise
from pgcontract.probes.rehearsal import Rehearsal, rehearse
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.script.lifecycle import one_script

# What a script's own comments promise of it, in a sentence that does not deny it.
REPEATABLE: Final = (
    r"(?<!not )(?<!isn't )idempotent|(?:safe|safely|can be|may be) (?:to )?(?:be )?(?:re-?run|re-?runnable|re-?applied"
    r"|(?:run|ran|applied|executed) (?:again|twice|repeatedly|more than once|multiple times|several times|any number))"
)

_MOMENT: Final = re.compile(r"-?\d[-\d :.+T]*")  # or a number


def _says_repeatable(promise: Promise) -> bool:
    """Where its tool runs it whenever it has changed, or its own comments say that it may run again."""
    return promise.script.execution.repeatable or promise.script_says(REPEATABLE)


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
        refusal = apply_as_production(connection, script, run=2)
        if refusal is not None:
            refusal = locate_refusal(connection, script, refusal)
        else:
            parts, ids = _objects(context, connection)
            contents = _read_contents(connection)
            rows = changed_rows(context, before, contents, script=script)
            filled_in = [row for row in rows if follows_later_rows(row, rehearsal.migrated)]
            if filled_in and len(filled_in) == len(rows) and apply_as_production(connection, script, run=3) is None:
                rows = changed_rows(context, contents, _read_contents(connection), script=script)
    at_another_time = False
    if refusal is None and not rows and any(writes_coarse_times(each.body or "") for each in context.after.functions):
        rows = _changed_at_another_time(context, rehearsal)
        at_another_time = bool(rows)
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
        *(name for name in parts if name not in parts_before),
        *(f"{name}, which it empties or creates again" for name in recreated if _loses_rows(name, rehearsal)),
        *changed_sequences(context, script, before, contents),
    )
    if rows or changed:
        first = f"rows: {describe_difference(rows[0])}" if rows else changed[0]
        yield Answer(
            Status.BROKEN,
            "script",
            f"The second run{', at another time,' if at_another_time else ''} changes {first}.",
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


def _changed_at_another_time(context: Context, rehearsal: Rehearsal) -> tuple[RowDifference, ...]:
    """The rows in which a trigger writes a moment, or what it counts of it, that was the same in the run right after."""
    with context.clone(rehearsal.after.state) as connection:
        move_clock(connection)
        if apply_as_production(connection, context.promise.script, run=2) is not None:
            return ()
        rows = changed_rows(context, rehearsal.after.contents, _read_contents(connection), script=context.promise.script)
    return tuple(
        row
        for row in rows
        if row.change == "changed"
        and all(_MOMENT.fullmatch((row.after or {})[name] or "") for name in row.changed_columns)
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
