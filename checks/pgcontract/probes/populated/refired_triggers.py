"""What triggers that a pending migration's own UPDATEs fire do elsewhere, once more for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.model.contents import compare_rows
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Trigger
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import TokenKind
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.deployed import is_table_of_this_deploy
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.populated.table_snapshots import Snapshot, take_snapshot
from pgcontract.probes.row_generation.update_parts import UpdatePart, update_parts
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)
_NUMBERS: Final = ("smallint", "integer", "bigint", "numeric", "real", "double precision", "money")
_SENDS: Final = re.compile(r"\bpg_notify\b|\bNOTIFY\b|\bhttp_(?:post|get|request|delete)\b|\bdblink", re.IGNORECASE)
# Of the columns that the trigger waits for, or else of all, the first that may be written.
_WRITABLE: Final = """
SELECT a.attname FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
   AND a.attidentity <> 'a'
 ORDER BY pg_catalog.quote_ident(a.attname) = ANY (%s) DESC, a.attnum LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Refired:
    """`trigger` is fired by a statement that writes none of what its function reads. `column` of `other` counts on then,
    from `before` to `after` in one row; "" where it adds `rows` to that table. Both are "" where it sends something."""

    statement: Statement
    trigger: Trigger
    other: str = ""
    column: str = ""
    rows: int = 0
    before: str = ""
    after: str = ""


@cached_promise_fact
def refired_triggers(context: Context) -> tuple[Refired, ...]:
    """The first of each trigger and what it does; () where the migration does not run over rows."""
    script = context.promise.script
    fired = [list(_fired(context, statement)) for statement in script.statements] if script.parsed else []
    if not any(fired) or not context.before.tables:
        return ()
    over = run_over_rows(context)
    if over.after is None:
        return ()
    found: dict[tuple[str, str, str], Refired] = {}
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        is_off = False
        for statement, triggers in zip(steps_of(connection, script), fired, strict=False):
            is_off = is_off or names_in_code(statement.text, "DISABLE TRIGGER") or "replica" in statement.text.lower()
            for trigger, _ in triggers:
                _fire(connection, trigger)
            before = take_snapshot(connection) if triggers else {}
            if apply_statement(connection, statement, script) is not None:
                break
            after = take_snapshot(connection) if triggers else {}
            for trigger, body in triggers:
                for each in _effects(statement, trigger, body, before, after):
                    if is_off and not each.other:
                        continue  # only what it does in a table shows that it is fired
                    found.setdefault((trigger.name, each.other, each.column), each)
    return tuple(found.values())


def _fire(connection: psycopg.Connection, trigger: Trigger) -> None:
    """Fire it for each row, with nothing changed: what only copies or counts anew has come to its end thereafter, where
    rows were made apart from each other; what counts on goes on."""
    table = sql.SQL(trigger.table)
    with suppress(psycopg.Error), connection.transaction():
        column = connection.execute(_WRITABLE, [trigger.table, list(trigger.columns)]).fetchone()
        if column:
            connection.execute(sql.SQL("UPDATE {0} SET {1} = {1}").format(table, sql.Identifier(column[0])))


def _fired(context: Context, statement: Statement) -> Iterator[tuple[Trigger, str]]:
    """The triggers of before that an UPDATE of the statement may fire, and that read nothing which it writes; each with
    the text of its function."""
    text = "".join(literal_values(statement.text)) if statement.words[:1] == ("DO",) else statement.text
    if statement.words[:1] not in (("UPDATE",), ("WITH",), ("DO",)):
        return
    bodies = {function.name: function.body or "" for function in context.before.functions}
    for part in update_parts(text):
        written = _written(part)
        for trigger in context.before.triggers:
            body = bodies.get(trigger.function, "")
            if (
                QualifiedName.parse(trigger.table).name == part.table
                and "update" in trigger.events
                and trigger.enabled in ("origin", "always")
                and not is_table_of_this_deploy(context, trigger.table)
                and (not trigger.columns or written & {QualifiedName.parse(each).name for each in trigger.columns})
                and not any(names_in_code(f"{body} {trigger.when or ''}", name) for name in written)
            ):
                yield trigger, f"{trigger.function} {body}"


def _written(part: UpdatePart) -> set[str]:
    """The columns that stand left of a `=` between SET and WHERE, and those of `(a, b) =`."""
    read = part.assigned
    names = {one.name for one, other in pairwise(read) if other.text == "=" and one.kind in _NAMES}
    if len(read) > 1 and read[1].text == "(":
        end = next((place for place, token in enumerate(read) if token.text == ")"), len(read))
        names |= {token.name for token in read[2:end] if token.kind in _NAMES}
    return names


def _effects(statement: Statement, trigger: Trigger, body: str, before: Snapshot, after: Snapshot) -> Iterator[Refired]:
    own = next((oid for oid, table in before.items() if table.name == trigger.table), None)
    if own is None or own not in after or before[own].rows == after[own].rows:
        return
    if _SENDS.search(body) and trigger.when is None:
        yield Refired(statement=statement, trigger=trigger)
    for oid, table in before.items():
        bare = QualifiedName.parse(table.name).name
        if oid == own or oid not in after or not names_in_code(body, bare) or names_in_code(statement.text, bare):
            continue
        differences = compare_rows(table.contents, after[oid].contents)
        added = sum(difference.change == "added" for difference in differences)
        if added:
            yield Refired(statement=statement, trigger=trigger, other=table.name, rows=added)
        counted = [
            (number, (difference.before or {})[str(number)], (difference.after or {})[str(number)])
            for difference in differences
            if difference.change == "changed"
            for number in table.columns
            if str(number) in difference.changed_columns and table.types[number].startswith(_NUMBERS)
        ]
        for number in dict.fromkeys(each[0] for each in counted):
            pairs = [(one, other) for each, one, other in counted if each == number and one is not None]
            if pairs:
                yield Refired(
                    statement=statement,
                    trigger=trigger,
                    other=table.name,
                    column=table.columns[number],
                    rows=len(pairs),
                    before=str(pairs[0][0]),
                    after=str(pairs[0][1]),
                )
