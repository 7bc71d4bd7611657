"""Timestamps that do not precede those of another column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pgcontract.formats.oracle import Format, KnownValue, declare, parameter

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Pair: TypeAlias = "tuple[str | None, str | None]"

_FORM: Final = re.compile(
    r"([0-9]{4,6})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([-+])([0-9]{2})(?::?([0-9]{2}))?(?::?([0-9]{2}))?)( BC)?"
)
_DAY: Final = 86_400
_NOON: Final = "2026-01-04 12:00:00+00"
_TABLE: Final[tuple[tuple[Pair, str], ...]] = (
    ((_NOON, _NOON), "the same instant"),
    (("2026-01-04 12:00:00.000001+00", _NOON), "a microsecond after"),
    (("2026-01-04 11:59:59.999999+00", _NOON), "a microsecond before"),
    (("2026-01-04 07:00:00-05", _NOON), "the same instant elsewhere"),
    (("2026-01-04 12:30:00+01", _NOON), "later on the clock, earlier in time"),
    (("2026-01-04 11:30:00-01", _NOON), "earlier on the clock, later in time"),
    (("2026-01-04 17:45:00+05:45", _NOON), "an offset of quarter hours"),
    (("2026-01-05 00:00:00+00", "2026-01-04 24:00:00+00"), "midnight, written in two ways"),
    (("2016-12-31 23:59:60+00", "2017-01-01 00:00:00+00"), "a leap second, which the server counts as the next"),
    (("2026-03-29 01:00:00+00", "2026-03-29 00:59:59+00"), "the hour that summer time leaves out"),
    (("2025-10-26 02:30:00+01", "2025-10-26 02:30:00+02"), "the hour that comes twice"),
    (("2024-02-29 00:00:00+00", "2024-02-28 23:59:59+00"), "a leap day"),
    (("1970-01-01 00:00:00+00", _NOON), "the epoch: a clock that was not set"),
    (("2038-01-19 03:14:08+00", _NOON), "beyond 32 bits of seconds"),
    (("0001-01-01 00:00:00+00", "0001-12-31 23:59:59+00 BC"), "the first year, which no year 0 precedes"),
    (("4714-11-24 00:00:00+00 BC", _NOON), "the server's earliest"),
    (("294276-12-31 23:59:59.999999+00", _NOON), "the server's latest"),
    (("infinity", _NOON), "for ever"),
    (("infinity", "infinity"), "for ever, both"),
    (("-infinity", _NOON), "since ever"),
    ((_NOON, "infinity"), "before for ever"),
    ((None, _NOON), "not set"),
    ((_NOON, None), "nothing to precede"),
    ((None, None), "neither set"),
)


@declare(
    "not_before",
    sources=("ISO 8601 and PostgreSQL manual, 8.5: timestamps with time zone, BC and infinities",),
)
@dataclass(frozen=True, kw_only=True)
class NotBefore(Format[Pair]):
    """A timestamp that does not precede another of its row. A value is the pair of both, None for NULL."""

    other: str = parameter("string", "The column whose timestamp is not preceded")
    strictly: bool = parameter("boolean", "Whether the same instant precedes as well", default=False)

    def why_not(self, value: Pair) -> str | None:
        instants: list[float | int] = []
        for stamp in value:
            if stamp is None:
                return None
            instant = _instant(stamp)
            if instant is None:
                return f"{stamp!r} is no timestamp with a time zone"
            instants.append(instant)
        one, other = instants
        if one < other:
            return f"it precedes {self.other}"
        return f"it is the same instant as {self.other}" if self.strictly and one == other else None

    def valid(self) -> SearchStrategy[Pair]:
        from pgcontract.formats.oracle.timestamp_strategies import timestamp_pairs

        return timestamp_pairs(least_step=1 if self.strictly else 0)

    def near_misses(self) -> SearchStrategy[Pair]:
        from pgcontract.formats.oracle.timestamp_strategies import close_timestamp_pairs

        return close_timestamp_pairs()

    def hostile(self) -> SearchStrategy[Pair]:
        from hypothesis import strategies as st

        stamps = st.sampled_from([stamp for pair, _ in _TABLE for stamp in pair])
        return st.tuples(stamps, stamps)

    def corpus(self) -> tuple[KnownValue[Pair], ...]:
        return tuple(KnownValue(value=value, label=label) for value, label in _TABLE)


def _instant(text: str) -> float | int | None:
    """Microseconds since 1970, or an infinity; None for a text that is no timestamp."""
    if text in ("infinity", "-infinity"):
        return float(text)
    if not (match := _FORM.fullmatch(text)):
        return None
    *date, hour, minute, second = (int(group) for group in match.groups()[:6])
    year, month, day = date
    fraction, sign, *offset = match.groups()[6:11]
    year = 1 - year if match.group(12) else year
    if not (1 <= month <= 12 and 1 <= day <= _days_in(year, month) and (year > 0 or match.group(12))):
        return None
    time = (hour * 60 + minute) * 60 + second
    if minute > 59 or second > 60 or time > _DAY:
        return None
    hours, minutes, seconds = (int(number or 0) for number in offset)
    ahead = ((hours * 60 + minutes) * 60 + seconds) * (-1 if sign == "-" else 1)
    return (_day_number(year, month, day) * _DAY + time - ahead) * 1_000_000 + int((fraction or "").ljust(6, "0"))


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 + leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, whose year 0 is 1 BC; a year here begins in March."""
    year -= month < 3
    days_before_month = (153 * ((month - 3) % 12) + 2) // 5
    return 365 * year + year // 4 - year // 100 + year // 400 + days_before_month + day - 719_469
