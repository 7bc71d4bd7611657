"""Writes that could leave a row without its value, or with one too many, other than those that presence.holds judges both
ways: other statements, other columns, and the columns that the condition reads. What counts is the row that is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Presence
from pgcontract.probes.context import Context
from pgcontract.probes.rows import (
    Attempt,
    Attempts,
    ColumnValues,
    OtherColumns,
    ProbeRow,
    Sent,
    WriteMatrix,
    WriteTarget,
    find_other_columns,
    read_rule_texts,
    second_row,
)
from pgcontract.probes.rows.condition_combinations import Combination
from pgcontract.values import dataclass

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

    def route(self, row: ProbeRow, before: ColumnValues | None = None) -> tuple[sql.Composed, ...]:
        """The writes that put the row there, with the value that fits and, from the INSERT on, those `before`."""
        *earlier, last = self.combination.route
        first, *rest = (*earlier, {**last, self.column: self.fitting})
        return (row.insert({**first, **(before or {})}), *map(row.update, rest))


@dataclass(frozen=True, kw_only=True)
class PresenceWrite:
    """A write after which the row is not as declared: how it is called, and all it took."""

    table: str
    row: str
    label: str
    script: str


@dataclass(frozen=True, kw_only=True)
class PresenceWrites:
    """The `wrong` ones, how many of each kind were tried, and what was left out, in words."""

    wrong: tuple[PresenceWrite, ...]
    tried: Mapping[str, int]
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
    read = {presence.bare_column, *(name for case in cases for values in case.combination.route for name in values)}
    whole = cases[0].row
    rules = read_rule_texts(context.after, presence.table)
    others = find_other_columns(context, connection, rules, presence.table, whole, target, read)
    second = second_row(context, whole, target)
    is_temporal = any(
        column.type.startswith(("timestamp", "date"))
        for column in context.after.columns
        if column.name == presence.column
    )
    attempts = Attempts(connection, target.holder, others.left_out)
    look = sql.SQL("({})::pg_catalog.text").format(holds)
    wrong: list[PresenceWrite] = []
    for case in cases:
        matrix = WriteMatrix(
            row=case.row,
            second=second.without(case.column, *case.combination.route[0]) if second else None,
            target=target,
            word="",
            kind=OTHER_STATEMENT,
            looks_before=True,
        )
        several = [
            *_other_statements(case, matrix),
            *_of_condition(case, cases, presence, matrix, is_temporal=is_temporal),
            *_of_other_columns(case, matrix, others),
        ]
        for made in (*attempts.make(several, look), *matrix.copies(attempts, _wrong_rows(case), look)):
            was_right = all(row in ((), ("true",)) for row in made.before)
            if was_right and ("false",) in (made.result.rows or ()):
                looked = [row.select(holds, identifier(presence.bare_column)) for row in made.attempt.after]
                wrong.append(
                    PresenceWrite(
                        table=target.holder,
                        row=case.combination.label,
                        label=made.attempt.label,
                        script=made.script(whole, *looked),
                    )
                )
    tried = {kind: attempts.tried[kind] for kind in (OTHER_STATEMENT, CONDITION, OTHER_COLUMN)}
    return PresenceWrites(wrong=tuple(wrong), tried=tried, left_out=tuple(attempts.left_out))


def _wrong_rows(case: PresenceCase) -> list[Sent]:
    """What an INSERT sends that is not as declared; nothing where no INSERT alone brings such a row."""
    first, *rest = case.combination.route
    return [] if rest else [Sent(values={**first, case.column: value}) for value in case.wrong]


def _wrong_values(case: PresenceCase) -> list[Sent]:
    return [Sent(values={case.column: value}) for value in case.wrong]


def _other_statements(case: PresenceCase, matrix: WriteMatrix) -> Iterator[Attempt]:
    """The wrong value by each kind of statement."""
    good = {**case.combination.route[0], case.column: case.fitting}
    yield from matrix.insert_statements(_wrong_rows(case), others=good, plain=True)
    setup = case.route(matrix.row)
    yield from matrix.update_statements(
        _wrong_values(case),
        proposed=good,
        kept={case.column: identifier(case.column)},
        setup=setup,
        second_setup=(*setup, *case.route(matrix.second)) if matrix.second else (),
        plain=True,
    )
    yield from matrix.moves(_wrong_values(case), setup=setup)


def _of_condition(
    case: PresenceCase,
    cases: Sequence[PresenceCase],
    presence: Presence,
    matrix: WriteMatrix,
    *,
    is_temporal: bool,
) -> Iterator[Attempt]:
    """The columns that the condition reads, set so that it holds no more, or only now; the value is not written."""
    setup = case.route(matrix.row)
    for other in cases:
        if other.combination.present != case.combination.present:
            last = other.combination.route[-1]
            if values := {name: value for name, value in last.items() if name != case.column}:
                label = f"UPDATE to {other.combination.label}"
                yield matrix.update(CONDITION, Sent(values=values), setup=setup, label=label)
    floor = presence.not_before
    if floor is not None and case.combination.present:
        step = sql.SQL("'1 day'::interval" if is_temporal else "1")
        later = sql.SQL("{} + {}").format(identifier(case.column), step)
        label = f"UPDATE of {floor} to later than the value"
        yield matrix.update(CONDITION, Sent(values={floor: later}), setup=setup, label=label)


def _of_other_columns(case: PresenceCase, matrix: WriteMatrix, others: OtherColumns) -> Iterator[Attempt]:
    """Other columns alone; and the wrong value with each of theirs, in an UPDATE and, of a new row, in the INSERT."""
    changes = [*others.single(), *others.paired(), *others.together()]
    yield from matrix.updates(
        (OTHER_COLUMN, changes, [Sent(), *_wrong_values(case)]),
        (OTHER_COLUMN, others.to_and_fro(), [Sent()]),
        setup=lambda before: case.route(matrix.row, before),
    )
    yield from matrix.inserts((OTHER_COLUMN, changes, _wrong_rows(case)))
