"""What a Run measured, under the names that its reports give things of other migrations."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.result import Run
from pgcontract.result.measurements import Measurements


def named_measurements(run: Run) -> Measurements:
    """The Run's measurements; a name is led by its migration's display name where that is not the one the report is
    about, as everywhere in it."""

    def named(name: str, migration: str) -> str:
        return name if migration in ("", run.migration) else f"{run.display_name(migration)}:{name}"

    measured = run.measurements
    return replace(
        measured,
        queries=tuple(replace(query, name=named(query.name, query.migration)) for query in measured.queries),
        times=tuple(replace(times, name=named(times.name, times.migration)) for times in measured.times),
        writes=tuple(replace(write, flow=named(write.flow, write.migration)) for write in measured.writes),
    )
