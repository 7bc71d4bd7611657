"""Figures of queries as evidence: one row a size, one row a call."""

from __future__ import annotations

from collections.abc import Sequence

from pgcontract.performance.growth import median
from pgcontract.performance.queries.index_advice import IndexAdvice
from pgcontract.performance.queries.query_costs import MeasuredQuery, QueryMeasurement
from pgcontract.performance.queries.query_plan import Call
from pgcontract.performance.queries.without_index import ControlRun
from pgcontract.result import Evidence

_MODES = {"force_generic_plan": "generic", "force_custom_plan": "custom", "auto": "auto"}


def sizes_evidence(measured: MeasuredQuery, conditions: str, control_runs: Sequence[ControlRun] = ()) -> Evidence:
    """A row a size: how many samples were planned and called, what they found and touched, and by which plan."""
    without = {control_run.size: control_run for control_run in control_runs}
    return Evidence(
        title=f"Pages touched by size ({conditions})",
        columns=(
            *("rows", "planned", "called", "found, median", "pages, median", "p95", "most", "height"),
            *(("without the index, median",) if control_runs else ()),
            *("plans settle on", "plan"),
        ),
        rows=tuple(
            _size_row(measurement, without.get(measurement.size) if control_runs else None, bool(control_runs))
            for measurement in measured.measurements
        ),
    )


def _size_row(measurement: QueryMeasurement, control_run: ControlRun | None, with_control_run: bool) -> tuple[str, ...]:
    buffers = [call.buffers for call in measurement.calls]
    median_text = (
        f"{median([call.buffers for call in control_run.without_index]):,} of {len(control_run.without_index)}"
        if control_run and control_run.without_index
        else "–"
    )
    return (
        f"{measurement.size:,}",
        str(len(measurement.samples)),
        str(len(measurement.calls)),
        f"{measurement.cost.rows_found:,.0f}",
        f"{median(buffers):,}",
        f"{measurement.cost.buffers:,}",
        f"{max(buffers):,}",
        str(measurement.height or "–"),
        *((median_text,) if with_control_run else ()),
        _MODES[measurement.mode],
        measurement.plan_summary,
    )


def advice_evidence(proposals: Sequence[IndexAdvice]) -> Evidence:
    """The indexes that were tried and helped, best first."""
    return Evidence(
        title="Indexes that would serve it, tried in a transaction that was undone",
        columns=("index", "at rows", "calls", "pages before, median", "after", "index bytes", "bytes a row"),
        rows=tuple(
            (
                tried_index.ddl,
                f"{tried_index.size:,}",
                str(tried_index.calls),
                f"{tried_index.before:,}",
                f"{tried_index.after:,}",
                f"{tried_index.index_bytes:,}",
                f"{tried_index.bytes_per_row:,.0f}",
            )
            for tried_index in proposals
        ),
    )


def calls_evidence(title: str, one: Sequence[Call], other: Sequence[Call]) -> Evidence:
    """The same samples planned in two ways, a row each."""
    return Evidence(
        title=title,
        columns=("rows found", "pages", "plan", "pages", "plan"),
        rows=tuple(
            (f"{left.rows_found:,.0f}", f"{left.buffers:,}", left.plan_summary, f"{right.buffers:,}", right.plan_summary)
            for left, right in zip(one, other, strict=True)
        ),
    )
