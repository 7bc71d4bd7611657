"""What one schema has beyond another: what a migration created or changed, without what was there before."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from pgcontract.model.schema import Column, Part, Schema


def subtract(whole: Schema, base: Schema) -> Schema:
    """The parts of `whole` that are not, identically, in `base`: those that are new and those that differ. A column is
    none that only moves up as another before it is dropped."""
    left: dict[str, Any] = {}
    orders = {table.name: _common_order(whole, base, table.name) for table in whole.tables}
    for field in fields(Schema):
        known = {part.name: part for part in getattr(base, field.name)}
        left[field.name] = tuple(
            part for part in getattr(whole, field.name) if not _is_same(part, known.get(part.name), orders)
        )
    return Schema(**left)


def _is_same(part: Part, other: Part | None, orders: dict[str, bool]) -> bool:
    if isinstance(part, Column) and isinstance(other, Column) and orders.get(part.table):
        return replace(part, position=other.position) == other
    return part == other


def _common_order(whole: Schema, base: Schema, table: str) -> bool:
    """Whether the columns that it has in both have the same order."""
    orders = [sorted(schema.columns_of(table), key=lambda column: column.position) for schema in (whole, base)]
    here, there = ([column.name for column in order] for order in orders)
    return [name for name in here if name in there] == [name for name in there if name in here]
