"""What writes were seen to cost, step by step and size by size."""

from __future__ import annotations

from statistics import median_low
from typing import Final, Literal

from pgcontract.contract import Flow, Step
from pgcontract.performance.growth import p95
from pgcontract.performance.writes.ablation import (
    StepAblation,
    StepCost,
    TableIndex,
)
from pgcontract.values import dataclass

_DESCENTS_PER_WRITE: Final = (
    3  # descents of one index in one write: to find the row, to look for a conflict, to enter the key
)

Kind = Literal["insert", "update", "delete", "none"]


@dataclass(frozen=True, kw_only=True)
class WalShare:
    """One relation's share of the WAL of one write: medians over the executions. `entries` only of an index."""

    relation: str
    is_index: bool
    wal_bytes: int
    entries: int


@dataclass(frozen=True, kw_only=True)
class SizeFigures:
    """One step at one size of the data set, over `n` executions; counts are medians, `us` every execution's time, sorted.

    `rows_changed` are the distinct numbers of rows that one execution changed or gave. `hot_share` is None where nothing
    is updated. `shares` and `index_entries` are None where the log cannot be read (no superuser, no pg_walinspect).
    `height` is the sum of the heights of the B-trees on the tables that the step touches.
    """

    size: int
    rows: int
    n: int
    rows_changed: tuple[int, ...]
    buffers: int
    wal_records: int
    wal_bytes: int
    images: int
    hot_share: float | None
    us: tuple[float, ...]
    ablation: StepAblation
    height: int
    shares: tuple[WalShare, ...] | None

    @property
    def index_entries(self) -> int | None:
        return None if self.shares is None else sum(share.entries for share in self.shares)

    @property
    def p50_us(self) -> float:
        return median_low(self.us)

    @property
    def p95_us(self) -> float:
        return p95(self.us)

    @property
    def trigger_wal_bytes(self) -> int | None:
        """What the log holds more because of the triggers; None where without them the step is refused, or where no two
        plays are alike enough to be compared."""
        without = self.ablation.without_triggers
        if without is None:
            return 0
        return self.ablation.as_is.extra_wal_bytes(without) if isinstance(without, StepCost) else None

    @property
    def trigger_us(self) -> float:
        """The time in triggers, foreign keys included, by the server's own count."""
        return sum(trigger.us for trigger in self.ablation.fired)

    def descents(self) -> int:
        """The most pages that descents of B-trees may touch in one write."""
        return _DESCENTS_PER_WRITE * self.height


@dataclass(frozen=True, kw_only=True)
class StepWrites:
    """One step; `table` is what it writes, `indexes` are its. `packed`: it updates rows of the load, which left no room
    on their pages. Where it could not be measured `why_not` says so."""

    flow: Flow
    step: Step
    table: str = ""
    kind: Kind = "none"
    sizes: tuple[SizeFigures, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    packed: bool = False
    why_not: str | None = None

    @property
    def subject(self) -> str:
        return f"{self.flow.name}.{self.step.name}"

    @property
    def prevented_by(self) -> tuple[TableIndex, ...]:
        """The indexes that hold a column which the update changes: each alone keeps it from being HOT."""
        changed = set(self.sizes[-1].ablation.changed) if self.sizes else set()
        return tuple(index for index in self.indexes if changed.intersection(index.columns))

    @property
    def size_without_indexes(self) -> SizeFigures | None:
        """The size at which the step was also executed without each index."""
        return next((size for size in self.sizes if size.ablation.without_index), None)


@dataclass(frozen=True, kw_only=True)
class Writes:
    """Every step of the promise's own flows, and under what conditions they were measured."""

    steps: tuple[StepWrites, ...]
    conditions: str
