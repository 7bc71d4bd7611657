"""A name is what the server means by it: quoted dots, quotes, capitals, keywords, 63 bytes, functions."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgcontract.model.identifiers import (
    KEYWORDS,
    MAX_NAME_BYTES,
    generated_name,
    quote_identifier,
    read_identifier,
    truncate_name,
)
from pgcontract.model.qualified_name import QualifiedName, split_name
from pgcontract.model.schema import Column, Constraint, Type

# Whatever PostgreSQL takes between double quotes: all but U+0000 and surrogates.
BARE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
LIKELY = st.one_of(BARE, st.sampled_from(sorted(KEYWORDS)), st.from_regex(r"[a-z_.\"$A-Z0-9]{1,8}", fullmatch=True))
TYPES = st.sampled_from(("", "integer", "numeric(10,2), text", '"a.b"."c)d"[]'))


@pytest.mark.parametrize(("text", "parts", "arguments"), [
    ("t", ("t",), None),
    ("public.t.email", ("public", "t", "email"), None),
    ('"a.b"."c"', ("a.b", "c"), None),
    ('"a"".b".c', ('a".b', "c"), None),
    ('public."Order"', ("public", "Order"), None),
    ("Public.Order", ("public", "order"), None),
    ("public.ÄRGER", ("public", "Ärger"), None),
    ('public."a(b"', ("public", "a(b"), None),
    ("public.f()", ("public", "f"), ""),
    ("public.f(integer, numeric(10,2))", ("public", "f"), "integer, numeric(10,2)"),
    ('public."f()"("a.b".c)', ("public", "f()"), '"a.b".c'),
    ('"line\nbreak".t', ("line\nbreak", "t"), None),
])  # fmt: skip
def test_a_name_is_read_as_sql_reads_it(text: str, parts: tuple[str, ...], arguments: str | None) -> None:
    assert QualifiedName(parts, arguments) == QualifiedName.parse(text)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "1a", "a b", 'a."b', "f(integer", "f(a) to b", "table public.t"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no name in SQL"):
        QualifiedName.parse(text)


@given(st.lists(LIKELY, min_size=1, max_size=4), st.none() | TYPES)
def test_what_is_spelled_is_read_back(parts: list[str], arguments: str | None) -> None:
    name = QualifiedName(tuple(parts), arguments)

    assert name == QualifiedName.parse(str(name))


@given(LIKELY)
def test_one_identifier_is_read_back(name: str) -> None:
    assert name == read_identifier(quote_identifier(name))


def test_parts_of_a_name_are_bare_or_as_sql_has_them() -> None:
    column = QualifiedName.of("my schema", "t", "user")

    assert ("my schema", "user", '"user"', '"my schema".t', '"my schema".t."user"') == (
        column.schema,
        column.name,
        column.quoted_name,
        str(column.parent),
        str(column),
    )


def test_a_name_alone_has_no_schema() -> None:
    assert "" == QualifiedName.of("t").schema


def test_names_are_made_from_names() -> None:
    table = QualifiedName.of("public", "t")
    function = table.with_arguments(("integer", "text"))

    names = [table.member("a"), table.with_name("u"), table.in_schema("s")]
    names += [function, function.with_name("u"), function.without_arguments]

    assert [*map(str, names)] == [
        *("public.t.a", "public.u", "s.t", "public.t(integer,text)", "public.u(integer,text)", "public.t")
    ]


def test_what_is_in_a_renamed_table_moves_with_it() -> None:
    old, new = QualifiedName.of("public", "t"), QualifiedName.of("s", "u")

    assert QualifiedName.of("s", "u", "a") == old.member("a").moved(old, new)
    assert (True, True, False) == tuple(
        name.is_in(old) for name in (old, old.member("a"), QualifiedName.of("public", "tt"))
    )


@pytest.mark.parametrize(("text", "written", "rest"), [
    ("public.T.email", ("public", "T", "email"), ""),
    ('public."a.b"(c)', ("public", '"a.b"'), "(c)"),
    ("a b", ("a",), " b"),
    ("[a]", (), "[a]"),
])  # fmt: skip
def test_a_name_is_split_as_it_is_written(text: str, written: tuple[str, ...], rest: str) -> None:
    assert (written, rest) == split_name(text)


def test_a_part_knows_its_own_name() -> None:
    column = Column(name='public."a.b"."c""d"', table='public."a.b"', position=1, type="text")

    assert ('c"d', '"c""d"') == (column.bare_name, column.quoted_name)


def test_a_not_null_is_known_by_its_column() -> None:
    constraint = Constraint(name='public.t."a b" not null', table="public.t", form="not null")

    assert '"a b" not null' == constraint.quoted_name


@pytest.mark.parametrize(("name", "spelling", "expected"), [
    ("public.mood", "public.mood", True),
    ("public.mood", "mood", True),
    ('public."Mood"', '"Mood"', True),
    ("other.mood", "mood", False),
    ("public.mood", "moods", False),
])  # fmt: skip
def test_a_type_is_known_with_and_without_public(name: str, spelling: str, expected: bool) -> None:
    assert expected is Type(name=name, form="enum").is_type(spelling)


@pytest.mark.parametrize(("relation", "addition", "label", "expected"), [
    ("t", "", "pkey", "t_pkey"),
    ("t", "id", "seq", "t_id_seq"),
    ("t" * 63, "", "pkey", "t" * 58 + "_pkey"),
    ("t" * 60, "c" * 60, "seq", "t" * 29 + "_" + "c" * 29 + "_seq"),
    ("ü" * 31, "id", "seq", "ü" * 28 + "_id_seq"),
])  # fmt: skip
def test_a_name_nobody_gave_fits_into_63_bytes(relation: str, addition: str, label: str, expected: str) -> None:
    assert expected == generated_name(relation, addition, label)


@given(BARE, BARE)
def test_a_name_nobody_gave_is_never_longer(relation: str, addition: str) -> None:
    assert MAX_NAME_BYTES >= len(generated_name(relation * 9, addition * 9, "seq").encode())


def test_a_name_is_never_cut_through_a_character() -> None:
    assert "ü" * 31 == truncate_name("ü" * 32)


def test_names_are_quoted_as_the_server_quotes_them(rich: psycopg.Connection) -> None:
    @settings(deadline=None)
    @given(st.lists(LIKELY, min_size=1, max_size=50))
    def quoted_alike(names: list[str]) -> None:
        rows = rich.execute(
            "SELECT pg_catalog.quote_ident(name) FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS t (name, n) "
            "ORDER BY n",
            [names],
        ).fetchall()

        # A word that only another release reserves is in quotes here: that is the same name to the server.
        plain = {name for name, (quoted,) in zip(names, rows, strict=True) if quoted == name and name in KEYWORDS}
        assert [quoted for (quoted,) in rows] == [name if name in plain else quote_identifier(name) for name in names]

    quoted_alike()


def test_no_keyword_of_the_server_is_missing(rich: psycopg.Connection) -> None:
    rows = rich.execute("SELECT word FROM pg_catalog.pg_get_keywords() WHERE catcode <> 'U'")

    assert frozenset() == {word for (word,) in rows} - KEYWORDS
