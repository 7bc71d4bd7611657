"""Pictures of lines over two axes: each line with its marks, its dash and its name at the right."""

from __future__ import annotations

from collections.abc import Sequence

from pgcontract.reporting.charts.axis import LinearAxis, LogAxis, spread_positions
from pgcontract.reporting.charts.svg import Chart, draw_chart, wrap_lines
from pgcontract.values import dataclass

LEFT, RIGHT, TOP, BOTTOM = 84.0, 408.0, 78.0, 318.0
GAP = 32.0
_MAX_LABEL = 26  # characters next to a line


@dataclass(frozen=True, kw_only=True)
class ChartLine:
    """A line through (x, y); `whisker_ends` their upper ends, `tone` its CSS class, `style` its dash and marks."""

    label: str
    points: Sequence[tuple[float, float]]
    tone: str
    style: int = 0
    marked: bool = True
    whisker_ends: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Tick:
    at: float
    text: str


def lines_chart(
    lines: Sequence[ChartLine],
    *,
    name: str,
    title: str,
    description: str,
    caption: Sequence[str],
    x: LogAxis,
    y: LogAxis | LinearAxis,
    x_ticks: Sequence[Tick],
    y_ticks: Sequence[Tick],
    faint: Sequence[float] = (),
    x_label: str,
    y_label: str,
    label_line_ends: bool = True,
) -> Chart:
    """The chart; names stand next to the ends of their lines, or, with `label_line_ends` off, in a list from the top."""
    ends = [y.at(line.points[-1][1]) if label_line_ends else TOP + 12 + GAP * at for at, line in enumerate(lines)]
    placed = spread_positions(ends, GAP, TOP + 6, BOTTOM)
    return draw_chart(
        "lines.svg.j2",
        name=name,
        title=title,
        description=description,
        caption=caption,
        bottom=BOTTOM + 52,
        frame=(LEFT, TOP, RIGHT, BOTTOM),
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        faint=faint,
        x_label=x_label,
        y_label=y_label,
        lines=[
            {
                "tone": line.tone,
                "style": line.style,
                "marked": line.marked,
                "points": [(x.at(across), y.at(up)) for across, up in line.points],
                "whiskers": [
                    (x.at(across), y.at(up), y.at(top))
                    for (across, up), top in zip(line.points, line.whisker_ends, strict=False)
                ],
                "label": wrap_lines(line.label, _MAX_LABEL, 2),
                "label_y": at,
            }
            for line, at in zip(lines, placed, strict=True)
        ],
    )
