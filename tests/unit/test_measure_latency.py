"""Times: what is made of many of them, and that nobody else of ours measures meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from case_projects import case
from pgcontract.contract import load_project
from pgcontract.performance.latency import Latencies, Times, latencies
from pgcontract.performance.machine_lock import measurement_lock
from pgcontract.runner import Session, plan

TROUBLE = """
[query.failing]
sql = "SELECT 1 / (id - id) FROM public.orders WHERE id = %(id)s"
parameters.id = { column = "public.orders.id" }

[query.without_parameters]
sql = "SELECT count(*) FROM public.orders"

[query.several_types]
sql = "SELECT %(text)s || id, '100%%' FROM public.orders WHERE id = %(id)s AND email = %(email)s"
parameters.id = { column = "public.orders.id", type = "bigint" }
parameters.email = { column = "public.orders.email" }
parameters.text = { values = ["a", "it's"], type = "text" }
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Latencies]:
    """The kept case with more queries, timed."""
    root = tmp_path_factory.mktemp("latency")
    case("query.latency/kept").write(root)
    contract = root / "contracts" / "001_orders" / "contract.toml"
    text = contract.read_text(encoding="utf-8").replace("[100, 1_000, 10_000]", "[100, 1_000]")
    contract.write_text(text + TROUBLE, encoding="utf-8")
    with Session(plan(load_project(root))) as session:
        yield latencies(session.context("001_orders"))


def test_every_query_is_timed_at_every_size_and_one_in_trouble_is_not(measured: Latencies) -> None:
    actual = {query.query.name: [size.size for size in query.sizes] for query in measured.queries}

    assert {
        "by_id": [100, 1_000],
        "failing": [],
        "without_parameters": [100, 1_000],
        "several_types": [100, 1_000],
    } == actual


def test_a_query_in_trouble_is_told_with_the_words_of_the_server(measured: Latencies) -> None:
    reasons = {query.query.name: query.why_not for query in measured.queries if query.why_not}

    assert {"failing": "the server refused it: division by zero (SQLSTATE 22012)"} == reasons


def test_a_select_1_is_asked_beside_every_turn(measured: Latencies) -> None:
    sizes = [size for query in measured.queries for size in query.sizes]

    assert len(sizes) < measured.select_1.n


def test_what_strikes_a_few_calls_in_a_row_moves_no_p95() -> None:
    struck = Times(in_call_order=(*[10.0] * 100, *[5_000.0] * 12, *[10.0] * 88))

    assert (10.0, 10.0) == (struck.p50_us, struck.p95_us)


def test_p95_of_calls_that_are_often_struck_says_so() -> None:
    assert Times(in_call_order=(10.0, 10.0, 10.0, 5_000.0) * 25).p95_us == 5_000.0


def test_p99_is_not_told_of_fewer_than_a_hundred_calls() -> None:
    assert [None, 99.0] == [Times(in_call_order=tuple(map(float, range(1, n + 1)))).p99_us for n in (99, 100)]


def test_the_quantiles_go_from_the_least_to_the_greatest() -> None:
    assert tuple(map(float, range(0, 101, 5))) == Times(in_call_order=tuple(map(float, range(100, -1, -1)))).quantiles_us


def test_who_measures_waits_for_who_measures() -> None:
    order: list[str] = []

    def measure_too() -> None:
        with measurement_lock():
            order.append("the second begins")

    second = threading.Thread(target=measure_too)
    with measurement_lock():
        second.start()
        order.append("the first ends")
    second.join()

    assert ["the first ends", "the second begins"] == order
