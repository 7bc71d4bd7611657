"""Times whose moment hangs on the time zone of the session that runs the migration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from psycopg import sql

from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.model.schema import Column, Origin
from pgcontract.model.sql import Script, Statement
from pgcontract.model.sql.lexer import without_comments
from pgcontract.probes.context import Context
from pgcontract.probes.locks.zones import ELSEWHERE, is_zone_set
from pgcontract.probes.populated.zoned_writes import ZonedWrite, zoned_writes
from pgcontract.probes.script_words import names_in_code
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, otherwise_kept

_SAYS_ZONE: Final = re.compile(r"\bAT\s+(?:TIME\s+ZONE|LOCAL)\b|\btimezone\s*\(", re.IGNORECASE)
_SETS_ZONE: Final = re.compile(r"\bSET\s+(?:(?:SESSION|LOCAL)\s+)?TIME\s*ZONE\b|'TimeZone'", re.IGNORECASE)
_WITH: Final = "with time zone"
_WITHOUT: Final = ("without time zone", "date")
_ZONES: Final = ("UTC", ELSEWHERE)
_SHOWN: Final = "2024-07-01 12:00:00"


@check("rows.zone_known", subjects=pending_script, severity=Severity.WARNING)
@otherwise_kept("script", "No time changes with the time zone of who runs the migration.")
def rows_zone_known(context: Context) -> Iterator[Answer]:
    """What goes from times with a zone to such without, or back, says in which zone they are.

    Why it matters: timestamp to timestamptz, and back, takes each value in the time zone of the session. In another zone
    than the one they were written in every time moves by hours, in all rows, and no error is seen.
    How it is measured: the columns of before and after the pending migration are compared. Where a type changes between
    the two, the statement must say AT TIME ZONE, or the script or the database set the zone. What a statement writes from
    rows (`day = created_at::date`) is compared between two sessions in zones that are far apart. On Supabase, whose
    databases are in UTC, it is noted.
    What to do: USING the_column AT TIME ZONE 'UTC', or whichever they were written in; or SET TimeZone = 'UTC' in front
    of the statement, by which no row is written anew either.
    """
    script = context.promise.script
    after = {column.name: column for column in context.after.columns}
    for column in context.before.columns:
        now = after.get(column.name)
        if now is None or not _crosses(column.type, now.type):
            continue
        statement = _statement_of(script, column)
        if (
            statement is None
            or _SAYS_ZONE.search(statement.text)
            or _sets_zone(script, statement)
            or is_zone_set(context)
        ):
            continue
        yield _answer(context, column, now, statement)
    told = {
        column.name
        for column in context.before.columns
        if (now := after.get(column.name)) and _crosses(column.type, now.type)
    }
    for write in () if is_zone_set(context) else zoned_writes(context):
        if write.subject not in told and not _sets_zone(script, write.statement):
            yield _written(context, write)


def _written(context: Context, write: ZonedWrite) -> Answer:
    statement = write.statement
    return Answer(
        Status.NOTED if context.promise.project.platform == SUPABASE else Status.BROKEN,
        write.subject,
        f"Line {statement.line} writes times into {write.subject} that hang on the time zone of the session.",
        expected="a zone that the statement says",
        actual=f"such as {write.west} where the session is in UTC-12, {write.east} in UTC+14",
        remedy="Say the zone where it goes from times with a zone to such without, or back, as in "
        "(created_at AT TIME ZONE 'UTC')::date; or put SET TimeZone = 'UTC'; in front of it.",
        evidence=[Evidence(title="The statement", text=statement.shown, language="sql")],
        origin=Origin(file=statement.path or context.promise.script.path, line=statement.line, column=statement.column),
    )


def _crosses(old: str, new: str) -> bool:
    return any(_WITH in one and other.endswith(_WITHOUT) for one, other in ((old, new), (new, old)))


def _statement_of(script: Script, column: Column) -> Statement | None:
    """The last ALTER that gives the column another type."""
    return next(
        (
            statement
            for statement in reversed(script.statements)
            if statement.words[:1] in (("ALTER",), ("DO",))
            and names_in_code(statement.text, "TYPE")
            and names_in_code(statement.text, column.bare_name)
        ),
        None,
    )


def _sets_zone(script: Script, statement: Statement) -> bool:
    return any(_SETS_ZONE.search(without_comments(each.text)) for each in script.statements[: statement.number])


def _answer(context: Context, column: Column, now: Column, statement: Statement) -> Answer:
    is_utc = context.promise.project.platform == SUPABASE
    with context.sandbox.rolled_back(context.after_state) as connection:
        shown = []
        for zone in _ZONES:
            connection.execute("SELECT pg_catalog.set_config('TimeZone', %s, true)", [zone])
            query = sql.SQL("SELECT CAST(CAST({} AS {}) AS {})::text").format(
                sql.Literal(f"{_SHOWN}+00" if _WITH in column.type else _SHOWN), sql.SQL(column.type), sql.SQL(now.type)
            )
            row = connection.execute(query).fetchone()
            shown.append((zone, row[0] if row else ""))
    return Answer(
        Status.NOTED if is_utc else Status.BROKEN,
        column.name,
        f"Line {statement.line} takes the times in {column.name} in the time zone of the session that runs it: in "
        "another than they were written in, each moves.",
        expected="a zone that the statement says",
        actual=f"{_SHOWN} becomes " + ", ".join(f"{value} in {zone}" for zone, value in shown),
        remedy=f"Say the zone: ... TYPE {now.type} USING {column.quoted_name} AT TIME ZONE 'UTC'; or put "
        "SET TimeZone = 'UTC'; in front of it.",
        evidence=[Evidence(title="The statement", text=statement.shown, language="sql")],
        origin=Origin(file=statement.path or context.promise.script.path, line=statement.line, column=statement.column),
    )
