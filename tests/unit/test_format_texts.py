"""The smaller formats, each against an authority that is not ours."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgcontract.formats import standard
from pgcontract.formats.oracle.invisible_characters import WHITE_SPACE, is_invisible

calm = settings(max_examples=200, derandomize=True, database=None, deadline=None)
EVERY_CHARACTER = tuple(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
# Python takes four separators of ASCII for blanks, which Unicode's White_Space does not name.
NOT_WHITE_SPACE = "\x1c\x1d\x1e\x1f"

BLANK = ["", " ", "\t\n", "\xa0", "\u200b", "\u200b \ufeff", "\u2060\u00ad", "\u115f\u1160\u3164\uffa0", "\u17b4\u17b5"]
BLANK += ["\u180e", "\ufe0f", "\U000e0041", "\u202e", "\x00", "\x1f\x7f\x85", "\u2800", "\ufff9", "\u034f", "\u061c"]
SEEN = ["a", " a ", "\u200ba", "李", "0", ".", "\u0301", "\u0600", "\ufffd", "👩\u200d👧", "\ue000"]

URLS = {
    **dict.fromkeys(["https://example.com", "http://a/", "https://example.com/a%20b?x=1/?#y/?",
                     "https://[2001:db8::1]:8443/", "https://[v1.fe80::a+en1]/", "https://example.com:65535/"], True),
    **dict.fromkeys(["HTTPS://EXAMPLE.COM/a%20b?x=[1]#y", "https://[2001:db8::1%25eth0]/", "https://[192.0.2.1]/",
                     "https://2001:db8::1/", "https://example.com:65536/", "https://ann@example.com/", "https:///a",
                     "https:/example.com", "ftp://example.com/", "javascript:alert(1)", "https://example.com/%zz",
                     "https://example.com/é", "https://example.com\n", "https://example.com/a b",
                     "https://example.com\\@evil.example/"], False),
}  # fmt: skip
NUMBERS = {
    **dict.fromkeys(["0", "-0", "100", "100.00", "1e2", " 7 ", "1.25"], True),
    **dict.fromkeys(["1.255", "-0.01", "100.01", "NaN", "Infinity", "1,5", "", "\u0661"], False),
}  # fmt: skip
PAIRS = {
    ("2026-01-04 12:00:00+00", "2026-01-04 12:00:00+00"): (True, False),
    ("2026-01-04 07:00:00-05", "2026-01-04 12:00:00+00"): (True, False),
    ("2026-01-04 12:00:00.000001+00", "2026-01-04 12:00:00+00"): (True, True),
    ("2026-01-04 12:30:00+01", "2026-01-04 12:00:00+00"): (False, False),
    ("2016-12-31 23:59:60+00", "2017-01-01 00:00:00+00"): (True, False),
    ("2026-01-04 24:00:00+00", "2026-01-05 00:00:00+00"): (True, False),
    ("0001-01-01 00:00:00+00", "0001-12-31 23:59:59+00 BC"): (True, True),
    ("infinity", "2026-01-04 12:00:00+00"): (True, True),
    ("-infinity", "4714-11-24 00:00:00+00 BC"): (False, False),
    (None, "2026-01-04 12:00:00+00"): (True, True),
    ("2026-02-30 00:00:00+00", "2026-01-04 12:00:00+00"): (False, False),
    ("2026-01-04 12:00:00", "2026-01-04 12:00:00+00"): (False, False),
}


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_a_text_of_invisible_characters_is_blank(text: str) -> None:
    assert standard("not_blank").why_not(text) is not None


@pytest.mark.parametrize("text", SEEN, ids=ascii)
def test_a_text_that_shows_something_is_not_blank(text: str) -> None:
    assert standard("not_blank").why_not(text) is None


def test_white_space_is_what_unicode_says() -> None:
    wrong = [
        character
        for character in EVERY_CHARACTER
        if (character in WHITE_SPACE) != (character.isspace() and character not in NOT_WHITE_SPACE)
    ]

    assert [] == wrong


def test_every_letter_digit_mark_and_symbol_is_visible_but_for_the_fillers() -> None:
    drawn = {
        character
        for character in EVERY_CHARACTER
        if unicodedata.category(character)[0] in "LNPS" and is_invisible(character)
    }

    assert set("\u115f\u1160\u3164\uffa0\u2800") == drawn


@calm
@given(st.integers(0, 2**128 - 1).map(lambda number: str(uuid.UUID(int=number))), st.integers(1, 8))
def test_a_version_is_read_as_pythons_uuid_reads_it(text: str, version: int) -> None:
    assert (uuid.UUID(text).version == version) == standard("uuid", version=version).means(text)


@pytest.mark.parametrize(("url", "meant"), URLS.items())
def test_a_url_is_read_by_rfc_3986(url: str, meant: bool) -> None:
    assert meant == standard("url").means(url)


@pytest.mark.parametrize(("text", "meant"), NUMBERS.items())
def test_a_number_lies_within_its_range(text: str, meant: bool) -> None:
    assert meant == standard("number_range", min=0, max=100, places=2).means(text)


@pytest.mark.parametrize(("pair", "meant"), PAIRS.items())
def test_a_timestamp_precedes_by_instant_and_not_by_its_text(
    pair: tuple[str | None, str], meant: tuple[bool, bool]
) -> None:
    formats = [standard("not_before", other="created_at", strictly=strictly) for strictly in (False, True)]

    assert meant == tuple(column_format.means(pair) for column_format in formats)


@calm
@given(
    *[st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(minutes=345))]))] * 2
)
def test_instants_are_ordered_as_pythons_datetime_orders_them(one: datetime, other: datetime) -> None:
    assert (one >= other) == standard("not_before", other="o").means((one.isoformat(), other.isoformat(sep=" ")))


@pytest.mark.parametrize(("text", "reason"), {
    "": "0 characters, where 2 are the fewest",
    "aaaa": "4 characters, where 3 are the most",
    "ééé": None,
    "🙂🙂": "8 bytes, where 6 are the most",
}.items())  # fmt: skip
def test_length_counts_characters_and_bytes_apart(text: str, reason: str | None) -> None:
    assert reason == standard("length", min=2, max=3, max_bytes=6).why_not(text)


@pytest.mark.parametrize(
    ("text", "reason"), {"paid": None, "Paid ": "not listed, though `paid` is", "lost": "not one of paid, open"}.items()
)
def test_one_of_is_exact_and_names_the_nearest(text: str, reason: str | None) -> None:
    assert reason == standard("one_of", values=["paid", "open"]).why_not(text)


@pytest.mark.parametrize(("text", "meant"), {"AB12": True, "AB12\n": False, "xAB12": False, "ab12": False}.items())
def test_a_regex_is_read_as_the_server_reads_it(text: str, meant: bool) -> None:
    assert meant == standard("regex", pattern=r"^[A-Z]+\d{2}$").means(text)
