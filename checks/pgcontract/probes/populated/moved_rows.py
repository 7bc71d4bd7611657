"""Rows and values that are no longer where they were, and whether they stand elsewhere when a migration ends."""

from __future__ import annotations

from collections.abc import Sequence

from pgcontract.probes.populated.table_snapshots import Snapshot, StoredValues, TableSnapshot


def key(row: StoredValues, table: TableSnapshot) -> tuple[str | None, ...]:
    return tuple(row.get(number) for number in table.key)


def gone(rows: Sequence[StoredValues], start: Snapshot, final: Snapshot) -> list[StoredValues]:
    """Those of the rows that stand nowhere at the end. A row of one value stands in many by chance: it is where the
    others are, and alone only in a table that is new."""
    telling = [row for row in rows if len(_texts(row)) > 1]
    gone = [row for row in telling if not _is_kept(row, start, final)]
    others = [row for row in rows if len(_texts(row)) <= 1]
    new = {oid: table for oid, table in final.items() if oid not in start}
    if telling:
        return [*gone, *(others if gone else [])]
    return [row for row in others if not _is_kept(row, start, new)]


def _texts(row: StoredValues) -> set[str | None]:
    return set(row.values()) - {None, ""}


def _is_kept(row: StoredValues, start: Snapshot, final: Snapshot) -> bool:
    """Whether all that stood in the row stands in one that is new or changed at the end: it was moved."""
    texts = _texts(row)
    return bool(texts) and any(
        texts <= set(other.values())
        for table in final.values()
        for other in table.rows
        if table.oid not in start or other not in start[table.oid].rows
    )


def is_value_kept(row: StoredValues, number: int, start: TableSnapshot, final: Snapshot) -> bool:
    """Whether the value stands in another column of the row at the end, or beside its key in another table."""
    wanted = {row[number], *(row.get(each) for each in start.key)} - {None}
    for oid, table in final.items():
        for other in table.rows:
            texts = {text for each, text in other.items() if (oid, each) != (start.oid, number)}
            if wanted <= texts and (row[number] not in {row.get(each) for each in start.key}):
                return True
    return False
