"""When waivers end, from the day of the Run on: pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pgcontract.reporting import render
from pgcontract.reporting.waiver_calendar import calendar_rows, next_to_end
from pgcontract.result import Run, WaiverTerm
from runs import base

DAYS = {
    "2026-01-03": "**ended**",
    "2026-01-04": "**its last day**",
    "2026-01-05": "**1 day**",
    "2026-02-03": "**30 days**",
    "2026-02-04": "31 days",
}


def run_with(*days: str) -> Run:
    terms = (
        WaiverTerm(migration="001", check="a.b", subject=f"s{at}", reason="so | it is", owner="Ann", until=day)
        for at, day in enumerate(days)
    )
    return replace(base(), started="2026-01-04T09:00:00+00:00", waivers=tuple(terms))


@pytest.mark.parametrize(("day", "left"), DAYS.items(), ids=DAYS)
def test_what_is_left_is_counted_from_the_day_of_the_run(day: str, left: str) -> None:
    assert [(day, left)] == [tuple(map(str, row[:2])) for row in calendar_rows(run_with(day))]


NEXT = {
    (): None,
    ("2026-01-03",): None,
    ("2026-01-03", "2026-01-04"): "the next ends on 2026-01-04, today: a.b[s1] (001)",
    (
        "2026-01-05",
        "2026-02-03",
        "2026-02-04",
    ): "the next ends on 2026-01-05, in 1 day: a.b[s0] (001); 1 more within 30 days",
}


@pytest.mark.parametrize(("days", "sentence"), NEXT.items(), ids=map(str, NEXT))
def test_the_next_end_is_named(days: tuple[str, ...], sentence: str | None) -> None:
    assert sentence == next_to_end(run_with(*days))


@pytest.mark.parametrize("form", ["markdown", "html", "text"])
def test_the_calendar_is_in_the_report(form: str) -> None:
    assert "2026-01-05" in render(run_with("2026-01-05"), form)
