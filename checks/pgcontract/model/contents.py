"""What tables and sequences hold, as values: rows by the text of their columns, and what differs between two times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field

from pgcontract.values import dataclass

Row = tuple[str | None, ...]

_MAX_SIMILAR = 100  # rows without a common key that are compared each with each


@dataclass(frozen=True, kw_only=True)
class TableContents:
    """A table's rows, each the text of its `columns`; a partitioned table has those of its partitions.

    `rows` is None where they are too many to be read; then `digest` tells two contents apart. `key` are the columns of
    the primary key, `referenced` those that foreign keys refer to.
    """

    name: str
    oid: int
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    referenced: tuple[str, ...] = ()
    count: int = 0
    rows: tuple[Row, ...] | None = ()
    digest: str | None = None

    def project(self, columns: Sequence[str]) -> tuple[Row, ...]:
        """The rows with these columns alone, in this order; of too many rows, none."""
        places = [self.columns.index(column) for column in columns]
        return tuple(tuple(row[place] for place in places) for row in self.rows or ())


@dataclass(frozen=True, kw_only=True)
class SequencePosition:
    """The number that a sequence hands out next; `furthest_key` is the last one, in its direction, of those that stand
    in the numeric columns that it numbers, None where there is none."""

    name: str
    next_number: int
    increment: int = 1
    numbers_column: bool = False
    furthest_key: int | None = None

    def is_behind(self, number: int) -> bool:
        """Whether it has still to hand out the number, or would do so again."""
        return (number - self.next_number) * self.increment >= 0

    @property
    def repeats_key(self) -> bool:
        """Whether it comes to a key that a row has already."""
        return self.furthest_key is not None and self.is_behind(self.furthest_key)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Every table's rows and every sequence's position, by name."""

    tables: Mapping[str, TableContents] = field(default_factory=dict)
    sequences: Mapping[str, SequencePosition] = field(default_factory=dict)

    def table_like(self, table: TableContents) -> TableContents | None:
        """The same table, though it was renamed; or the one that took its name."""
        same = next((other for other in self.tables.values() if other.oid == table.oid), None)
        return same or self.tables.get(table.name)


@dataclass(frozen=True, kw_only=True)
class RowDifference:
    """One row of a table that was added (`before` is None), removed (`after` is None) or changed; by column name."""

    table: str
    before: Mapping[str, str | None] | None
    after: Mapping[str, str | None] | None
    key: tuple[str, ...] = ()

    @property
    def change(self) -> str:
        """added, removed or changed."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def changed_columns(self) -> tuple[str, ...]:
        before, after = self.before or {}, self.after or {}
        return tuple(column for column in before if column in after and before[column] != after[column])


def compare_rows(
    before: TableContents, after: TableContents, *, ignored: Collection[str] = ()
) -> tuple[RowDifference, ...]:
    """What differs in the columns that both have, but for `ignored` ones: rows are paired by key, else by likeness.

    Of tables with too many rows to be read, one difference without a row.
    """
    if before.rows is None or after.rows is None:
        same = before.digest == after.digest and before.count == after.count
        return () if same else (RowDifference(table=before.name, before={}, after={}),)
    columns = [column for column in before.columns if column in after.columns and column not in ignored]
    old, new = Counter(before.project(columns)), Counter(after.project(columns))
    removed, added = list((old - new).elements()), list((new - old).elements())
    key = before.key if set(before.key) <= set(columns) else ()
    pairs = _pairs(removed, added, [columns.index(column) for column in key])
    return tuple(
        RowDifference(
            table=before.name,
            before=None if left is None else dict(zip(columns, left, strict=True)),
            after=None if right is None else dict(zip(columns, right, strict=True)),
            key=key,
        )
        for left, right in pairs
    )


def row_counts(differences: Iterable[RowDifference]) -> str:
    """`public.a: 2 rows changed, 1 row added; public.b: 1 row removed`."""
    counts: dict[str, Counter[str]] = {}
    for difference in differences:
        change = difference.change if difference.before != {} else "too many to be compared, some changed"
        counts.setdefault(difference.table, Counter())[change] += 1
    return "; ".join(
        f"{table}: " + ", ".join(f"{number} row{'s' * (number > 1)} {change}" for change, number in changes.items())
        for table, changes in counts.items()
    )


def _pairs(removed: list[Row], added: list[Row], key: Sequence[int]) -> list[tuple[Row | None, Row | None]]:
    """Each removed row with the added one that took its place; None where there is none."""
    pairs: list[tuple[Row | None, Row | None]] = []
    by_key = {tuple(row[place] for place in key): row for row in added} if key else {}
    for row in list(removed):
        partner = by_key.pop(tuple(row[place] for place in key), None) if key else None
        if partner is not None:
            pairs.append((row, partner))
            removed.remove(row)
            added.remove(partner)
    if not key and len(removed) <= _MAX_SIMILAR and len(added) <= _MAX_SIMILAR:
        likeness = sorted(
            ((_alike(row, other), -i, -j) for i, row in enumerate(removed) for j, other in enumerate(added)), reverse=True
        )
        gone: set[int] = set()
        taken: set[int] = set()
        for alike, i, j in likeness:
            if alike * 2 >= len(removed[-i]) and -i not in gone and -j not in taken:
                pairs.append((removed[-i], added[-j]))
                gone.add(-i)
                taken.add(-j)
        removed = [row for place, row in enumerate(removed) if place not in gone]
        added = [row for place, row in enumerate(added) if place not in taken]
    return [*pairs, *((row, None) for row in removed), *((None, row) for row in added)]


def _alike(row: Row, other: Row) -> int:
    return sum(left == right for left, right in zip(row, other, strict=True))
