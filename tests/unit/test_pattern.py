"""Regular expressions, read without a server: every answer is compared with a server's."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pgcontract.errors import InputError
from pgcontract.model.regex import read_pattern
from pgcontract.postgres.providers import Server
from pgcontract.probes.boundary_values import texts_near_regex

READ = [
    r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$",
    r"^\d{3}-\d{4}$",
    r"(?i)^(ab|cd)+x?$",
    r"^[^a-c]$",
    r"^a.b$",
    r"(?n)^a.b$",
    r"(?p)^a.b$",
    r"(?w)^a$",
    r"(?x) ^ a b # c",
    r"(?q)a+b",
    r"***=a.b",
    r"***:(?i)a",
    r"\mfoo\M",
    r"[[:<:]]foo[[:>:]]",
    r"^(a|b)\1$",
    r"^(a)(b)\2\1$",
    r"^\133\x41\u0042\t?$",
    r"^a{2,3}b?$",
    r"^a{,3}$",
    r"^x*?y+?$",
    r"^[]a-]+$",
    r"^[a\]b]+$",
    r"^[+--]$",
    r"^[[.hyphen.]a]+$",
    r"^[[=a=]b]$",
    r"^[[:digit:]]+[[:xdigit:]]$",
    r"^\D$",
    r"^[^\d]$",
    r"^(?=.*\d).{2,4}$",
    r"^(?!ab).*$",
    r"(?<=a)b",
    r"^(?:[a-z]+\.)*[a-z]+$",
    r"a||b",
    r"a|",
    r"()",
    r"^\Aa\Z$",
    r"a(?#comment)b",
    r"a(?#b",
    r"^\Ba$",
    r"\ya\Y",
    "",
]
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
