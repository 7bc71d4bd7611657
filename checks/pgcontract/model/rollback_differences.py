"""What a rollback left of the rows from before the migration: what it broke itself, and what the migration had lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field

from pgcontract.model.contents import Contents, Row, RowDifference, TableContents, compare_rows
from pgcontract.values import dataclass

IgnoredColumns = Callable[[str, Sequence[RowDifference]], Collection[str]]


@dataclass(frozen=True, kw_only=True)
class RollbackDifferences:
    """The rows that are not as they were: by the rollback's own doing, and as the migration left them.

    `gone_since` counts the rows by table that were inserted after the migration and that the rollback took away,
    `logged` those that triggers wrote down about both.
    """

    own: tuple[RowDifference, ...] = ()
    lost_before: tuple[RowDifference, ...] = ()
    gone_since: Mapping[str, int]
    logged: Mapping[str, int] = field(default_factory=dict)


def compare_after_rollback(
    before: Contents, migrated: Contents, filled: Contents, after: Contents, ignored: IgnoredColumns
) -> RollbackDifferences:
    """The rows before the migration against those after the rollback, in every table that is there both times.

    `migrated` are those right after the migration and `filled` those that the rollback began with, rows inserted since
    among them, which may stay. `ignored` gives a table's columns that count nothing where its rows differ so.
    """
    own: list[RowDifference] = []
    lost: list[RowDifference] = []
    gone: dict[str, int] = {}
    for table in before.tables.values():
        left = after.tables.get(table.name)
        if left is None:
            continue
        between = migrated.table_like(table)
        since = filled.table_like(table)
        inserted = since.count - between.count if since and between else 0
        differences = compare_rows(table, left)
        if sum(difference.change != "added" for difference in differences) or len(differences) != inserted:
            # A column that the migration dropped was not set by itself: what was in it is gone.
            uncounted = [name for name in ignored(table.name, differences) if between is None or name in between.columns]
            differences = compare_rows(table, left, ignored=uncounted)
        judged = _judge_table(table, between, since, left, differences, inserted)
        own += judged.own
        lost += judged.lost_before
        gone |= judged.gone_since
    return RollbackDifferences(own=tuple(own), lost_before=tuple(lost), gone_since=gone)


def _judge_table(
    table: TableContents,
    between: TableContents | None,
    since: TableContents | None,
    left: TableContents,
    differences: Collection[RowDifference],
    inserted: int,
) -> RollbackDifferences:
    if table.rows is None or left.rows is None:
        as_before = between is not None and (between.count, between.digest) == (table.count, table.digest)
        differing = tuple(differences)
        return RollbackDifferences(
            own=differing if as_before else (), lost_before=() if as_before else differing, gone_since={}
        )
    own: list[RowDifference] = []
    lost: list[RowDifference] = []
    added: list[RowDifference] = []
    finder = _RowFinder(between)
    for difference in differences:
        if difference.before is None:
            added.append(difference)
            continue
        migrated_row = finder.find(difference)
        if _stands_elsewhere(difference, migrated_row, table):
            own.append(difference)
        elif _is_as_migrated(difference, migrated_row, between):
            lost.append(difference)
        else:
            own.append(difference)
    surplus = len(added) - inserted
    if surplus > 0:
        own += _put_in_before(added, since, between)[:surplus]
    return RollbackDifferences(
        own=tuple(own), lost_before=tuple(lost), gone_since={table.name: -surplus} if surplus < 0 else {}
    )


def _is_as_migrated(
    difference: RowDifference, migrated: Mapping[str, str | None] | None, between: TableContents | None
) -> bool:
    """Whether all that is wrong with the row was so when the rollback began: it cannot bring back what is nowhere."""
    if difference.after is None:
        return migrated is None
    if migrated is None:
        return True
    before, after = difference.before or {}, difference.after
    return all(
        column not in migrated or (migrated[column] != before[column] and migrated[column] == after[column])
        for column in difference.changed_columns
    )


def _stands_elsewhere(difference: RowDifference, migrated: Mapping[str, str | None] | None, table: TableContents) -> bool:
    """Whether all that is gone from the row stood, when the rollback began, in columns that are new: it was renamed or
    moved, and the rollback could have brought it back."""
    before, new = (
        difference.before or {},
        {name: value for name, value in (migrated or {}).items() if name not in table.columns},
    )
    gone = [before[column] for column in difference.changed_columns if migrated and column not in migrated]
    return difference.change == "changed" and any(gone) and all(value in new.values() for value in gone)


def _put_in_before(
    added: list[RowDifference], since: TableContents | None, between: TableContents | None
) -> list[RowDifference]:
    """The rows too many, those first that the migration itself put in: rows inserted since may stay."""
    if since is None or between is None:
        return added

    def is_older(difference: RowDifference) -> bool:
        columns = [column for column in difference.after or {} if column in between.columns]
        values = tuple((difference.after or {})[column] for column in columns)
        return values in between.project(columns)

    return sorted(added, key=lambda difference: not is_older(difference))


class _RowFinder:
    """Finds the row of before in the migrated table: by its key, else by its values in the columns that both have."""

    def __init__(self, between: TableContents | None) -> None:
        self.between = between
        self._left: dict[tuple[str, ...], Counter[Row]] = {}

    def find(self, difference: RowDifference) -> Mapping[str, str | None] | None:
        between, before = self.between, difference.before or {}
        if between is None or between.rows is None:
            return None
        if difference.key and set(difference.key) <= set(between.columns):
            wanted = tuple(before[column] for column in difference.key)
            places = [between.columns.index(column) for column in difference.key]
            row = next((row for row in between.rows if tuple(row[place] for place in places) == wanted), None)
            return None if row is None else dict(zip(between.columns, row, strict=True))
        columns = [column for column in before if column in between.columns]
        values = [before[column] for column in columns]
        scored = [
            (sum(value == row[between.columns.index(column)] for column, value in zip(columns, values, strict=True)), row)
            for row in between.rows
        ]
        score, row = max(scored, key=lambda pair: pair[0], default=(0, ()))
        if not columns or score * 2 < len(columns):
            return None
        return dict(zip(between.columns, row, strict=True))
