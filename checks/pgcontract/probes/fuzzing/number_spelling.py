"""A number as its column's type spells it: `1.` and `1e0` are 1, which alone an integer is read from;
what is too near zero for a double is zero."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

_INTEGERS: Final = ("smallint", "integer", "bigint")
_TINY: Final = {"real": Decimal("1e-37"), "double precision": Decimal("1e-307")}
_DIGITS: Final = 19  # of the longest bigint


def type_spelling(type_name: str, text: str) -> str | None:
    """The same number in digits, for a type of whole numbers; `0` for what a type of floating point cannot tell from it;
    None where there is no such spelling."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if type_name in _TINY:
        return "0" if abs(number) < _TINY[type_name] else None
    if type_name not in _INTEGERS:
        return None
    is_whole = number.is_finite() and number.adjusted() < _DIGITS and number == number.to_integral_value()
    return f"{number:.0f}" if is_whole else None
