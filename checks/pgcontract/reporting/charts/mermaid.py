"""The one chart that GitHub draws inside Markdown: each query with its index and without it, else the writes."""

from __future__ import annotations

import math
import re

from pgcontract.reporting.performance_facts import MeasuredQuery, Performance, QuerySize

MAX_BARS = 12
_START = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#d55e00, #0072b2"}}}}%%'


def overview(measured: Performance) -> str | None:
    """An xychart of Mermaid: pages of one call at the largest size, as powers of ten, since the language has no
    logarithmic axis. The bar in front is the query as it is, the one behind it without its index."""
    largest = [(each, size) for each in measured.queries[:MAX_BARS] if (size := _largest(each))]
    if not largest:
        return _log_of(measured)
    own = [size.buffers_median or 1 for _, size in largest]
    bare = [max(size.without_index_median or 0, size.buffers_median or 1) for _, size in largest]
    sizes = [size.rows for _, size in largest]
    rows = " to ".join(f"{each:,}" for each in dict.fromkeys((min(sizes), max(sizes))))
    top = max(math.ceil(math.log10(max(*own, *bare, 1)) + 0.01), 1)
    return "\n".join(
        (
            _START,
            "xychart-beta horizontal",
            f'    title "Pages of one call at {rows} rows (orange: without its index)"',
            f"    x-axis [{', '.join(_word(each.name) for each, _ in largest)}]",
            f'    y-axis "as a power of ten: 1 is 10 pages, 2 is 100, 3 is 1,000" 0 --> {top}',
            f"    bar [{', '.join(map(_power, bare))}]",
            f"    bar [{', '.join(map(_power, own))}]",
        )
    )


def _log_of(measured: Performance) -> str | None:
    """Where no query was measured: the log of one row of each step, in bytes, at the largest size."""
    sizes = [(each, max(each.sizes, key=lambda size: size.rows)) for each in measured.writes if each.sizes]
    steps = [(f"{each.flow}.{each.step}", size.wal_bytes) for each, size in sizes if size.wal_bytes][:MAX_BARS]
    if not steps:
        return None
    return "\n".join(
        (
            _START,
            "xychart-beta horizontal",
            '    title "Log that one row of each step writes"',
            f"    x-axis [{', '.join(_word(name) for name, _ in steps)}]",
            f'    y-axis "bytes" 0 --> {max(value for _, value in steps):.0f}',
            f"    bar [{', '.join(f'{value:.0f}' for _, value in steps)}]",
        )
    )


def _largest(query: MeasuredQuery) -> QuerySize | None:
    return max((each for each in query.sizes if each.buffers_median), key=lambda each: each.rows, default=None)


def _power(value: float) -> str:
    return f"{math.log10(max(value, 1)):.2f}"


def _word(name: str) -> str:
    """A name in quotes, without the characters that Mermaid or Markdown would take for their own."""
    return '"' + re.sub(r"[^\w .,:()+-]+", " ", name)[:24] + '"'
