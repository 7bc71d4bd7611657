"""What was measured is in the Run, as the reports read it; what was not asked is not."""

from __future__ import annotations

from functools import cache

from case_projects import case
from pgcontract import RunOptions, load_project, verify
from pgcontract.reporting.charts import charts
from pgcontract.result import Measurements, Run

SIZES = [100, 1_000, 10_000]


@cache
def asked(shown: str, check: str) -> Run:
    with case(f"{shown}/kept").project() as root:
        return verify(load_project(root), RunOptions(only=(check,)))


def test_query_is_told_with_its_pages_at_every_size_and_what_its_growth_allows() -> None:
    (query,) = asked("query.growth", "query.growth").measurements.queries
    more = [(size.rows, (size.buffers_median or 0) <= (size.allowed or 0)) for size in query.sizes]

    assert ("by_email", "O(log n)", [(rows, True) for rows in SIZES]) == (query.name, query.growth, more)


def test_query_with_an_index_is_told_without_it_too_and_beside_the_yardstick() -> None:
    run = asked("query.index", "query.*")
    measured = run.measurements
    dearer = [(size.without_index_median or 0) >= (size.buffers_median or 0) for size in measured.queries[0].sizes[1:]]

    assert ([True, True], ["SELECT 1 by a client"], ["cost-by_email", "latency-by_email"]) == (
        dearer,
        [latency.name for latency in measured.times if latency.rows is None],
        [chart.name for chart in charts(run)],
    )


def test_step_is_told_with_what_each_index_adds_to_its_log() -> None:
    (step,) = asked("write.cost", "write.*").measurements.writes
    adds = {index.name: 0 < index.wal_bytes < (step.sizes[-1].wal_bytes or 0) for index in step.indexes}

    assert ("shop", "place", "insert", SIZES, {"public.orders_pkey": True}) == (
        step.flow,
        step.step,
        step.kind,
        [size.rows for size in step.sizes],
        adds,
    )


def test_what_was_not_asked_is_not_told() -> None:
    assert Measurements() == asked("query.index", "table.*").measurements
