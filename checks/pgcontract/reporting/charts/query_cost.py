"""Pages that one call touches, over the rows of the table: with its index, without it, and what its growth allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pgcontract.reporting.amounts import count
from pgcontract.reporting.charts.axis import Log, decades_around
from pgcontract.reporting.charts.line_chart import BOTTOM, LEFT, RIGHT, TOP, Line, Tick, lines_chart
from pgcontract.reporting.charts.svg import Chart
from pgcontract.reporting.performance_facts import MeasuredQuery, QuerySize

_Cost = Callable[[QuerySize], float | None]


def cost_chart(query: MeasuredQuery, name: str, conditions: str) -> Chart | None:
    """The picture of one query; None where it was measured at fewer than two sizes."""
    sizes = sorted((each for each in query.sizes if each.buffers_median and each.rows > 0), key=lambda each: each.rows)
    if len(sizes) < 2:
        return None
    own = "with its index" if query.index else "as the server reads it"
    lines = [
        Line(
            label=own,
            points=_points(sizes, lambda each: each.buffers_median),
            tops=[max(each.buffers_max or 0, each.buffers_median or 0) for each in sizes],
            tone="a",
        )
    ]
    if len(without := _points(sizes, lambda each: each.without_index_median)) > 1:
        lines.append(Line(label="without it", points=without, tone="b", style=1))
    if query.growth and len(allowed := _points(sizes, lambda each: each.allowed)) > 1:
        lines.append(Line(label=f"allowed by {query.growth}", points=allowed, tone="soft", style=2, marked=False))
    values = [value for line in lines for value in (*(up for _, up in line.points), *line.tops)]
    x = Log(low=sizes[0].rows / 1.3, high=sizes[-1].rows * 1.3, start=LEFT, end=RIGHT)
    y = decades_around(values, BOTTOM, TOP)
    return lines_chart(
        lines,
        name=name,
        title=f"{query.name}: pages touched by one call",
        description=_said(query, sizes, own),
        caption=(_samples(query, sizes), conditions),
        x=x,
        y=y,
        x_ticks=[Tick(at=x.at(each.rows), text=f"{each.rows:,}") for each in sizes],
        y_ticks=[Tick(at=y.at(each), text=count(each)) for each in y.decades()],
        faint=[y.at(each) for each in y.between()],
        x_label="rows in the table (log)",
        y_label="pages of 8 kB (log)",
    )


def _points(sizes: Sequence[QuerySize], cost: _Cost) -> list[tuple[float, float]]:
    return [(float(each.rows), value) for each in sizes if (value := cost(each))]


def _samples(query: MeasuredQuery, sizes: Sequence[QuerySize]) -> str:
    fewest, most = min(each.calls for each in sizes), max(each.calls for each in sizes)
    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    exponent = ""
    if query.exponent:
        low, middle, high = query.exponent
        exponent = f"; grows with rows to the power of {middle:.2f} ({low:.2f} to {high:.2f})"
    served = f" Index: {query.index}." if query.index else ""
    bare = sorted({each.without_samples for each in sizes if each.without_samples})
    few = f" Without it, of n = {' to '.join(map(str, dict.fromkeys((bare[0], bare[-1]))))} of them." if bare else ""
    return f"Median of n = {number} calls a size, the whisker up to the dearest{exponent}.{served}{few}"


def _said(query: MeasuredQuery, sizes: Sequence[QuerySize], own: str) -> str:
    told = []
    for each in sizes:
        without = f", {count(each.without_index_median)} without it" if each.without_index_median else ""
        told.append(f"at {each.rows:,} rows {count(each.buffers_median or 0)} pages {own}{without}")
    return f"Pages of 8 kB touched by one call of {query.name}: {'; '.join(told)}."
