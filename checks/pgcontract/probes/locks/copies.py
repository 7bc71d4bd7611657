"""Rows that a script copies out of a table before it takes the table, or the column, away: and whether any can be written
in between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import TokenKind, tokens, without_comments
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.locks.work import TracedStatement
from pgcontract.probes.populated.loss_words import assigned_value
from pgcontract.probes.replaced_objects import replaced_objects
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_DROPS_COLUMN: Final = re.compile(
    r'\bDROP\s+(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?(?P<name>"(?:[^"]|"")+"|\w+)', re.IGNORECASE
)
_COPIES: Final = {"INSERT", "CREATE", "WITH", "MERGE", "SELECT", "DO", "CALL", "UPDATE"}


@dataclass(frozen=True, kw_only=True)
class UnguardedCopy:
    """`copy` reads `table` while others may write to it, and behind `taken` what they wrote is gone with `what`."""

    table: str
    what: str
    copy: TracedStatement
    taken: TracedStatement


@cached_promise_fact
def unguarded_copies(context: Context) -> tuple[UnguardedCopy, ...]:
    """One a table, of its last copy: an earlier one may be made up for by a later one under a lock."""
    script = context.promise.script
    if not any(names_in_code(script.text, word) for word in ("RENAME", "DROP", "SCHEMA", "TRUNCATE")):
        return ()
    traced = trace_locks(context).statements
    before = context.before
    return tuple(
        found
        for table in before.tables
        if table.form != "foreign table"
        for found in _of_table(context, before, table.name, traced)
    )


def _of_table(context: Context, before: Schema, table: str, traced: Sequence[TracedStatement]) -> Iterator[UnguardedCopy]:
    bare = QualifiedName.parse(table).name
    for place, taken in enumerate(traced):
        what = _taken_away(context, before, table, bare, taken)
        if what is None:
            continue
        copies = [(at, each) for at, each in enumerate(traced[:place]) if _copies(each, bare, table, what, before)]
        if not copies:
            return
        at, copy = copies[-1]
        if not _is_guarded(traced, at, copy, taken, table) and not _has_sync_trigger(before, table, traced):
            yield UnguardedCopy(table=table, what=what, copy=copy, taken=taken)
        return


def _taken_away(context: Context, before: Schema, table: str, bare: str, traced: TracedStatement) -> str | None:
    """What the statement takes of the table: its name, its rows or a column; None where nothing."""
    statement = traced.statement
    text = without_comments(statement.text)
    if not names_in_code(text, bare):
        return None
    words = statement.words
    if words[:2] == ("DROP", "TABLE") or words[:1] == ("TRUNCATE",):
        return table
    if words[:2] != ("ALTER", "TABLE"):
        return None
    if any(each.name == table and each.kind == "table" for each in replaced_objects(context)) and _frees(text):
        return table
    dropped = {QualifiedName.parse(match["name"]).name for match in _DROPS_COLUMN.finditer(text)}
    return next((each.name for each in before.columns if each.table == table and each.bare_name in dropped), None)


def _frees(text: str) -> bool:
    upper = text.upper()
    return ("RENAME" in upper and "COLUMN" not in upper) or "SET SCHEMA" in " ".join(upper.split())


def _copies(traced: TracedStatement, bare: str, table: str, what: str, before: Schema) -> bool:
    """Whether it reads the table, or the column of it, and puts rows or values elsewhere."""
    statement = traced.statement
    if statement.words[:1] and statement.words[0] not in _COPIES:
        return False
    text = without_comments(statement.text)
    if not names_in_code(text, bare) or table not in traced.held:
        return False
    if what != table:
        column = QualifiedName.parse(what).name
        if not names_in_code(text, column):
            return False
        if traced.rows.get(table):
            return _sets_another(statement, column)
    if statement.words[:1] == ("CREATE",):
        return "TABLE" in statement.words[:4] and names_in_code(text, "SELECT")
    writes_here = traced.rows.get(table, 0)
    return not writes_here and any(names_in_code(text, word) for word in ("INSERT", "UPDATE", "MERGE", "INTO"))


def _sets_another(statement: Statement, column: str) -> bool:
    """Whether it sets another column to what is in this one."""
    return any(
        token.name == column
        for name in {each.name for each in tokens(statement.text) if each.kind in (TokenKind.WORD, TokenKind.QUOTED)}
        - {column}
        for token in assigned_value(statement, name) or ()
    )


def _is_guarded(
    traced: Sequence[TracedStatement], at: int, copy: TracedStatement, taken: TracedStatement, table: str
) -> bool:
    """Whether no other can write from before the copy to the end: the lock is there when it begins to read."""
    if copy.transaction != taken.transaction:
        return False
    earlier = traced[at - 1] if at and traced[at - 1].transaction == copy.transaction else None
    # What a block locks, it locks before it reads.
    held = copy.held if copy.statement.words[:1] in (("DO",), ("CALL",)) or earlier is None else earlier.held
    mode = held.get(table)
    if earlier is None and copy.statement.words[:1] not in (("DO",), ("CALL",)):
        return False
    return mode is not None and mode.blocks_writes


def _has_sync_trigger(before: Schema, table: str, traced: Sequence[TracedStatement]) -> bool:
    """Whether a trigger may carry writes over: one that writes elsewhere, of before or the script's own."""
    bodies = {function.name.partition("(")[0]: function.body or "" for function in before.functions}
    writes = any(
        trigger.table == table
        and any(
            word in bodies.get(trigger.function.partition("(")[0], "").upper() for word in ("INSERT", "UPDATE", "MERGE")
        )
        for trigger in before.triggers
    )
    bare = QualifiedName.parse(table).name
    made = any(
        "TRIGGER" in each.statement.words[:4]
        and each.statement.words[:1] == ("CREATE",)
        and names_in_code(each.statement.text, bare)
        for each in traced
    )
    return writes or made
