"""information_schema shows what the standard knows to the role that asks; what it hides is told."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pgcontract.catalog import (
    Gap,
    InformationSchema,
    InformationSchemaColumn,
    InformationSchemaConstraint,
    InformationSchemaPrivilege,
    InformationSchemaTable,
    InformationSchemaTrigger,
    find_information_schema_gaps,
    read_catalog,
    read_information_schema,
)
from pgcontract.postgres.providers import Server

SCRIPT = """
create type mood as enum ('ok');
create table seen (
    id int primary key,
    email varchar(255) not null default 'x',
    "Mood" mood,
    constraint email_format check (email <> ''),
    constraint apart exclude using btree (email with =)
);
create table plain (a int);
alter table seen add constraint later check (id > 0) not valid;
create index by_email on seen (lower(email)) where id > 1;
create function stamp() returns trigger language plpgsql as $$begin return new; end$$;
create trigger touched before insert or update on seen for each row execute function stamp();
create trigger asleep before delete on seen for each row execute function stamp();
alter table seen disable trigger asleep;
create trigger emptied before truncate on seen for each statement execute function stamp();
alter table seen enable row level security;
create policy own on seen for select using (id > 0);
create materialized view kept as select 1 as one;
grant select on seen to standard_reader;
grant select, insert on plain to standard_reader;
"""
OWNER_SEES = InformationSchema(
    schemas=("public",),
    tables=(
        InformationSchemaTable(name="public.plain", type="BASE TABLE"),
        InformationSchemaTable(name="public.seen", type="BASE TABLE"),
    ),
    columns=(
        InformationSchemaColumn(table="public.plain", name="a", ordinal_position=1, data_type="integer",
                                character_maximum_length=None, is_nullable="YES", column_default=None),
        InformationSchemaColumn(table="public.seen", name="id", ordinal_position=1, data_type="integer",
                                character_maximum_length=None, is_nullable="NO", column_default=None),
        InformationSchemaColumn(table="public.seen", name="email", ordinal_position=2, data_type="character varying",
                                character_maximum_length=255, is_nullable="NO", column_default="'x'::character varying"),
        InformationSchemaColumn(table="public.seen", name='"Mood"', ordinal_position=3, data_type="USER-DEFINED",
                                character_maximum_length=None, is_nullable="YES", column_default=None),
    ),
    constraints=(
        InformationSchemaConstraint(table="public.seen", name="seen_pkey", type="PRIMARY KEY", check_clause=None,
                                    columns=("id",), enforced="YES"),
    ),
    triggers=tuple(
        InformationSchemaTrigger(
            table="public.seen",
            name=name,
            event_manipulation=event,
            action_timing="BEFORE",
            action_orientation="ROW",
            action_condition=None,
            action_statement="EXECUTE FUNCTION public.stamp()",
        )
        for name, event in (("asleep", "DELETE"), ("touched", "INSERT"), ("touched", "UPDATE"))
    ),
)  # fmt: skip
HIDDEN = (
    Gap(kind="table", name="public.seen", catalog="table, row security enabled", information_schema="BASE TABLE"),
    Gap(kind="view", name="public.kept", catalog="materialized view", information_schema="nothing"),
    Gap(kind="column", name='public.seen."Mood"', catalog="public.mood", information_schema="USER-DEFINED"),
    Gap(kind="constraint", name="public.seen.apart", catalog="exclude", information_schema="nothing"),
    Gap(kind="constraint", name="public.seen.later", catalog="check, not validated", information_schema="CHECK"),
    Gap(kind="table", name="public.seen", catalog="2 CHECK", information_schema="4 CHECK, each NOT NULL counted as one"),
    Gap(kind="index", name="public.by_email", catalog="partial btree index on lower((email)::text)",
        information_schema="nothing"),
    Gap(kind="trigger", name="public.seen.asleep", catalog="before delete, enabled: disabled",
        information_schema="before delete"),
    Gap(kind="trigger", name="public.seen.emptied", catalog="before truncate", information_schema="nothing"),
    Gap(kind="policy", name="public.seen.own", catalog="permissive policy for select", information_schema="nothing"),
)  # fmt: skip


@pytest.fixture(scope="module")
def conninfo(catalog_server: Server) -> Iterator[str]:
    with psycopg.connect(catalog_server.conninfo(dbname="postgres"), autocommit=True) as connection:
        connection.execute("create role standard_owner login")
        connection.execute("create role standard_reader login")
        connection.execute("create database standard owner standard_owner")
        with psycopg.connect(catalog_server.conninfo(dbname="standard", user="standard_owner")) as inside:
            inside.execute(SCRIPT.encode())
        yield catalog_server.conninfo(dbname="standard", user="standard_owner")
        connection.execute("drop database standard")
        connection.execute("drop role standard_owner, standard_reader")


@pytest.fixture
def owner(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def reader(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, user="standard_reader", autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("view", ["tables", "columns", "triggers"])
def test_the_owner_is_shown_its_objects(view: str, owner: psycopg.Connection) -> None:
    views = read_information_schema(owner, ["public"])

    assert getattr(OWNER_SEES, view) == getattr(views, view)


def test_a_key_is_shown_with_its_columns(owner: psycopg.Connection) -> None:
    constraints = read_information_schema(owner, ["public"]).constraints

    assert OWNER_SEES.constraints == tuple(constraint for constraint in constraints if constraint.type != "CHECK")


def test_not_null_is_shown_as_a_check(owner: psycopg.Connection) -> None:
    constraints = read_information_schema(owner, ["public"]).constraints

    assert ["email IS NOT NULL", "id IS NOT NULL"] == sorted(
        constraint.check_clause or "" for constraint in constraints if constraint.name.strip('"').endswith("_not_null")
    )


def test_a_schema_that_was_not_asked_for_is_not_shown(owner: psycopg.Connection) -> None:
    assert InformationSchema(schemas=('"Odd"',)) == read_information_schema(owner, ['"Odd"'])


def test_another_role_is_shown_only_what_it_may_use(reader: psycopg.Connection) -> None:
    views = read_information_schema(reader, ["public"])

    assert (OWNER_SEES.tables, (), ()) == (views.tables, views.constraints, views.triggers)


def test_another_role_is_shown_only_its_own_privileges(reader: psycopg.Connection) -> None:
    privileges = read_information_schema(reader, ["public"]).privileges

    assert (
        tuple(
            InformationSchemaPrivilege(table=table, grantee="standard_reader", privilege=privilege, grantable=False)
            for table, privilege in (("public.plain", "insert"), ("public.plain", "select"), ("public.seen", "select"))
        )
        == privileges
    )


def test_what_the_views_hide_from_the_owner_is_told(owner: psycopg.Connection) -> None:
    hidden = find_information_schema_gaps(read_catalog(owner), read_information_schema(owner, ["public"]))

    assert HIDDEN == hidden


def test_checks_of_one_name_keep_their_own_rows(owner: psycopg.Connection) -> None:
    owner.execute("begin")
    owner.execute("alter table plain add constraint email_format check (a > 0)")
    constraints = read_information_schema(owner, ["public"]).constraints
    owner.execute("rollback")

    assert ["public.plain", "public.seen"] == [
        constraint.table for constraint in constraints if constraint.name == "email_format"
    ]


def test_privileges_of_others_are_told_as_hidden(owner: psycopg.Connection, reader: psycopg.Connection) -> None:
    owner.execute("grant select on plain to pg_monitor")
    hidden = find_information_schema_gaps(read_catalog(owner), read_information_schema(reader, ["public"]))
    owner.execute("revoke select on plain from pg_monitor")

    assert [
        Gap(kind="grant", name="table public.plain to pg_monitor", catalog="select", information_schema="nothing")
    ] == [view for view in hidden if view.kind == "grant"]
