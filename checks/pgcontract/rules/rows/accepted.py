"""Rows that are there before a migration do not stop it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg

from pgcontract.contract import ExistingRows
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Origin
from pgcontract.postgres.script_execution import Refusal, apply_as_production
from pgcontract.probes.context import Context
from pgcontract.probes.own_guard import guard_words
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.stops import Stop
from pgcontract.result import Evidence, Severity, Status
from pgcontract.result.row_effects import StopKind
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check

_SCRIPT = "script"


@check("rows.accepted", subjects=pending_script)
def rows_accepted(context: Context) -> Iterator[Answer]:
    """The migration runs to its end over the rows that are there.

    Why it matters: a migration that was only tried on empty tables meets its first row in production, and stops there.
    How it is measured: rows are made when a table appears, several of each kind: NULL where it may be, each label and
    listed word, the same text in another case, the longest and empty values, several rows a parent. They are carried
    along the chain. The pending migration is run over them; where it is refused, it is run again over fewer, until those
    are left that cannot be spared. Where no row that fits the tables before goes past, any row stops it: an error.
    Where it depends on what is in them, it is a warning, with the SELECT that counts such rows in production; so is one
    that ends over empty tables, and over these not within the time-out. A RAISE of
    the script's own that changes nothing is its guard, and a note; so is what [existing_rows] promises.
    What to do: make room for the rows before the new rule (a default, an UPDATE, NOT VALID and later VALIDATE), or count
    them first, in production, and in the script by a RAISE EXCEPTION.
    """
    over = run_over_rows(context)
    if over.unknown is not None and over.is_endless:
        yield _endless(context, over.unknown)
        return
    if over.unknown is not None and not over.stops:
        raise CouldNotAsk(f"over rows, the script is refused: {over.unknown}")
    seen: dict[str, int] = {}
    for stop in over.stops:
        subject = stop.table or _SCRIPT
        seen[subject] = seen.get(subject, 0) + 1
        answer = _answer(context, stop, subject if seen[subject] == 1 else f"{subject} ({seen[subject]})")
        promised = _promising(context, stop) if answer.status is Status.BROKEN else None
        if promised is not None:
            words = f"{answer.summary[:-1]}, as [existing_rows.{promised}] promises."
            answer = replace(answer, status=Status.NOTED, summary=words, remedy=None, severity=None)
        yield answer
    if over.unknown is not None:
        yield _further(context, over.unknown, f"{_SCRIPT} ({seen[_SCRIPT] + 1})" if _SCRIPT in seen else _SCRIPT)
    if not over.stops:
        yield Answer(Status.KEPT, _SCRIPT, "The rows that are there do not stop the migration.")


def _endless(context: Context, refusal: Refusal) -> Answer:
    """Of a script that was run to its end over empty tables, in the same time."""
    place = f" at line {refusal.line}" if refusal.line else ""
    return Answer(
        Status.BROKEN,
        _SCRIPT,
        f"Over a few rows the migration does not end{place}; over empty tables it does.",
        expected="the migration runs to its end over every row that the tables take before it",
        actual=str(refusal),
        remedy="A loop must come to its end over rows that it leaves as they are, too: where what it writes is NULL, "
        "IS NULL chooses them again. Go on by the key. If it only takes longer, give it --timeout.",
        evidence=refusal.evidence(),
        origin=Origin(file=refusal.path or context.promise.script.path, line=refusal.line, column=refusal.column),
        severity=Severity.WARNING,
    )


def _further(context: Context, refusal: Refusal, subject: str) -> Answer:
    """Of a refusal past the last stop whose rows were looked for."""
    place = f" at line {refusal.line}" if refusal.line else ""
    return Answer(
        Status.BROKEN,
        subject,
        f"Past these rows the migration stops again{place}, and what comes after was tried over none: "
        f"{refusal.message.removesuffix('.')}.",
        expected="the migration runs to its end over every row that the tables take before it",
        actual=str(refusal),
        remedy="Put right what stops it before that, and verify again: more rows and locks may be told then.",
        evidence=refusal.evidence(),
        origin=Origin(file=refusal.path or context.promise.script.path, line=refusal.line, column=refusal.column),
        severity=Severity.WARNING,
    )


def _answer(context: Context, stop: Stop, subject: str) -> Answer:
    refusal, table = stop.refusal, stop.table
    path = refusal.path or context.promise.script.path
    origin = Origin(file=path, line=refusal.line, column=refusal.column)
    place = f" at line {refusal.line}" if refusal.line else ""
    evidence = list(refusal.evidence())
    if stop.rows:
        evidence.insert(0, _shown_rows(stop))
    words = refusal.message.removesuffix(".")
    match stop.kind:
        case StopKind.GUARD:
            return Answer(
                Status.NOTED,
                subject,
                f"Some rows stop the migration{place}, by its own words: {guard_words(refusal)}",
                evidence=evidence,
                origin=origin,
            )
        case StopKind.SOME_ROWS:
            return Answer(
                Status.BROKEN,
                subject,
                f"The migration stops{place} if {_condition(stop)}: {words}.",
                expected="the migration runs to its end over every row that the tables take before it",
                actual=str(refusal),
                remedy=f"{_counting(stop)} Change them before this statement, in this script or an earlier one.",
                evidence=evidence,
                origin=origin,
                severity=Severity.WARNING,
            )
        case StopKind.ANY_ROW:
            rows = "Any two rows" if stop.together and len(stop.rows) == 2 else "Any row"
            changed = " that the statement changes" if stop.changed else ""
            which = f"{rows} of {table or 'its tables'}{changed} stop{'' if stop.together else 's'}"
            return Answer(
                Status.BROKEN,
                subject,
                f"{which} the migration{place}: {words}.",
                expected="the migration runs to its end over every row that the tables take before it",
                actual=str(refusal),
                remedy=_remedy(stop),
                evidence=evidence,
                origin=origin,
            )


def _promising(context: Context, stop: Stop) -> str | None:
    """The rows of the contract at which the migration must fail, and fails in the same way."""
    script = context.promise.script
    for case in context.promise.of(ExistingRows):
        if not case.must_fail:
            continue
        with context.clone(context.before_state) as connection:
            try:
                connection.execute(case.sql.encode())
            except psycopg.Error:
                continue
            refusal = apply_as_production(connection, script)
        if refusal is not None and (refusal.sqlstate, refusal.constraint, refusal.column_name) == (
            stop.refusal.sqlstate,
            stop.refusal.constraint,
            stop.refusal.column_name,
        ):
            return case.name
    return None


def _condition(stop: Stop) -> str:
    """`a row of public.t has email IS NULL`."""
    if stop.table is None:
        return "there are rows"
    table = stop.table
    if stop.beside and not (stop.offence and stop.refusal.sqlstate == "23503"):
        return f"{' and '.join(stop.beside)} {'has' if len(stop.beside) == 1 else 'have'} rows beside those of {table}"
    if stop.offence is not None and stop.together:
        return f"two rows of {table} have {stop.offence.condition}"
    if stop.offence is not None:
        return f"a row of {table} has {stop.offence.condition}"
    return f"{'rows' if stop.together else 'a row'} of {table} {'are' if stop.together else 'is'} like the one shown"


def _counting(stop: Stop) -> str:
    if stop.offence is None:
        return "No SELECT is known that counts such rows: try the statement on a copy of production's tables."
    if stop.offence.is_example:
        return f"Look for such rows in production first; other values may stop it too: {stop.offence.counting}"
    return f"Count such rows in production first: {stop.offence.counting}"


def _shown_rows(stop: Stop) -> Evidence:
    lines = (
        ", ".join(f"{name} = {'NULL' if text is None else repr(text[:60])}" for name, text in row.values.items())
        for row in stop.rows[:2]
    )
    return Evidence(title=f"What stops it in {stop.table}", text="\n".join(lines))


def _remedy(stop: Stop) -> str:
    refusal = stop.refusal
    if refusal.sqlstate == "23502" and refusal.column_name:
        return (
            f"Add {refusal.column_name} with a DEFAULT, or without NOT NULL; fill it with an UPDATE, then SET NOT NULL."
        )
    if refusal.sqlstate == "2D000":
        return "Give what commits by itself a file of its own, without BEGIN, which its tool runs in no transaction."
    if refusal.sqlstate == "55006":
        return "End the transaction behind the statement that writes the rows: put what follows into a file of its own."
    if refusal.sqlstate.startswith("P0"):
        return "A function of yours refuses it: change the rows as it takes them, or switch its trigger off meanwhile."
    if refusal.context and "PL/pgSQL function" in refusal.context:
        return "Replace the function before the statement that fires it, or DROP the trigger first and create it again."
    return "Change the rows before the statement, so that it takes them."
