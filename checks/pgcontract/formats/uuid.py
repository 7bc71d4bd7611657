"""UUIDs as texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgcontract.errors import InputError
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_FORM: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ONE: Final = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"

_TABLE: Final = (
    (_ONE, "version 4"),
    (_ONE.upper(), "in upper case"),
    ("c232ab00-9414-11ec-b3c8-9f6bdeced846", "version 1 (RFC 9562, A.1)"),
    ("5df41881-3aed-3515-88a7-2f4a814cf09e", "version 3 (RFC 9562, A.2)"),
    ("919108f7-52d1-4320-9bac-f847db4148a8", "version 4 (RFC 9562, A.3)"),
    ("2ed6657d-e927-568b-95e1-2665a8aea6a2", "version 5 (RFC 9562, A.4)"),
    ("1ec9414c-232a-6b00-b3c8-9f6bdeced846", "version 6 (RFC 9562, A.5)"),
    ("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "version 7 (RFC 9562, A.6)"),
    ("00000000-0000-0000-0000-000000000000", "the Nil UUID (RFC 9562, 5.9)"),
    ("ffffffff-ffff-ffff-ffff-ffffffffffff", "the Max UUID (RFC 9562, 5.10)"),
    ("f81d4fae-7dec-41d0-c765-00a0c91e6bf6", "another variant"),
    (_ONE.replace("-", ""), "without hyphens: the server reads it"),
    (f"{{{_ONE}}}", "in braces: the server reads it"),
    (f"urn:uuid:{_ONE}", "as a URN (RFC 9562, 4)"),
    ("f81d4fae7dec-41d0a765-00a0c91e6bf6", "hyphens elsewhere: the server reads some of these"),
    (_ONE[:-1], "one digit short"),
    (_ONE + "0", "one digit more"),
    ("g" + _ONE[1:], "a letter that is no digit"),
    (f" {_ONE}", "a blank in front"),
    (f"{_ONE}\n", "a line feed behind"),
    (_ONE.replace("-", "\u2010"), "Unicode hyphens"),
    ("\uff46" + _ONE[1:], "a full-width letter"),
    ("", "nothing"),
    ("null", "null as a word"),
)


@declare("uuid", sources=("RFC 9562, 4: the text form, either case read; 4.1 and 4.2: variant and version; 5.9, 5.10",))
@dataclass(frozen=True, kw_only=True)
class Uuid(Texts):
    """A UUID in its text form, 8-4-4-4-12 hexadecimal digits."""

    version: int | None = parameter("integer", "The one version that is meant, 1 to 8; any without it", default=None)

    def __post_init__(self) -> None:
        if self.version is not None and not 1 <= self.version <= 8:
            raise InputError(f"`version` of the standard `uuid` is {self.version}; RFC 9562 has 1 to 8")

    def why_not(self, value: str) -> str | None:
        if not _FORM.fullmatch(value):
            return "not 8-4-4-4-12 hexadecimal digits (RFC 9562, 4)"
        if self.version is not None and value[19] not in "89abAB":
            return "not of the variant that has versions (RFC 9562, 4.1)"
        if self.version is not None and value[14] != str(self.version):
            return f"not of version {self.version} (RFC 9562, 4.2)"
        return None

    def valid(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import words

        version = st.just(str(self.version)) if self.version else st.sampled_from("0123456789abcdef")
        variant = st.sampled_from("89ab" if self.version else "0123456789abcdef")
        digits = words("0123456789abcdef", 30, 30)
        lower = st.tuples(digits, version, variant).map(
            lambda drawn: (
                f"{drawn[0][:8]}-{drawn[0][8:12]}-{drawn[1]}{drawn[0][12:15]}-{drawn[2]}{drawn[0][15:18]}-{drawn[0][18:]}"
            )
        )
        return st.one_of(lower, lower, lower.map(str.upper))

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return tuple(KnownValue(value=value, label=label) for value, label in _TABLE)

    def alphabet(self) -> str:
        return "09afAFgG--{} \n\u2010"
