"""Numbers between limits, as texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pgcontract.errors import InputError
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_FORM: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_STEPS: Final = (Decimal(1), Decimal("0.5"), Decimal("0.01"), Decimal("1e-15"))
_WORDS: Final = (
    ("NaN", "not a number: greater than all others to the server"),
    ("Infinity", "infinity"),
    ("-Infinity", "minus infinity"),
    ("0", "zero"),
    ("-0", "negative zero"),
    ("0.0", "zero with a fraction"),
    ("1e-300", "a tiny number"),
    ("1e308", "the size of a double"),
    ("32768", "beyond smallint"),
    ("2147483648", "beyond integer"),
    ("9223372036854775808", "beyond bigint"),
    ("-9223372036854775809", "below bigint"),
    ("9007199254740993", "2^53 + 1, which no double holds"),
    ("0.1", "a tenth, which no double holds"),
    ("", "nothing"),
    ("1,5", "a decimal comma"),
    ("1_000", "an underscore"),
    ("0x10", "hexadecimal"),
    ("\u0661", "an Arabic-Indic digit"),
    ("one", "a word"),
)


@declare("number_range", sources=("PostgreSQL manual, 4.1.2.6 and 8.1: the texts of numbers, NaN and infinities",))
@dataclass(frozen=True, kw_only=True)
class NumberRange(Texts):
    """A number within limits; neither NaN nor an infinity, which no limit of SQL's keeps out on both sides."""

    min: float | None = parameter("number", "The smallest number", default=None)
    max: float | None = parameter("number", "The largest number", default=None)
    exclusive: bool = parameter("boolean", "Whether the limits themselves are outside", default=False)
    whole: bool = parameter("boolean", "Whether a fraction is outside", default=False)
    places: int | None = parameter("integer", "Most digits behind the point that are not zero at the end", default=None)

    def __post_init__(self) -> None:
        low, high = self._limits()
        if low is not None and high is not None and (low > high or (low == high and self.exclusive)):
            raise InputError(f"no number lies between {low} and {high}")

    def why_not(self, value: str) -> str | None:
        text = value.strip(" \t\n\r\v\f")
        if not _FORM.fullmatch(text):
            return "not a finite decimal number"
        number, (low, high) = Decimal(text), self._limits()
        if low is not None and (number < low or (self.exclusive and number == low)):
            return f"{'not above' if self.exclusive else 'below'} {low}"
        if high is not None and (number > high or (self.exclusive and number == high)):
            return f"{'not below' if self.exclusive else 'above'} {high}"
        places = _places(number)
        if self.whole and places > 0:
            return "not a whole number"
        if self.places is not None and places > self.places:
            return f"{places} digits behind the point, where {self.places} are the most"
        return None

    def valid(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        low, high = self._limits()
        drawn = st.decimals(
            low if low is not None else None if high is None else high - 10**9,
            high if high is not None else None if low is None else low + 10**9,
            allow_nan=False,
            allow_infinity=False,
            places=0 if self.whole else self.places if self.places is not None else 6,
        ).map("{:f}".format)
        edges = [known.value for known in self.corpus() if self.means(known.value)]
        within = drawn.filter(self.means)
        return st.sampled_from(edges) | within if edges else within

    def near_misses(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import one_edit_from

        return st.sampled_from([known.value for known in self.corpus()]) | one_edit_from(self.valid(), self.alphabet())

    def corpus(self) -> tuple[KnownValue[str], ...]:
        labels = {
            f"{limit + sign * step:f}": f"{'next to' if sign else 'at'} a limit"
            for limit in self._limits()
            if limit is not None
            for sign, step in ((0, Decimal(0)), *((sign, step) for step in _STEPS for sign in (-1, 1)))
        }
        unlimited = {value: label for value, label in _WORDS if value not in labels}
        return tuple(KnownValue(value=value, label=label) for value, label in {**labels, **unlimited}.items())

    def alphabet(self) -> str:
        return "0123456789--..+e"

    def _limits(self) -> tuple[Decimal | None, Decimal | None]:
        """As they are written: 0.1 is a tenth, not the double nearest to it."""
        low, high = (None if limit is None else Decimal(str(limit)) for limit in (self.min, self.max))
        return low, high


def _places(number: Decimal) -> int:
    """Digits behind the point without the zeros at the end."""
    if not number:
        return 0
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int), "the form admits finite numbers alone"
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(-(exponent + zeros), 0)
