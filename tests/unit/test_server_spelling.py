"""A contract in the server's own spelling, or what the server would not spell, in its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from pgcontract.catalog.server_spelling import (
    RefusedDeclaration,
    ServerSpelling,
    read_server_spelling,
)
from pgcontract.model.schema import Column, Constraint, Function, Index, Part, Policy, Schema, Table, Trigger, Type, View
from pgcontract.postgres.providers import provider_for

STANDING = """
create table public.people (id bigint primary key, name text);
create type public.mood as enum ('glad');
create function public.stamp() returns trigger language plpgsql as 'begin return new; end';
"""


@pytest.fixture(scope="module")
def standing() -> Iterator[psycopg.Connection]:
    """A connection to a database with a table and a function, on which contracts lean."""
    with provider_for("auto").start() as server:
        conninfo = server.conninfo(dbname="postgres", user=server.superuser)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(STANDING)
            yield connection


@pytest.fixture
def connection(standing: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The same in a transaction that is undone."""
    standing.execute("begin")
    yield standing
    standing.execute("rollback")


def table(*columns: Column, **said: Any) -> Schema:
    return Schema(tables=(Table(name="public.t", **said),), columns=columns)


def column(name: str, type_: str, position: int = 1, **said: Any) -> Column:
    return Column(name=f"public.t.{name}", table="public.t", position=position, type=type_, **said)


A, B = column("a", "text"), column("b", "integer", 2)


def of_table(**kinds: tuple[Part, ...]) -> Schema:
    """A table of a text and an integer, and what hangs on it."""
    base: dict[str, Any] = {"tables": (Table(name="public.t"),), "columns": (A, B)}
    return Schema(**base | kinds)  # type: ignore[arg-type]


def check(expression: str) -> Constraint:
    return Constraint(name="public.t.c", table="public.t", form="check", definition=f"CHECK ({expression})")


def only(spelling: ServerSpelling, kind: str, field: str) -> Any:
    """The field of the one part of its kind, where the server took everything."""
    assert spelling.refused_declarations == ()
    [part] = getattr(spelling.schema, kind)
    return getattr(part, field)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("varchar(20)", "character varying(20)"),
        ("decimal(6,2)", "numeric(6,2)"),
        ("int[]", "integer[]"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("float", "double precision"),
        ("public.people", "public.people"),
    ],
)
def test_a_type_gets_the_servers_name(connection: psycopg.Connection, written: str, spelled: str) -> None:
    assert spelled == only(read_server_spelling(connection, table(column("a", written))), "columns", "type")


@pytest.mark.parametrize(
    ("type_", "written", "spelled"),
    [
        ("varchar(9)", "'new'", "'new'::character varying"),
        ("timestamptz", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
        ("jsonb", "'{\"a\":1}'", "'{\"a\": 1}'::jsonb"),
        ("integer", "1+1", "(1 + 1)"),
    ],
)
def test_a_default_gets_its_cast(connection: psycopg.Connection, type_: str, written: str, spelled: str) -> None:
    assert spelled == only(
        read_server_spelling(connection, table(column("a", type_, default=written))), "columns", "default"
    )


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("a IN ('x','y')", "CHECK ((a = ANY (ARRAY['x'::text, 'y'::text])))"),
        ("b between 1 and 9", "CHECK (((b >= 1) AND (b <= 9)))"),
        ("a ~ '100%'", "CHECK ((a ~ '100%'::text))"),
        ("length(trim(a))>0", "CHECK ((length(TRIM(BOTH FROM a)) > 0))"),
    ],
)
def test_a_check_is_spelled_as_pg_get_constraintdef_does(
    connection: psycopg.Connection, written: str, spelled: str
) -> None:
    assert spelled == only(
        read_server_spelling(connection, of_table(constraints=(check(written),))), "constraints", "definition"
    )


def test_a_list_in_a_check_of_a_varchar_gets_the_casts_of_the_server(connection: psycopg.Connection) -> None:
    declared = replace(table(column("a", "varchar(9)")), constraints=(check("a IN ('x', 'y')"),))
    expected = "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))"

    assert expected == only(read_server_spelling(connection, declared), "constraints", "definition")


def test_a_foreign_key_gets_the_columns_it_refers_to(connection: psycopg.Connection) -> None:
    definition = "FOREIGN KEY (b) REFERENCES public.people ON DELETE CASCADE"
    key = Constraint(name="public.t.k", table="public.t", form="foreign key", definition=definition)
    expected = "FOREIGN KEY (b) REFERENCES public.people(id) ON DELETE CASCADE"

    assert expected == only(read_server_spelling(connection, of_table(constraints=(key,))), "constraints", "definition")


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        (("A", "b DESC"), ("a", "b DESC")),
        (("a asc nulls last", "b desc nulls first"), ("a", "b DESC")),
        (("LOWER( a ) text_pattern_ops",), ("lower(a) text_pattern_ops",)),
        (("(b+1)",), ("((b + 1))",)),
        (('a COLLATE "C"',), ('a COLLATE "C"',)),
    ],
)
def test_the_keys_of_an_index_say_what_is_not_the_default(
    connection: psycopg.Connection, written: tuple[str, ...], spelled: tuple[str, ...]
) -> None:
    index = Index(name="public.i", table="public.t", keys=written)

    assert spelled == only(read_server_spelling(connection, of_table(indexes=(index,))), "indexes", "keys")


def test_the_predicate_of_an_index_is_spelled(connection: psycopg.Connection) -> None:
    index = Index(name="public.i", table="public.t", keys=("a",), predicate="a is not null and b<>3")

    assert "((a IS NOT NULL) AND (b <> 3))" == only(
        read_server_spelling(connection, of_table(indexes=(index,))), "indexes", "predicate"
    )


def test_what_is_left_out_stays_left_out(connection: psycopg.Connection) -> None:
    index = Index(name="public.i", table="public.t", keys=("a",))

    assert only(read_server_spelling(connection, of_table(indexes=(index,))), "indexes", "predicate") is None


def test_a_policy_is_spelled(connection: psycopg.Connection) -> None:
    policy = Policy(name="public.t.p", table="public.t", using="a=current_user", check="a IN ('x')")
    spelling = read_server_spelling(connection, of_table(policies=(policy,)))

    assert ("(a = CURRENT_USER)", "(a = 'x'::text)") == (
        only(spelling, "policies", "using"),
        only(spelling, "policies", "check"),
    )


def test_the_condition_of_a_trigger_is_spelled(connection: psycopg.Connection) -> None:
    trigger = Trigger(
        name="public.t.g",
        table="public.t",
        timing="before",
        events=("update",),
        level="row",
        when="old.a is distinct from new.a",
        function="public.stamp()",
    )

    assert "(old.a IS DISTINCT FROM new.a)" == only(
        read_server_spelling(connection, of_table(triggers=(trigger,))), "triggers", "when"
    )


def test_a_view_is_spelled_and_names_what_it_reads(connection: psycopg.Connection) -> None:
    view = View(name="public.v", definition="select p.name from public.people as p where p.id>3;")

    assert " SELECT name\n   FROM public.people p\n  WHERE (id > 3);" == only(
        read_server_spelling(connection, Schema(views=(view,))), "views", "definition"
    )


def function(name: str, **said: Any) -> Function:
    return Function(name=name, language="sql", **{"returns": "integer", "body": "SELECT 1", **said})


def test_a_function_gets_the_servers_names_of_its_types(connection: psycopg.Connection) -> None:
    declared = function("public.f(int, varchar)", arguments="n int, w varchar = 'a'", returns="decimal")
    spelling = read_server_spelling(connection, Schema(functions=(declared,)))
    expected = (
        "public.f(integer,character varying)",
        "n integer, w character varying DEFAULT 'a'::character varying",
        "numeric",
    )

    assert expected == tuple(only(spelling, "functions", field) for field in ("name", "arguments", "returns"))


def test_overloaded_functions_are_told_apart(connection: psycopg.Connection) -> None:
    declared = (function("public.f(int)", arguments="int"), function("public.f(varchar)", arguments="varchar"))
    spelling = read_server_spelling(connection, Schema(functions=declared))

    assert ["public.f(integer)", "public.f(character varying)"] == [
        overload.name for overload in spelling.schema.functions
    ]


def test_a_body_between_quotes_stays_as_it_is(connection: psycopg.Connection) -> None:
    body = "\n  SELECT  1 -- $pgcontract$\n"

    assert body == only(
        read_server_spelling(connection, Schema(functions=(function("public.f()", body=body),))), "functions", "body"
    )


def test_a_body_that_the_server_parses_is_spelled(connection: psycopg.Connection) -> None:
    declared = function("public.f(integer)", arguments="n integer", body="RETURN n*2")

    assert "RETURN (n * 2)" == only(read_server_spelling(connection, Schema(functions=(declared,))), "functions", "body")


def test_a_domain_and_its_check_are_spelled(connection: psycopg.Connection) -> None:
    domain = Type(name="public.d", form="domain", attributes=("varchar(5)",), default="'x'")
    rule = Constraint(name="public.d.c", table="public.d", form="check", definition="CHECK (VALUE<>'')")
    spelling = read_server_spelling(connection, Schema(types=(domain,), constraints=(rule,)))
    expected = (("character varying(5)",), "'x'::character varying", "CHECK (((VALUE)::text <> ''::text))")

    assert expected == (
        only(spelling, "types", "attributes"),
        only(spelling, "types", "default"),
        only(spelling, "constraints", "definition"),
    )


def test_a_domain_keeps_its_collation(connection: psycopg.Connection) -> None:
    domain = Type(name="public.d", form="domain", attributes=("text", '"C"'))

    assert ("text", '"C"') == only(read_server_spelling(connection, Schema(types=(domain,))), "types", "attributes")


def test_a_composite_type_is_spelled(connection: psycopg.Connection) -> None:
    point = Type(name="public.p", form="composite", attributes=("x int", '"Y" varchar(3)'))

    expected = ("x integer", '"Y" character varying(3)')

    assert expected == only(read_server_spelling(connection, Schema(types=(point,))), "types", "attributes")


def test_a_column_of_a_type_in_the_database_names_it_with_its_schema(connection: psycopg.Connection) -> None:
    assert "public.mood[]" == only(
        read_server_spelling(connection, table(column("a", "public.mood []"))), "columns", "type"
    )


def test_an_enum_may_hold_a_quote(connection: psycopg.Connection) -> None:
    mood = Type(name="public.fine", form="enum", labels=("it's fine",))

    assert ("it's fine",) == only(read_server_spelling(connection, Schema(types=(mood,))), "types", "labels")


def test_partitions_are_spelled(connection: psycopg.Connection) -> None:
    parent = Table(name="public.t", form="partitioned table", partition_key="range (lower(a), b)")
    bound = "for values from ('a', minvalue) to ('n', 5)"
    part = Table(name="public.t_a", partition_of="public.t", partition_bound=bound)
    spelling = read_server_spelling(connection, Schema(tables=(parent, part), columns=(A, B)))
    actual = [(spelled_table.partition_key, spelled_table.partition_bound) for spelled_table in spelling.schema.tables]

    assert [
        ("RANGE (lower(a), b)", None),
        (None, "FOR VALUES FROM ('a', MINVALUE) TO ('n', 5)"),
    ] == actual


def test_names_in_quotes_keep_their_quotes(connection: psycopg.Connection) -> None:
    declared = Schema(
        tables=(Table(name='public."My T"'),),
        columns=(Column(name='public."My T"."Ä b"', table='public."My T"', position=1, type="int"),),
        indexes=(Index(name='public."I"', table='public."My T"', keys=('"Ä b" desc',)),),
    )

    assert ('"Ä b" DESC',) == only(read_server_spelling(connection, declared), "indexes", "keys")


def test_what_the_server_will_not_spell_stays_and_is_told(connection: psycopg.Connection) -> None:
    spelling = read_server_spelling(connection, of_table(constraints=(check("c > 3"),)))
    expected = (
        "CHECK (c > 3)",
        (RefusedDeclaration(kind="constraint", name="public.t.c", message='column "c" does not exist'),),
    )

    assert expected == (spelling.schema.constraints[0].definition, spelling.refused_declarations)


def test_one_column_that_the_server_refuses_keeps_no_other_from_its_spelling(connection: psycopg.Connection) -> None:
    spelling = read_server_spelling(connection, table(column("a", "varchar(3)"), column("b", "millimetre", 2)))
    expected = (
        ["character varying(3)", "millimetre"],
        (RefusedDeclaration(kind="column", name="public.t.b", message='type "millimetre" does not exist'),),
    )

    assert expected == (
        [spelled_column.type for spelled_column in spelling.schema.columns],
        spelling.refused_declarations,
    )


def test_spelling_leaves_the_schemas_of_the_database_alone(connection: psycopg.Connection) -> None:
    read_server_spelling(connection, of_table(constraints=(check("b > 3"),)))
    row = connection.execute("select to_regclass('public.t')").fetchone()

    assert (None,) == row
