"""Figures of queries as exhibits: one row a size, one row a call."""

from __future__ import annotations

from collections.abc import Sequence

from pgcontract.performance.growth import median
from pgcontract.performance.queries.index_advice import Advice
from pgcontract.performance.queries.query_costs import Measured, Reading
from pgcontract.performance.queries.query_plan import Call
from pgcontract.performance.queries.without_index import Control
from pgcontract.result.finding import Evidence

_MODES = {"force_generic_plan": "generic", "force_custom_plan": "custom", "auto": "auto"}


def tell_sizes(measured: Measured, conditions: str, arms: Sequence[Control] = ()) -> Evidence:
    """A row a size: how many samples were planned and called, what they found and touched, and by which plan."""
    without = {arm.size: arm for arm in arms}
    return Evidence(
        title=f"Pages touched by size ({conditions})",
        columns=(
            *("rows", "planned", "called", "found, median", "pages, median", "p95", "most", "height"),
            *(("without the index, median",) if arms else ()),
            *("plans settle on", "plan"),
        ),
        rows=tuple(_size_row(each, without.get(each.size) if arms else None, bool(arms)) for each in measured.readings),
    )


def _size_row(reading: Reading, arm: Control | None, with_arm: bool) -> tuple[str, ...]:
    buffers = [call.buffers for call in reading.calls]
    counted = f"{median([call.buffers for call in arm.absent]):,} of {len(arm.absent)}" if arm and arm.absent else "–"
    return (
        f"{reading.size:,}",
        str(len(reading.samples)),
        str(len(reading.calls)),
        f"{reading.cost.found:,.0f}",
        f"{median(buffers):,}",
        f"{reading.cost.buffers:,}",
        f"{max(buffers):,}",
        str(reading.height or "–"),
        *((counted,) if with_arm else ()),
        _MODES[reading.mode],
        reading.told,
    )


def tell_advice(found: Sequence[Advice]) -> Evidence:
    """The indexes that were tried and gained, best first."""
    return Evidence(
        title="Indexes that would serve it, tried in a transaction that was undone",
        columns=("index", "at rows", "calls", "pages before, median", "after", "index bytes", "bytes a row"),
        rows=tuple(
            (
                each.ddl,
                f"{each.size:,}",
                str(each.calls),
                f"{each.before:,}",
                f"{each.after:,}",
                f"{each.index_bytes:,}",
                f"{each.bytes_a_row:,.0f}",
            )
            for each in found
        ),
    )


def tell_calls(title: str, one: Sequence[Call], other: Sequence[Call]) -> Evidence:
    """The same samples planned in two ways, a row each."""
    return Evidence(
        title=title,
        columns=("rows found", "pages", "plan", "pages", "plan"),
        rows=tuple(
            (f"{left.found:,.0f}", f"{left.buffers:,}", left.told, f"{right.buffers:,}", right.told)
            for left, right in zip(one, other, strict=True)
        ),
    )
