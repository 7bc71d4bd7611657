"""Axes: where a value stands in a picture, and which values are written next to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class LogAxis:
    """A logarithmic axis from `low` to `high`, drawn from the pixel `start` to `end`; values are above 0."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = math.log10(value / self.low) / math.log10(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def decades(self) -> tuple[float, ...]:
        """The powers of ten on it."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return tuple(10.0**power for power in range(first, last + 1))

    def minor_ticks(self) -> tuple[float, ...]:
        """2 to 9 times each power of ten, where they help the eye: on at most three decades."""
        if self.high / self.low > 1001:
            return ()
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (times * 10.0**power for power in range(first, last) for times in range(2, 10))
        return tuple(step for step in steps if self.low < step < self.high)


@dataclass(frozen=True, kw_only=True)
class LinearAxis:
    """An axis from 0 to `high`, drawn from the pixel `start` to `end`."""

    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + value / self.high * (self.end - self.start)

    def ticks(self, number: int = 5) -> tuple[float, ...]:
        """Round values from 0 on, about as many as asked for."""
        rough = self.high / number
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(times * unit for times in (1, 2, 5, 10) if times * unit >= rough)
        return tuple(step * at for at in range(int(self.high / step + 1e-9) + 1))


def log_axis_around(values: Sequence[float], start: float, end: float) -> LogAxis:
    """The axis of whole powers of ten that holds the values."""
    low = 10.0 ** math.floor(math.log10(min(values)) + 1e-9)
    high = 10.0 ** math.ceil(math.log10(max(values)) - 1e-9)
    return LogAxis(low=low, high=high if high > low else low * 10, start=start, end=end)


def spread_positions(positions: Sequence[float], gap: float, low: float, high: float) -> tuple[float, ...]:
    """The positions moved as little as a sweep down and one up need for them to be `gap` apart, in the given order."""
    order = sorted(range(len(positions)), key=lambda at: (positions[at], at))
    placed = [0.0] * len(positions)
    edge = low - gap
    for at in order:
        edge = placed[at] = max(positions[at], edge + gap)
    edge = high + gap
    for at in reversed(order):
        edge = placed[at] = min(placed[at], edge - gap)
    return tuple(placed)
