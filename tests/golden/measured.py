"""Figures as a measured Run holds them, made by hand: near what a small server shows, and nobody's measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pgcontract.result import Measurements
from pgcontract.result.measurements import (
    CallTimes,
    IndexShare,
    IndexTrial,
    QueryAtSize,
    QueryBudget,
    QueryFigures,
    WriteAtSize,
    WriteFigures,
)

SIZES = (1_000, 10_000, 100_000)
MIGRATION = "020_sessions"


def query(
    name: str, index: str | None, growth: str, pages: tuple[float, ...], without: tuple[float | None, ...], **more: Any
) -> QueryFigures:
    sizes = tuple(
        QueryAtSize(
            rows=rows, samples=30, calls=30, found_median=rows_found,
            buffers_median=page, buffers_max=page * 1.5, allowed=page + 4 * bool(at),
            without_index_median=bare, height=1 + at if index else None,
            plan=f"Index Scan using {index}" if index else "Seq Scan on sessions",
            p50_us=p50, p95_us=p50 * 1.6, p99_us=p50 * 2.3, n=200,
            client_p50_us=p50 + 31, without_samples=5 if bare else 0,
        )
        for at, (rows, page, bare, rows_found, p50) in enumerate(
            zip(SIZES, pages, without, more.pop("found", (1, 1, 1)), more.pop("p50_us", (9.0, 10.5, 12.0)), strict=True)
        )
    )  # fmt: skip
    plain = QueryFigures(name=name, migration=MIGRATION, index=index, growth=growth, sizes=sizes)
    return replace(plain, sql=f"SELECT * FROM public.sessions WHERE {name} = %(value)s", **more)


def quantiles(p50: float) -> tuple[float, ...]:
    return tuple(
        round(p50 * (0.8 + 0.4 * at / 20 + (0.9 if at == 20 else 0) + (0.4 if at >= 19 else 0)), 3) for at in range(21)
    )


def latency(name: str, rows: int | None, p50: float, n: int = 200) -> CallTimes:
    return CallTimes(name=name, rows=rows, quantiles_us=quantiles(p50), n=n)


def write(step: str, kind: str, wal: tuple[float, ...], indexes: Mapping[str, float], **more: Any) -> WriteFigures:
    sizes = tuple(
        WriteAtSize(
            rows=rows, wal_records=2 + len(indexes), wal_bytes=bytes_, buffers=9 + at,
            index_entries=len(indexes), hot_share=more.get("hot"), p50_us=61.0 + at, p95_us=97.0 + at,
            trigger_wal_bytes=more.get("trigger"), trigger_us=6.5 if more.get("trigger") else None, n=100,
        )
        for at, (rows, bytes_) in enumerate(zip(SIZES, wal, strict=True))
    )  # fmt: skip
    shares = tuple(IndexShare(name=name, wal_bytes=value, entries=1.0) for name, value in indexes.items())
    return WriteFigures(
        flow="checkout", step=step, migration=MIGRATION, kind=kind, sizes=sizes, indexes=shares, growth="O(log n)"
    )


MEASUREMENTS = Measurements(
    conditions="PostgreSQL 18.0 (wheel), tmpfs, made-up figures for tests, 1,000, 10,000 and 100,000 rows, seed 0",
    queries=(
        query("by_email", "public.idx_sessions_email", "O(log n)", (3, 4, 4), (34, 336, 3_361),
              purpose="Fast user look-up", exponent=(0.01, 0.04, 0.08), budget=QueryBudget(buffers=12)),
        query("open", "public.idx_sessions_open", "O(rows)", (38, 344, 1_960), (34, 336, 3_361), found=(50, 500, 5_000),
              p50_us=(70.0, 690.0, 7_300.0), exponent=(0.8, 0.86, 0.9)),
        query("by_answer", None, "O(n)", (34, 336, 3_361), (None, None, None), found=(0, 1, 9),
              p50_us=(310.0, 3_100.0, 31_500.0), exponent=(0.99, 1.0, 1.0),
              advice=(IndexTrial(ddl="CREATE INDEX ON public.sessions USING gin (answers)", rows=10_000, before=336,
                                 after=7),)),
    ),
    times=(
        *(latency("by_email", rows, p50) for rows, p50 in zip(SIZES, (9.0, 10.5, 12.0), strict=True)),
        *(latency("open", rows, p50) for rows, p50 in zip(SIZES, (70.0, 690.0, 7_300.0), strict=True)),
        latency("SELECT 1", None, 4.1, 1_000),
        latency("round trip of SELECT 1", None, 38.0, 1_000),
    ),
    writes=(
        write("submit", "insert", (820, 846, 871),
              {"public.sessions_pkey": 96, "public.idx_sessions_email": 88, "public.idx_sessions_open": 72}),
        write("complete", "update", (402, 410, 418), {"public.sessions_pkey": 64, "public.idx_sessions_open": 80},
              hot=0.0, trigger=24),
        write("rename", "update", (214, 214, 216), {}, hot=0.97, trigger=24),
    ),
)  # fmt: skip
