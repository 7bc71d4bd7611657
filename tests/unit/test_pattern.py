"""Regular expressions, read without a server: every answer is compared with a server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from pgcontract.errors import CouldNotAsk, InputError
from pgcontract.model.regex import read_pattern
from pgcontract.postgres.providers import Server
from pgcontract.probes.boundary_values import texts_near_regex

READ = [
    r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$", r"^\d{3}-\d{4}$", r"(?i)^(ab|cd)+x?$", r"^[^a-c]$", r"^a.b$",
    r"(?n)^a.b$", r"(?p)^a.b$", r"(?w)^a$", r"(?x) ^ a b # c", r"(?q)a+b", r"***=a.b", r"***:(?i)a", r"\mfoo\M",
    r"[[:<:]]foo[[:>:]]", r"^\133\x41\u0042\t?$", r"^a{2,3}b?$", r"^a{,3}$", r"^x*?y+?$", r"^[]a-]+$", r"^[a\]b]+$",
    r"^[+--]$", r"^[[.hyphen.]a]+$", r"^[[=a=]b]$", r"^[[:digit:]]+[[:xdigit:]]$",
    r"^[[:graph:]]+[[:punct:]][[:print:]]$", r"^\D$", r"^[^\d]$", r"^(?=.*\d).{2,4}$", r"^(?!ab).*$",
    r"^(?=.*\d)(?!.*\s)(?=.*[a-z]).{2,5}$", r"(?<!a)b(?=c|$)", r"(?<=^a(?=b))b", r"(?=(?!b)a)..", r"(?n)(?<=^a)$",
    r"^(a+)+$", r"^(a|a)*b", r"^(a?){3}a{3}$", r"^(()|a)+$", r"^(a*)*$", r"(?w)^b$|^\s", r"\m.\M.\Y", r"(?i)[^A-C]\D",
    r"^.{1,3}(b{0}|c)$", r"(?<=a)b", r"^(?:[a-z]+\.)*[a-z]+$", r"a||b", r"a|", r"()", r"^\Aa\Z$", r"a(?#comment)b",
    r"a(?#b", r"^\Ba$", r"\ya\Y", "",
]  # fmt: skip
REFUSED = ["a**", "a{3", "[b-a]", "(a", "a)", "[[:foo:]]", "\\", "*a", "[a-c-e]", r"(a)\2", "a{256}", "a{3,2}", "^*"]
REFUSED += ["(?<x>a)", "[a", "a|*b", "(*a)", r"\q", r"\8", "x{1}{2}", "[[.nope.]]", r"\u12", "[[:alpha:]-z]"]


@pytest.fixture(scope="module")
def server(catalog_server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(catalog_server.conninfo(dbname="postgres"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("pattern", READ)
def test_a_pattern_finds_what_a_server_finds(server: psycopg.Connection, pattern: str) -> None:
    texts = [text for text in texts_near_regex(pattern, limit=1000) if text.isascii()]
    query = "SELECT text ~ %s FROM unnest(%s::text[]) WITH ORDINALITY AS texts (text, n) ORDER BY n"
    expected = [matched for (matched,) in server.execute(query, (pattern, texts))]

    assert dict(zip(texts, expected, strict=True)) == {text: read_pattern(pattern).matches_within(text) for text in texts}


@pytest.mark.parametrize(("pattern", "text"), [
    (r"^(a+)+$", "a" * 50_000 + "!"),
    (r"^(a|a)*$", "a" * 50_000 + "!"),
    (r"^(.*a){20}$", "ab" * 500),
    (r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+$", "a-" * 5_000),
    (r"(?=(a+)+$)b", "a" * 50_000 + "!"),
    (r"(?<=(a|aa)+)!$", "a" * 50_000),
    (r"(x+x+)+y", "x" * 50_000),
    (r"(?i)[^a][^b][^c][^d][^e][^f][^g]", "a" * 50),
])  # fmt: skip
def test_no_pattern_takes_longer_than_its_text_is_long(pattern: str, text: str) -> None:
    assert not read_pattern(pattern).matches_within(text)


@pytest.mark.parametrize(("pattern", "why"), [
    (r"^(a|b)\1$", "\\1 refers back to what a group matched"),
    (r"^((a{255}){255}){255}$", "its repetitions unfold to more than 10,000 states"),
    ("((((a{99}){99}){99}){99})*b", "its repetitions unfold to more than 10,000 states"),
])  # fmt: skip
def test_a_pattern_that_has_no_bound_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(InputError, match=f"cannot be matched here: .*{re.escape(why)}"):
        read_pattern(pattern).matches_within("")


def test_a_pattern_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        read_pattern("(" * 4_000 + "a" + ")" * 4_000)


def test_a_pattern_is_asked_no_more_once_it_has_taken_too_long() -> None:
    with pytest.raises(CouldNotAsk, match="takes too long on the texts that are tried"):
        read_pattern("^(.{1,69}){1,69}!$").matches_within("ab" * 2_000)


@pytest.mark.parametrize("pattern", ["^" + ".{255}" * 30 + "$", "((a{20}){20}){20}", "(a{90}b){90}*".replace("*", "")])
def test_texts_near_a_long_pattern_are_few_enough_to_be_held(pattern: str) -> None:
    assert sum(map(len, texts_near_regex(pattern))) < 100_000_000


def test_texts_near_a_pattern_that_matches_endless_ones_alone_are_not_made() -> None:
    with pytest.raises(InputError, match="has 16,581,375 characters"):
        texts_near_regex("((a{255}){255}){255}")


@pytest.mark.parametrize("pattern", ["a{" + "9" * 5_000 + "}", "(a)\\" + "1" * 5_000, "a{00000000000002}"])
def test_numbers_of_any_length_are_read(pattern: str) -> None:
    with suppress(InputError):
        read_pattern(pattern)


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_a_server_refuses_is_refused(server: psycopg.Connection, pattern: str) -> None:
    with pytest.raises(psycopg.errors.InvalidRegularExpression):
        server.execute("SELECT 'x' ~ %s", (pattern,))
    with pytest.raises(InputError, match="cannot be read"):
        read_pattern(pattern)


def test_case_is_ignored_as_the_other_operator_ignores_it(server: psycopg.Connection) -> None:
    texts = ["straße", "STRASSE", "STRAßE", "Straße"]
    query = "SELECT text ~* 'straße' FROM unnest(%s::text[]) WITH ORDINALITY AS texts (text, n) ORDER BY n"
    expected = [matched for (matched,) in server.execute(query, (texts,))]

    assert expected == [read_pattern("straße", ignore_case=True).matches_within(text) for text in texts]
