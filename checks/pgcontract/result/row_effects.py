"""What a migration does over rows that are there: where they stop it, and which it loses."""

from __future__ import annotations

from enum import Enum

from pgcontract.model.identifiers import quote_identifier
from pgcontract.values import dataclass


class StopKind(Enum):
    """Which rows stop it: every one that fits the tables before; some, by what is in them; those at which a guard of the
    script itself raises its error."""

    ANY_ROW = "any row"
    SOME_ROWS = "some rows"
    GUARD = "its own guard"


@dataclass(frozen=True, kw_only=True)
class RowStop:
    """A statement at which rows stop the migration. `row` is the smallest that was found to, as (column, text) pairs;
    `condition` is in SQL what such rows have, `counting` the SELECT that counts all of them in production,
    where one can."""

    migration: str
    kind: StopKind
    message: str
    line: int | None = None
    statement: str | None = None
    table: str | None = None
    row: tuple[tuple[str, str | None], ...] = ()
    condition: str | None = None
    counting: str | None = None


class LossKind(Enum):
    """How values or rows that were there are gone."""

    DROPPED = "dropped"
    DELETED = "deleted"
    OVERWRITTEN = "overwritten"
    REPLACED = "replaced"
    EMPTIED = "emptied"
    CUT_OFF = "cut off"
    NARROWED = "narrowed"


@dataclass(frozen=True, kw_only=True)
class RowLoss:
    """A statement by which rows of a table, or values of a column, are gone: of `held` rows that had something there,
    `lost` have it no more. `named`: the statement says so itself (DROP, TRUNCATE, DELETE)."""

    migration: str
    kind: LossKind
    table: str
    column: str | None = None
    lost: int
    held: int
    named: bool
    line: int | None = None
    statement: str | None = None
    example: str | None = None

    @property
    def subject(self) -> str:
        """`public.t`, `public.t.c`, `public.t."C"`."""
        return self.table if self.column is None else f"{self.table}.{quote_identifier(self.column)}"
