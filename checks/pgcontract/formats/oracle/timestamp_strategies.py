"""Strategies for pairs of timestamps: steps from a microsecond to centuries, each written in some time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3_600_000_000
_starts = st.one_of(st.integers(0, 2**51), st.integers(-(2**50), 2**52), st.sampled_from([0, 1_767_528_000_000_000]))
_steps = st.one_of(
    st.sampled_from([0, 1, 999_999, 1_000_000, _HOUR, 24 * _HOUR, 366 * 24 * _HOUR]), st.integers(0, 2**48)
)
_zones = st.sampled_from([0, 0, 60, 120, -300, 345, 840, -720])


def timestamp_pairs(least_step: int) -> SearchStrategy[tuple[str | None, str | None]]:
    """The later timestamp first, by `least_step` microseconds or more; sometimes one of the two is not there."""
    both = st.tuples(_starts, _steps, _zones, _zones).map(
        lambda drawn: (
            _format_timestamp(drawn[0] + max(drawn[1], least_step), drawn[2]),
            _format_timestamp(drawn[0], drawn[3]),
        )
    )
    absent = st.sampled_from(range(12))
    return st.tuples(both, absent).map(
        lambda drawn: (None if drawn[1] == 0 else drawn[0][0], None if drawn[1] == 1 else drawn[0][1])
    )


def close_timestamp_pairs() -> SearchStrategy[tuple[str | None, str | None]]:
    """Timestamps at most an hour apart, or the same time in two time zones; either first."""
    steps = st.sampled_from([0, 1, -1, 1_000_000, -1_000_000, _HOUR, -_HOUR])
    return st.tuples(_starts, steps, _zones, _zones).map(
        lambda drawn: (_format_timestamp(drawn[0] + drawn[1], drawn[2]), _format_timestamp(drawn[0], drawn[3]))
    )


def _format_timestamp(microseconds: int, minutes_ahead: int) -> str:
    zone = timezone(timedelta(minutes=minutes_ahead))
    return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(zone).isoformat(sep=" ")
