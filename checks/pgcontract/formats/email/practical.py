"""What most applications mean by an address before they send a mail to it; whether it exists the mail will show.

One @, something on both sides, a dot within the domain that neither begins nor ends it, no blanks, no control characters.
"""

from __future__ import annotations

import unicodedata

from pgcontract.formats.oracle.scanner import InvalidText, describe_character

_CONTROL = "Cc"


def read_practical(text: str) -> None:
    """Anything else may stand in it, and no length is too long; else InvalidText."""
    for character in text:
        if character.isspace() or unicodedata.category(character) == _CONTROL:
            raise InvalidText(f"{describe_character(character)}, a blank or a control character")
    local, at, domain = text.partition("@")
    if not at:
        raise InvalidText("no @")
    if "@" in domain:
        raise InvalidText("more than one @")
    if not local:
        raise InvalidText("nothing before the @")
    if not domain:
        raise InvalidText("nothing behind the @")
    if "." not in domain[1:-1]:
        raise InvalidText("no dot within the domain")
