"""Whether a label is a U-label of IDNA2008: RFC 5890 to 5893, with the character database of this Python.

One rule is narrower than its source: U+200C is known after a virama alone (RFC 5892, A.1), since Python knows no
joining types; a Persian label that needs it is refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from pgcontract.formats.oracle.invisible_characters import is_default_ignorable, is_white_space

# RFC 5892, 2.6: what the rules below would decide otherwise.
_ALWAYS: Final = frozenset("ßς۽۾་〇")
_NEVER: Final = frozenset("ـߺ〮〯〱〲〳〴〵〻")
_IGNORED_BLOCKS: Final = ((0x20D0, 0x20FF), (0x1D100, 0x1D1FF), (0x1D200, 0x1D24F))
_OLD_HANGUL: Final = ((0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7C6), (0xD7CB, 0xD7FB))
_RIGHT_TO_LEFT: Final = {"R", "AL"}
_VIRAMA: Final = 9


def why_not_u_label(label: str) -> str | None:
    """The first reason, with its source; a label of ASCII alone is none."""
    if label.isascii():
        return "a label of ASCII alone is no U-label (RFC 5890, 2.3.2.1)"
    if any("\ud800" <= character <= "\udfff" for character in label):
        return "a surrogate in the domain, which UTF-8 cannot spell (RFC 3629, 3)"
    if unicodedata.normalize("NFC", label) != label:
        return "a label that is not in NFC (RFC 5891, 4.1)"
    if label[0] == "-" or label[-1] == "-" or label[2:4] == "--":
        return "a hyphen at an end or at the third and fourth place of a label (RFC 5891, 4.2.3.1)"
    if unicodedata.category(label[0]).startswith("M"):
        return "a combining mark at the start of a label (RFC 5891, 4.2.3.2)"
    for place, character in enumerate(label):
        if not _is_allowed(label, place, character):
            name = unicodedata.name(character, "")
            return f"U+{ord(character):04X} {name}".rstrip() + " in the domain (RFC 5892, 3)"
    if not _follows_bidi_rule(label):
        return "a label of mixed directions (RFC 5893, 2)"
    if len("xn--" + label.encode("punycode").decode()) > 63:
        return "a label whose A-label has more than 63 octets (RFC 5890, 2.3.2.1)"
    return None


def _is_allowed(label: str, place: int, character: str) -> bool:
    if character in _IN_CONTEXT:
        return _IN_CONTEXT[character](label, place)
    if character in _ALWAYS:
        return True
    if character.isascii():
        return character.islower() or character.isdigit() or character == "-"
    code = ord(character)
    if character in _NEVER or _within(code, _OLD_HANGUL) or _within(code, _IGNORED_BLOCKS):
        return False
    if is_default_ignorable(character) or is_white_space(character) or _fold(character) != character:
        return False
    return unicodedata.category(character) in {"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"}


def _fold(character: str) -> str:
    """RFC 5892, 2.2: what folding case and compatibility makes of it; only what stays as it is, is stable."""
    if "\u13a0" <= character <= "\u13f5":
        return character  # Cherokee folds to capitals (CaseFolding.txt); Python's casefold makes them small
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _after_virama(label: str, place: int) -> bool:
    return place > 0 and unicodedata.combining(label[place - 1]) == _VIRAMA


def _neighbour(step: int, script: str) -> Callable[[str, int], bool]:
    def has(label: str, place: int) -> bool:
        at = place + step
        return 0 <= at < len(label) and unicodedata.name(label[at], "").startswith(script)

    return has


def _between_ls(label: str, place: int) -> bool:
    return label[place - 1 : place] == "l" == label[place + 1 : place + 2]


def _among_japanese(label: str, _: int) -> bool:
    scripts = ("HIRAGANA LETTER", "KATAKANA LETTER", "CJK UNIFIED", "IDEOGRAPHIC ITERATION")
    return any(unicodedata.name(character, "").startswith(scripts) for character in label)


def _without(first: int, last: int) -> Callable[[str, int], bool]:
    return lambda label, _: not any(first <= ord(character) <= last for character in label)


# RFC 5892, appendix A: characters that are allowed beside certain others only.
_IN_CONTEXT: Final[Mapping[str, Callable[[str, int], bool]]] = {
    "\u200c": _after_virama,
    "\u200d": _after_virama,
    "·": _between_ls,
    "͵": _neighbour(1, "GREEK"),
    "׳": _neighbour(-1, "HEBREW"),
    "״": _neighbour(-1, "HEBREW"),
    "・": _among_japanese,
    **{chr(code): _without(0x6F0, 0x6F9) for code in range(0x660, 0x66A)},
    **{chr(code): _without(0x660, 0x669) for code in range(0x6F0, 0x6FA)},
}


def _follows_bidi_rule(label: str) -> bool:
    """RFC 5893, 2, for one label that has right-to-left characters."""
    directions = [unicodedata.bidirectional(character) for character in label]
    kinds = set(directions)
    if not kinds & {"R", "AL", "AN"}:
        return True
    while directions[-1] == "NSM":
        directions.pop()
    return (
        directions[0] in _RIGHT_TO_LEFT
        and kinds <= {"R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"}
        and directions[-1] in {"R", "AL", "EN", "AN"}
        and not {"EN", "AN"} <= kinds
    )
