"""What a migration loses of the rows that were there: by which statement, how many, and whether the statement says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import psycopg

from pgcontract.model.contents import RowDifference, compare_rows
from pgcontract.model.foreign_key import read_foreign_key
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.sql import Statement
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.conversions import Conversion, conversion_of, keeps_apart, says_the_same
from pgcontract.probes.populated.deployed import (
    is_made_by_deploy,
    is_of_this_deploy,
    is_table_of_this_deploy,
    keys_written_by_deploy,
    written_by_deploy,
)
from pgcontract.probes.populated.doubted_moves import doubted_moves, told_apart
from pgcontract.probes.populated.loss_words import (
    assigned_value,
    chooses_by_value,
    chooses_rows,
    deletes,
    detached,
    drops,
    drops_by_name,
    drops_column,
    falls_through,
    fills_by_and_by,
    is_constant_over_all,
    sets_to_clock,
    takes_away,
    takes_from_others,
)
from pgcontract.probes.populated.moved_rows import Ends, ends_of, gone, is_value_kept, key
from pgcontract.probes.populated.over_rows import run_over_rows, run_to_its_end
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.populated.table_snapshots import Snapshot, StoredValues, TableSnapshot, take_snapshot
from pgcontract.probes.script_words import assigned_columns_of
from pgcontract.result.row_effects import LossKind, RowLoss
from pgcontract.values import dataclass

_MAX_STATEMENTS: Final = 400
_MAX_PAIRS: Final = 20
# Statements that change no row that is there, whatever their words.
_HARMLESS: Final = {
    "CREATE", "COMMENT", "GRANT", "REVOKE", "SET", "RESET", "BEGIN", "START", "COMMIT", "END", "ANALYZE", "SHOW",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What one statement did to one table that was there before the migration."""

    statement: Statement | None
    start: TableSnapshot
    before: TableSnapshot
    after: TableSnapshot | None


@cached_promise_fact
def find_losses(context: Context) -> tuple[RowLoss, ...]:
    """The losses of a pending migration, in the order of its statements; () where it does not run over rows."""
    over = run_over_rows(context)
    if over.after is None or not context.before.tables:
        return ()
    changed = _changed(over.start, over.final)
    if not changed:
        return ()
    losses = _find(context, over.before, over.start, over.final)
    told = {(loss.table, loss.column) for loss in losses}
    ends = ends_of(over.start, over.final)
    doubts = [
        (oid, number)
        for oid, number in doubted_moves(ends, changed)
        if _subject(over.start[oid], number) not in told and not is_made_by_deploy(context, over.start[oid], number)
    ]
    if doubts:
        state = told_apart(context, over.before, over.start, doubts)
        start, final = run_to_its_end(context, state)
        subjects = {_subject(over.start[oid], number) for oid, number in doubts}
        found = _find(context, state, start, final) if final is not None else []
        context.sandbox.drop(state.database)
        losses += [loss for loss in found if (loss.table, loss.column) in subjects]
        losses.sort(key=lambda loss: loss.line or 0)
    return tuple(dict.fromkeys(losses))


def _subject(table: TableSnapshot, number: int | None) -> tuple[str, str | None]:
    return table.name, None if number is None else table.columns[number]


def _find(context: Context, state: DatabaseState, start: Snapshot, final: Snapshot) -> list[RowLoss]:
    changed = _changed(start, final)
    losses: list[RowLoss] = []
    ends = ends_of(start, final)
    with context.sandbox.clone(state) as name, context.sandbox.connect(name) as connection:
        for change in _changes(context, connection, start, changed):
            losses += _losses(context, connection, change, ends)
    return losses


def _changed(start: Snapshot, final: Snapshot) -> set[int]:
    return {oid for oid, table in start.items() if table.rows and _differs(table, final.get(oid))}


def _differs(table: TableSnapshot, other: TableSnapshot | None) -> bool:
    return (
        other is None
        or not set(table.columns) <= set(other.columns)
        or any(table.types[number] != other.types[number] for number in table.columns)
        or bool(_differences(table, other))
    )


def _differences(before: TableSnapshot, after: TableSnapshot) -> tuple[RowDifference, ...]:
    return tuple(
        difference
        for difference in compare_rows(before.seen_in(after).contents, after.contents)
        if difference.change != "added"
    )


def _changes(context: Context, connection: psycopg.Connection, start: Snapshot, changed: set[int]) -> Iterator[_Change]:
    """Run the script statement by statement, and look at the tables behind each that may change rows."""
    script = context.promise.script
    before = {oid: start[oid] for oid in changed}
    for statement in islice(steps_of(connection, script), _MAX_STATEMENTS):
        if apply_statement(connection, statement, script) is not None:
            return
        if statement.words[:1] and statement.words[0] in _HARMLESS:
            continue
        after = take_snapshot(connection, changed)
        for oid, table in before.items():
            if _differs(table, after.get(oid)):
                yield _Change(statement=statement, start=start[oid], before=table, after=after.get(oid))
        before = {oid: table for oid, table in after.items() if oid in changed}


def _losses(context: Context, connection: psycopg.Connection, change: _Change, ends: Ends) -> Iterator[RowLoss]:
    change = _at_the_drop(context, change)
    if is_table_of_this_deploy(context, change.start.name):
        change = replace(change, before=written_by_deploy(context, change.before))
        ends = replace(ends, cells={})  # where it was copied from it may still stand
    start, before, after = change.start, change.before, change.after
    there = {key(row, start) for row in start.rows}
    old = [row for row in before.rows if not start.key or key(row, start) in there]
    if after is None:
        lost = gone(old, ends)
        named = drops(change.statement, before.name)
        yield from _loss(context, change, LossKind.DROPPED, None, len(lost), len(old), named=named, rows=lost)
        return
    for number in start.columns:
        if number in before.columns and number not in after.columns:
            had = [row for row in old if row[number] is not None]
            if had and is_of_this_deploy(context, start.name, before.columns[number]):
                written = keys_written_by_deploy(context, start, number)
                had = [row for row in had if key(row, start) in written]
            kept = bool(had) and all(is_value_kept(row, number, start, ends) for row in had)
            if had and not kept:
                named = drops_column(change.statement, before.columns[number])
                yield from _loss(context, change, LossKind.DROPPED, number, len(had), len(had), named=named, rows=had)
    differences = _differences(before, after)
    removed = [_values(difference.before) for difference in differences if difference.change == "removed"]
    lost = gone([row for row in removed if not start.key or key(row, start) in there], ends)
    if change.statement is not None and not takes_away(change.statement) and len(after.rows) >= len(before.rows):
        lost = []  # an UPDATE gave them another key
    named = deletes(change.statement, before.name) or any(
        deletes(change.statement, name) for name in _partitions(context, start.name)
    )
    yield from _loss(context, change, LossKind.DELETED, None, len(lost), len(old), named=named, rows=lost)
    for number in start.columns:
        if number in before.columns and number in after.columns:
            pairs = [
                (_values(difference.before), _values(difference.after))
                for difference in differences
                if difference.change == "changed" and str(number) in difference.changed_columns
            ]
            pairs = [(one, other) for one, other in pairs if one[number] is not None and one[number] != ""]
            if pairs and is_of_this_deploy(context, start.name, before.columns[number]):
                written = keys_written_by_deploy(context, start, number)
                pairs = [(one, other) for one, other in pairs if key(one, start) in written]
            yield from _changed_values(context, connection, change, number, pairs, ends)


def _partitions(context: Context, table: str) -> Iterator[str]:
    """The partitions of the table, and theirs."""
    for each in context.before.tables:
        if each.partition_of == table:
            yield each.name
            yield from _partitions(context, each.name)


def _at_the_drop(context: Context, change: _Change) -> _Change:
    """Rows of a partition that is detached are gone where a later statement drops it, which names it."""
    partition, statements = detached(change.statement), context.promise.script.statements
    if not partition or change.statement is None:
        return change
    later = statements[statements.index(change.statement) + 1 :]
    return replace(change, statement=next((each for each in later if drops_by_name(each, partition)), change.statement))


def _changed_values(
    context: Context,
    connection: psycopg.Connection,
    change: _Change,
    number: int,
    pairs: list[tuple[StoredValues, StoredValues]],
    ends: Ends,
) -> Iterator[RowLoss]:
    start, before, after = change.start, change.before, change.after
    assert after is not None
    held = sum(row[number] is not None for row in before.rows)
    if before.types[number] != after.types[number]:
        old_type, new_type = before.types[number], after.types[number]
        lost = [
            one
            for one, other in pairs[:_MAX_PAIRS]
            if not says_the_same(connection, one[number], other[number], old_type, new_type)
        ]
        lost = [row for row in lost if not is_value_kept(row, number, start, ends)]
        conversion = conversion_of(change.statement, before.columns[number]) if change.statement and lost else None
        if conversion is not None:
            lost = _merged(connection, conversion, before, number, lost, pairs)
        named = conversion is not None and conversion.chooses
        yield from _loss(context, change, LossKind.NARROWED, number, len(lost), held, named=named, rows=lost)
        return
    statement = change.statement
    if not pairs or statement is None:
        return
    name = before.columns[number]
    alters = statement.words[:1] == ("ALTER",)  # USING, of the same type
    assigned = name in assigned_columns_of([statement])
    unsaid = not assigned and not alters
    by_key = unsaid and _is_set_by_key(context, change, number)
    if unsaid and not by_key:  # a trigger's doing, such as an updated_at
        pairs = [pair for pair in pairs if pair[1][number] is None and takes_away(statement)]
    if assigned and sets_to_clock(statement, name):
        return
    values: dict[str | None, set[str | None]] = {}
    changed = {id(one) for one, _ in pairs}
    for one, other in pairs:
        values.setdefault(other[number], set()).add(one[number])
    for row in before.rows:
        if row[number] in values and id(row) not in changed:
            values[row[number]].add(row[number])
    merged = {new for new, olds in values.items() if len(olds) > 1 or (new is None and len(olds) == 1)}
    replaced = assigned and takes_from_others(statement, name)
    lost = [one for one, other in pairs if replaced or other[number] in merged]
    lost = [row for row in lost if not is_value_kept(row, number, start, ends)]
    if alters:
        yield from _loss(context, change, LossKind.NARROWED, number, len(lost), held, named=False, rows=lost)
        return
    overwritten = {row[number] for row in lost}
    if not unsaid and (fills_by_and_by(statement, name, overwritten) or chooses_by_value(statement, name, overwritten)):
        return
    # Two values are soon told: who sets a flag everywhere says so, and who sets it in some rows loses nothing.
    if before.types[number] == "boolean" and not unsaid and chooses_rows(statement):
        return
    named = not unsaid and (before.types[number] == "boolean" or not is_constant_over_all(statement, name))
    emptied = {new for new, olds in values.items() if overwritten & olds} == {None}
    if emptied and falls_through(assigned_value(statement, name) or ()):
        named = False
    kind = LossKind.EMPTIED if emptied else LossKind.REPLACED if replaced else LossKind.OVERWRITTEN
    kind = LossKind.CUT_OFF if by_key and emptied else kind
    yield from _loss(context, change, kind, number, len(lost), held, named=named, rows=lost)


def _is_set_by_key(context: Context, change: _Change, number: int) -> bool:
    """Whether a foreign key sets the column where what it refers to is taken away, or has another key."""
    start, before = change.start, change.before
    tables = {start.name, before.name, *_partitions(context, start.name)}
    names = {quote_identifier(table.columns[number]) for table in (start, before)}
    keys = (
        read_foreign_key(constraint.definition)
        for schema in (context.before, context.after)
        for constraint in schema.constraints
        if constraint.table in tables
    )
    return any(key is not None and " SET " in key.rest and not names.isdisjoint(key.columns) for key in keys)


def _merged(
    connection: psycopg.Connection,
    conversion: Conversion,
    before: TableSnapshot,
    number: int,
    rows: Sequence[StoredValues],
    pairs: Sequence[tuple[StoredValues, StoredValues]],
) -> list[StoredValues]:
    """Those of the rows whose value a USING does not tell from another: where it keeps them apart, it brings them into
    another form, as amounts into cents."""
    came_from: dict[str | None, set[str | None]] = {}
    for one, other in pairs:
        came_from.setdefault(other[number], set()).add(one[number])
    becomes = {id(one): other[number] for one, other in pairs}
    types = {name: before.types[each] for each, name in before.columns.items()}
    return [
        row
        for row in rows
        if len(came_from[becomes[id(row)]]) > 1
        or (conversion.empties and becomes[id(row)] is None)
        or not keeps_apart(
            connection,
            conversion,
            table=before.name,
            column=before.columns[number],
            types=types,
            row={name: row.get(each) for each, name in before.columns.items()},
        )
    ]


def _loss(
    context: Context,
    change: _Change,
    kind: LossKind,
    number: int | None,
    lost: int,
    held: int,
    *,
    named: bool,
    rows: Sequence[StoredValues],
) -> Iterator[RowLoss]:
    if not lost:
        return
    statement, start = change.statement, change.start
    shown = {start.columns[each]: text for each, text in rows[0].items() if each in start.columns and text is not None}
    wanted = [start.columns[number]] if number is not None else list(shown)[:4]
    keys = [start.columns[each] for each in start.key if each in start.columns]
    example = ", ".join(f"{name} = {shown[name][:60]!r}" for name in dict.fromkeys([*keys, *wanted]) if name in shown)
    yield RowLoss(
        migration=context.promise.migration.key,
        kind=kind,
        table=start.name,
        column=None if number is None else start.columns[number],
        lost=lost,
        held=held,
        named=named,
        line=statement.line if statement else None,
        statement=statement.shown if statement else None,
        example=example or None,
    )


def _values(row: object) -> StoredValues:
    return {int(number): text for number, text in row.items()} if isinstance(row, dict) else {}
