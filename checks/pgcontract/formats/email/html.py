"""A valid e-mail address as browsers check `<input type=email>` (HTML Living Standard, 4.10.5.1.5).

email = 1*( atext / "." ) "@" label *( "." label )
label = let-dig [ [ ldh-str ] let-dig ]  ; limited to 63 characters (RFC 1034, 3.5)
"""

from __future__ import annotations

from pgcontract.formats.email.domain import LDH
from pgcontract.formats.email.mailbox import ATEXT
from pgcontract.formats.oracle.scanner import InvalidText, Scanner, describe_character

_SOURCE = "(HTML, 4.10.5.1.5)"
_LOCAL = ATEXT | {"."}


def read_valid_email(text: str) -> None:
    """Dots stand anywhere in the local part, which has no longest length; else Refused."""
    scanner = Scanner(text)
    if not scanner.take(_LOCAL):
        fault = f"{describe_character(scanner.next)} in" if scanner.next not in ("@", "") else "nothing in"
        raise InvalidText(f"{fault} the local part {_SOURCE}")
    if not scanner.skip("@"):
        problem = f"{describe_character(scanner.next)} in the local part" if scanner.next else "no @"
        raise InvalidText(f"{problem} {_SOURCE}")
    while True:
        label = scanner.take(LDH)
        if not label:
            raise InvalidText(f"{describe_character(scanner.next)} where a label begins {_SOURCE}")
        if label[0] == "-" or label[-1] == "-":
            raise InvalidText(f"a hyphen at an end of a label {_SOURCE}")
        if len(label) > 63:
            raise InvalidText(f"a label of more than 63 characters {_SOURCE}")
        if not scanner.next:
            return
        if not scanner.skip("."):
            raise InvalidText(f"{describe_character(scanner.next)} in the domain {_SOURCE}")
