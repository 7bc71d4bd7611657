"""How a measured number reads: with its unit, and no more digits than it carries."""

from __future__ import annotations

_TIMES = ((1e6, "s"), (1e3, "ms"), (1.0, "µs"))
_BYTES = ((1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def count(value: float) -> str:
    """4, 12.5, 1,234: whole where it is whole or large."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.1f}"


def time_us(value: float) -> str:
    """8.3 µs, 1.24 ms, 2.5 s, from microseconds."""
    return _scaled(value, _TIMES)


def size_bytes(value: float) -> str:
    """312 B, 1.24 kB, from bytes."""
    return _scaled(value, _BYTES)


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    scale, unit = next(((scale, unit) for scale, unit in units if value >= scale), units[-1])
    return f"{three_digits(value / scale)} {unit}"


def three_digits(value: float) -> str:
    """At most three digits that count: 1.24, 12.4, 124, 1,240."""
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")
