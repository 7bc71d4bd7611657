"""Rows and sequences that a script changed, by value, without what the clock and chance change by themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from pgcontract.model.contents import Contents, RowDifference, SequencePosition, TableContents, compare_rows
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.rollback_differences import RollbackDifferences, compare_after_rollback
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script
from pgcontract.model.sql.lexer import tokens
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.value_display import escaped
from pgcontract.probes.rehearsal import filled_before
from pgcontract.probes.script_words import assigned_columns, names_in_code
from pgcontract.probes.volatile_columns import VolatileColumn, volatile_columns
from pgcontract.result import Evidence

_MAX_SHOWN: Final = 20
_SETS_POSITION: Final = re.compile(r"\bsetval\b|\brestart\b", re.IGNORECASE)
_WRITES: Final = re.compile(r"\b(?:insert|update|delete|merge|truncate|copy)\b", re.IGNORECASE)
_DEFINES: Final = {"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE"}


def changed_rows(
    context: Context, before: Contents, after: Contents, *, script: Script | None = None
) -> tuple[RowDifference, ...]:
    """The rows that differ in tables that are there both times; also where the `script` itself sets what a default
    sets from the clock or at random."""
    differences: list[RowDifference] = []
    for table in before.tables.values():
        other = after.tables.get(table.name)
        if other is not None and (changed := compare_rows(table, other)):
            differences += compare_rows(table, other, ignored=_uncounted(context, table, changed, script))
    return tuple(differences)


def only_clock_set(context: Context, differences: Iterable[RowDifference]) -> bool:
    """Whether the rows differ in nothing but times that a default would set as well, such as an `updated_at`."""
    return all(
        difference.change == "changed"
        and difference.changed_columns
        and all(
            (volatile := volatile_columns(context, difference.table).get(column)) is not None
            and volatile.is_clock
            and volatile.may_set((difference.after or {})[column])
            for column in difference.changed_columns
        )
        for difference in differences
    )


def follows_later_rows(difference: RowDifference, earlier: Contents) -> bool:
    """Whether the row is new, or none of the earlier ones and only its NULLs got values: as rows that were inserted
    since are filled in, and others derived from them."""
    table, row = earlier.tables.get(difference.table), difference.before
    if difference.change == "added":
        return True
    if difference.change != "changed" or not row or any(row[column] is not None for column in difference.changed_columns):
        return False
    return table is None or (set(row) <= set(table.columns) and tuple(row.values()) not in table.project(list(row)))


def rows_after_rollback(
    context: Context,
    *,
    migrated: Contents,
    filled: Contents,
    after: Contents,
    before: Contents | None = None,
    script: Script | None = None,
) -> RollbackDifferences:
    """How the rows of before the migration, those that it is rehearsed over or `before`, stand after the rollback;
    `script` as of `changed_rows`."""
    rows = before or filled_before(context).contents

    def ignored(table: str, differences: Sequence[RowDifference]) -> frozenset[str]:
        return _uncounted(context, rows.tables[table], differences, script)

    judged = compare_after_rollback(rows, migrated, filled, after, ignored)
    logs = _logs(context) if any(difference.change == "added" for difference in judged.own) else frozenset()
    logged = [row for row in judged.own if row.change == "added" and row.table in logs]
    own = tuple(row for row in judged.own if row not in logged)
    return replace(judged, own=own, logged=Counter(row.table for row in logged))


def _logs(context: Context) -> frozenset[str]:
    """The tables that triggers on others write to, and neither script: what happened stays there, undone or not."""
    bodies = {function.name: function.body or "" for function in (*context.before.functions, *context.after.functions)}
    tables = {table.name for table in context.before.tables}
    written = {
        table
        for trigger in (*context.before.triggers, *context.after.triggers)
        for table in tables - {trigger.table}
        if names_in_code(
            " ".join((bodies.get(trigger.function, ""), *trigger.arguments)), QualifiedName.parse(table).name
        )
    }
    for script in (context.promise.script, context.promise.rollback):
        written -= set(tables_written(script, written)) if script else set()
    return frozenset(written)


def _uncounted(
    context: Context, table: TableContents, differences: Sequence[RowDifference], script: Script | None
) -> frozenset[str]:
    """Columns that the clock or chance set where the rows differ so.

    Not a key to which other rows refer, which is a row's identity, random or not; no column in which a row that stayed
    has a time that no clock set, as after a change of its time zone; and none that stands in an UPDATE of the script
    and that only a default sets: no default acts on a row that is there.
    """
    assigned = assigned_columns(script) if script else frozenset()

    def counts(column: str, volatile: VolatileColumn) -> bool:
        values = [
            (difference.after or {})[column]
            for difference in differences
            if difference.change == "changed" and column in difference.changed_columns
        ]
        overwritten = bool(values) and column in assigned and not volatile.by_trigger
        return column in table.referenced or overwritten or not all(map(volatile.may_set, values))

    return frozenset(
        column for column, volatile in volatile_columns(context, table.name).items() if not counts(column, volatile)
    )


def changed_sequences(context: Context, script: Script, before: Contents, after: Contents) -> tuple[str, ...]:
    """Sequences that would now hand out a number that is in use, or that the script itself set, in words."""
    return tuple(
        words
        for name, position in before.sequences.items()
        if name in after.sequences and (words := _sequence_change(context, script, position, after.sequences[name]))
    )


def _sequence_change(context: Context, script: Script, before: SequencePosition, after: SequencePosition) -> str:
    if before.next_number == after.next_number and before.repeats_key == after.repeats_key:
        return ""
    moved = f"next {before.next_number} → {after.next_number}"
    if after.repeats_key and not before.repeats_key:
        return f"sequence {before.name}, which comes to a key that a row has ({moved}; there is {after.furthest_key})"
    if not after.numbers_column and before.next_number != after.next_number and after.is_behind(before.next_number):
        return f"sequence {before.name}, which hands out numbers again ({moved})"
    # To the first free number is where every such script brings it that is run again.
    is_at_first_free = after.furthest_key is not None and after.next_number == after.furthest_key + after.increment
    if not is_at_first_free and before.next_number != after.next_number and _sets(context.after, script, before.name):
        return f"sequence {before.name}, which the script sets ({moved})"
    return ""


def _sets(schema: Schema, script: Script, sequence: str) -> bool:
    """Whether the script, or a function that it names, sets the position of this sequence."""
    text = _code(script.text)
    texts = [text, *(part.body or "" for part in schema.functions if names_in_code(text, part.bare_name))]
    owner = next((part.owned_by for part in schema.sequences if part.name == sequence), None)
    column = QualifiedName.parse(owner).parts[-2:] if owner else ()
    return any(
        _SETS_POSITION.search(code)
        and (
            names_in_code(code, QualifiedName.parse(sequence).name)
            or (column and all(names_in_code(code, part) for part in column))
        )
        for code in texts
    )


def tables_written(script: Script, tables: Iterable[str]) -> tuple[str, ...]:
    """Those of the tables that a statement names which writes rows, or runs code that does."""
    texts = [
        _code(statement.text)
        for statement in script.statements
        if not (statement.words and statement.words[0] in _DEFINES)
    ]
    writing = [text for text in texts if _WRITES.search(text)]
    return tuple(
        table for table in tables if any(names_in_code(text, QualifiedName.parse(table).name) for text in writing)
    )


def _code(text: str) -> str:
    """The text without comments."""
    return " ".join(token.text for token in tokens(text))


def describe_difference(difference: RowDifference) -> str:
    """`public.accounts, id = 1: balance '100' → '201'`; `public.audit: row added, what = 'run'`."""
    if difference.before == {} == difference.after:
        return f"{difference.table}: its rows are too many to be compared one by one, and some differ"
    values = difference.before if difference.before is not None else difference.after or {}
    if difference.change != "changed":
        shown = list(islice(((name, value) for name, value in values.items() if value is not None), 4))
        return f"{difference.table}: row {difference.change}, {_pairs(shown) or 'with nothing but NULL in it'}"
    changed = difference.changed_columns
    named = difference.key or tuple(name for name in values if name not in changed and values[name] is not None)[:2]
    row = f", {_pairs([(name, values[name]) for name in named])}" if named else ""
    before, after = difference.before or {}, difference.after or {}
    cells = "; ".join(f"{column} {_shown(before[column])} → {_shown(after[column])}" for column in changed[:3])
    more = f"; {len(changed) - 3} more columns" if len(changed) > 3 else ""
    return f"{difference.table}{row}: {cells}{more}"


def row_evidence(title: str, differences: Sequence[RowDifference]) -> tuple[Evidence, ...]:
    """The first of the rows, each as a line; nothing where there are none."""
    if not differences:
        return ()
    lines = [describe_difference(difference) for difference in differences[:_MAX_SHOWN]]
    if len(differences) > _MAX_SHOWN:
        lines.append(f"… {len(differences) - _MAX_SHOWN} more rows")
    return (Evidence(title=title, text="\n".join(lines)),)


def _pairs(values: Iterable[tuple[str, str | None]]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in values)


def _shown(value: str | None) -> str:
    return "NULL" if value is None else escaped(value)
