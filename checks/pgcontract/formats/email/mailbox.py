"""A Mailbox as SMTP reads it (RFC 5321, 4.1.2), with international text (RFC 6531, 3.3), or with plain names only."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Final

from pgcontract.formats.email.domain import international_label, ldh_label, read_address_literal, read_domain
from pgcontract.formats.oracle.scanner import InvalidText, Scanner, describe_character, utf8_length

ATEXT: Final = frozenset(ascii_letters + digits + "!#$%&'*+-/=?^_`{|}~")
QTEXT: Final = frozenset(map(chr, range(32, 127))) - set('"\\')
QUOTABLE: Final = frozenset(map(chr, range(32, 127)))


class International:
    """A set of ASCII characters widened by everything beyond ASCII that UTF-8 can spell (RFC 6531, 3.3)."""

    def __init__(self, characters: frozenset[str]) -> None:
        self._characters = characters

    def __contains__(self, character: object) -> bool:
        if character in self._characters:
            return True
        return isinstance(character, str) and character > "\x7f" and not "\ud800" <= character <= "\udfff"


def read_mailbox(text: str, *, international: bool = False) -> None:
    """`Local-part "@" ( Domain / address-literal )` within SMTP's limits; else Refused."""
    scanner = Scanner(text)
    if scanner.next == '"':
        _read_quoted_string(scanner, International(QTEXT) if international else QTEXT)
    else:
        _read_dot_string(scanner, International(ATEXT) if international else ATEXT)
    local, domain = _split_at_sign(scanner)
    if domain.startswith("["):
        read_address_literal(domain)
    else:
        read_domain(domain, international_label if international else ldh_label)
    _check_lengths(local, domain)


def read_plain(text: str) -> None:
    """A dot-atom (RFC 5322, 3.2.3) at a host name of two labels or more whose last is not a number; else Refused."""
    scanner = Scanner(text)
    if scanner.next == '"':
        raise InvalidText("a quoted local part, where only a dot-atom is meant (RFC 5322, 3.2.3)")
    _read_dot_string(scanner, ATEXT)
    local, domain = _split_at_sign(scanner)
    if domain.startswith("["):
        raise InvalidText("an address literal, where only a host name is meant (RFC 1123, 2.1)")
    labels = read_domain(domain, ldh_label)
    if len(labels) < 2:
        raise InvalidText("a domain without a dot, where a full host name is meant (RFC 5321, 2.3.5)")
    if labels[-1].isdigit():
        raise InvalidText("a top-level domain of digits alone (RFC 3696, 2)")
    _check_lengths(local, domain)


def _read_dot_string(scanner: Scanner, atext: frozenset[str] | International) -> None:
    if scanner.next in ("@", ""):
        raise InvalidText("nothing before the @ (RFC 5321, 4.1.2)")
    while True:
        if not scanner.take(atext):
            raise InvalidText(_why_no_atom(scanner))
        if not scanner.skip("."):
            return


def _why_no_atom(scanner: Scanner) -> str:
    dots_before = scanner.text[: scanner.at].endswith(".")
    match scanner.next:
        case "." if scanner.at == 0:
            fault = "a dot at the start of"
        case "." if dots_before:
            fault = "two dots in a row in"
        case "@" if dots_before:
            fault = "a dot at the end of"
        case character:
            fault = f"{describe_character(character)} in"
    return f"{fault} the local part (RFC 5321, 4.1.2)"


def _read_quoted_string(scanner: Scanner, qtext: frozenset[str] | International) -> None:
    scanner.skip('"')
    while not scanner.skip('"'):
        if scanner.skip("\\"):
            if not scanner.take(QUOTABLE, 1):
                raise InvalidText(f"{describe_character(scanner.next)} behind a backslash in quotes (RFC 5321, 4.1.2)")
        elif not scanner.next:
            raise InvalidText("a quote that is not closed (RFC 5321, 4.1.2)")
        elif not scanner.take(qtext):
            raise InvalidText(f"{describe_character(scanner.next)} in a quoted local part (RFC 5321, 4.1.2)")


def _split_at_sign(scanner: Scanner) -> tuple[str, str]:
    """What stands before and behind the @ that comes next."""
    local = scanner.text[: scanner.at]
    if not scanner.skip("@"):
        problem = f"{describe_character(scanner.next)} in the local part" if scanner.next else "no @"
        raise InvalidText(f"{problem} (RFC 5321, 4.1.2)")
    return local, scanner.text[scanner.at :]


def _check_lengths(local: str, domain: str) -> None:
    if utf8_length(local) > 64:
        raise InvalidText("a local part of more than 64 octets (RFC 5321, 4.5.3.1.1)")
    if utf8_length(domain) > 255:
        raise InvalidText("a domain of more than 255 octets (RFC 5321, 4.5.3.1.2)")
    if utf8_length(local) + utf8_length(domain) + 1 > 254:
        raise InvalidText("an address of more than 254 octets, a path of 256 without < and > (RFC 5321, 4.5.3.1.3)")
