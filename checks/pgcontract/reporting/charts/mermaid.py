"""The one chart that GitHub draws inside Markdown: each query with its index and without it, else the writes."""

from __future__ import annotations

import math
import re

from pgcontract.result.measurements import Measurements, QueryAtSize, QueryFigures

MAX_BARS = 12
_START = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#d55e00, #0072b2"}}}}%%'


def overview(measured: Measurements) -> str | None:
    """An xychart of Mermaid: pages of one call at the largest size, as powers of ten, since the language has no
    logarithmic axis. The bar in front is the query as it is, the one behind it without its index."""
    largest = [(query, size) for query in measured.queries[:MAX_BARS] if (size := _largest(query))]
    if not largest:
        return _wal_overview(measured)
    own = [size.buffers_median or 1 for _, size in largest]
    bare = [max(size.without_index_median or 0, size.buffers_median or 1) for _, size in largest]
    sizes = [size.rows for _, size in largest]
    rows = " to ".join(f"{row_count:,}" for row_count in dict.fromkeys((min(sizes), max(sizes))))
    top = max(math.ceil(math.log10(max(*own, *bare, 1)) + 0.01), 1)
    return "\n".join(
        (
            _START,
            "xychart-beta horizontal",
            f'    title "Pages of one call at {rows} rows (orange: without its index)"',
            f"    x-axis [{', '.join(_quoted_name(query.name) for query, _ in largest)}]",
            f'    y-axis "as a power of ten: 1 is 10 pages, 2 is 100, 3 is 1,000" 0 --> {top}',
            f"    bar [{', '.join(map(_log10, bare))}]",
            f"    bar [{', '.join(map(_log10, own))}]",
        )
    )


def _wal_overview(measured: Measurements) -> str | None:
    """Where no query was measured: the log of one row of each step, in bytes, at the largest size."""
    sizes = [(write, max(write.sizes, key=lambda size: size.rows)) for write in measured.writes if write.sizes]
    steps = [(f"{write.flow}.{write.step}", size.wal_bytes) for write, size in sizes if size.wal_bytes][:MAX_BARS]
    if not steps:
        return None
    return "\n".join(
        (
            _START,
            "xychart-beta horizontal",
            '    title "Log that one row of each step writes"',
            f"    x-axis [{', '.join(_quoted_name(name) for name, _ in steps)}]",
            f'    y-axis "bytes" 0 --> {max(value for _, value in steps):.0f}',
            f"    bar [{', '.join(f'{value:.0f}' for _, value in steps)}]",
        )
    )


def _largest(query: QueryFigures) -> QueryAtSize | None:
    return max((size for size in query.sizes if size.buffers_median), key=lambda size: size.rows, default=None)


def _log10(value: float) -> str:
    return f"{math.log10(max(value, 1)):.2f}"


def _quoted_name(name: str) -> str:
    """A name in quotes, without the characters that Mermaid or Markdown would take for their own."""
    return '"' + re.sub(r"[^\w .,:()+-]+", " ", name)[:24] + '"'
