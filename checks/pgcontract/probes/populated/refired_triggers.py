"""What triggers that a pending migration's own statements fire do elsewhere, once more for rows that were there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeAlias

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.model.contents import compare_rows
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Trigger
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import TokenKind
from pgcontract.model.sql.written_values import read_writes
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.held_clock import held_statement, hold_clock, is_new_each_time
from pgcontract.probes.populated.deployed import is_table_of_this_deploy
from pgcontract.probes.populated.loss_words import takes_away
from pgcontract.probes.populated.over_rows import OverRows, run_over_rows
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.populated.table_snapshots import Snapshot, TableSnapshot, take_snapshot
from pgcontract.probes.row_generation.update_parts import UpdatePart, update_parts
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)
_Fired: TypeAlias = Sequence[tuple[Trigger, str]]  # each with the text of its function
_WRITES: Final = (("UPDATE",), ("WITH",), ("DO",), ("INSERT",), ("MERGE",))
_NUMBERS: Final = ("smallint", "integer", "bigint", "numeric", "real", "double precision", "money")
_SENDS: Final = re.compile(r"\bpg_notify\b|\bNOTIFY\b|\bhttp_(?:post|get|request|delete)\b|\bdblink", re.IGNORECASE)
_WRITTEN: Final = re.compile(
    r"\b(?:UPDATE|INTO|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|ALTER\s+TABLE)\s+(?:ONLY\s+)?"
    r'(?P<name>(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?)',
    re.IGNORECASE,
)
# Of the columns that the trigger waits for, or else of all, the first that may be written.
_WRITABLE: Final = """
SELECT a.attname FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
   AND a.attidentity <> 'a'
 ORDER BY pg_catalog.quote_ident(a.attname) = ANY (%s) DESC, a.attnum LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Refired:
    """`trigger` is fired by the statement's `command`: by an UPDATE that writes none of what its function reads, or by an
    INSERT of rows that were there and were taken away. `column` of `other` counts on then, from `before` to `after` in
    one row; "" where it adds `rows` to that table. Both are "" where it sends something."""

    statement: Statement
    trigger: Trigger
    command: str = "UPDATE"
    other: str = ""
    column: str = ""
    rows: int = 0
    before: str = ""
    after: str = ""


@cached_promise_fact
def refired_triggers(context: Context) -> tuple[Refired, ...]:
    """The first of each trigger and what it does; () where the migration does not run over rows."""
    script = context.promise.script
    statements = script.statements if script.parsed else ()
    fired = [list(_fired(context, statement)) for statement in statements]
    returning = [list(_returning(context, statements, statement)) for statement in statements]
    if not (any(fired) or any(returning)) or not context.before.tables:
        return ()
    over = run_over_rows(context)
    if over.after is None:
        return ()
    found: dict[tuple[str, str, str], Refired] = {}
    for each in (
        *(_updated_again(context, over, fired) if any(fired) else ()),
        *(_put_back(context, over, returning) if any(returning) else ()),
    ):
        found.setdefault((each.trigger.name, each.other, each.column), each)
    return tuple(found.values())


def _updated_again(context: Context, over: OverRows, fired: Sequence[_Fired]) -> Iterator[Refired]:
    script = context.promise.script
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        is_off = False
        for statement, triggers in zip(steps_of(connection, script), fired, strict=False):
            is_off = is_off or names_in_code(statement.text, "DISABLE TRIGGER") or "replica" in statement.text.lower()
            is_undone = bool(triggers) and connection.info.transaction_status is TransactionStatus.INTRANS
            if triggers:
                hold_clock(connection)
                for trigger, _ in triggers:
                    _fire(connection, trigger)
            before = take_snapshot(connection) if triggers else {}
            # Without a transaction to undo, the second run is not to be had, nor one moment for both.
            triggers = [each for each in triggers if is_undone or not is_new_each_time(each[1])]
            runs = []
            for _ in range(2 if is_undone else 1):
                if is_undone:
                    connection.execute("SAVEPOINT pgcontract_again")
                if apply_statement(connection, held_statement(statement) if triggers else statement, script) is not None:
                    return
                after = take_snapshot(connection) if triggers else {}
                runs.append([each for one in triggers for each in _effects(statement, *one, before, after)])
                if not any(each.column for each in runs[0]) or len(runs) == 2:
                    break
                if is_undone:
                    connection.execute("ROLLBACK TO SAVEPOINT pgcontract_again")
            for each in runs[0]:
                # Only what it does in a table shows that it is fired; what is another each time is by chance.
                if (each.other or not is_off) and (each in runs[-1] or not each.column):
                    yield each


def _put_back(context: Context, over: OverRows, returning: Sequence[_Fired]) -> Iterator[Refired]:
    """What else is other than before the migration once rows are there again that it took away."""
    script, read = context.promise.script, ""
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        for statement, triggers in zip(steps_of(connection, script), returning, strict=False):
            before = take_snapshot(connection) if triggers else {}
            if triggers:
                hold_clock(connection)
            if apply_statement(connection, statement, script) is not None:
                return
            read += f" {statement.text}"
            after = take_snapshot(connection) if triggers else {}
            for trigger, body in triggers:
                oid = next((oid for oid, table in over.start.items() if table.name == trigger.table), None)
                if (
                    oid is not None
                    and oid in before
                    and oid in after
                    and _returned(over.start[oid], before[oid], after[oid])
                ):
                    for each in _elsewhere(statement, trigger, body, over.start, after, oid, read):
                        yield replace(each, command="INSERT")


def _returned(start: TableSnapshot, before: TableSnapshot, after: TableSnapshot) -> bool:
    """Whether rows that were gone are there again, be it under other keys, and with another value or two."""
    numbers = [number for number in start.columns if number not in start.key and number in after.columns]

    def rows(table: TableSnapshot) -> Counter[tuple[str | None, ...]]:
        return Counter(tuple(row.get(number) for number in numbers) for row in table.rows)

    gone, added = rows(start) - rows(before), rows(after) - rows(before)
    return any(
        sum(one is not None and one == other for one, other in zip(old, new, strict=True)) * 2
        > sum(one is not None for one in old)
        for old in gone
        for new in added
    )


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
    if statement.words[:1] not in _WRITES:
        return
    text = "".join(literal_values(statement.text)) if statement.words[:1] == ("DO",) else statement.text
    updates = [(part.table, _written(part)) for part in update_parts(text)]
    updates += [(each.table.name, set(each.values)) for each in read_writes(text) if each.kind == "UPDATE" and each.table]
    bodies = {function.name: function.body or "" for function in context.before.functions}
    for table, written in updates:
        for trigger in context.before.triggers:
            body = bodies.get(trigger.function, "")
            if (
                table in _names(context, trigger.table)
                and "update" in trigger.events
                and trigger.enabled in ("origin", "always")
                and not is_table_of_this_deploy(context, trigger.table)
                and (not trigger.columns or written & {QualifiedName.parse(each).name for each in trigger.columns})
                and not any(names_in_code(f"{body} {trigger.when or ''}", name) for name in written)
            ):
                yield trigger, f"{trigger.function} {body}"


def _returning(context: Context, statements: Sequence[Statement], statement: Statement) -> Iterator[tuple[Trigger, str]]:
    """The triggers of before that its INSERT may fire, into a table that an earlier statement takes rows from."""
    before = [each for each in statements[: statements.index(statement) + 1] if takes_away(each)]
    if not before or statement.words[:1] not in _WRITES or not names_in_code(statement.text, "INSERT"):
        return
    bodies = {function.name: function.body or "" for function in context.before.functions}
    for trigger in context.before.triggers:
        names = _names(context, trigger.table)
        if (
            "insert" in trigger.events
            and trigger.enabled in ("origin", "always")
            and not is_table_of_this_deploy(context, trigger.table)
            and any(names_in_code(statement.text, name) for name in names)
            and any(names_in_code(each.text, name) for each in before for name in names)
        ):
            yield trigger, f"{trigger.function} {bodies.get(trigger.function, '')}"


def _names(context: Context, table: str) -> set[str]:
    """The bare names of the table and of its partitions, whose rows fire its triggers too."""
    below = (_names(context, each.name) for each in context.before.tables if each.partition_of == table)
    return {QualifiedName.parse(table).name}.union(*below)


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
    yield from _elsewhere(statement, trigger, body, before, after, own, statement.text)


def _written_tables(text: str) -> set[str]:
    return {QualifiedName.parse(match["name"]).name for match in _WRITTEN.finditer(text)}


def _elsewhere(
    statement: Statement, trigger: Trigger, body: str, before: Snapshot, after: Snapshot, own: int, read: str
) -> Iterator[Refired]:
    """What differs in the other tables that the function names, and what was `read` of the script does not write to."""
    for oid, table in before.items():
        bare = QualifiedName.parse(table.name).name
        if oid == own or oid not in after or not names_in_code(body, bare) or bare in _written_tables(read):
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
