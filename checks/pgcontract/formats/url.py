"""URLs with an authority, as the web uses them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from string import ascii_letters, digits, hexdigits
from typing import TYPE_CHECKING, Final

from pgcontract.errors import InputError
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter
from pgcontract.formats.oracle.scanner import InvalidText, Scanner, describe_character

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_SCHEME: Final = frozenset(ascii_letters + digits + "+-.")
_UNRESERVED: Final = frozenset(ascii_letters + digits + "-._~")
_SUB_DELIMS: Final = frozenset("!$&'()*+,;=")
_REG_NAME: Final = _UNRESERVED | _SUB_DELIMS
_USER: Final = _REG_NAME | {":"}
_PCHAR: Final = _USER | {"@"}

_TABLE: Final = (
    ("https://example.com", "a plain URL"),
    ("https://example.com/", "with a path"),
    ("http://example.com/a/b.html?x=1&y=2#top", "with every part"),
    ("HTTPS://EXAMPLE.COM/", "in upper case"),
    ("https://ann:secret@example.com/", "with a name and a password"),
    ("https://example.com:8443/", "with a port"),
    ("https://example.com:/", "with an empty port (RFC 3986, 3.2.3)"),
    ("https://example.com:65536/", "a port that is none"),
    ("https://192.0.2.1/", "an IPv4 address"),
    ("https://[2001:db8::1]/", "an IPv6 address"),
    ("https://[v1.fe80::a+en1]/", "an address of the future (RFC 3986, 3.2.2)"),
    ("https://[2001:db8::1/", "a bracket that is not closed"),
    ("https://2001:db8::1/", "an IPv6 address without brackets"),
    ("https://example.com/%C3%A9", "a percent-encoded letter"),
    ("https://example.com/%zz", "a percent sign before no digits"),
    ("https://example.com/%", "a percent sign at the end"),
    ("https://example.com/é", "a letter beyond ASCII: an IRI"),
    ("https://bücher.example/", "a host beyond ASCII: an IRI"),
    ("https://xn--bcher-kva.example/", "an A-label"),
    ("https://example.com/a b", "a blank"),
    ("https://example.com/a\nb", "a line feed"),
    ("https://example.com\n", "a line feed behind"),
    (" https://example.com", "a blank in front"),
    ("https://example.com/<script>", "angle brackets"),
    ("https://example.com/a|b", "a bar"),
    ("https://example.com/a\\b", "a backslash"),
    ("https://example.com\\@evil.example/", "a backslash that browsers take for a slash"),
    ("https://example.com/?q=a#b#c", "two fragments"),
    ("https://example.com/?a[]=1", "brackets in a query"),
    ("https:///path", "no host"),
    ("https://:80/", "a port without a host"),
    ("https://", "a scheme and nothing behind"),
    ("https:/example.com", "one slash"),
    ("https:example.com", "no slash"),
    ("//example.com/", "no scheme (RFC 3986, 4.2)"),
    ("example.com", "a host alone"),
    ("/path", "a path alone"),
    ("ftp://example.com/", "another scheme"),
    ("javascript:alert(1)", "a script"),
    ("javascript://example.com/%0Aalert(1)", "a script that looks like a URL"),
    ("data:text/html,x", "data"),
    ("file:///etc/passwd", "a file"),
    ("mailto:ann@example.com", "mail"),
    ("1http://example.com/", "a scheme that begins with a digit"),
    ("https://exa_mple.com/", "an underscore: a registered name may have it"),
    ("https://example..com/", "two dots: a registered name may have them"),
    ("https://example.com./", "a dot at the end of the host"),
    ("https://user@host@example.com/", "two @"),
    ("", "nothing"),
)


@declare(
    "url",
    sources=(
        "RFC 3986, 3 and appendix A: the generic syntax",
        "RFC 9110, 4.2: a host must be there",
        "RFC 6335, 6: ports",
    ),
)
@dataclass(frozen=True, kw_only=True)
class Url(Texts):
    """An absolute URL of the listed schemes with a host, by RFC 3986."""

    schemes: tuple[str, ...] = parameter("array", "The schemes that are meant, in lower case", default=("http", "https"))
    user: bool = parameter("boolean", "Whether a name and password before the host are meant", default=False)

    def __post_init__(self) -> None:
        for scheme in self.schemes or ("",):
            if not (scheme[:1].isalpha() and set(scheme) <= _SCHEME and scheme == scheme.lower()):
                raise InputError(f"`schemes` of the standard `url` lists {scheme!r}, which is no scheme in lower case")

    def why_not(self, value: str) -> str | None:
        try:
            self._read(Scanner(value))
        except InvalidText as refused:
            return str(refused)
        return None

    def _read(self, scanner: Scanner) -> None:
        scheme = scanner.take(_SCHEME)
        if scheme.lower() not in self.schemes or not scanner.skip("://"):
            raise InvalidText(f"not {' or '.join(self.schemes)} and :// at the start (RFC 3986, 3.1)")
        start = scanner.at
        _take_encoded(scanner, _USER)
        if scanner.skip("@"):
            if not self.user:
                raise InvalidText("a name before the host (RFC 9110, 4.2.4)")
        else:
            scanner.at = start
        _read_host(scanner)
        if scanner.skip(":") and int(scanner.take(digits) or 0) > 65_535:
            raise InvalidText("a port above 65535 (RFC 6335, 6)")
        if scanner.next == "/":
            _take_encoded(scanner, _PCHAR | {"/"})
        if scanner.skip("?"):
            _take_encoded(scanner, _PCHAR | set("/?"))
        if scanner.skip("#"):
            _take_encoded(scanner, _PCHAR | set("/?"))
        if scanner.next:
            raise InvalidText(f"{describe_character(scanner.next)} at character {scanner.at + 1} (RFC 3986, appendix A)")

    def valid(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        from pgcontract.formats.oracle.text_strategies import words

        encoded = st.sampled_from([*sorted(_PCHAR), "%20", "%C3%A9", "%2F"])
        segment = st.lists(encoded, max_size=6).map("".join)
        host = st.one_of(
            st.lists(words("abcxyz019"), min_size=1, max_size=3).map(".".join),
            st.sampled_from(["192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "xn--bcher-kva.example"]),
        )
        user = st.sampled_from(["", "", "ann@", "ann:secret@"] if self.user else [""])
        port = st.sampled_from(["", "", "", ":80", ":", ":65535"])
        path = st.lists(segment, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))
        query = st.just("") | segment.map("?{}".format)
        fragment = st.just("") | segment.map("#{}".format)
        scheme = st.sampled_from(self.schemes).map("{}://".format)
        return st.tuples(scheme, user, host, port, path, query, fragment).map("".join)

    def corpus(self) -> tuple[KnownValue[str], ...]:
        return tuple(KnownValue(value=value, label=label) for value, label in _TABLE)

    def alphabet(self) -> str:
        return ':://..@%%[]?#-_~ "<>\\^`{|}\n\té\u200baZ09'


def _take_encoded(scanner: Scanner, characters: frozenset[str]) -> None:
    """The longest run of the characters and of percent-encoded octets (RFC 3986, 2.1)."""
    while scanner.take(characters) or scanner.next == "%":
        if scanner.skip("%") and len(scanner.take(hexdigits, 2)) < 2:
            raise InvalidText("a percent sign that two hexadecimal digits do not follow (RFC 3986, 2.1)")


def _read_host(scanner: Scanner) -> None:
    start = scanner.at
    if scanner.skip("["):
        literal = scanner.take(_USER)
        if not scanner.skip("]") or not _is_ip_literal(literal):
            raise InvalidText("a host in brackets that is no IPv6 address (RFC 3986, 3.2.2)")
    else:
        _take_encoded(scanner, _REG_NAME)
    if scanner.at == start:
        raise InvalidText("no host (RFC 9110, 4.2.1)")


def _is_ip_literal(literal: str) -> bool:
    if literal[:1] in ("v", "V"):
        version, dot, address = literal[1:].partition(".")
        return bool(version and dot and address) and set(version) <= set(hexdigits)
    try:
        ipaddress.IPv6Address(literal)
    except ValueError:
        return False
    return "%" not in literal
