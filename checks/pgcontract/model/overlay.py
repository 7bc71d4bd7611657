"""A declared schema laid over the one that was there before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pgcontract.model.schema import Grant, Part, Schema

OWNERS: Final = ("table", "view", "type")


def overlay(base: Schema, declared: Schema, removed: frozenset[tuple[str, str]]) -> Schema:
    """`base` with each declared part in place of its own, without the removed ones; sorted by name.

    A removed table, view or type takes its columns, constraints, indexes, triggers, policies, rules and grants with it.
    """

    def is_removed(part: Part) -> bool:
        table = getattr(part, "table", None) or (part.object[1] if isinstance(part, Grant) else "")
        return (part.kind, part.name) in removed or any((kind, table) in removed for kind in OWNERS)

    def merged(parts_own: Iterable[Part], parts_earlier: Iterable[Part]) -> tuple[Part, ...]:
        parts = {part.name: part for part in parts_earlier if not is_removed(part)} | {
            part.name: part for part in parts_own
        }
        return tuple(parts[name] for name in sorted(parts))

    kinds = Schema.__dataclass_fields__
    return Schema(**{kind: merged(getattr(declared, kind), getattr(base, kind)) for kind in kinds})  # type: ignore[arg-type]
