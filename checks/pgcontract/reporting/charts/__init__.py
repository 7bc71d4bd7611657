"""Every picture of a Run, as SVG: cost over rows and times of each query, WAL of each flow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgcontract.reporting.charts.query_cost import cost_chart
from pgcontract.reporting.charts.query_latency import latency_chart
from pgcontract.reporting.charts.svg import Chart
from pgcontract.reporting.charts.wal import wal_chart
from pgcontract.reporting.measurement_names import named_measurements
from pgcontract.result import Run
from pgcontract.result.measurements import Measurements


def charts(run: Run) -> tuple[Chart, ...]:
    """The pictures of what was measured, in the order of the report; none where nothing was. The bytes are the Run's
    alone. Names are those of files: `cost-by_email`, `latency-by_email`, `wal-checkout`."""
    measured = named_measurements(run)
    return tuple(_charts(measured))


def _charts(measured: Measurements) -> Iterator[Chart]:
    taken: set[str] = set()

    def named(kind: str, subject: str) -> str:
        """The file's name, unlike every other one."""
        plain = f"{kind}-{re.sub(r'[^a-z0-9_]+', '-', subject.lower()).strip('-')[:80]}".rstrip("-")
        name, turn = plain, 1
        while name in taken:
            turn += 1
            name = f"{plain}-{turn}"
        taken.add(name)
        return name

    queries = {measured_query.name for measured_query in measured.queries}
    baselines = [latency for latency in measured.times if latency.rows is None and latency.name not in queries]
    for query in measured.queries:
        drawn = cost_chart(query, named("cost", query.name), measured.conditions)
        times = [latency for latency in measured.times if latency.name == query.name]
        timed = latency_chart(query.name, times, baselines, named("latency", query.name), measured.conditions)
        yield from (chart for chart in (drawn, timed) if chart is not None)
    for flow in dict.fromkeys(write.flow for write in measured.writes):
        steps = [write for write in measured.writes if write.flow == flow]
        if drawn := wal_chart(flow, steps, named("wal", flow), measured.conditions):
            yield drawn
