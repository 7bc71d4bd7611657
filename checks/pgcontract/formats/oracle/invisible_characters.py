"""Which characters show nothing, by Unicode's properties. White_Space, Default_Ignorable_Code_Point: Unicode 16,
PropList.txt and DerivedCoreProperties.txt; both change only by additions to ranges reserved for them."""

from __future__ import annotations

from typing import Final

_Ranges = tuple[tuple[int, int], ...]

_WHITE_SPACE: Final[_Ranges] = (
    *((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
_DEFAULT_IGNORABLE: Final[_Ranges] = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
# No property names them, yet nothing is shown: a braille cell without dots, and annotation marks (Unicode, 21.1, 23.8).
_BLANK_BY_NAME: Final[_Ranges] = ((0x2800, 0x2800), (0xFFF9, 0xFFFB))


def _members(ranges: _Ranges) -> frozenset[str]:
    return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


WHITE_SPACE: Final = _members(_WHITE_SPACE)
_INVISIBLE_CHARACTERS: Final = WHITE_SPACE | _members(_DEFAULT_IGNORABLE) | _members(_BLANK_BY_NAME)
# The general category Cc, which never changes.
_CONTROLS: Final = _members(((0x00, 0x1F), (0x7F, 0x9F)))
SHOWING_NOTHING: Final = _INVISIBLE_CHARACTERS | _CONTROLS

INVISIBLE: Final = (
    "".join(sorted(_INVISIBLE_CHARACTERS - _members(((0xE0000, 0xE0FFF),)))) + "\U000e0001\U000e0020\U000e0100"
)
"""Every invisible character that is no control, of the 4,096 of plane 14 only three."""


def is_invisible(character: str) -> bool:
    """White space, ignorable by default, blank by its name, or a control character."""
    return character in SHOWING_NOTHING
