"""Every kind of object in a live catalog comes out as the value that it is, on each major that is there."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pgcontract.catalog import read_catalog
from pgcontract.model.schema import Schema
from pgcontract.postgres.providers import Server

# What rich_catalog.sql makes, a part a line below its kind; grants are told apart below.
_LINES = (Path(__file__).parent / "rich_catalog.txt").read_text(encoding="utf-8").removeprefix("# ").split("\n# ")
EXPECTED = {kind: tuple(parts) for kind, *parts in map(str.splitlines, _LINES)}


def spelled(part: Any) -> str:
    """What makes the part: its fields that are not as they are left out."""
    shown = [
        f"{field.name}={getattr(part, field.name)!r}"
        for field in fields(part)
        if field.compare and getattr(part, field.name) != field.default
    ]
    return f"{type(part).__name__}({', '.join(shown)})"


@pytest.fixture
def found(rich: psycopg.Connection) -> Schema:
    return read_catalog(rich)


@pytest.mark.parametrize("kind", [kind for kind in EXPECTED if kind != "grants"])
def test_each_kind_of_object_is_read_whole(kind: str, found: Schema, catalog_server: Server) -> None:
    superuser = catalog_server.superuser

    assert EXPECTED[kind] == tuple(spelled(part) for part in getattr(found, kind) if part.name != superuser)


def test_grants_stand_beside_what_default_privileges_give(found: Schema) -> None:
    expected = EXPECTED["grants"]

    assert expected == tuple(grant for grant in map(spelled, found.grants) if grant in expected)


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

    assert (True, [('"Odd", public',)]) == ('"Odd".only_here' in tables, path)


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

    assert [before, "another"] == [moved, "another" if changed != before else before]
