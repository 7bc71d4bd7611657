"""The part behind the @: host names of LDH labels or U-labels, and address literals."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_letters, digits, hexdigits
from typing import Final

from pgcontract.formats.oracle.scanner import InvalidText, describe_character

LET_DIG: Final = frozenset(ascii_letters + digits)
LDH: Final = LET_DIG | {"-"}
_DCONTENT: Final = frozenset(map(chr, range(33, 127))) - set("[\\]")


def read_domain(domain: str, label: Callable[[str], None]) -> tuple[str, ...]:
    """The labels of a domain, each read by `label`; Refused where there is a fault in it (RFC 5321, 4.1.2)."""
    if not domain:
        raise InvalidText("nothing behind the @ (RFC 5321, 4.1.2)")
    labels = tuple(domain.split("."))
    if not labels[0]:
        raise InvalidText("a dot at the start of the domain (RFC 5321, 4.1.2)")
    if not labels[-1]:
        raise InvalidText("a dot at the end of the domain (RFC 5321, 4.1.2)")
    if "" in labels:
        raise InvalidText("two dots in a row in the domain (RFC 5321, 4.1.2)")
    for domain_label in labels:
        label(domain_label)
    return labels


def ldh_label(label: str) -> None:
    """Letters, digits and hyphens, none at either end, 63 at most (RFC 5321, 4.1.2; RFC 1035, 2.3.4)."""
    for character in label:
        if character not in LDH:
            raise InvalidText(f"{describe_character(character)} in the domain (RFC 5321, 4.1.2)")
    if label[0] == "-":
        raise InvalidText("a hyphen at the start of a label (RFC 5321, 4.1.2)")
    if label[-1] == "-":
        raise InvalidText("a hyphen at the end of a label (RFC 5321, 4.1.2)")
    if len(label) > 63:
        raise InvalidText("a label of more than 63 octets (RFC 1035, 2.3.4)")


def international_label(label: str) -> None:
    """An LDH label, or a U-label of IDNA2008 (RFC 6531, 3.3; RFC 5890, 2.3.2.1)."""
    if label.isascii():
        return ldh_label(label)
    import idna  # here: its tables are large, and only a label beyond ASCII needs them

    try:
        idna.alabel(label)
    except idna.IDNABidiError:
        raise InvalidText("a label of mixed directions (RFC 5893, 2)") from None
    except idna.IDNAError as error:
        # Only a character is named, never the label: what is wrong in the same way is one kind.
        if code := re.search(r"U\+([0-9A-F]+)", str(error)):
            raise InvalidText(f"{describe_character(chr(int(code[1], 16)))} in the domain (RFC 5892, 3)") from None
        raise InvalidText(f'a label that is no U-label: "{error}" (RFC 5890, 2.3.2.1)') from None


def read_address_literal(literal: str) -> None:
    """`[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321, 4.1.3); IPv6 is the only tag IANA has registered."""
    if not literal.endswith("]"):
        raise InvalidText("an address literal that does not end in ] (RFC 5321, 4.1.3)")
    content = literal[1:-1]
    tag, colon, rest = content.partition(":")
    if not colon:
        _read_ipv4(content)
    elif tag.lower() == "ipv6":
        _read_ipv6(rest)
    elif not rest or not set(rest) <= _DCONTENT:
        raise InvalidText("an address literal of other characters (RFC 5321, 4.1.3)")
    else:
        raise InvalidText("an address literal whose tag is not registered (RFC 5321, 4.1.3)")


def _read_ipv4(text: str) -> None:
    numbers = text.split(".")
    if len(numbers) != 4 or not all(1 <= len(number) <= 3 and set(number) <= set(digits) for number in numbers):
        raise InvalidText("an IPv4 address that is not four numbers (RFC 5321, 4.1.3)")
    if any(int(number) > 255 for number in numbers):
        raise InvalidText("a number above 255 in an IPv4 address (RFC 5321, 4.1.3)")


def _read_ipv6(text: str) -> None:
    head, shortened, tail = text.partition("::")
    before, after = (side.split(":") if side else [] for side in (head, tail))
    groups = before + after
    if groups and "." in groups[-1] and (after or not shortened):
        _read_ipv4(groups[-1])
        groups[-1:] = ["0", "0"]
    if not all(1 <= len(group) <= 4 and set(group) <= set(hexdigits) for group in groups):
        raise InvalidText("a group of an IPv6 address that is not 1 to 4 hexadecimal digits (RFC 5321, 4.1.3)")
    if shortened and len(groups) > 6:
        raise InvalidText("an IPv6 address whose :: stands for fewer than two groups (RFC 5321, 4.1.3)")
    if not shortened and len(groups) != 8:
        raise InvalidText("an IPv6 address that has not eight groups (RFC 5321, 4.1.3)")
