"""What a migration makes, changes and takes away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PartName:
    """One part of a schema: `kind` as in `Part.kind` (table, column, index, …), `name` with its schema."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class TableLock:
    """A lock on a table that was there before: its `mode` as SQL spells it, the `line` of the statement that takes it,
    and what of others waits meanwhile (`keeps_out`: writes, or reads and writes)."""

    mode: str
    table: str
    line: int
    keeps_out: str


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The difference that the head's way up makes to the catalog, each part in the order of `Schema.parts()`; `lock` is
    the strongest that others wait for, where the locks were looked at."""

    made: tuple[PartName, ...] = ()
    changed: tuple[PartName, ...] = ()
    dropped: tuple[PartName, ...] = ()
    lock: TableLock | None = None
