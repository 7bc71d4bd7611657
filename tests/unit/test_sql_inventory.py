"""The text tells every object with its line, and what it does not tell is told as unread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pgcontract.model.sql import Inventory, Script, inventory, read_script, split_statements
from sql_cases import ASSESSMENTS, CASES

Read = Callable[[str], Inventory]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reading(sql: str) -> Inventory:
        path = tmp_path / "001.sql"
        path.write_text(sql, encoding="utf-8")
        return inventory(read_script(path))

    return reading


def script_of(sql: str) -> Script:
    """The text as if it stood in a file."""
    return Script(path="x", text=sql, sha256="", bytes=0, lines=0, statements=tuple(split_statements(sql)))


def left(inventory_read: Inventory) -> list[tuple[str, str]]:
    return [(created.kind, created.name) for created in inventory_read.remaining]


def test_every_object_has_the_line_it_is_written_on(read: Read) -> None:
    lines = [(created.line, created.kind, created.name) for created in read(ASSESSMENTS).created]

    assert [
        (3, "table", "public.sessions"),
        (4, "column", "public.sessions.id"),
        (5, "column", "public.sessions.email"),
        (6, "column", "public.sessions.payment_status"),
        (8, "column", "public.sessions.updated_at"),
        (7, "constraint", "public.sessions.sessions_payment_status_check"),
        (10, "constraint", "public.sessions.email_format"),
        (4, "constraint", "public.sessions.sessions_pkey"),
        (13, "index", "public.sessions_email"),
        (14, "index", "public.sessions_new"),
        (15, "function", "public.touch()"),
        (21, "trigger", "public.sessions.touch"),
    ] == lines


UNREAD = {
    "do $$ begin create table t (); end $$": "a DO block runs code that the text does not spell out as statements",
    "select cron.schedule('x')": "calls cron.schedule, and what that does the text does not tell",
    "select make_tables()": "calls make_tables, and what that does the text does not tell",
    "call p()": "a procedure's effects do not stand in the call",
    "create view v as select count(*) from t": "the columns of public.v are those of a query",
    "create view v as select * from elsewhere": "the columns of public.v are those of a query",
    "create table t (like elsewhere)": "LIKE copies public.elsewhere, whose columns this text does not make",
    "create table p partition of q default": "what public.p has from public.q stands in no statement of this text",
    "create cast (a as b) with inout": "CREATE CAST is known by more than a name, which this reader does not spell",
    "alter default privileges grant select on tables to x": (
        "ALTER DEFAULT PRIVILEGES acts on objects and roles that the text does not name"
    ),
    "grant select on all tables in schema s to x": "ALL TABLES IN SCHEMA reaches objects that the text does not name",
    "drop function f": "function f is named without the types of its arguments",
    "frobnicate t": "FROBNICATE opens no statement that this reader knows",
    "create table": "it ends where more was expected",
    "create table t (a int": "it ends where more was expected",
    "select 1 +": "no reader could take this query apart",
}


@pytest.mark.parametrize(("sql", "reason"), UNREAD.items(), ids=UNREAD)
def test_what_the_text_does_not_tell_is_unread_with_its_line(read: Read, sql: str, reason: str) -> None:
    inventory_read = read(f"select 1;\n\n{sql};")

    assert [(2, 3, reason)] == [(passage.statement, passage.line, passage.reason) for passage in inventory_read.unread]


@pytest.mark.parametrize("sql", [
    "CREATE TABLE t (a int[] DEFAULT " + "ARRAY[" * 60 + "1" + "]" * 60 + ")",
    "CREATE VIEW v AS SELECT " + "f(ARRAY[" * 60 + "1" + "])" * 60 + " AS a",
    "CREATE TABLE t (a " + "numeric(" * 60 + "1" + ")" * 60 + ")",
], ids=["arrays", "arrays in calls", "types"])  # fmt: skip
def test_brackets_within_brackets_take_no_time(read: Read, sql: str) -> None:
    assert sql.split()[1:3] == [
        word for created in read(sql).created[:1] for word in (created.kind.upper(), created.path.name)
    ]


def test_what_is_made_and_dropped_again_is_not_left(read: Read) -> None:
    assert [] == left(
        read("create table t (id serial primary key); create index on t (id); drop table if exists t, u cascade;")
    )


@pytest.mark.parametrize(
    "path",
    ["set search_path to app, public", "set local search_path = 'app'", "set schema 'app'",
     "select pg_catalog.set_config('search_path', 'app', false)", 'set session search_path to "$user", App'],
)  # fmt: skip
def test_names_follow_a_literal_search_path(read: Read, path: str) -> None:
    assert [("table", "app.t")] == left(read(f"{path}; create table T ();"))


def test_a_temporary_table_is_no_object_of_the_database(read: Read) -> None:
    assert [] == left(read("create temp table t (a serial); create index on t (a); select 1 as a into temp u;"))


def test_a_script_above_the_limit_has_an_empty_inventory(read: Read) -> None:
    assert Inventory() == read("create table t ();" + " " * 5_000_000)


STATEMENTS = [statement.text for sql in CASES.values() for statement in split_statements(sql)]


@given(st.sampled_from(STATEMENTS), st.data())
def test_a_mangled_statement_is_read_or_unread_but_never_raises(sql: str, data: st.DataObject) -> None:
    words = sql.split(" ")
    first = data.draw(st.integers(0, len(words)))
    last = data.draw(st.integers(first, len(words)))
    mangled = script_of(" ".join(words[:first] + words[last:]))

    assert {passage.statement for passage in inventory(mangled).unread} <= {
        statement.number for statement in mangled.statements
    }
