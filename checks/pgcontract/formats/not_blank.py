"""Texts that show something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgcontract.formats.oracle import KnownValue, Texts, declare
from pgcontract.formats.oracle.invisible_characters import INVISIBLE, SHOWING_NOTHING, is_invisible

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_TABLE: Final = (
    ("", "nothing"),
    *((blank, f"U+{ord(blank):04X} alone") for blank in "\x1c\x1f\x7f" + INVISIBLE if blank < "\U000e0000"),
    ("  ", "two spaces"),
    (" \t\r\n ", "blanks of several kinds"),
    ("\xa0 \xa0", "a space within no-break spaces"),
    ("\u200b\u200b", "two zero width spaces"),
    ("\ufeff \ufe0f", "a byte order mark, a space, a variation selector"),
    ("\U000e0067\U000e007f", "tag characters alone"),
    ("Ann", "a name"),
    (" Ann ", "a name within spaces"),
    ("\u200bA", "a letter behind a zero width space"),
    ("\nA\n", "a letter within line feeds"),
    ("李", "a name of one character"),
    ("O'Neil", "an apostrophe"),
    ("0", "a zero"),
    (".", "a dot"),
    ("-", "a hyphen"),
    ("\u0301", "a combining accent alone, which is drawn"),
    ("\ufffd", "a replacement character"),
    ("🙂", "an emoji"),
    ("👩\u200d👧", "an emoji joined by a zero width joiner"),
    ("\u0600", "a format character that is drawn"),
    ("null", "null as a word"),
)


@declare(
    "not_blank",
    sources=(
        "Unicode 16, PropList.txt: White_Space",
        "Unicode 16, DerivedCoreProperties.txt: Default_Ignorable_Code_Point (zero width, fillers, variation, tags)",
        "Unicode 16, 21.1 and 23.8: U+2800 and U+FFF9 to U+FFFB",
    ),
)
@dataclass(frozen=True, kw_only=True)
class NotBlank(Texts):
    """A text of which at least one character is visible."""

    def why_not(self, value: str) -> str | None:
        if not SHOWING_NOTHING.issuperset(value):  # first and in place, for it is asked of every character there is
            return None
        if value:
            points = ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for character in value[:5]))
            return f"nothing but invisible characters: {points}{', ...' if len(value) > 5 else ''} (Unicode, White_Space)"
        return "an empty text"

    def valid(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import sendable, texts, words

        blanks = words(INVISIBLE, min_size=0, max_size=3)
        visible = sendable.filter(lambda character: not is_invisible(character))
        return st.one_of(texts(1), st.tuples(blanks, visible, blanks).map("".join)).filter(self.means)

    def near_misses(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import words

        blanks = words(INVISIBLE + "\t\n\v\r\x1f\x7f", min_size=0, max_size=4)
        shown = st.sampled_from(["", "", "A", "\u0301", "\u0600", ".", "-", "\ufffd"])
        return st.tuples(blanks, shown, blanks).map("".join)

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return tuple(KnownValue(value=value, label=label) for value, label in _TABLE)

    def alphabet(self) -> str:
        return INVISIBLE + " \t\n\rA"
