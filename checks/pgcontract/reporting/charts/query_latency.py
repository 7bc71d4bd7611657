"""How long calls take: what share of them has ended by when, a line for each size of the table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from pgcontract.reporting.amounts import time_us
from pgcontract.reporting.charts.axis import LinearAxis, log_axis_around
from pgcontract.reporting.charts.line_chart import BOTTOM, LEFT, RIGHT, TOP, ChartLine, Tick, lines_chart
from pgcontract.reporting.charts.svg import TONES, Chart
from pgcontract.result.measurements import CallTimes

MEDIAN = 50


def latency_chart(
    query: str, measured: Sequence[CallTimes], baselines: Sequence[CallTimes], name: str, conditions: str
) -> Chart | None:
    """The picture of one query's times and, in grey, of the baselines (SELECT 1); None without any."""
    sizes = sorted((latency for latency in measured if _drawable(latency)), key=lambda latency: latency.rows or 0)
    baseline_lines = [yardstick for yardstick in baselines if _drawable(yardstick)]
    if not sizes:
        return None
    lines = [
        *(
            ChartLine(label=_label(size), points=_steps(size), tone=tone, style=style, marked=False)
            for size, tone, style in zip(sizes, TONES, cycle((0, 1, 3)), strict=False)
        ),
        *(
            ChartLine(label=_label(yardstick), points=_steps(yardstick), tone="soft", style=style, marked=False)
            for yardstick, style in zip(baseline_lines, cycle((2, 0)), strict=False)
        ),
    ]
    x = log_axis_around([value for line in lines for value, _ in line.points], LEFT, RIGHT)
    y = LinearAxis(high=100, start=BOTTOM, end=TOP)
    number = ", ".join(f"{size.n:,}" for size in sizes)
    return lines_chart(
        lines,
        name=name,
        title=f"{query}: how long a call takes",
        description=_description(query, (*sizes, *baseline_lines)),
        caption=(
            f"Share of calls that have ended, by time; n = {number} calls, smallest table first. Times are this "
            "machine's and decide nothing.",
            conditions,
        ),
        x=x,
        y=y,
        x_ticks=[Tick(at=x.at(decade), text=time_us(decade)) for decade in x.decades()],
        y_ticks=[Tick(at=y.at(percentile), text=f"{percentile} %") for percentile in (0, 25, MEDIAN, 75, 95)],
        x_label="time of one call (log)",
        y_label="calls that have ended",
        label_line_ends=False,
    )


def _drawable(latency: CallTimes) -> bool:
    return sum(value > 0 for value in latency.quantiles_us) > 1


def _steps(latency: CallTimes) -> list[tuple[float, float]]:
    """(time, share of calls) for each quantile, the shares as far apart as there are quantiles. What took no time that
    the clock could tell has no place on a logarithmic axis."""
    last = len(latency.quantiles_us) - 1
    return [(value, 100 * at / last) for at, value in enumerate(latency.quantiles_us) if value > 0]


def _median(latency: CallTimes) -> float:
    return latency.quantiles_us[(len(latency.quantiles_us) - 1) // 2]


def _label(latency: CallTimes) -> str:
    of = f"{latency.rows:,} rows" if latency.rows else latency.name
    return f"{of}: p50 {time_us(_median(latency))}"


def _description(query: str, lines: Sequence[CallTimes]) -> str:
    parts = (f"{_label(latency)} over {latency.n:,} calls" for latency in lines)
    return f"Distribution of the time of one call of {query}. {'; '.join(parts)}."
