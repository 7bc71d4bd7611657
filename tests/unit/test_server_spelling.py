"""A contract in the server's own spelling, or what the server would not spell, in its words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from pgcontract.catalog.server_spelling import RefusedDeclaration, read_server_spelling
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


def checked(expression: str, type_: str = "text") -> Schema:
    columns = (column("a", type_), B)
    return Schema(tables=(Table(name="public.t"),), columns=columns, constraints=(check(expression),))


def index(*keys: str, **said: Any) -> Schema:
    return of_table(indexes=(Index(name="public.i", table="public.t", keys=keys, **said),))


def function(name: str, **said: Any) -> Function:
    return Function(name=name, language="sql", **{"returns": "integer", "body": "SELECT 1", **said})


def functions(name: str, **said: Any) -> Schema:
    return Schema(functions=(function(name, **said),))


def type_(form: str, **said: Any) -> Type:
    return Type(name="public.d", form=form, **said)  # type: ignore[arg-type]


FOREIGN_KEY = Constraint(
    name="public.t.k", table="public.t", form="foreign key",
    definition="FOREIGN KEY (b) REFERENCES public.people ON DELETE CASCADE",
)  # fmt: skip
TRIGGER = Trigger(
    name="public.t.g", table="public.t", timing="before", events=("update",), level="row",
    when="old.a is distinct from new.a", function="public.stamp()",
)  # fmt: skip
VIEW = View(name="public.v", definition="select p.name from public.people as p where p.id>3;")
DOMAIN = Schema(
    types=(type_("domain", attributes=("varchar(5)",), default="'x'"),),
    constraints=(Constraint(name="public.d.c", table="public.d", form="check", definition="CHECK (VALUE<>'')"),),
)
QUOTED = Schema(
    tables=(Table(name='public."My T"'),),
    columns=(Column(name='public."My T"."Ä b"', table='public."My T"', position=1, type="int"),),
    indexes=(Index(name='public."I"', table='public."My T"', keys=('"Ä b" desc',)),),
)
BODY = "\n  SELECT  1 -- $pgcontract$\n"
# What is declared, and how the server spells the fields of the one part of a kind in it.
SPELLED: dict[str, tuple[Schema, str, dict[str, Any]]] = {
    **{
        f"the type {written}": (table(column("a", written)), "columns", {"type": spelled})
        for written, spelled in {
            "varchar(20)": "character varying(20)",
            "decimal(6,2)": "numeric(6,2)",
            "int[]": "integer[]",
            "timestamptz(3)": "timestamp(3) with time zone",
            "float": "double precision",
            "public.people": "public.people",
            "public.mood []": "public.mood[]",
        }.items()
    },
    **{
        f"the default {written} of {kind}": (table(column("a", kind, default=written)), "columns", {"default": spelled})
        for kind, written, spelled in (
            ("varchar(9)", "'new'", "'new'::character varying"),
            ("timestamptz", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
            ("jsonb", "'{\"a\":1}'", "'{\"a\": 1}'::jsonb"),
            ("integer", "1+1", "(1 + 1)"),
        )
    },
    **{
        f"the check {written} of {kind}": (checked(written, kind), "constraints", {"definition": f"CHECK ({spelled})"})
        for kind, written, spelled in (
            ("text", "a IN ('x','y')", "(a = ANY (ARRAY['x'::text, 'y'::text]))"),
            ("text", "b between 1 and 9", "((b >= 1) AND (b <= 9))"),
            ("text", "a ~ '100%'", "(a ~ '100%'::text)"),
            ("text", "length(trim(a))>0", "(length(TRIM(BOTH FROM a)) > 0)"),
            ("varchar(9)", "a IN ('x', 'y')",
             "((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))"),
        )
    },
    "the columns that a key refers to": (of_table(constraints=(FOREIGN_KEY,)), "constraints",
        {"definition": "FOREIGN KEY (b) REFERENCES public.people(id) ON DELETE CASCADE"}),
    **{
        f"the keys {written}": (index(*written), "indexes", {"keys": spelled})
        for written, spelled in {
            ("A", "b DESC"): ("a", "b DESC"),
            ("a asc nulls last", "b desc nulls first"): ("a", "b DESC"),
            ("LOWER( a ) text_pattern_ops",): ("lower(a) text_pattern_ops",),
            ("(b+1)",): ("((b + 1))",),
            ('a COLLATE "C"',): ('a COLLATE "C"',),
        }.items()
    },
    "a predicate": (index("a", predicate="a is not null and b<>3"), "indexes",
                    {"predicate": "((a IS NOT NULL) AND (b <> 3))"}),
    "what is left out": (index("a"), "indexes", {"predicate": None}),
    "a policy": (
        of_table(policies=(Policy(name="public.t.p", table="public.t", using="a=current_user", check="a IN ('x')"),)),
        "policies", {"using": "(a = CURRENT_USER)", "check": "(a = 'x'::text)"}),
    "a trigger's condition": (of_table(triggers=(TRIGGER,)), "triggers", {"when": "(old.a IS DISTINCT FROM new.a)"}),
    "a view": (Schema(views=(VIEW,)), "views",
               {"definition": " SELECT name\n   FROM public.people p\n  WHERE (id > 3);"}),
    "a function's types": (
        functions("public.f(int, varchar)", arguments="n int, w varchar = 'a'", returns="decimal"), "functions",
        {"name": "public.f(integer,character varying)",
         "arguments": "n integer, w character varying DEFAULT 'a'::character varying", "returns": "numeric"},
    ),
    "a body between quotes": (functions("public.f()", body=BODY), "functions", {"body": BODY}),
    "a body that is parsed": (functions("public.f(integer)", arguments="n integer", body="RETURN n*2"), "functions",
                              {"body": "RETURN (n * 2)"}),
    "a domain": (DOMAIN, "types", {"attributes": ("character varying(5)",), "default": "'x'::character varying"}),
    "a domain's check": (DOMAIN, "constraints", {"definition": "CHECK (((VALUE)::text <> ''::text))"}),
    "a domain's collation": (Schema(types=(type_("domain", attributes=("text", '"C"')),)), "types",
                             {"attributes": ("text", '"C"')}),
    "a composite type": (Schema(types=(type_("composite", attributes=("x int", '"Y" varchar(3)')),)), "types",
                         {"attributes": ("x integer", '"Y" character varying(3)')}),
    "a label with a quote": (Schema(types=(type_("enum", labels=("it's fine",)),)), "types", {"labels": ("it's fine",)}),
    "names in quotes": (QUOTED, "indexes", {"keys": ('"Ä b" DESC',)}),
}  # fmt: skip


@pytest.mark.parametrize(("declared", "kind", "fields"), SPELLED.values(), ids=SPELLED)
def test_server_spells(declared: Schema, kind: str, fields: dict[str, Any], connection: psycopg.Connection) -> None:
    spelling = read_server_spelling(connection, declared)
    [part] = getattr(spelling.schema, kind)

    assert (fields, ()) == ({name: getattr(part, name) for name in fields}, spelling.refused_declarations)


def test_overloaded_functions_are_told_apart(connection: psycopg.Connection) -> None:
    declared = (function("public.f(int)", arguments="int"), function("public.f(varchar)", arguments="varchar"))
    spelling = read_server_spelling(connection, Schema(functions=declared))

    assert ["public.f(integer)", "public.f(character varying)"] == [
        overload.name for overload in spelling.schema.functions
    ]


def test_partitions_are_spelled(connection: psycopg.Connection) -> None:
    parent = Table(name="public.t", form="partitioned table", partition_key="range (lower(a), b)")
    bound = "for values from ('a', minvalue) to ('n', 5)"
    part = Table(name="public.t_a", partition_of="public.t", partition_bound=bound)
    spelling = read_server_spelling(connection, Schema(tables=(parent, part), columns=(A, B)))
    actual = [(spelled_table.partition_key, spelled_table.partition_bound) for spelled_table in spelling.schema.tables]

    assert [("RANGE (lower(a), b)", None), (None, "FOR VALUES FROM ('a', MINVALUE) TO ('n', 5)")] == actual


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

    assert (None,) == connection.execute("select to_regclass('public.t')").fetchone()
