"""What one schema has beyond another: what a migration made or changed, without the stage it stood on."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pgcontract.model.schema import Schema


def subtract(whole: Schema, base: Schema) -> Schema:
    """The parts of `whole` that are not, identically, in `base`: those that are new and those that differ."""
    left: dict[str, Any] = {}
    for each in fields(Schema):
        known = {part.name: part for part in getattr(base, each.name)}
        left[each.name] = tuple(part for part in getattr(whole, each.name) if known.get(part.name) != part)
    return Schema(**left)
