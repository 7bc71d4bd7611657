"""What a Run says does not depend on which check was asked first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from orders_project import write_orders
from pgcontract import Run, RunOptions, load_project
from pgcontract.result import Finding, Measurements
from pgcontract.runner import Item, Session, conclude, plan


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_orders(tmp_path_factory.mktemp("orders"))


def judged(project: Path, order: Callable[[Sequence[Item]], Sequence[Item]], **options: Any) -> Run:
    planned = plan(load_project(project), RunOptions(examples=40, **options))
    with Session(planned) as session:
        findings = [finding for item in order(planned.items) for finding in session.ask(item)]
        return conclude(planned, findings, session.observed())


def as_planned(items: Sequence[Item]) -> Sequence[Item]:
    return items


def backwards(items: Sequence[Item]) -> Sequence[Item]:
    return items[::-1]


def but_for_figures(value: object) -> str:
    """The value's text with # in the place of each figure, there or not: times differ from run to run, and the rows of
    one come out of the cache that the one before it filled."""
    return re.sub(r"-?\d[\d.,]*\d|-?\d|None", "#", repr(value)).replace("from the cache", "loaded")


def content(finding: Finding) -> tuple[Any, ...]:
    titles = [(evidence.title, evidence.columns) for evidence in finding.evidence]
    what = but_for_figures([finding.summary, finding.expected, finding.remedy, finding.resolution, titles])
    return finding.migration, finding.item, finding.status, finding.severity, finding.at, what


def pages(run: Run) -> list[Any]:
    """Of each query and size what was touched, which no clock changes."""
    figures = ("rows", "calls", "found_median", "buffers_median", "buffers_max", "without_index_median", "plan")
    return [
        (query.name, query.advice, [{figure: getattr(size, figure) for figure in figures} for size in query.sizes])
        for query in run.measurements.queries
    ]


def test_a_run_says_the_same_whichever_check_was_asked_first(project: Path) -> None:
    expected, actual = judged(project, as_planned), judged(project, backwards)

    assert [content(finding) for finding in expected.findings] == [content(finding) for finding in actual.findings]
    assert but_for_figures(expected.measurements) == but_for_figures(actual.measurements)
    assert pages(expected) == pages(actual)
    assert expected.verdict.decision is actual.verdict.decision


@pytest.mark.parametrize(("only", "measured"), [
    (["query.growth"], (["by_email"], False, False, [])),
    (["query.index"], (["by_email"], True, False, [])),
    (["query.latency", "write.hot"], (["by_email", "open"], False, True, ["place", "pay"])),
], ids=["growth", "an index", "times and writes"])  # fmt: skip
def test_what_is_measured_is_what_was_selected(project: Path, only: list[str], measured: tuple[Any, ...]) -> None:
    measurements = judged(project, as_planned, only=tuple(only)).measurements

    assert measured == (
        [query.name for query in measurements.queries],
        any(size.without_index_median is not None for query in measurements.queries for size in query.sizes),
        bool(measurements.times),
        [write.step for write in measurements.writes],
    )


def test_a_selection_without_measuring_checks_measures_nothing(project: Path) -> None:
    assert Measurements() == judged(project, as_planned, only=("column.*", "flow.steps")).measurements
