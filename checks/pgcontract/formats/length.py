"""Texts of a length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgcontract.errors import InputError
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter
from pgcontract.formats.oracle.scanner import utf8_length

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_WIDTHS: Final = (("a", "one byte"), ("é", "two bytes"), ("例", "three bytes"), ("🙂", "four bytes"), (" ", "blanks"))
# Texts next to every limit are held at once, of up to four bytes a character.
_LARGEST: Final = 1_000_000


@declare(
    "length",
    sources=("Unicode 16, 3.9: code points and UTF-8", "PostgreSQL manual, 9.4: length counts code points"),
)
@dataclass(frozen=True, kw_only=True)
class Length(Texts):
    """A text of so many characters (code points) and bytes (UTF-8)."""

    min: int = parameter("integer", "Fewest characters", default=0)
    max: int | None = parameter("integer", "Most characters", default=None)
    min_bytes: int = parameter("integer", "Fewest bytes", default=0)
    max_bytes: int | None = parameter("integer", "Most bytes", default=None)

    def __post_init__(self) -> None:
        for least, most in ((self.min, self.max), (self.min_bytes, self.max_bytes), (self.min, self.max_bytes)):
            if least < 0 or (most is not None and most < least):
                raise InputError(f"no text has a length of at least {least} and at most {most}")
        if self.max is not None and 4 * self.max < self.min_bytes:
            raise InputError(f"no text of {self.max} characters has {self.min_bytes} bytes")
        largest = max(filter(None, (self.min, self.max, self.min_bytes, self.max_bytes)), default=0)
        if largest > _LARGEST:
            raise InputError(
                f"texts of {largest:,} characters or bytes are not tried, only up to {_LARGEST:,}; leave the limit out"
            )

    def why_not(self, value: str) -> str | None:
        characters, size = len(value), utf8_length(value)
        if characters < self.min:
            return f"{characters} characters, where {self.min} are the fewest"
        if self.max is not None and characters > self.max:
            return f"{characters} characters, where {self.max} are the most"
        if size < self.min_bytes:
            return f"{size} bytes, where {self.min_bytes} are the fewest"
        if self.max_bytes is not None and size > self.max_bytes:
            return f"{size} bytes, where {self.max_bytes} are the most"
        return None

    def valid(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import texts

        edges = [known.value for known in self.corpus() if self.means(known.value)]
        most = self._fewest() + 16 if self.max is None else min(self.max, self._fewest() + 64)
        drawn = texts(self._fewest(), most).filter(self.means)
        return st.sampled_from(edges) | drawn if edges else drawn

    def near_misses(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import one_edit_from

        edges = st.sampled_from([known.value for known in self.corpus()])
        return edges | one_edit_from(edges, self.alphabet())

    def corpus(self) -> tuple[KnownValue[str], ...]:
        """Every size at and next to a limit, of characters of every width, and with blanks behind: a cast drops those."""
        labels: dict[str, str] = {"": "nothing"}
        for limit in (self.min, self.max, self.min_bytes, self.max_bytes):
            for size in (limit - 1, limit, limit + 1) if limit is not None else ():
                for character, width in _WIDTHS if size > 0 else ():
                    labels.setdefault(character * size, f"{size} characters: {width}")
                    labels.setdefault(character * (size // utf8_length(character)), f"about {size} bytes: {width}")
                labels.setdefault("a" * (size - 1) + "🙂", f"{size} characters, the last of four bytes")
                labels.setdefault("a" * size + " ", f"{size} characters and a blank")
                labels.setdefault("e\u0301" * size, f"{size} letters of two characters each")
        return tuple(KnownValue(value=value, label=label) for value, label in labels.items())

    def alphabet(self) -> str:
        return "aé例🙂 \u0301\n"

    def _fewest(self) -> int:
        """Characters enough for both lower limits, of the widest if they must be."""
        widest = 4 if self.max is not None and self.max < self.min_bytes else 1
        return max(self.min, -(-self.min_bytes // widest))
