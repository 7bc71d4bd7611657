"""Pages that one call touches, over the rows of the table: with its index, without it, and what its growth allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pgcontract.reporting.amounts import count
from pgcontract.reporting.charts.axis import LogAxis, log_axis_around
from pgcontract.reporting.charts.line_chart import BOTTOM, LEFT, RIGHT, TOP, ChartLine, Tick, lines_chart
from pgcontract.reporting.charts.svg import Chart
from pgcontract.result.measurements import QueryAtSize, QueryFigures

_Cost = Callable[[QueryAtSize], float | None]


def cost_chart(query: QueryFigures, name: str, conditions: str) -> Chart | None:
    """The picture of one query; None where it was measured at fewer than two sizes."""
    sizes = sorted((size for size in query.sizes if size.buffers_median and size.rows > 0), key=lambda size: size.rows)
    if len(sizes) < 2:
        return None
    own = "with its index" if query.index else "as the server reads it"
    lines = [
        ChartLine(
            label=own,
            points=_points(sizes, lambda size: size.buffers_median),
            whisker_ends=[max(size.buffers_max or 0, size.buffers_median or 0) for size in sizes],
            tone="a",
        )
    ]
    if len(without := _points(sizes, lambda size: size.without_index_median)) > 1:
        lines.append(ChartLine(label="without it", points=without, tone="b", style=1))
    if query.growth and len(allowed := _points(sizes, lambda size: size.allowed)) > 1:
        lines.append(ChartLine(label=f"allowed by {query.growth}", points=allowed, tone="soft", style=2, marked=False))
    values = [value for line in lines for value in (*(up for _, up in line.points), *line.whisker_ends)]
    x = LogAxis(low=sizes[0].rows / 1.3, high=sizes[-1].rows * 1.3, start=LEFT, end=RIGHT)
    y = log_axis_around(values, BOTTOM, TOP)
    return lines_chart(
        lines,
        name=name,
        title=f"{query.name}: pages touched by one call",
        description=_description(query, sizes, own),
        caption=(_samples(query, sizes), conditions),
        x=x,
        y=y,
        x_ticks=[Tick(at=x.at(size.rows), text=f"{size.rows:,}") for size in sizes],
        y_ticks=[Tick(at=y.at(decade), text=count(decade)) for decade in y.decades()],
        faint=[y.at(cost) for cost in y.minor_ticks()],
        x_label="rows in the table (log)",
        y_label="pages of 8 kB (log)",
    )


def _points(sizes: Sequence[QueryAtSize], cost: _Cost) -> list[tuple[float, float]]:
    return [(float(size.rows), value) for size in sizes if (value := cost(size))]


def _samples(query: QueryFigures, sizes: Sequence[QueryAtSize]) -> str:
    fewest, most = min(size.calls for size in sizes), max(size.calls for size in sizes)
    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    exponent = ""
    if query.exponent:
        low, middle, high = query.exponent
        exponent = f"; grows with rows to the power of {middle:.2f} ({low:.2f} to {high:.2f})"
    served = f" Index: {query.index}." if query.index else ""
    bare = sorted({size.without_samples for size in sizes if size.without_samples})
    few = f" Without it, of n = {' to '.join(map(str, dict.fromkeys((bare[0], bare[-1]))))} of them." if bare else ""
    return f"Median of n = {number} calls a size, the whisker up to the dearest{exponent}.{served}{few}"


def _description(query: QueryFigures, sizes: Sequence[QueryAtSize], own: str) -> str:
    sentences = []
    for size in sizes:
        without = f", {count(size.without_index_median)} without it" if size.without_index_median else ""
        sentences.append(f"at {size.rows:,} rows {count(size.buffers_median or 0)} pages {own}{without}")
    return f"Pages of 8 kB touched by one call of {query.name}: {'; '.join(sentences)}."
