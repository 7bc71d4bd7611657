"""What was measured, as a Run holds it: read once, typed, for the tables and the pictures of every report.

`Run.facts["performance"]` has these shapes as plain JSON; the measurements write them; what was not measured is left out.
Times are in microseconds, pages are the server's of 8 kB, medians are over the samples of one size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from pydantic import TypeAdapter, ValidationError

from pgcontract.errors import InputError
from pgcontract.result import Run


@dataclass(frozen=True, kw_only=True)
class QuerySize:
    """One query at one size of the data set: `samples` values, of which `calls` were called for the pages, `n` calls for
    the times.

    `height` is that of the index meant to serve it; `without_index_median` the pages of `without_samples` of the calls
    with that index dropped; `allowed` what the promised growth allows from the smallest size on; `plan` how the server
    reads ("Index Scan using ..."); `client_p50_us` a client's round trip.
    """

    rows: int
    samples: int = 0
    calls: int = 0
    found_median: float | None = None
    buffers_median: float | None = None
    buffers_max: float | None = None
    without_index_median: float | None = None
    without_samples: int | None = None
    allowed: float | None = None
    height: int | None = None
    plan: str | None = None
    p50_us: float | None = None
    p95_us: float | None = None
    p99_us: float | None = None
    client_p50_us: float | None = None
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class IndexTrial:
    """An index that was tried and rolled back: the pages of one call before and with it, at a size of the data set."""

    ddl: str
    rows: int | None = None
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class MeasuredQuery:
    """One declared query; `exponent` is the slope of pages over rows on log-log axes: low, middle, high."""

    name: str
    migration: str = ""
    sql: str = ""
    purpose: str | None = None
    index: str | None = None
    growth: str | None = None
    budget: Mapping[str, float | None] | None = None
    sizes: tuple[QuerySize, ...] = ()
    exponent: tuple[float, float, float] | None = None
    advice: tuple[IndexTrial, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long calls took: 21 quantiles, of 0, 5, ... 100 in 100. A line without `rows` is a baseline (SELECT 1)."""

    name: str
    migration: str = ""
    quantiles_us: tuple[float, ...]
    n: int
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class WriteSize:
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
class MeasuredWrite:
    """One step of a declared flow."""

    flow: str
    step: str
    migration: str = ""
    kind: str = "none"
    sizes: tuple[WriteSize, ...] = ()
    indexes: tuple[IndexShare, ...] = ()
    growth: str | None = None


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Everything that was measured at the head of the chain; `conditions` is one line."""

    queries: tuple[MeasuredQuery, ...] = ()
    latency: tuple[Latency, ...] = ()
    writes: tuple[MeasuredWrite, ...] = ()
    conditions: str = ""


def performance(run: Run) -> Performance:
    """What the Run measured; empty where it measured nothing. Names are led by their migration's display name where that
    is not the one the report is about, as everywhere in it. InputError names the field that is damaged."""
    try:
        measured = _adapter().validate_python(run.facts.get("performance") or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("facts", "performance", *first["loc"])))
        raise InputError(f"This run.json is damaged at {place}: {first['msg']}. Verify again to write it anew.") from None

    def with_migration_prefix(name: str, migration: str) -> str:
        return name if migration in ("", run.migration) else f"{run.display_name(migration)}:{name}"

    return replace(
        measured,
        queries=tuple(
            replace(query, name=with_migration_prefix(query.name, query.migration)) for query in measured.queries
        ),
        latency=tuple(
            replace(latency, name=with_migration_prefix(latency.name, latency.migration)) for latency in measured.latency
        ),
        writes=tuple(
            replace(write, flow=with_migration_prefix(write.flow, write.migration)) for write in measured.writes
        ),
    )


@cache
def _adapter() -> TypeAdapter[Performance]:
    return TypeAdapter(Performance)
