"""Rows and values that are no longer where they were, and whether they stand elsewhere when a migration ends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

from pgcontract.probes.populated.table_snapshots import Snapshot, StoredValues, TableSnapshot

# A column's number, the row's key and what stands there.
_Cell: TypeAlias = tuple[int, tuple[str | None, ...], str | None]

# As JSON has it: 2025-01-02T03:04:05+00:00.
_MOMENT: Final = re.compile(r"^(\d{4}-\d\d-\d\d)T([\d:.]+)([+-]\d\d)?(?::00)?$")


def key(row: StoredValues, table: TableSnapshot) -> tuple[str | None, ...]:
    return tuple(row.get(number) for number in table.key)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The rows before a migration and after it, and for each table by its oid what stood in which column beside which
    key before."""

    start: Snapshot
    final: Snapshot
    cells: Mapping[int, frozenset[_Cell]]


def ends_of(start: Snapshot, final: Snapshot) -> Ends:
    cells = {
        oid: frozenset((number, key(row, table), text) for row in table.rows for number, text in row.items())
        for oid, table in start.items()
    }
    return Ends(start=start, final=final, cells=cells)


def gone(rows: Sequence[StoredValues], ends: Ends) -> list[StoredValues]:
    """Those of the rows that stand nowhere at the end. A row of one value stands in many by chance: it is where the
    others are, and alone only in a table that is new. One of NULLs is where the others are, too."""
    telling = [row for row in rows if len(_texts(row)) > 1]
    gone = [row for row in telling if not is_row_kept(row, ends)]
    others = [row for row in rows if len(_texts(row)) <= 1]
    if telling:
        return [*gone, *(others if gone else [])]
    new = replace(ends, final={oid: table for oid, table in ends.final.items() if oid not in ends.start})
    lone = [row for row in others if _texts(row)]
    lost = [row for row in lone if not is_row_kept(row, new)]
    return [*lost, *(row for row in others if not _texts(row) and (lost or not lone))]


def _texts(row: StoredValues) -> set[str | None]:
    return set(row.values()) - {None, ""}


def is_row_kept(row: StoredValues, ends: Ends) -> bool:
    """Whether all that stood in the row stands in one into which something of it was written: it was moved."""
    texts = _texts(row)
    return any(
        texts <= set(other.values()) | _in_documents(other, table, ends)
        and not texts.isdisjoint(_written(other, table, ends))
        for table in ends.final.values()
        for other in table.rows
    )


def _written(row: StoredValues, table: TableSnapshot, ends: Ends) -> set[str | None]:
    """What stands in the row and did not stand there before."""
    before = ends.cells.get(table.oid, frozenset())
    written = {text for number, text in row.items() if (number, key(row, table), text) not in before}
    return written | _in_documents(row, table, ends)


def _in_documents(row: StoredValues, table: TableSnapshot, ends: Ends) -> frozenset[str]:
    """What stands inside the JSON of the row that was written."""
    before, texts = ends.cells.get(table.oid, frozenset()), frozenset[str]()
    for number, text in row.items():
        is_document = table.types[number] in ("json", "jsonb") and text is not None
        if is_document and (number, key(row, table), text) not in before:
            texts |= _scalars(text or "")
    return texts


@lru_cache(maxsize=4096)
def _scalars(document: str) -> frozenset[str]:
    """The strings, numbers and booleans of the document, as a column has them; moments too."""
    texts, waiting = set[str](), [json.loads(document, parse_int=str, parse_float=str)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str):
            texts |= {value, _MOMENT.sub(r"\1 \2\3", value)}
        elif value is not None:
            texts.add(str(value).lower())
    return frozenset(texts)


def is_value_kept(row: StoredValues, number: int, own: TableSnapshot, ends: Ends) -> bool:
    """Whether the value stands in another column of the row at the end, was written beside its key into another table,
    or stands in the row of another table that a new column names. What stood there before is alike by chance: two tables
    have a column of one name."""
    value, keys = row[number], {row.get(each) for each in own.key} - {None}
    for oid, table in ends.final.items():
        for other in table.rows:
            texts = [text for each, text in other.items() if (oid, each) != (own.oid, number)]
            inside = _in_documents(other, table, ends)
            is_beside = {value, *keys} <= inside.union(texts)
            is_beside = is_beside and (value not in keys or value in inside or texts.count(value) > 1)
            if is_beside and (oid == own.oid or value in _written(other, table, ends)):
                return True
    return _is_looked_up(row, number, own, ends) or _are_parts_kept(row, number, own, ends)


def _are_parts_kept(row: StoredValues, number: int, own: TableSnapshot, ends: Ends) -> bool:
    """Whether all that stood in a JSON document was written into it again, under whatever key, or into other columns of
    its row, or of a row beside its key, be it as part of a text or as a number times a hundred."""
    parts = _parts(row[number]) if own.types[number].startswith("json") else set()
    keys = {row.get(each) for each in own.key} - {None}
    if not parts or not keys:
        return False
    patterns = [re.compile(rf"(?<!\w){re.escape(part)}(?:00)?(?!\w)") for part in sorted(parts)]
    return any(
        keys <= set(other.values()) and all(any(map(pattern.search, texts)) for pattern in patterns)
        for table in ends.final.values()
        for other in table.rows
        for texts in [[text.lower() for text in _written(other, table, ends) if text]]
    )


def _parts(text: str | None) -> set[str]:
    """The values in a JSON document, in small letters."""
    values, parts = [json.loads(text or "null")], set[str]()
    while values:
        value = values.pop()
        if isinstance(value, dict | list):
            values += value.values() if isinstance(value, dict) else value
        elif value is not None:
            parts.add(str(value).lower())
    return parts


def _is_looked_up(row: StoredValues, number: int, own: TableSnapshot, ends: Ends) -> bool:
    """Whether it stands in the row of another table that a new column of its row names by its key."""
    now = ends.final.get(own.oid)
    added = [each for each in now.columns if each not in own.columns] if now is not None and own.key else []
    later = [other for other in now.rows if key(other, own) == key(row, own)] if now is not None and added else []
    names = {other.get(each) for other in later for each in added} - {None}
    return any(
        len(table.key) == 1 and other.get(table.key[0]) in names and row[number] in other.values()
        for oid, table in ends.final.items()
        if oid != own.oid
        for other in table.rows
    )
