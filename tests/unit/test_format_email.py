"""The senses of an address, against what standards, errata, other programs and applications say."""

from __future__ import annotations

import re
import unicodedata
from email.errors import MessageError
from email.headerregistry import Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgcontract.formats import standard
from pgcontract.formats.email import DIALECTS
from pgcontract.formats.email.domain import international_label
from pgcontract.formats.oracle.invisible_characters import is_invisible
from pgcontract.formats.oracle.scanner import InvalidText

SMTP, PLAIN, UTF8, HEADER, HTML, PRACTICAL = DIALECTS
ALL = (SMTP, PLAIN, UTF8, HEADER, HTML)
GRAMMAR = (SMTP, UTF8, HEADER)
LONG = ".".join(("b" * 63, "c" * 63, "d" * 61))

VERDICTS: dict[str, tuple[str, ...]] = {
    "ann@example.com": ALL,
    "user.name+tag+sorting@example.com": ALL,
    "x@example.com": ALL,
    "user-@example.org": ALL,
    "mailhost!username@example.org": ALL,
    "user%example.com@example.org": ALL,
    "name/surname@example.com": ALL,
    "customer/department=shipping@example.com": ALL,
    "!def!xyz%abc@example.com": ALL,
    "ann@1.com": ALL,
    "ann@exa--mple.com": ALL,
    "admin@example": (SMTP, UTF8, HEADER, HTML),
    "ann@192.0.2.1": (SMTP, UTF8, HEADER, HTML),
    '" "@example.org': GRAMMAR,
    '"john..doe"@example.org': GRAMMAR,
    '"very.(),:;<>[]\\".VERY.\\"very@\\\\ \\"very\\".unusual"@strange.example.com': GRAMMAR,
    '"Abc\\@def"@example.com': GRAMMAR,
    '"Joe.\\\\Blow"@example.com': GRAMMAR,
    "postmaster@[123.123.123.123]": GRAMMAR,
    "postmaster@[IPv6:2001:0db8:85a3:0000:0000:8a2e:0370:7334]": GRAMMAR,
    "ann@[IPv6:::ffff:192.0.2.1]": GRAMMAR,
    "_test@[IPv6:2001:0db8:85a3:0000:0000:8a2e:0370:7334]": GRAMMAR,
    "ann@[IPv6:1:2:3:4:5:6:7::]": (HEADER,),
    "ann@[192.0.2.256]": (HEADER,),
    "ann@[x-tag:abc]": (HEADER,),
    "ann@exam_ple.com": (HEADER,),
    "ann@-example.com": (HEADER,),
    "ann@example.com (Ann)": (HEADER,),
    "john.smith(comment)@example.com": (HEADER,),
    "(a(b\\)c)d)ann@example.com": (HEADER,),
    "ann\r\n @example.com": (HEADER,),
    "ann@[ 192.0.2.1 ]": (HEADER,),
    "ann\r\n\r\n @example.com": (),
    '"a".b@example.com': (),
    "ann . lee@example.com": (),
    ".ann@example.com": (HTML,),
    "ann..lee@example.com": (HTML,),
    "用户@例子.广告": (UTF8,),
    "jürgen@example.com": (UTF8,),
    "ann@bücher.example": (UTF8,),
    '"é"@example.com': (UTF8,),
    "ann@BÜCHER.example": (),
    "ann@☃.example": (),
    "ann@a\u05d0b.example": (),
    "ann@bu\u0308cher.example": (),
    "é" * 32 + "@example.com": (UTF8,),
    "é" * 33 + "@example.com": (),
    "a" * 64 + "@example.com": ALL,
    "a" * 65 + "@example.com": (HEADER, HTML),
    "ann@" + "b" * 63 + ".com": ALL,
    "ann@" + "b" * 64 + ".com": (HEADER,),
    "a" * 64 + "@" + LONG: ALL,
    "a" * 64 + "@" + LONG + "d": (HEADER, HTML),
    "abc.example.com": (),
    "a@b@c@example.com": (),
    'a"b(c)d,e:f;g<h>i[j\\k]l@example.com': (),
    'just"not"right@example.com': (),
    'this is"not\\allowed@example.com': (),
    'this\\ still\\"not\\\\allowed@example.com': (),
    "ann@example.com.": (),
    "ann@.example.com": (),
    "ann@example.com\n": (),
    "ann@example.com\r\nBcc: eve@example.org": (),
    "ann@exa\u200bmple.com": (),
    "ann@example.c|m": (HEADER,),
    "@": (),
    "": (),
}

REASONS = {
    "ann@example..com": "two dots in a row in the domain (RFC 5321, 4.1.2)",
    "ann..lee@example.com": "two dots in a row in the local part (RFC 5321, 4.1.2)",
    ".ann@example.com": "a dot at the start of the local part (RFC 5321, 4.1.2)",
    "ann.@example.com": "a dot at the end of the local part (RFC 5321, 4.1.2)",
    "ann@example.c|m": '"|" in the domain (RFC 5321, 4.1.2)',
    "ann@example.com\n": "U+000A in the domain (RFC 5321, 4.1.2)",
    "аnn@example.com": "U+0430 CYRILLIC SMALL LETTER A in the local part (RFC 5321, 4.1.2)",
    "ann@example-.com": "a hyphen at the end of a label (RFC 5321, 4.1.2)",
    "ann": "no @ (RFC 5321, 4.1.2)",
    "ann@": "nothing behind the @ (RFC 5321, 4.1.2)",
    "ann@[IPv6:1::2:3:4:5:6:7]": "an IPv6 address whose :: stands for fewer than two groups (RFC 5321, 4.1.3)",
    '"ann@example.com': "a quote that is not closed (RFC 5321, 4.1.2)",
    "a" * 65 + "@example.com": "a local part of more than 64 octets (RFC 5321, 4.5.3.1.1)",
}

OBSOLETE = {
    '"a".b@example.com': "a quoted string among dots, which is obsolete (RFC 5322, 4)",
    "ann . lee@example.com": "a comment or blank next to a dot of the local part, which is obsolete (RFC 5322, 4)",
    "ann@example(c).com": "a comment or blank next to a dot of the domain, which is obsolete (RFC 5322, 4)",
    '"a\x01b"@example.com': "a control character in a quoted string, which is obsolete (RFC 5322, 4)",
    "ann@[\\a]": "a quoted pair in a domain literal, which is obsolete (RFC 5322, 4)",
    "ann\r\n \r\n @example.com": "folding over more than one line, which is obsolete (RFC 5322, 4)",
}

# HTML Living Standard, 4.10.5.1.5: the expression that it calls an implementation of its grammar.
WHATWG = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+\/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)

calm = settings(max_examples=300, derandomize=True, database=None, deadline=None)
html, header = standard("email", dialect=HTML), standard("email", dialect=HEADER)


@pytest.mark.parametrize(("address", "dialects"), VERDICTS.items())
def test_an_address_is_meant_in_the_dialects_that_the_standards_say(address: str, dialects: tuple[str, ...]) -> None:
    assert dialects == tuple(dialect for dialect in ALL if standard("email", dialect=dialect).means(address))


@pytest.mark.parametrize(("address", "reason"), REASONS.items())
def test_a_reason_names_the_fault_and_its_section(address: str, reason: str) -> None:
    assert reason == standard("email").why_not(address)


@pytest.mark.parametrize(("address", "reason"), OBSOLETE.items())
def test_obsolete_syntax_is_noted_and_meant_only_on_request(address: str, reason: str) -> None:
    on_request = standard("email", dialect=HEADER, obsolete=True)

    assert (reason, None) == (header.why_not(address), on_request.why_not(address))


@calm
@given(st.one_of(html.valid(), html.near_misses(), html.hostile()))
def test_html_agrees_with_the_expression_of_its_standard(address: str) -> None:
    assert (WHATWG.fullmatch(address) is not None) == html.means(address)


@calm
@given(header.valid().filter(lambda address: not set("\r\n") & set(address)))
def test_pythons_email_package_reads_what_rfc5322_means(address: str) -> None:
    assert Address(addr_spec=address).domain != ""


@pytest.mark.parametrize("address", [a for a, dialects in VERDICTS.items() if HEADER not in dialects and a.isascii()])
def test_pythons_email_package_refuses_what_rfc5322_does_not_mean(address: str) -> None:
    with pytest.raises((MessageError, ValueError, IndexError)):
        Address(addr_spec=address)


def test_every_character_is_allowed_in_a_label_where_unicode_and_rfc5892_say_so() -> None:
    """But for those that its appendix A allows beside certain others only."""
    codes = (*range(0x80, 0xD800), *range(0xE000, 0x20000))
    characters = [chr(code) for code in codes if unicodedata.category(chr(code)) != "Cn"]
    refused = {character for character in characters if "RFC 5893" not in (fault_of(f"1{character}1") or "RFC 5893")}

    assert [] == sorted((refused ^ {character for character in characters if not is_allowed(character)}) - OF_CONTEXT)


# The rules of RFC 5891, 4.2.3, RFC 5892, A, and RFC 5893, 2, each with a label on either side.
LABELS = {
    "l·l": True,
    "l·a": False,
    "͵α": True,
    "͵aé": False,
    "א׳": True,
    "׳א": False,
    "クク・": True,
    "a・b": False,
    "क्\u200dष": True,
    "क\u200dष": False,
    "بی\u200cبی": True,
    "é\u200cé": False,
    "١٢": False,
    "ا١٢": True,
    "ا١۱": False,
    "مثال": True,
    "aא": False,
    "אa": False,
    "א1": True,
    "א1ب١": False,
    "-é": False,
    "é-": False,
    "éé--é": False,
    "\u0301é": False,
    "e\u0301": False,
    "éA": False,
    "\ud800é": False,
    "é" * 57: True,
    "é" * 58: False,
}


@pytest.mark.parametrize(("label", "is_one"), LABELS.items(), ids=[ascii(label)[:40] for label in LABELS])
def test_a_label_follows_the_rules_of_context_direction_and_length(label: str, is_one: bool) -> None:
    assert is_one == (fault_of(label) is None)


def fault_of(label: str) -> str | None:
    try:
        international_label(label)
    except InvalidText as fault:
        return str(fault)
    return None


OF_CONTEXT = frozenset("\u200c\u200d·͵׳״・" + "".join(map(chr, (*range(0x660, 0x66A), *range(0x6F0, 0x6FA)))))
ALWAYS, NEVER = frozenset("ßς۽۾་〇"), frozenset("ـߺ〮〯〱〲〳〴〵〻")
NEVER_BLOCKS = (range(0x20D0, 0x2100), range(0x1D100, 0x1D250))
OLD_HANGUL = (range(0x1100, 0x1200), range(0xA960, 0xA97D), range(0xD7B0, 0xD7C7), range(0xD7CB, 0xD7FC))


def is_allowed(character: str) -> bool:
    """RFC 5892, 3: an exception, or a letter, digit or mark that is shown and stays when case and width are folded."""
    if character in ALWAYS:
        return True
    if character in NEVER or any(ord(character) in block for block in (*NEVER_BLOCKS, *OLD_HANGUL)):
        return False
    # Cherokee folds to capitals (CaseFolding.txt); Python's casefold makes them small.
    fold = str.upper if "\u13a0" <= character <= "\u13f5" else str.casefold
    folded = unicodedata.normalize("NFKC", fold(unicodedata.normalize("NFKC", character)))
    letter = unicodedata.category(character) in {"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"}
    return letter and folded == character and not is_invisible(character)


@pytest.mark.parametrize(("address", "valid"), {
    **dict.fromkeys(["a@b.c", "o'neil@example.ie", "zoë@例え.jp", '"a(b"@x_y.de', "a..b@x..y", "a@-x.y"], True),
    **dict.fromkeys(["", "@", "ann", "@b.c", "ann@", "ann@example", "ann@.com", "ann@com.", "a@b@c.d", "ann lee@b.c",
                     " a@b.c", "a@b.c\n", "a\u00a0b@c.d", "a\u3000@b.c", "a\x01@b.c", "a@b\x7f.c"], False),
}.items())  # fmt: skip
def test_practical_address_is_what_a_mail_can_be_sent_to(address: str, valid: bool) -> None:
    assert valid == standard("email", dialect=PRACTICAL).means(address)
