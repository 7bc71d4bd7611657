"""Pictures say what was measured, keep to their frame, and hold whatever names there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import MEASUREMENTS, latency, query, write
from pgcontract.reporting.amounts import count, size_bytes, time_us
from pgcontract.reporting.charts import Chart, charts
from pgcontract.reporting.charts.axis import LinearAxis, LogAxis, log_axis_around, spread_positions
from pgcontract.reporting.charts.line_chart import BOTTOM, LEFT, RIGHT, TOP
from pgcontract.reporting.charts.mermaid import overview
from pgcontract.reporting.markup import visible
from pgcontract.reporting.measurement_names import named_measurements
from pgcontract.result import Measurements, Run
from pgcontract.result.measurements import QueryFigures
from runs import HOSTILE, base

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def measured(**figures: Any) -> Run:
    return base(measurements=Measurements(**figures))


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(chart.svg)


def words(chart: Chart) -> list[str]:
    return [element.text or "" for element in drawn(chart).iter(f"{SVG}text")]


def whole(name: str = "by_email", index: str | None = "public.i") -> Run:
    return measured(
        queries=(query(name, index, "O(log n)", (3, 4, 4), (34, 336, 3_361)),),
        times=(latency(name, 1_000, 9.0), latency("SELECT 1", None, 4.0)),
        writes=(replace(write("add", "insert", (800, 820, 840), {f"public.{name}": 90.0}), flow=name),),
        conditions=name,
    )


def test_every_query_has_its_cost_and_its_times_and_every_flow_its_wal() -> None:
    actual = [chart.name for chart in charts(base(measurements=MEASUREMENTS))]

    assert ["cost-by_email", "latency-by_email", "cost-open", "latency-open", "cost-by_answer", "wal-checkout"] == actual


def test_nothing_measured_draws_nothing() -> None:
    assert () == charts(base())


def test_query_of_one_size_has_no_line_over_rows() -> None:
    one = query("by_email", None, "O(1)", (3, 4, 4), (34, 336, 3_361))

    assert () == charts(measured(queries=(replace(one, sizes=one.sizes[:1]),)))


def test_control_arm_and_promise_are_drawn_only_where_there_are_any() -> None:
    bare = query("by_answer", None, "O(n)", (34, 336, 3_361), (None, None, None))
    (chart,) = charts(measured(queries=(replace(bare, growth=None),)))

    assert ["as the server reads it"] == [word for word in words(chart) if word.startswith(("as ", "with", "allowed"))]


def test_promise_is_drawn_through_what_it_allows_at_each_size() -> None:
    (chart,) = charts(measured(queries=(query("q", "public.i", "O(log n)", (3, 3, 4), (None, None, None)),)))
    promise = next(path for path in drawn(chart).iter(f"{SVG}path") if path.get("class") == "line s-soft")
    axis = log_axis_around([3.0, 8.0], BOTTOM, TOP)
    drawn_at = [float(number) for number in NUMBER.findall(promise.get("d") or "")][1::2]

    assert [round(axis.at(cost), 1) for cost in (3, 7, 8)] == drawn_at


def test_times_below_the_clock_leave_the_rest_of_their_line() -> None:
    times = replace(latency("q", 1_000, 9.0), quantiles_us=(*[0.0] * 10, *(1.0 + at for at in range(11))))
    (chart,) = charts(measured(queries=(QueryFigures(name="q", migration="020_sessions"),), times=(times,)))
    line = next(path for path in drawn(chart).iter(f"{SVG}path") if path.get("class") == "line s-a")

    assert 11 == len(NUMBER.findall(line.get("d") or "")) // 2


def test_two_names_that_make_one_file_name_make_two_files() -> None:
    one, other = (query(name, None, "O(1)", (3, 4, 4), (None, None, None)) for name in ("a b", "a/b"))

    assert ["cost-a-b", "cost-a-b-2"] == [chart.name for chart in charts(measured(queries=(one, other)))]


def test_more_indexes_than_colours_share_the_last() -> None:
    many = {f"public.i{at:02}": 100.0 - at for at in range(12)}
    (chart,) = charts(measured(writes=(write("add", "insert", (2_000, 2_000, 2_000), many),)))
    legend = [word for word in words(chart) if word.startswith(("public.", "the row", "other"))]

    assert ["the row", *sorted(many)[:6], "other indexes"] == legend


@pytest.mark.parametrize("chart", charts(whole(HOSTILE)), ids=lambda chart: chart.name)
def test_hostile_name_is_shown_as_text_in_a_file_of_plain_letters(chart: Chart) -> None:
    known = {f"{SVG}{tag}" for tag in ("svg", "title", "desc", "style", "rect", "text", "g", "path", "circle")}
    picture = drawn(chart)

    assert (True, set(), visible(HOSTILE)[:20]) == (
        bool(re.fullmatch(r"[a-z0-9_-]+", chart.name)),
        {element.tag for element in picture.iter()} - known,
        (picture.findtext(f"{SVG}title") or "")[:20],
    )


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_any_name_gives_a_picture_that_can_be_read(name: str) -> None:
    assert ["svg"] * 3 == [drawn(chart).tag.removeprefix(SVG) for chart in charts(whole(name))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 1e9), min_size=3, max_size=3), st.lists(st.floats(0.01, 1e9), min_size=3, max_size=3))
def test_marks_stay_inside_the_frame_whatever_was_measured(pages: list[float], without: list[float]) -> None:
    chart, *_ = charts(measured(queries=(query("q", "public.i", "O(n)", tuple(pages), tuple(without)),)))
    marks = [
        (float(circle.get("cx") or 0), float(circle.get("cy") or 0)) for circle in drawn(chart).iter(f"{SVG}circle")
    ]  # fmt: skip

    assert [] == [(x, y) for x, y in marks if not (LEFT <= x <= RIGHT and TOP - 0.1 <= y <= BOTTOM + 0.1)]


def test_picture_tells_its_figures_to_who_cannot_see_it() -> None:
    chart, *_ = charts(whole())

    assert drawn(chart).findtext(f"{SVG}desc") == (
        "Pages of 8 kB touched by one call of by_email: at 1,000 rows 3 pages with its index, 34 without it; "
        "at 10,000 rows 4 pages with its index, 336 without it; at 100,000 rows 4 pages with its index, 3,361 without it."
    )


def test_mermaid_shows_each_query_with_its_index_in_front_of_itself_without() -> None:
    assert overview(named_measurements(base(measurements=MEASUREMENTS))) == (
        '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#d55e00, #0072b2"}}}}%%\n'
        "xychart-beta horizontal\n"
        '    title "Pages of one call at 100,000 rows (orange: without its index)"\n'
        '    x-axis ["by_email", "open", "by_answer"]\n'
        '    y-axis "as a power of ten: 1 is 10 pages, 2 is 100, 3 is 1,000" 0 --> 4\n'
        "    bar [3.53, 3.53, 3.53]\n"
        "    bar [0.60, 3.29, 3.53]"
    )


def test_mermaid_shows_the_log_of_each_step_where_no_query_was_measured() -> None:
    chart = overview(named_measurements(measured(writes=MEASUREMENTS.writes))) or ""

    assert [
        '    title "Log that one row of each step writes"',
        '    x-axis ["checkout.submit", "checkout.complete", "checkout.rename"]',
        '    y-axis "bytes" 0 --> 871',
        "    bar [871, 418, 216]",
    ] == chart.split("\n")[2:]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40))
def test_mermaid_keeps_every_name_inside_its_quotes(name: str) -> None:
    chart = overview(named_measurements(whole(name or "x"))) or ""

    assert (7, 14) == (len(chart.split("\n")), chart.count('"'))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 300), min_size=1, max_size=8))
def test_labels_stand_apart_in_the_order_of_their_lines(positions: list[float]) -> None:
    placed = spread_positions(positions, 30.0, 0.0, 300.0)
    ordered = sorted(zip(positions, range(len(positions)), placed, strict=True))

    assert [] == [(above, below) for (_, _, above), (_, _, below) in pairwise(ordered) if below - above < 29.999]


@pytest.mark.parametrize(
    ("high", "ticks"), [(871.0, (0, 200, 400, 600, 800)), (10.0, (0, 2, 4, 6, 8, 10)), (0.7, (0, 0.2, 0.4, 0.6))]
)
def test_linear_axis_has_about_five_round_ticks(high: float, ticks: tuple[float, ...]) -> None:
    assert ticks == tuple(round(tick, 9) for tick in LinearAxis(high=high, start=0, end=100).ticks())


def test_logarithmic_axis_has_a_tick_for_each_power_of_ten() -> None:
    axis = LogAxis(low=1, high=1_000, start=300, end=0)

    assert ((1, 10, 100, 1_000), [300, 200, 100, 0]) == (axis.decades(), _at(axis, axis.decades()))


def _at(axis: LogAxis, values: Iterable[float]) -> list[float]:
    return [round(axis.at(value), 6) for value in values]


FIGURES: dict[Callable[[float], str], dict[float, str]] = {
    time_us: {0.5: "0.5 µs", 8.34: "8.34 µs", 85.0: "85 µs", 999.0: "999 µs", 1_240.0: "1.24 ms", 2.5e6: "2.5 s"},
    size_bytes: {0.0: "0 B", 96.0: "96 B", 1_240.0: "1.24 kB", 3.5e6: "3.5 MB"},
    count: {4.0: "4", 12.5: "12.5", 3_361.0: "3,361", 336.4: "336"},
}


@pytest.mark.parametrize("written", FIGURES, ids=["times", "sizes", "counts"])
def test_figures_have_a_unit_and_three_digits_and_counts_are_whole_where_they_can_be(
    written: Callable[[float], str],
) -> None:
    assert FIGURES[written] == {value: written(value) for value in FIGURES[written]}
