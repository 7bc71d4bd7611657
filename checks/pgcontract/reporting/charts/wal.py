"""What each step of a flow writes to the WAL for one row, and which index adds how much of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgcontract.reporting.amounts import size_bytes
from pgcontract.reporting.charts.axis import LinearAxis
from pgcontract.reporting.charts.svg import TONES, Chart, draw_chart, ellipsize
from pgcontract.result.measurements import WriteFigures
from pgcontract.values import dataclass

LEFT, RIGHT, TOP = 150.0, 545.0, 66.0
BAR, GAP = 24.0, 18.0
ROW, OTHERS = "the row", "other indexes"
_MAX_LABEL, _MAX_LEGEND = 18, 80  # characters that fit


@dataclass(frozen=True, kw_only=True)
class _StepWal:
    """One step at its largest size: bytes by what writes them, the row itself first."""

    name: str
    rows: int
    calls: int | None
    shares: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.shares.values())


def wal_chart(flow: str, writes: Sequence[WriteFigures], name: str, conditions: str) -> Chart | None:
    """The picture of one flow's steps at the largest size; None where no step wrote anything."""
    steps = [step for write in writes if (step := _step(write))]
    if not steps:
        return None
    tones = dict(zip(_writers(steps), TONES, strict=False))
    x = LinearAxis(high=max(bar_step.total for bar_step in steps) * 1.05, start=LEFT, end=RIGHT)
    bottom = TOP + len(steps) * (BAR + GAP) + 4
    return draw_chart(
        "bars.svg.j2",
        name=name,
        title=f"{flow}: WAL that one row of each step writes",
        description=_description(flow, steps),
        caption=(_samples(steps), conditions),
        bottom=bottom + 56 + 20 * len(tones),
        frame=(LEFT, TOP, RIGHT, bottom),
        bar=BAR,
        bars=[_bar(bar_step, at, tones, x) for at, bar_step in enumerate(steps)],
        ticks=[(x.at(tick), size_bytes(tick) if tick else "0") for tick in x.ticks()],
        legend=[
            {
                "tone": tone,
                "text": ellipsize(kind, _MAX_LEGEND),
                "y": bottom + 56 + 20 * at,
            }
            for at, (kind, tone) in enumerate(tones.items())
        ],
    )


def _step(write: WriteFigures) -> _StepWal | None:
    largest = max((size for size in write.sizes if size.wal_bytes), key=lambda size: size.rows, default=None)
    if largest is None:
        return None
    shares = {index.name: index.wal_bytes for index in write.indexes if index.wal_bytes > 0}
    rest = (largest.wal_bytes or 0) - sum(shares.values())
    whole = {ROW: rest, **shares} if rest > 0 else shares
    return _StepWal(name=write.step, rows=largest.rows, calls=largest.n, shares=whole)


def _writers(steps: Sequence[_StepWal]) -> list[str]:
    """The writers that get a colour: the row, then the largest; those beyond the palette share the last."""
    sums: dict[str, float] = {}
    for step in steps:
        for kind, value in step.shares.items():
            sums[kind] = sums.get(kind, 0) + value
    ordered = sorted(sums, key=lambda kind: (kind != ROW, -sums[kind], kind))
    return ordered if len(ordered) <= len(TONES) else [*ordered[: len(TONES) - 1], OTHERS]


def _bar(step: _StepWal, at: int, tones: Mapping[str, str], x: LinearAxis) -> Mapping[str, object]:
    pieces: list[Mapping[str, object]] = []
    start = 0.0
    for kind, tone in tones.items():
        value = sum(share for name, share in step.shares.items() if (name if name in tones else OTHERS) == kind)
        if value > 0:
            pieces.append({"x": x.at(start), "width": x.at(start + value) - x.at(start), "tone": tone})
            start += value
    return {
        "y": TOP + 8 + at * (BAR + GAP),
        "label": ellipsize(step.name, _MAX_LABEL),
        "pieces": pieces,
        "end": x.at(start),
        "total": size_bytes(step.total),
    }


def _samples(steps: Sequence[_StepWal]) -> str:
    def span(numbers: Sequence[int]) -> str:
        return " to ".join(f"{row_count:,}" for row_count in dict.fromkeys((min(numbers), max(numbers))))

    calls = [step.calls for step in steps if step.calls]
    of = f"Median of n = {span(calls)} rows written a step" if calls else "Median of the rows written"
    return f"{of}, into a table of {span([step.rows for step in steps])} rows."


def _description(flow: str, steps: Sequence[_StepWal]) -> str:
    parts = (
        f"{step.name}: {', '.join(f'{size_bytes(value)} for {kind}' for kind, value in step.shares.items())}"
        for step in steps
    )
    return f"WAL that one row of each step of {flow} writes. {'; '.join(parts)}."
