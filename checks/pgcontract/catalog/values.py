"""Rows as values: a query's columns are called what the value's fields are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import Cursor

T = TypeVar("T")


def values(cursor: Cursor[tuple[Any, ...]], kind: Callable[..., T]) -> tuple[T, ...]:
    """Each row of the cursor as a `kind`, arrays as tuples."""
    rows = cursor.fetchall()
    names = [column.name for column in cursor.description or ()]
    return tuple(
        kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in zip(names, row, strict=True)})
        for row in rows
    )
