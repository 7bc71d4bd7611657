"""What a migration makes, changes and takes away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PartName:
    """One part of a schema: `kind` as in `Part.kind` (table, column, index, …), `name` with its schema."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The difference that the head's way up makes to the catalog, each part in the order of `Schema.parts()`."""

    made: tuple[PartName, ...] = ()
    changed: tuple[PartName, ...] = ()
    dropped: tuple[PartName, ...] = ()
