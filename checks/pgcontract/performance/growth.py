"""How the pages that a query touches grow from size to size, and whether that is more than is promised. Pure.

A call may touch, whatever the size of its tables:

- the pages from the root of a B-tree to a leaf, once for each descent: the height, which is read at each size;
- for each row found its own page, an index leaf, and its documents where these are out of line (`IndexFacts.per_row`);
- what else it touches at the smaller size.

What is left over may grow by `SLACK` pages (a visibility map, a metapage, a range that crosses into the next leaf) and
one more for each descent, where the tree is no B-tree and its height is not known. A full scan of a table ten times the
size leaves over ten times the pages. Every figure is the p95 of a size's calls by nearest rank: of 30 the 29th, so that
one call that loads a catalog page decides nothing. Rows found are compared by the median of the calls that hit.

Rows that are compared in memory touch no page: a nested loop over a table kept there grows with the square of its rows,
and its pages in proportion. So the rows that any node handles are counted too: for O(n) they may grow in proportion,
else for each row found to twice as many, and a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from pgcontract.contract import Growth
from pgcontract.values import dataclass

SPREAD: Final = 10
_FITTED_SIZES: Final = 3  # an exponent through two points fits whatever they are
SLACK: Final = 4
# Rows found grow with the table when there are more than twice as many, and three, at the largest size: over a
# hundredfold that is the power 0.15, and more than a logarithm.
FOUND_FACTOR: Final = 2
FOUND_MORE: Final = 3
HANDLED_FACTOR: Final = 2
HANDLED_MORE: Final = 100
LINEAR: Final = 1.25  # pages are filled unevenly: so much more than in proportion is in proportion
_BUFFERS: Final = "buffers"
_FOUND: Final = "rows found"
_Z_95: Final = 1.96  # of the normal distribution: 95 in 100


@dataclass(frozen=True, kw_only=True)
class CallCost:
    """What one call touched: `descent` are the pages from roots to leaves, `pages_per_row` what a row found may cost."""

    buffers: int
    rows_found: float
    rows_handled: float = 0.0
    descent: float = 0.0
    searches: float = 0.0
    pages_per_row: float = 2.0
    miss: bool = False

    @property
    def unexplained(self) -> float:
        """The pages that neither height nor rows found explain."""
        return self.buffers - self.descent - self.pages_per_row * self.rows_found


@dataclass(frozen=True, kw_only=True)
class SizeCost:
    """All calls at one size, which is the number of rows that the data set was asked for."""

    size: int
    costs: tuple[CallCost, ...]

    @property
    def buffers(self) -> float:
        return p95([cost.buffers for cost in self.costs])

    @property
    def rows_handled(self) -> float:
        return p95([cost.rows_handled for cost in self.costs])

    @property
    def rows_handled_per_row(self) -> float:
        """The rows handled for each row found, and for the search itself."""
        return p95([cost.rows_handled / (cost.rows_found + 1) for cost in self.costs])

    @property
    def rows_found(self) -> float:
        """The median over calls whose values were drawn to hit; over all where none was."""
        hits = [cost.rows_found for cost in self.costs if not cost.miss]
        return median(hits or [cost.rows_found for cost in self.costs])


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a promise allows at a size, by what there is at a smaller one: of what, and how much of it there is."""

    what: str
    small: int
    large: int
    before: float
    after: float
    allowed: float

    @property
    def is_exceeded(self) -> bool:
        return self.after > self.allowed


@dataclass(frozen=True, kw_only=True)
class Excess(Limit):
    """Growth beyond the promise between two sizes. `true_growth` is a growth that would have been true."""

    true_growth: Growth | None = None


def is_spread(sizes: Sequence[int]) -> bool:
    """Whether growth can be told from these sizes: what grows with the table shows over the tenfold of it."""
    return len(sizes) > 1 and sizes[-1] >= SPREAD * sizes[0]


def find_excess(growth: Growth, sizes: Sequence[SizeCost]) -> Excess | None:
    """Where the calls grow by more than is promised; None where they do not. `sizes` are the smallest first."""
    limit = next((limit for limit in _limits(growth, sizes) if limit.is_exceeded), None)
    if limit is None:
        return None
    return Excess(**limit.__dict__, true_growth=_true_growth(growth, limit, sizes))


def allowed_buffers(growth: Growth, sizes: Sequence[SizeCost]) -> tuple[float, ...]:
    """The pages that the promise allows at each size: those of the smallest, then the least that any limit leaves. Where
    it is rows that grow beyond it, so many of the pages as are allowed of the rows. What is broken lies above."""
    allowed = {sizes[0].size: sizes[0].buffers} if sizes else {}
    buffers = {size.size: size.buffers for size in sizes}
    for limit in _limits(growth, sizes):
        if limit.what != _BUFFERS and not limit.is_exceeded:
            continue
        pages = limit.allowed if limit.what == _BUFFERS else buffers[limit.large] * limit.allowed / limit.after
        allowed[limit.large] = min(allowed.get(limit.large, pages), pages)
    return tuple(allowed[size.size] for size in sizes)


def _limits(growth: Growth, sizes: Sequence[SizeCost]) -> Iterator[Limit]:
    """What is judged, first to last."""
    if growth == "O(n)":
        for small, large in pairwise(sizes):
            times = large.size / small.size * LINEAR
            yield _limit(_BUFFERS, small, large, small.buffers, large.buffers, small.buffers * times + SLACK)
            handled = small.rows_handled, large.rows_handled
            yield _limit("rows handled", small, large, *handled, small.rows_handled * times + SLACK)
        return
    if growth != "O(rows)" and sizes:
        small, large = sizes[0], sizes[-1]
        allowed = FOUND_FACTOR * small.rows_found + FOUND_MORE
        yield _limit(_FOUND, small, large, small.rows_found, large.rows_found, allowed)
    for at, large in enumerate(sizes):
        for small in sizes[:at]:
            rest = p95([cost.unexplained for cost in small.costs]), p95([cost.unexplained for cost in large.costs])
            slack = SLACK + median([cost.searches for cost in large.costs])
            allowed = large.buffers - (rest[1] - rest[0] - slack)
            yield _limit(_BUFFERS, small, large, small.buffers, large.buffers, allowed)
            per_row = small.rows_handled_per_row, large.rows_handled_per_row
            allowed = HANDLED_FACTOR * small.rows_handled_per_row + HANDLED_MORE
            yield _limit("rows handled for each row found", small, large, *per_row, allowed)


def _limit(what: str, small: SizeCost, large: SizeCost, before: float, after: float, allowed: float) -> Limit:
    return Limit(what=what, small=small.size, large=large.size, before=before, after=after, allowed=allowed)


def _true_growth(growth: Growth, limit: Limit, sizes: Sequence[SizeCost]) -> Growth | None:
    """The promise that holds where this one does not; None where none does."""
    if growth == "O(n)":
        return None
    if limit.what == _FOUND and find_excess("O(rows)", sizes) is None:
        return "O(rows)"
    return "O(n)" if find_excess("O(n)", sizes) is None else None


def exponent(sizes: Sequence[SizeCost]) -> tuple[float, float, float] | None:
    """The power of the size by which buffers grow: low, mid and high of its 95 % interval, by least squares over the
    logarithms of all calls. None where there are fewer than three sizes."""
    if len({size.size for size in sizes}) < _FITTED_SIZES:
        return None
    points = [(math.log(size.size), math.log(max(cost.buffers, 1))) for size in sizes for cost in size.costs]
    count = len(points)
    mean_x, mean_y = (sum(values) / count for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residue = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    half = _Z_95 * math.sqrt(residue / max(count - 2, 1) / spread)
    return slope - half, slope, slope + half


def median(values: Sequence[float]) -> float:
    """The middle one by rank: of an even number the lower, so that it is a value that was measured."""
    return sorted(values)[(len(values) - 1) // 2]


def p95(values: Sequence[float]) -> float:
    """By nearest rank."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]
