"""Growth is judged by pages from size to size: what is known to grow is told, and what is known not to is left alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from pgcontract.contract import Growth
from pgcontract.performance.growth import CallCost, SizeCost, allowed_buffers, exponent, find_excess, median, p95

SIZES = (1_000, 10_000, 100_000)
HEIGHTS = {1_000: 2, 10_000: 2, 100_000: 3}
At = Callable[[int], CallCost]


def costs(at: At, sizes: tuple[int, ...] = SIZES) -> tuple[SizeCost, ...]:
    """Thirty calls that cost the same at each size."""
    return tuple(SizeCost(size=size, costs=(at(size),) * 30) for size in sizes)


def search(size: int, found: int, pages: int | None = None) -> CallCost:
    """One descent of a B-tree, and for each row found its page."""
    height = HEIGHTS[size]
    return CallCost(
        buffers=height + (found if pages is None else pages),
        rows_found=found,
        rows_handled=found,
        descent=height,
        searches=1,
    )


def scan(size: int) -> CallCost:
    return CallCost(buffers=size // 50, rows_found=3, rows_handled=size)


TRUTH: dict[str, tuple[At, tuple[Growth, ...]]] = {
    "one row by a B-tree": (lambda size: search(size, 1), ("O(1)", "O(log n)", "O(rows)", "O(n)")),
    "a full scan": (scan, ("O(n)",)),
    "a tenth of the rows by an index": (lambda size: search(size, size // 10), ("O(rows)", "O(n)")),
    "a tenth of the rows read, three kept": (lambda size: search(size, 3, pages=size // 10), ("O(n)",)),
    "a scan of a small table, then an index": (lambda size: scan(size) if size == 1_000 else search(size, 3),
                                               ("O(1)", "O(log n)", "O(rows)", "O(n)")),
    "the square of the rows": (lambda size: CallCost(buffers=size * size // 1_000, rows_found=size), ()),
    "the square root of the rows": (lambda size: CallCost(buffers=math.isqrt(size), rows_found=1), ("O(n)",)),
    "pages in proportion, rows compared in square": (
        lambda size: CallCost(buffers=size // 50, rows_found=size, rows_handled=size * size),
        (),
    ),
    "found twice, and not more with the table": (lambda size: search(size, {1_000: 3, 10_000: 6, 100_000: 5}[size]),
                                                 ("O(1)", "O(log n)", "O(rows)", "O(n)")),
}  # fmt: skip
PROMISES: tuple[Growth, ...] = ("O(1)", "O(log n)", "O(rows)", "O(n)")


@pytest.mark.parametrize(("at", "true"), TRUTH.values(), ids=TRUTH)
def test_a_promise_holds_where_it_is_true_and_nowhere_else(at: At, true: tuple[Growth, ...]) -> None:
    held = tuple(promise for promise in PROMISES if find_excess(promise, costs(at)) is None)

    assert true == held


def test_rows_found_that_grow_are_told_with_the_growth_that_is_true() -> None:
    excess = find_excess("O(log n)", costs(lambda size: search(size, size // 10)))

    assert excess
    assert ("rows found", 1_000, 100_000, 100, 10_000, 203, "O(rows)") == (
        excess.what,
        excess.small,
        excess.large,
        excess.before,
        excess.after,
        excess.allowed,
        excess.true_growth,
    )


def test_calls_that_miss_do_not_hide_what_the_others_find() -> None:
    sizes = tuple(
        SizeCost(size=size, costs=(CallCost(buffers=2, rows_found=0, miss=True),) * 20 + (search(size, size // 10),) * 10)
        for size in SIZES
    )

    assert [100, 1_000, 10_000] == [size.rows_found for size in sizes]


def test_one_call_in_thirty_decides_nothing() -> None:
    sizes = tuple(
        SizeCost(size=size, costs=(search(size, 1),) * 29 + (CallCost(buffers=size, rows_found=1),)) for size in SIZES
    )

    assert find_excess("O(1)", sizes) is None


def test_two_calls_in_thirty_decide() -> None:
    sizes = tuple(
        SizeCost(size=size, costs=(search(size, 1),) * 28 + (CallCost(buffers=size, rows_found=1),) * 2) for size in SIZES
    )

    assert find_excess("O(1)", sizes) is not None


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_an_exact_power_is_that_power(power: float) -> None:
    exponents = exponent(costs(lambda size: CallCost(buffers=round((size / 10) ** power * 100), rows_found=0)))

    assert exponents
    assert [power, power, power] == [round(measured_exponent, 3) for measured_exponent in exponents]


def test_the_interval_of_the_exponent_widens_with_the_calls_apart() -> None:
    sizes = tuple(
        SizeCost(size=size, costs=tuple(CallCost(buffers=b, rows_found=0) for b in (1, 2, 4))) for size in SIZES
    )
    low, mid, high = exponent(sizes) or (0, 0, 0)

    assert low < round(mid, 9) == 0 < high


def test_two_sizes_have_no_exponent() -> None:
    assert exponent(costs(scan, sizes=(1_000, 10_000))) is None


def test_a_median_and_a_p95_are_values_that_were_measured() -> None:
    assert (2, 29) == (median([1, 2, 3, 9]), p95(list(range(1, 31))))


@pytest.mark.parametrize("growth", PROMISES)
@pytest.mark.parametrize(("at", "true"), TRUTH.values(), ids=TRUTH)
def test_what_is_allowed_lies_below_what_is_measured_exactly_where_the_promise_is_broken(
    at: At, true: tuple[Growth, ...], growth: Growth
) -> None:
    measured = costs(at)
    lies_below = [
        allowed < size.buffers for size, allowed in zip(measured, allowed_buffers(growth, measured), strict=True)
    ]

    assert (growth not in true) == any(lies_below)
