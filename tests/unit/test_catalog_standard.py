"""information_schema shows what the standard knows to the role that asks; what it hides is told."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pgcontract.catalog import (
    Hidden,
    StandardColumn,
    StandardConstraint,
    StandardPrivilege,
    StandardTable,
    StandardTrigger,
    StandardViews,
    hidden_by_standard_views,
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
OWNER_SEES = StandardViews(
    schemas=("public",),
    tables=(
        StandardTable(name="public.plain", type="BASE TABLE"),
        StandardTable(name="public.seen", type="BASE TABLE"),
    ),
    columns=(
        StandardColumn(
            table="public.plain",
            name="a",
            ordinal_position=1,
            data_type="integer",
            character_maximum_length=None,
            is_nullable="YES",
            column_default=None,
        ),
        StandardColumn(
            table="public.seen",
            name="id",
            ordinal_position=1,
            data_type="integer",
            character_maximum_length=None,
            is_nullable="NO",
            column_default=None,
        ),
        StandardColumn(
            table="public.seen",
            name="email",
            ordinal_position=2,
            data_type="character varying",
            character_maximum_length=255,
            is_nullable="NO",
            column_default="'x'::character varying",
        ),
        StandardColumn(
            table="public.seen",
            name='"Mood"',
            ordinal_position=3,
            data_type="USER-DEFINED",
            character_maximum_length=None,
            is_nullable="YES",
            column_default=None,
        ),
    ),
    constraints=(
        StandardConstraint(
            table="public.seen",
            name="seen_pkey",
            type="PRIMARY KEY",
            check_clause=None,
            columns=("id",),
            enforced="YES",
        ),
    ),
    triggers=tuple(
        StandardTrigger(
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
)
HIDDEN = (
    Hidden(kind="table", name="public.seen", catalog="table, row security enabled", standard="BASE TABLE"),
    Hidden(kind="view", name="public.kept", catalog="materialized view", standard="nothing"),
    Hidden(kind="column", name='public.seen."Mood"', catalog="public.mood", standard="USER-DEFINED"),
    Hidden(kind="constraint", name="public.seen.apart", catalog="exclude", standard="nothing"),
    Hidden(kind="constraint", name="public.seen.later", catalog="check, not validated", standard="CHECK"),
    Hidden(kind="table", name="public.seen", catalog="2 CHECK", standard="4 CHECK, each NOT NULL counted as one"),
    Hidden(
        kind="index",
        name="public.by_email",
        catalog="partial btree index on lower((email)::text)",
        standard="nothing",
    ),
    Hidden(
        kind="trigger", name="public.seen.asleep", catalog="before delete, enabled: disabled", standard="before delete"
    ),
    Hidden(kind="trigger", name="public.seen.emptied", catalog="before truncate", standard="nothing"),
    Hidden(kind="policy", name="public.seen.own", catalog="permissive policy for select", standard="nothing"),
)


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
    found = read_information_schema(owner, ["public"])

    assert getattr(OWNER_SEES, view) == getattr(found, view)


def test_a_key_is_shown_with_its_columns(owner: psycopg.Connection) -> None:
    found = read_information_schema(owner, ["public"]).constraints

    assert OWNER_SEES.constraints == tuple(each for each in found if each.type != "CHECK")


def test_not_null_is_shown_as_a_check(owner: psycopg.Connection) -> None:
    found = read_information_schema(owner, ["public"]).constraints

    assert ["email IS NOT NULL", "id IS NOT NULL"] == sorted(
        each.check_clause or "" for each in found if each.name.strip('"').endswith("_not_null")
    )


def test_a_schema_that_was_not_asked_for_is_not_shown(owner: psycopg.Connection) -> None:
    assert StandardViews(schemas=('"Odd"',)) == read_information_schema(owner, ['"Odd"'])


def test_another_role_is_shown_only_what_it_may_use(reader: psycopg.Connection) -> None:
    found = read_information_schema(reader, ["public"])

    assert (OWNER_SEES.tables, (), ()) == (found.tables, found.constraints, found.triggers)


def test_another_role_is_shown_only_its_own_privileges(reader: psycopg.Connection) -> None:
    found = read_information_schema(reader, ["public"]).privileges

    assert (
        tuple(
            StandardPrivilege(table=table, grantee="standard_reader", privilege=privilege, grantable=False)
            for table, privilege in (("public.plain", "insert"), ("public.plain", "select"), ("public.seen", "select"))
        )
        == found
    )


def test_what_the_views_hide_from_the_owner_is_told(owner: psycopg.Connection) -> None:
    found = hidden_by_standard_views(read_catalog(owner), read_information_schema(owner, ["public"]))

    assert HIDDEN == found


def test_checks_of_one_name_keep_their_own_rows(owner: psycopg.Connection) -> None:
    owner.execute("begin")
    owner.execute("alter table plain add constraint email_format check (a > 0)")
    found = read_information_schema(owner, ["public"]).constraints
    owner.execute("rollback")

    assert ["public.plain", "public.seen"] == [each.table for each in found if each.name == "email_format"]


def test_privileges_of_others_are_told_as_hidden(owner: psycopg.Connection, reader: psycopg.Connection) -> None:
    owner.execute("grant select on plain to pg_monitor")
    found = hidden_by_standard_views(read_catalog(owner), read_information_schema(reader, ["public"]))
    owner.execute("revoke select on plain from pg_monitor")

    assert [Hidden(kind="grant", name="table public.plain to pg_monitor", catalog="select", standard="nothing")] == [
        each for each in found if each.kind == "grant"
    ]
