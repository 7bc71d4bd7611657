"""How long calls take: what share of them has ended by when, a line for each size of the table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from pgcontract.reporting.amounts import time_us
from pgcontract.reporting.charts.axis import Linear, decades_around
from pgcontract.reporting.charts.line_chart import BOTTOM, LEFT, RIGHT, TOP, Line, Tick, lines_chart
from pgcontract.reporting.charts.svg import TONES, Chart
from pgcontract.reporting.performance_facts import Latency

MEDIAN = 50


def latency_chart(
    query: str, measured: Sequence[Latency], yardsticks: Sequence[Latency], name: str, conditions: str
) -> Chart | None:
    """The picture of one query's times and, in grey, of what stands beside them (SELECT 1); None without any."""
    sizes = sorted((each for each in measured if _drawable(each)), key=lambda each: each.rows or 0)
    beside = [each for each in yardsticks if _drawable(each)]
    if not sizes:
        return None
    lines = [
        *(
            Line(label=_label(each), points=_steps(each), tone=tone, style=style, marked=False)
            for each, tone, style in zip(sizes, TONES, cycle((0, 1, 3)), strict=False)
        ),
        *(
            Line(label=_label(each), points=_steps(each), tone="soft", style=style, marked=False)
            for each, style in zip(beside, cycle((2, 0)), strict=False)
        ),
    ]
    x = decades_around([value for line in lines for value, _ in line.points], LEFT, RIGHT)
    y = Linear(high=100, start=BOTTOM, end=TOP)
    number = ", ".join(f"{each.n:,}" for each in sizes)
    return lines_chart(
        lines,
        name=name,
        title=f"{query}: how long a call takes",
        description=_said(query, (*sizes, *beside)),
        caption=(
            f"Share of calls that have ended, by time; n = {number} calls, smallest table first. Times are this "
            "machine's and decide nothing.",
            conditions,
        ),
        x=x,
        y=y,
        x_ticks=[Tick(at=x.at(each), text=time_us(each)) for each in x.decades()],
        y_ticks=[Tick(at=y.at(each), text=f"{each} %") for each in (0, 25, MEDIAN, 75, 95)],
        x_label="time of one call (log)",
        y_label="calls that have ended",
        beside=False,
    )


def _drawable(each: Latency) -> bool:
    return sum(value > 0 for value in each.quantiles_us) > 1


def _steps(each: Latency) -> list[tuple[float, float]]:
    """(time, share of calls) for each quantile, the shares as far apart as there are quantiles. What took no time that
    the clock could tell has no place on a logarithmic axis."""
    last = len(each.quantiles_us) - 1
    return [(value, 100 * at / last) for at, value in enumerate(each.quantiles_us) if value > 0]


def _median(each: Latency) -> float:
    return each.quantiles_us[(len(each.quantiles_us) - 1) // 2]


def _label(each: Latency) -> str:
    of = f"{each.rows:,} rows" if each.rows else each.name
    return f"{of}: p50 {time_us(_median(each))}"


def _said(query: str, lines: Sequence[Latency]) -> str:
    told = (f"{_label(each)} over {each.n:,} calls" for each in lines)
    return f"Distribution of the time of one call of {query}. {'; '.join(told)}."
