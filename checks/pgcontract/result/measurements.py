"""What was measured at the head of the chain: queries, how long their calls took, and steps that write.

Times are in microseconds, pages are the server's of 8 kB, medians are over the samples of one size of the data set;
`rows` is that size. None is what was not measured.
"""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class QueryAtSize:
    """One query at one size: `samples` values, of which `calls` were called for the pages, `n` calls for the times.

    `buffers_p95` is what a promise is judged by; `height` is that of the index meant to serve it;
    `without_index_median` the pages of `without_samples` of the calls with that index dropped; `allowed` what the
    promised growth allows from the smallest size on; `plan` how the server reads ("Index Scan using ...");
    `client_p50_us` a client's round trip.
    """

    rows: int
    samples: int = 0
    calls: int = 0
    found_median: float | None = None
    buffers_median: float | None = None
    buffers_p95: float | None = None
    buffers_max: float | None = None
    without_index_median: float | None = None
    without_samples: int = 0
    allowed: float | None = None
    height: int | None = None
    plan: str | None = None
    p50_us: float | None = None
    p95_us: float | None = None
    p99_us: float | None = None
    client_p50_us: float | None = None
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class QueryBudget:
    """What one call may cost at the largest size: pages, or time in round trips of a SELECT 1 or in milliseconds."""

    buffers: int | None = None
    round_trips: float | None = None
    ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class IndexTrial:
    """An index that was tried and rolled back: the pages of one call before and with it."""

    ddl: str
    rows: int
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class QueryFigures:
    """One declared query; `exponent` is the slope of pages over rows on log-log axes: low, middle, high."""

    name: str
    migration: str
    sql: str = ""
    purpose: str | None = None
    index: str | None = None
    growth: str | None = None
    budget: QueryBudget | None = None
    sizes: tuple[QueryAtSize, ...] = ()
    exponent: tuple[float, float, float] | None = None
    advice: tuple[IndexTrial, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallTimes:
    """How long `n` calls took: 21 quantiles, of 0, 5, ... 100 in 100.

    A baseline (SELECT 1) is of no size and of no migration.
    """

    name: str
    migration: str = ""
    quantiles_us: tuple[float, ...]
    n: int
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class WriteAtSize:
    """One step of a flow at one size: what one row of it costs, as a median; `hot_share` from 0 to 1."""

    rows: int
    wal_records: float | None = None
    wal_bytes: float | None = None
    buffers: float | None = None
    index_entries: float | None = None
    hot_share: float | None = None
    p50_us: float | None = None
    p95_us: float | None = None
    trigger_wal_bytes: float | None = None
    trigger_us: float | None = None
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class IndexShare:
    """What one index adds to one row written, at the largest size."""

    name: str
    wal_bytes: float
    entries: float | None = None


@dataclass(frozen=True, kw_only=True)
class WriteFigures:
    """One step of a declared flow; `kind` is insert, update, delete, or none where it writes nothing."""

    flow: str
    step: str
    migration: str
    kind: str = "none"
    sizes: tuple[WriteAtSize, ...] = ()
    indexes: tuple[IndexShare, ...] = ()
    growth: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Everything that was measured, of whatever migration's promises; `conditions` is one line."""

    queries: tuple[QueryFigures, ...] = ()
    times: tuple[CallTimes, ...] = ()
    writes: tuple[WriteFigures, ...] = ()
    conditions: str = ""
