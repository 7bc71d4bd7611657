"""Every kind of object in a live catalog comes out as the value that it is, on each major that is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from pgcontract.catalog import read_catalog
from pgcontract.model.schema import (
    Column,
    Constraint,
    DefaultGrant,
    EventTrigger,
    Extension,
    Function,
    Grant,
    Index,
    Namespace,
    Other,
    Policy,
    Publication,
    Role,
    Rows,
    Rule,
    Schema,
    Sequence,
    Setting,
    Statistics,
    Table,
    Trigger,
    Type,
    View,
)
from pgcontract.postgres.providers import Server

# What rich_catalog.sql makes; grants are told apart below.
EXPECTED: dict[str, tuple[Any, ...]] = {
    "schemas": (
        Namespace(name='"Odd"', comment="A schema", owner="rich_owner"),
        Namespace(name="public", comment="standard public schema", owner="pg_database_owner"),
    ),
    "extensions": (
        Extension(name="hstore", comment="data type for storing sets of (key, value) pairs", schema="public"),
        Extension(
            name="pg_trgm",
            comment="text similarity measurement and index searching based on trigrams",
            schema="public",
        ),
        Extension(name="plpgsql", comment="PL/pgSQL procedural language", schema="pg_catalog"),
    ),
    "tables": (
        Table(name='"Odd"."T"', persistence="unlogged", owner="rich_owner"),
        Table(name="public.child", inherits=("public.plain",), owner="rich_owner"),
        Table(
            name="public.far",
            form="foreign table",
            options=("a=b",),
            replica_identity="nothing",
            owner="rich_owner",
            server="elsewhere",
        ),
        Table(name="public.parted", form="partitioned table", partition_key="RANGE (day)", owner="rich_owner"),
        Table(
            name="public.parted_2020",
            partition_of="public.parted",
            partition_bound="FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
            owner="rich_owner",
        ),
        Table(
            name="public.plain",
            comment="A table",
            options=("fillfactor=70", "toast.autovacuum_enabled=off"),
            replica_identity="full",
            row_security=True,
            force_row_security=True,
            owner="rich_owner",
        ),
        Table(name="public.points", owner="rich_owner"),
    ),
    "columns": (
        Column(name='"Odd"."T".a', table='"Odd"."T"', position=1, type="integer"),
        Column(name='"Odd"."T".during', table='"Odd"."T"', position=3, type="int4range"),
        Column(name='"Odd"."T".t', table='"Odd"."T"', position=2, type="text"),
        Column(name='public.child."Odd Col"', table="public.child", position=5, type="numeric(10,2)"),
        Column(name="public.child.code", table="public.child", position=3, type="character varying(10)"),
        Column(name="public.child.extra", table="public.child", position=7, type="integer"),
        Column(name="public.child.id", table="public.child", position=1, type="integer", null=False),
        Column(
            name="public.child.name",
            table="public.child",
            position=2,
            type="text",
            null=False,
            default="'x'::text",
            collation='"C"',
        ),
        Column(name="public.child.tags", table="public.child", position=6, type="text[]", storage="external"),
        Column(
            name="public.child.total",
            table="public.child",
            position=4,
            type="integer",
            default="(1 + 2)",
            generated="stored",
        ),
        Column(name="public.far.id", table="public.far", position=1, type="integer", options=("key=true",)),
        Column(name="public.kept.two", table="public.kept", position=1, type="integer"),
        Column(name="public.parted.day", table="public.parted", position=2, type="date", null=False),
        Column(name="public.parted.id", table="public.parted", position=1, type="integer", null=False),
        Column(name="public.parted_2020.day", table="public.parted_2020", position=2, type="date", null=False),
        Column(name="public.parted_2020.id", table="public.parted_2020", position=1, type="integer", null=False),
        Column(name='public.plain."Odd Col"', table="public.plain", position=5, type="numeric(10,2)"),
        Column(
            name="public.plain.code",
            table="public.plain",
            position=3,
            type="character varying(10)",
            statistics=50,
            options=("n_distinct=5",),
        ),
        Column(name="public.plain.id", table="public.plain", position=1, type="integer", null=False, identity="always"),
        Column(
            name="public.plain.name",
            comment="A column",
            table="public.plain",
            position=2,
            type="text",
            null=False,
            default="'x'::text",
            collation='"C"',
        ),
        Column(name="public.plain.tags", table="public.plain", position=6, type="text[]", storage="external"),
        Column(
            name="public.plain.total",
            table="public.plain",
            position=4,
            type="integer",
            default="(1 + 2)",
            generated="stored",
        ),
        Column(name="public.points.day", table="public.points", position=2, type="date"),
        Column(name="public.points.id", table="public.points", position=1, type="integer"),
        Column(name="public.seen.one", comment="A view's column", table="public.seen", position=1, type="integer"),
    ),
    "constraints": (
        Constraint(
            name='"Odd"."T".apart', table='"Odd"."T"', form="exclude", definition="EXCLUDE USING gist (during WITH &&)"
        ),
        Constraint(
            name='"Odd"."T".points',
            table='"Odd"."T"',
            form="foreign key",
            definition="FOREIGN KEY (a) REFERENCES public.plain(id) ON DELETE CASCADE",
            deferrable=True,
            initially_deferred=True,
        ),
        Constraint(
            name='"Odd"."T".positive',
            table='"Odd"."T"',
            form="check",
            definition="CHECK ((a > 0))",
            validated=False,
            no_inherit=True,
        ),
        Constraint(
            name="public.child.tricky",
            table="public.child",
            form="check",
            definition="CHECK ((name <> ' NOT VALID'::text))",
            inherited=True,
        ),
        Constraint(
            name="public.parted.parted_pkey",
            table="public.parted",
            form="primary key",
            definition="PRIMARY KEY (id, day)",
        ),
        Constraint(
            name="public.parted_2020.parted_2020_pkey",
            table="public.parted_2020",
            form="primary key",
            definition="PRIMARY KEY (id, day)",
            inherited=True,
        ),
        Constraint(
            name="public.plain.plain_pkey", table="public.plain", form="primary key", definition="PRIMARY KEY (id)"
        ),
        Constraint(
            name="public.plain.tricky",
            comment="A constraint",
            table="public.plain",
            form="check",
            definition="CHECK ((name <> ' NOT VALID'::text))",
        ),
        Constraint(
            name="public.points.points_id_day_fkey",
            table="public.points",
            form="foreign key",
            definition="FOREIGN KEY (id, day) REFERENCES public.parted(id, day)",
        ),
        Constraint(
            name="public.short.filled",
            comment="A domain's constraint",
            table="public.short",
            form="check",
            definition="CHECK (((VALUE)::text <> ''::text))",
        ),
    ),
    "indexes": (
        Index(
            name='"Odd".apart', table='"Odd"."T"', method="gist", keys=("during",), constraint='exclude "Odd"."T".apart'
        ),
        Index(
            name='"Odd".every',
            table='"Odd"."T"',
            keys=('lower(t) COLLATE "POSIX" text_pattern_ops DESC NULLS LAST', "a NULLS FIRST"),
            include=("during",),
            predicate="(a > 1)",
            unique=True,
            nulls_not_distinct=True,
            options=("fillfactor=60",),
        ),
        Index(name="public.by_day", table="public.parted", keys=("day",)),
        Index(name="public.hashed", comment="An index", table="public.plain", method="hash", keys=("code",)),
        Index(name="public.padded", table="public.plain", keys=("code bpchar_ops",)),
        Index(name="public.parted_2020_day_idx", table="public.parted_2020", keys=("day",), partition_of="public.by_day"),
        Index(
            name="public.parted_2020_pkey",
            table="public.parted_2020",
            keys=("id", "day"),
            unique=True,
            constraint="primary key public.parted_2020.parted_2020_pkey",
            partition_of="public.parted_pkey",
        ),
        Index(
            name="public.parted_pkey",
            table="public.parted",
            keys=("id", "day"),
            unique=True,
            constraint="primary key public.parted.parted_pkey",
        ),
        Index(
            name="public.plain_pkey",
            table="public.plain",
            keys=("id",),
            unique=True,
            constraint="primary key public.plain.plain_pkey",
        ),
    ),
    "triggers": (
        Trigger(
            name="public.parted.each_part",
            table="public.parted",
            timing="after",
            events=("insert",),
            level="row",
            function="public.stamp()",
        ),
        Trigger(
            name="public.plain.emptied",
            table="public.plain",
            timing="before",
            events=("truncate",),
            function="public.stamp()",
        ),
        Trigger(
            name="public.plain.late",
            table="public.plain",
            timing="after",
            events=("delete",),
            level="row",
            function="public.stamp()",
            constraint=True,
            deferrable=True,
            initially_deferred=True,
        ),
        Trigger(
            name="public.plain.renamed",
            comment="A trigger",
            table="public.plain",
            timing="before",
            events=("insert", "update"),
            level="row",
            columns=("name", "code"),
            when="(new.name IS DISTINCT FROM 'WHEN (a) EXECUTE FUNCTION'::text)",
            function="public.stamp()",
            arguments=("a", "ü b", ""),
            enabled="always",
        ),
        Trigger(
            name="public.plain.told",
            table="public.plain",
            timing="after",
            events=("update",),
            function="public.stamp()",
            old_table="before",
            new_table="after",
        ),
    ),
    "functions": (
        Function(
            name="public.added(integer)",
            form="aggregate",
            arguments="integer",
            returns="integer",
            language="internal",
            body="SFUNC = int4pl, STYPE = integer, INITCOND = '0', FINALFUNC_MODIFY = r",
            volatility="immutable",
            owner="rich_owner",
        ),
        Function(
            name="public.answer(integer)",
            arguments="a integer DEFAULT 3",
            returns="integer",
            language="sql",
            body="BEGIN ATOMIC\n SELECT a AS a;\nEND",
            security="definer",
            volatility="stable",
            strict=True,
            parallel="safe",
            cost=7.0,
            settings=("search_path=pg_catalog", "work_mem=1MB"),
            owner="rich_owner",
        ),
        Function(
            name="public.does(integer,integer)",
            form="procedure",
            arguments="IN a integer, INOUT b integer",
            language="sql",
            body="select 1",
            owner="rich_owner",
        ),
        Function(
            name="public.many(text[])",
            arguments="VARIADIC v text[]",
            returns="SETOF text",
            language="sql",
            body="select 1",
            rows=5.0,
            owner="rich_owner",
        ),
        Function(
            name="public.stamp()",
            comment="A function",
            returns="trigger",
            language="plpgsql",
            body="begin return new; end",
            owner="rich_owner",
        ),
        Function(
            name="public.watched()", returns="event_trigger", language="plpgsql", body="begin end", owner="rich_owner"
        ),
    ),
    "views": (
        View(name="public.kept", definition=" SELECT 2 AS two;", materialized=True, populated=False, owner="rich_owner"),
        View(
            name="public.seen",
            comment="A view",
            definition=" SELECT 1 AS one;",
            options=("security_barrier=true",),
            owner="rich_owner",
        ),
    ),
    "rules": (
        Rule(
            name="public.seen.quiet",
            comment="A rule",
            table="public.seen",
            definition="CREATE RULE quiet AS\n    ON INSERT TO public.seen DO INSTEAD NOTHING;",
        ),
    ),
    "types": (
        Type(
            name="public.floats",
            form="range",
            attributes=("subtype = double precision", "multirange = public.floats_multirange", "subtype_diff = float8mi"),
            owner="rich_owner",
        ),
        Type(name="public.mood", comment="A type", form="enum", labels=("sad", "ok", "happy"), owner="rich_owner"),
        Type(
            name="public.pair",
            comment="A composite",
            form="composite",
            attributes=("a integer", 'b text COLLATE "C"'),
            owner="rich_owner",
        ),
        Type(
            name="public.short",
            comment="A domain",
            form="domain",
            attributes=("character varying(5)",),
            null=False,
            default="'a'::character varying",
            owner="rich_owner",
        ),
    ),
    "sequences": (
        Sequence(
            name="public.numbers",
            comment="A sequence",
            type="smallint",
            start=5,
            increment=-2,
            minimum=-10,
            maximum=5,
            cache=3,
            cycle=True,
            owned_by="public.plain.code",
            owner="rich_owner",
        ),
        Sequence(
            name="public.plain_id_seq",
            type="integer",
            maximum=2147483647,
            owned_by="public.plain.id",
            identity=True,
            owner="rich_owner",
        ),
    ),
    "policies": (
        Policy(
            name="public.plain.mine",
            comment="A policy",
            table="public.plain",
            command="update",
            permissive=False,
            roles=("rich_reader",),
            using="(id > 0)",
            check="(id > 1)",
        ),
    ),
    "event_triggers": (
        EventTrigger(
            name="watch",
            comment="An event trigger",
            event="ddl_command_end",
            tags=("CREATE TABLE",),
            function="public.watched()",
            enabled="disabled",
            owner="rich_owner",
        ),
    ),
    "publications": (
        Publication(name="narrow", tables=("public.parted_2020 (id, day)",), owner="rich_owner"),
        Publication(
            name="told",
            comment="A publication",
            tables=("public.child WHERE (id > 1)", "public.plain WHERE (id > 1)"),
            schemas=('"Odd"',),
            operations=("insert", "delete"),
            via_root=True,
            owner="rich_owner",
        ),
    ),
    "statistics": (
        Statistics(
            name="public.together",
            comment="Statistics",
            table="public.plain",
            kinds=("mcv", "ndistinct"),
            definition="CREATE STATISTICS public.together (ndistinct, mcv) ON name, code FROM public.plain",
            target=7,
            owner="rich_owner",
        ),
    ),
    "grants": (
        Grant(
            name="column public.plain.name to rich_reader",
            on="column public.plain.name",
            grantee="rich_reader",
            privileges=("update",),
        ),
        Grant(
            name="database to public",
            on="database",
            grantee="public",
            privileges=("connect", "temporary"),
            implied=("connect", "temporary"),
        ),
        Grant(
            name="function public.does(integer,integer) to public",
            on="function public.does(integer,integer)",
            grantee="public",
            privileges=("execute",),
        ),
        Grant(
            name="function public.stamp() to public",
            on="function public.stamp()",
            grantee="public",
            privileges=("execute",),
        ),
        Grant(
            name="function public.watched() to public",
            on="function public.watched()",
            grantee="public",
            privileges=("execute",),
        ),
        Grant(name="schema public to public", on="schema public", grantee="public", privileges=("usage",)),
        Grant(name='table "Odd"."T" to rich_reader', on='table "Odd"."T"', grantee="rich_reader", implied=("select",)),
        Grant(
            name="table public.child to rich_reader", on="table public.child", grantee="rich_reader", implied=("select",)
        ),
        Grant(name="table public.far to rich_reader", on="table public.far", grantee="rich_reader", implied=("select",)),
        Grant(
            name="table public.plain to rich_reader",
            on="table public.plain",
            grantee="rich_reader",
            privileges=("insert with grant option", "select with grant option"),
            implied=("select",),
        ),
        Grant(
            name="table public.points to rich_reader",
            on="table public.points",
            grantee="rich_reader",
            implied=("select",),
        ),
        Grant(name="view public.kept to rich_reader", on="view public.kept", grantee="rich_reader", implied=("select",)),
        Grant(name="view public.seen to rich_reader", on="view public.seen", grantee="rich_reader", implied=("select",)),
    ),
    "default_grants": (
        DefaultGrant(name='rich_owner in "Odd" on sequences to public', privileges=("usage",)),
        DefaultGrant(name="rich_owner on functions to public"),
        DefaultGrant(name="rich_owner on tables to rich_reader", privileges=("select",)),
    ),
    "roles": (
        Role(name="rich_owner", attributes=("superuser",)),
        Role(name="rich_reader", comment="A role"),
    ),
    "settings": (Setting(name="search_path of rich_reader", value='"Odd"'),),
    "rows": (Rows(name="public.plain", rows=2),),
    "others": (
        Other(name="collation public.plainly", form="collation", owner="rich_owner"),
        Other(name="foreign-data wrapper wrapper", form="foreign-data wrapper", owner="rich_owner"),
        Other(name="operator public.===(integer,integer)", comment="An operator", form="operator", owner="rich_owner"),
        Other(name="server elsewhere", form="server", owner="rich_owner"),
    ),
}


@pytest.fixture
def found(rich: psycopg.Connection) -> Schema:
    return read_catalog(rich)


@pytest.mark.parametrize("kind", [kind for kind in EXPECTED if kind != "grants"])
def test_each_kind_of_object_is_read_whole(kind: str, found: Schema, catalog_server: Server) -> None:
    superuser = catalog_server.superuser

    assert EXPECTED[kind] == tuple(part for part in getattr(found, kind) if part.name != superuser)


def test_grants_stand_beside_what_default_privileges_give(found: Schema) -> None:
    names = {grant.name for grant in EXPECTED["grants"]}

    assert EXPECTED["grants"] == tuple(grant for grant in found.grants if grant.name in names)


def test_an_owner_without_all_of_its_privileges_has_a_grant(found: Schema) -> None:
    [grant] = [grant for grant in found.grants if grant.name == "table public.points to rich_owner"]

    assert {"delete"} == set(grant.implied) - set(grant.privileges)


def test_parts_are_sorted_by_name(found: Schema) -> None:
    kinds = {kind: [part.name for part in getattr(found, kind)] for kind in EXPECTED}

    assert {kind: sorted(names) for kind, names in kinds.items()} == kinds


def test_what_is_read_is_as_good_as_what_is_made_by_hand(found: Schema) -> None:
    columns = tuple(replace(column) for column in found.columns)

    assert (columns, list(map(hash, columns)), repr(columns)) == (
        found.columns,
        list(map(hash, found.columns)),
        repr(found.columns),
    )


def test_an_ordinary_role_reads_the_same_catalog(catalog_server: Server, rich: psycopg.Connection) -> None:
    expected = read_catalog(rich, rows=False)
    rich.execute("set session authorization rich_reader")

    assert expected == read_catalog(rich, rows=False)


def test_reading_in_a_transaction_sees_its_changes_and_puts_its_settings_back(rich: psycopg.Connection) -> None:
    rich.execute("begin")
    rich.execute('set local search_path = "Odd", public')
    rich.execute("create table only_here ()")
    tables = [table.name for table in read_catalog(rich).tables]
    path = rich.execute("show search_path").fetchall()
    rich.execute("rollback")

    expected = (True, [('"Odd", public',)])

    assert expected == ('"Odd".only_here' in tables, path)


def test_reading_again_after_a_rollback_uses_the_plans_that_are_there(rich: psycopg.Connection) -> None:
    twice = "select name from pg_prepared_statements where generic_plans + custom_plans = 2"
    for _ in range(2):
        rich.execute("begin")
        read_catalog(rich)
        rich.execute("rollback")

    expected = {f"pgcontract.{question}" for question in (*EXPECTED, "inventory")}

    assert expected == {name for (name,) in rich.execute(twice)}


def test_rows_are_digested_whatever_their_order(rich: psycopg.Connection) -> None:
    rich.execute("begin")
    before = read_catalog(rich).rows[0].digest
    rich.execute("update public.plain set code = code where id = 1")
    moved = read_catalog(rich).rows[0].digest
    rich.execute("update public.plain set code = 'other' where id = 1")
    changed = read_catalog(rich).rows[0].digest
    rich.execute("rollback")

    expected = [before, "another"]

    assert expected == [moved, "another" if changed != before else before]
