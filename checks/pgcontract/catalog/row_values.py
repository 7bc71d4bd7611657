"""Rows as values: a query's columns are called what the value's fields are."""

from __future__ import annotations

from typing import Any, TypeVar

from psycopg import Cursor

T = TypeVar("T")


def read_rows_as(cursor: Cursor[tuple[Any, ...]], kind: type[T]) -> tuple[T, ...]:
    """Each row of the cursor as a `kind`, arrays as tuples.

    A frozen dataclass's __init__ sets field by field, which for ten thousand columns takes longer than the server
    took to find them: the fields are put in place at once. Those that no column gives keep the class's default.
    """
    rows = cursor.fetchall()
    if not rows:
        return ()
    names = [column.name for column in cursor.description or ()]
    arrays = [name for name, value in zip(names, rows[0], strict=True) if isinstance(value, list)]
    parts = []
    for row in rows:
        part = object.__new__(kind)
        fields = part.__dict__
        fields.update(zip(names, row, strict=True))
        for name in arrays:
            fields[name] = tuple(fields[name])
        parts.append(part)
    return tuple(parts)
