"""What a migration makes, changes and takes away, and what its statements do to tables that are in use meanwhile."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class PartName:
    """One part of a schema: `kind` as in `Part.kind` (table, column, index, …), `name` with its schema."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class LiveLock:
    """A lock on a table that was there before the deploy: `mode` as SQL writes it, `blocks` what of others waits for it,
    `taken` whether the statement took it, or made it stronger, and does not only hold it still. `deployed_as` is what
    production calls the table, where an earlier file of the deploy has renamed it."""

    table: str
    mode: str
    blocks: str
    taken: bool
    deployed_as: str = ""

    @property
    def deployed_name(self) -> str:
        """What production calls the table."""
        return self.deployed_as or self.table


@dataclass(frozen=True, kw_only=True)
class WorkAtSize:
    """What a statement cost where its tables had so many `rows`, or about: rows and pages that it read, pages that it
    wrote in files old and new, new files, bytes of WAL at wal_level = replica, and milliseconds, which are the machine's.
    """

    rows: int
    rows_scanned: int
    pages_read: int
    pages_written: int
    files_written: int
    wal_bytes: int
    elapsed_ms: float


@dataclass(frozen=True, kw_only=True)
class LiveStatement:
    """A statement of a pending `migration` that locks or works on tables that were there before.

    `locks` are held once it has run; `until` is the line of the last statement of its transaction, in the migration
    `until_in` where that is a later one. `work` says what it does to every row of a table, `rows` how many rows of a
    table it inserted, updated and deleted, by its name; `growth` what it cost at two sizes, where that was measured,
    `not_measured` why it was not, where everything was asked.
    """

    path: str
    line: int
    text: str
    until: int
    until_in: str = ""
    migration: str = ""
    locks: tuple[LiveLock, ...] = ()
    work: tuple[str, ...] = ()
    rows: tuple[tuple[str, int], ...] = ()
    growth: tuple[WorkAtSize, ...] = ()
    not_measured: str = ""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The difference that the head's way up makes to the catalog, each part in the order of `Schema.parts()`.

    `live` are the statements of what is pending that lock or work on tables that were there before, None where nobody
    looked.
    """

    made: tuple[PartName, ...] = ()
    changed: tuple[PartName, ...] = ()
    dropped: tuple[PartName, ...] = ()
    live: tuple[LiveStatement, ...] | None = None
