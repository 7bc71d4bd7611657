"""What one schema has beyond another: what a migration created or changed, without what was there before."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pgcontract.model.schema import Schema


def subtract(whole: Schema, base: Schema) -> Schema:
    """The parts of `whole` that are not, identically, in `base`: those that are new and those that differ."""
    left: dict[str, Any] = {}
    for field in fields(Schema):
        known = {part.name: part for part in getattr(base, field.name)}
        left[field.name] = tuple(part for part in getattr(whole, field.name) if known.get(part.name) != part)
    return Schema(**left)
