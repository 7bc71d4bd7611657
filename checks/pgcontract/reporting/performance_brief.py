"""What was measured, in one line a query or step: pages over the sizes, all else at the largest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from pgcontract.model.qualified_name import split_name
from pgcontract.model.wording import joined
from pgcontract.reporting.amounts import count, size_bytes, time_us
from pgcontract.reporting.markup import code, join, table
from pgcontract.result.measurements import QueryFigures, WriteFigures

_NONE = "–"


def queries_sentence(queries: Iterable[QueryFigures]) -> str:
    """The unit, the sizes and the conditions of the figures in the table."""
    rows = sorted({size.rows for query in queries for size in query.sizes})
    return (
        f"A line a query: the median pages of one call at {_in_words(rows)} rows, without its index at the most rows; "
        "the slope of pages over rows on logarithmic axes with its 95 % interval; the server's own times at the most "
        "rows, of n calls."
    )


def writes_sentence(writes: Iterable[WriteFigures]) -> str:
    """The same of the steps that write."""
    rows = sorted({size.rows for write in writes for size in write.sizes})
    return (
        f"A line a step that writes, a row at a time: median pages at {_in_words(rows)} rows; log (WAL), entries of "
        "indexes, HOT and the server's own times at the most rows, of n calls."
    )


def queries_table(queries: Iterable[QueryFigures], ids: Mapping[str, str]) -> Markup:
    """`ids` are those of the findings about each query, by its name."""
    return table(
        ("Query", "Promised", "Index", "Pages", "#Without it", "Slope", "#p50, p95 (n)", "Shown by"),
        [(*_query(query), ids.get(query.name, "")) for query in queries],
    )


def writes_table(writes: Iterable[WriteFigures], ids: Mapping[str, str]) -> Markup:
    """`ids` are those of the findings about each step, by flow and step."""
    return table(
        ("Step", "Promised", "Pages", "#WAL", "#Entries", "#HOT", "#p50, p95 (n)", "Shown by"),
        [(*_write(write), ids.get(f"{write.flow}.{write.step}", "")) for write in writes],
    )


def _in_words(rows: Sequence[int]) -> str:
    return joined([f"{size:,}" for size in rows])


def _query(query: QueryFigures) -> tuple[object, ...]:
    sizes = sorted(query.sizes, key=lambda size: size.rows)
    largest = sizes[-1] if sizes else None
    low, middle, high = query.exponent or (0.0, 0.0, 0.0)
    budget = f"at most {query.budget.buffers:,} pages" if query.budget and query.budget.buffers else ""
    return (
        code(query.name),
        join((query.growth or _NONE, budget), ", "),
        code(_bare(query.index)) if query.index else "none",
        _pages(size.buffers_median for size in sizes),
        _NONE if largest is None or largest.without_index_median is None else count(largest.without_index_median),
        f"{middle:.2f} ({low:.2f} to {high:.2f})" if query.exponent else "not shown",
        _times(largest.p50_us, largest.p95_us, largest.n) if largest else _NONE,
    )


def _write(write: WriteFigures) -> tuple[object, ...]:
    sizes = sorted(write.sizes, key=lambda size: size.rows)
    largest = sizes[-1] if sizes else None
    return (
        join((code(f"{write.flow}.{write.step}"), "" if write.kind == "none" else write.kind)),
        write.growth or _NONE,
        _pages(size.buffers for size in sizes),
        _NONE if largest is None or largest.wal_bytes is None else size_bytes(largest.wal_bytes),
        _NONE if largest is None or largest.index_entries is None else count(largest.index_entries),
        _NONE if largest is None or largest.hot_share is None else f"{largest.hot_share:.0%}",
        _times(largest.p50_us, largest.p95_us, largest.n) if largest else _NONE,
    )


def _bare(name: str) -> str:
    written, _ = split_name(name)
    return written[-1] if written else name


def _pages(values: Iterable[float | None]) -> str:
    pages = list(values)
    return ", ".join(_NONE if value is None else count(value) for value in pages) if any(pages) else _NONE


def _times(p50: float | None, p95: float | None, n: int | None) -> str:
    times = ", ".join(time_us(value) for value in (p50, p95) if value is not None)
    return f"{times} ({count(n)})" if times and n is not None else times or _NONE
