"""Pictures of lines over two axes: each line with its marks, its dash and its name at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgcontract.reporting.charts.axis import Linear, Log, apart
from pgcontract.reporting.charts.svg import Chart, draw, wrapped

LEFT, RIGHT, TOP, BOTTOM = 84.0, 408.0, 78.0, 318.0
GAP = 32.0
_LABEL = 26  # characters that stand beside a line


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through (x, y); `tops` are how high its whiskers reach, `tone` its colour, `style` its dash and marks."""

    label: str
    points: Sequence[tuple[float, float]]
    tone: str
    style: int = 0
    marked: bool = True
    tops: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Tick:
    at: float
    text: str


def lines_chart(
    lines: Sequence[Line],
    *,
    name: str,
    title: str,
    description: str,
    caption: Sequence[str],
    x: Log,
    y: Log | Linear,
    x_ticks: Sequence[Tick],
    y_ticks: Sequence[Tick],
    faint: Sequence[float] = (),
    x_label: str,
    y_label: str,
    beside: bool = True,
) -> Chart:
    """The picture; names stand beside the ends of their lines, or, with `beside` off, in a list from the top."""
    ends = [y.at(each.points[-1][1]) if beside else TOP + 12 + GAP * at for at, each in enumerate(lines)]
    placed = apart(ends, GAP, TOP + 6, BOTTOM)
    return draw(
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
                "tone": each.tone,
                "style": each.style,
                "marked": each.marked,
                "points": [(x.at(across), y.at(up)) for across, up in each.points],
                "whiskers": [
                    (x.at(across), y.at(up), y.at(top)) for (across, up), top in zip(each.points, each.tops, strict=False)
                ],
                "label": wrapped(each.label, _LABEL, 2),
                "label_y": at,
            }
            for each, at in zip(lines, placed, strict=True)
        ],
    )
