"""Writes that could leave a row without its value, or with one too many, other than those that presence.holds judges both
ways: other statements, other columns, and the columns that the condition reads. What counts is the row that is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Presence
from pgcontract.model.schema import Column
from pgcontract.probes.context import Context
from pgcontract.probes.rows import (
    Attempt,
    Change,
    ColumnValues,
    ProbeRow,
    WriteTarget,
    changes_to_and_fro,
    copy_row,
    inserting,
    make_attempts,
    moved,
    paired_changes,
    read_rule_texts,
    second_row,
    single_changes,
    updating,
    values_to_try,
)
from pgcontract.probes.rows.condition_combinations import Combination
from pgcontract.values import dataclass

MAX_ATTEMPTS = 20_000  # at one place; more are counted and told, and leave the question open
OTHER_STATEMENT = "by another statement: COPY, upsert, MERGE, two rows at once, a row moved to another partition"
CONDITION = "of the columns that the condition reads, or that the value is not before"
OTHER_COLUMN = "of another column, alone or with the value"


@dataclass(frozen=True, kw_only=True)
class PresenceCase:
    """A kind of row: how it is put there as it is declared, and the values with which it would not be."""

    combination: Combination
    column: str
    row: ProbeRow
    fitting: sql.Composable
    wrong: tuple[sql.Composable, ...]

    @property
    def route(self) -> tuple[sql.Composed, ...]:
        """The writes that put the row there, with the value that fits."""
        name, (*before, last) = self.column, self.combination.route
        values = [*before, {**last, name: self.fitting}]
        return tuple(self.row.update(one) if number else self.row.insert(one) for number, one in enumerate(values))


@dataclass(frozen=True, kw_only=True)
class PresenceWrite:
    """A write after which the row is not as declared: how it is called, and all it took."""

    table: str
    row: str
    label: str
    statements: tuple[sql.Composed, ...]
    copied: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PresenceWrites:
    """The `wrong` ones, how many of each kind were tried, and what was left out, in words."""

    wrong: tuple[PresenceWrite, ...]
    tried: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...]


def try_other_writes(
    context: Context,
    connection: psycopg.Connection,
    presence: Presence,
    target: WriteTarget,
    cases: Sequence[PresenceCase],
    holds: sql.Composable,
) -> PresenceWrites:
    """The writes to one target, each undone; `holds` is the promise as an expression over the row."""
    rules = read_rule_texts(context.after, presence.table)
    read = {presence.bare_column, *(name for case in cases for values in case.combination.route for name in values)}
    whole = cases[0].row
    columns = [
        column
        for column in context.after.columns
        if column.table == presence.table and _is_other(column, {*read, *whole.key, *target.values})
    ]
    values = values_to_try(context, connection, rules, whole, columns)
    left_out = [
        f"{len(one.values)} of {one.of} values of {one.column.name}" for one in values if one.of > len(one.values)
    ]
    second = second_row(context, whole, target)
    is_temporal = any(
        column.type.startswith(("timestamp", "date"))
        for column in context.after.columns
        if column.name == presence.column
    )
    every = {one.column.bare_name: [value.as_string() for value in one.values] for one in values}
    changes = [
        *single_changes(values),
        *changes_to_and_fro(values),
        *paired_changes(values, rules.pairs(list(every)), every),
    ]
    attempts: list[tuple[PresenceCase, Attempt]] = []
    for case in cases:
        attempts += ((case, attempt) for attempt in _other_statements(case, target, second))
        attempts += ((case, attempt) for attempt in _of_condition(case, cases, presence, is_temporal=is_temporal))
        attempts += ((case, attempt) for attempt in _of_other_columns(case, changes))
    if len(attempts) > MAX_ATTEMPTS:
        left_out.append(f"{MAX_ATTEMPTS:,} of {len(attempts):,} writes to {target.holder} were tried")
        del attempts[MAX_ATTEMPTS:]
    case_of = {id(attempt): case for case, attempt in attempts}
    look = sql.SQL("({})::pg_catalog.text").format(holds)
    tried = dict.fromkeys((OTHER_STATEMENT, CONDITION, OTHER_COLUMN), 0)
    wrong: list[PresenceWrite] = []
    for made in make_attempts(connection, [attempt for _, attempt in attempts], look):
        tried[made.attempt.kind] += 1
        case = case_of[id(made.attempt)]
        was_right = all(row in ((), ("true",)) for row in made.before)
        if was_right and ("false",) in (made.result.rows or ()):
            statements = (*whole.prerequisites, *made.attempt.setup, made.attempt.write)
            looked = tuple(row.select(holds, identifier(presence.bare_column)) for row in made.attempt.after)
            wrong.append(
                PresenceWrite(
                    table=target.holder,
                    row=case.combination.label,
                    label=made.attempt.label,
                    statements=(*statements, *looked),
                )
            )
    for case in cases:
        for value in case.wrong if len(case.combination.route) == 1 else ():
            given = {**case.combination.route[0], presence.bare_column: value}
            copied, result = copy_row(connection, case.row, given, case.row.select(look))
            tried[OTHER_STATEMENT] += 1
            if ("false",) in (result.rows or ()):
                row = case.combination.label
                wrong.append(
                    PresenceWrite(
                        table=target.holder, row=row, label="COPY", statements=whole.prerequisites, copied=copied
                    )
                )
    return PresenceWrites(wrong=tuple(wrong), tried=tuple(tried.items()), left_out=tuple(left_out))


def _is_other(column: Column, taken: Collection[str]) -> bool:
    return column.bare_name not in taken and not column.generated and column.identity != "always"


def _other_statements(case: PresenceCase, target: WriteTarget, second: ProbeRow | None) -> Iterator[Attempt]:
    """The wrong value by each kind of statement."""
    first = case.combination.route[0]
    other = None if second is None else second.without(case.column, *first)
    good = {**first, case.column: case.fitting}
    setup = case.route
    both = setup
    if other is not None:
        *before, last = case.combination.route
        values = [*before, {**last, case.column: case.fitting}]
        both += tuple(other.update(one) if number else other.insert(one) for number, one in enumerate(values))
    for value in case.wrong:
        if len(case.combination.route) == 1:
            for statement in inserting(case.row, {**first, case.column: value}, second=other, others=good):
                yield Attempt(kind=OTHER_STATEMENT, label=statement.label, write=statement.write, after=statement.rows)
        values_written: ColumnValues = {case.column: value}
        kept = {case.column: identifier(case.column)}
        statements = updating(
            case.row, values_written, proposed=good, kept=kept, second=other, second_setup=both if other else ()
        )
        for statement in sorted(statements, key=lambda statement: bool(statement.setup)):
            yield Attempt(
                kind=OTHER_STATEMENT,
                label=statement.label,
                setup=both if statement.setup else setup,
                write=statement.write,
                before=statement.rows,
                after=statement.rows,
            )
    for led in target.elsewhere:
        for value in case.wrong:
            key = {name: sql.Literal(text) for name, text in led.items()}
            yield Attempt(
                kind=OTHER_STATEMENT,
                label="UPDATE that moves the row to another partition",
                setup=setup,
                write=case.row.update({**key, case.column: value}),
                before=(case.row,),
                after=(moved(case.row, led),),
            )


def _of_condition(
    case: PresenceCase, cases: Sequence[PresenceCase], presence: Presence, *, is_temporal: bool
) -> Iterator[Attempt]:
    """The columns that the condition reads, set so that it holds no more, or only now; the value is not written."""
    setup = case.route
    writes: list[tuple[str, ColumnValues]] = []
    for other in cases:
        if other.combination.present != case.combination.present:
            last = other.combination.route[-1]
            writes.append((f"to {other.combination.label}", {n: v for n, v in last.items() if n != case.column}))
    floor = presence.not_before
    if floor is not None and case.combination.present:
        step = sql.SQL("'1 day'::interval" if is_temporal else "1")
        later = sql.SQL("{} + {}").format(identifier(case.column), step)
        writes.append((f"of {floor} to later than the value", {floor: later}))
    for label, values in writes:
        if values:
            yield Attempt(
                kind=CONDITION,
                label=f"UPDATE {label}",
                setup=setup,
                write=case.row.update(values),
                before=(case.row,),
                after=(case.row,),
            )


def _of_other_columns(case: PresenceCase, changes: Sequence[Change]) -> Iterator[Attempt]:
    """Other columns alone; and the wrong value with each of theirs, in an UPDATE and, of a new row, in the INSERT."""
    name, (first, *rest) = case.column, case.combination.route
    good = {**first, **({} if rest else {name: case.fitting})}
    before: ColumnValues | None = None
    setup: tuple[sql.Composed, ...] = ()
    for change in sorted(changes, key=lambda change: [(n, v.as_string()) for n, v in change.before.items()]):
        if before is None or before != change.before:
            before = change.before
            setup = (case.row.insert({**good, **before}), *case.route[1:])
        is_to_and_fro = change.before.keys() == change.beside.keys()
        for value in (None, *(() if is_to_and_fro else case.wrong)):
            if value is None and not change.beside:
                continue
            written = {**change.beside, **({} if value is None else {name: value})}
            yield Attempt(
                kind=OTHER_COLUMN,
                label=f"UPDATE {_words(change)}",
                setup=setup,
                write=case.row.update(written),
                before=(case.row,),
                after=(case.row,),
            )
            if value is not None and not rest and not change.before:
                write = case.row.insert({**first, **written})
                yield Attempt(kind=OTHER_COLUMN, label=f"INSERT {_words(change)}", write=write, after=(case.row,))


def _words(change: Change) -> str:
    return change.label if change.label.startswith(("with ", "of a row ")) else f"with {change.label}"
