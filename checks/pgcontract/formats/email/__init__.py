"""E-mail addresses, in the five senses that standards give the word, and in the one that most applications mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from pgcontract.errors import InputError
from pgcontract.formats.email.addr_spec import read_addr_spec
from pgcontract.formats.email.html import read_valid_email
from pgcontract.formats.email.known_addresses import KNOWN
from pgcontract.formats.email.mailbox import read_mailbox, read_plain
from pgcontract.formats.email.practical import read_practical
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter
from pgcontract.formats.oracle.scanner import InvalidText

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

DIALECTS: Final[Mapping[str, Callable[[str], None]]] = {
    "rfc5321": read_mailbox,
    "dot-atom": read_plain,
    "rfc6531": partial(read_mailbox, international=True),
    "rfc5322": partial(read_addr_spec, obsolete=False),
    "html": read_valid_email,
    "practical": read_practical,
}


@declare(
    "email",
    sources=(
        "RFC 5321, 2.3.5, 4.1.2, 4.1.3 and 4.5.3.1: Mailbox and its limits",
        "RFC 5322, 3.2, 3.4.1 and 4: addr-spec, its comments and its obsolete forms",
        "RFC 6531, 3.3: UTF-8 in local part and domain",
        "RFC 5890 to 5893: labels of IDNA2008",
        "RFC 1035, 2.3.4; RFC 1123, 2.1; RFC 3696, 2: host names",
        "HTML Living Standard, 4.10.5.1.5: valid e-mail address",
    ),
)
@dataclass(frozen=True, kw_only=True)
class Email(Texts):
    """An e-mail address: a local part, an @ and a domain.

    rfc5321   what SMTP takes: dot-string or quoted string, at a domain or an address literal, at most 64 and 254 octets
    dot-atom  what people mean by an address: no quotes, no literal, a host name with a dot
    rfc6531   rfc5321 with UTF-8 in the local part and U-labels in the domain
    rfc5322   what a header field may hold: with comments and folding white space, and no limits of length
    html      what a browser lets through in <input type=email>
    practical one @, something on both sides, a dot in the domain, no blanks or controls: enough before a mail is sent
    """

    dialect: str = parameter("string", "Whose idea of an address", default="rfc5321", choices=tuple(DIALECTS))
    obsolete: bool = parameter("boolean", "With rfc5322: whether section 4's obsolete forms are meant", default=False)

    def __post_init__(self) -> None:
        if self.obsolete and self.dialect != "rfc5322":
            raise InputError(f"`obsolete` belongs to the dialect `rfc5322`, and this one is `{self.dialect}`")

    def why_not(self, value: str) -> str | None:
        try:
            if self.obsolete:
                read_addr_spec(value, obsolete=True)
            else:
                DIALECTS[self.dialect](value)
        except InvalidText as refused:
            return str(refused)
        return None

    def valid(self) -> SearchStrategy[str]:
        from pgcontract.formats.email.address_strategies import addresses

        return addresses(self.dialect).filter(self.means)

    def near_misses(self) -> SearchStrategy[str]:
        from pgcontract.formats.email.address_strategies import broken_addresses

        return broken_addresses(self.valid(), self.alphabet())

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return KNOWN

    def alphabet(self) -> str:
        beyond = "éßж例\u0301" if self.dialect in ("rfc6531", "practical") else "é"
        return '@@@...--_+%""\\\\[]():;<>, \'!#$&*/=?^`{|}~aZ09\t\r\n\x7f' + beyond
