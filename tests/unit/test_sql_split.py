"""Statements are cut as psql cuts them, and each knows its place in the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pgcontract.model.sql import split_statements


def texts(sql: str) -> list[str]:
    return [statement.text for statement in split_statements(sql)]


WHOLE = {
    "plain": "select 1",
    "doubled quote": "select 'it''s; fine'",
    "backslash in a standard string": r"select 'ends in \', 2",
    "escape string": r"select E'it\'s; fine'",
    "escape string goes on over a line": "select E'a'\n  'it\\'s; fine'",
    "name ending in e before a string": r"select date'a\', 2",
    "unicode escape string": r"select U&'d\0061t; a'",
    "quoted name": 'select 1 as "a;""b"',
    "empty dollar tag": "do $$ begin perform 1; end $$",
    "dollar tag": "do $body$ begin perform $$;$$; end $body$",
    "dollars within a name": "select a$b$c as x$$y",
    "parameter": "select $1",
    "nested comment": "select /* a; /* b; */ c; */ 1",
    "line comment": "select -- a; 'b\n 1",
    "comment after an operator": "select 1 +-- ;\n 2",
    "rule with two actions": "create rule r as on insert to t do also (delete from a; delete from b)",
    "atomic body": "create function f() returns int begin atomic select 1; select 2; end",
    "atomic body with case": (
        "create or replace procedure p() begin atomic select case when true then 1 end; select 2; end"
    ),
    "column named begin": "create table t (begin int, atomic int)",
    "bars in a bracket": r"select 'a' ~ '^[A-Z|a-z]{2,}$'",
    "letters beyond ASCII": "select 1 as größe$ä$",
}


@pytest.mark.parametrize("sql", WHOLE.values(), ids=WHOLE)
def test_a_statement_is_not_cut_within(sql: str) -> None:
    assert [sql, "select 2"] == texts(f"{sql}; select 2;")


@pytest.mark.parametrize("open_end", ["select 'a;", "select E'a\\", 'select "a;', "do $$ a;", "select (1;"])
def test_what_is_left_open_runs_to_the_end(open_end: str) -> None:
    assert ["select 1", f"{open_end} select 2"] == texts(f"select 1; {open_end} select 2")


@pytest.mark.parametrize("sql", [
    "-- head\n/* ; */ ;; select 1 -- tail;\n ; -- foot\n /* open",
    "select 1 /* never closed; select 2",
], ids=["around it", "opened in it"])  # fmt: skip
def test_comments_belong_to_no_statement(sql: str) -> None:
    assert ["select 1"] == texts(sql)


def test_a_statement_knows_its_lines_and_column() -> None:
    first, second = split_statements("\ufffd--x\r\n\r\n  select 1,\r\n  2; create\r\n table t()")

    assert (0, 1, 1, 2, 4, 6) == (first.offset, first.line, first.column, second.number, second.line, second.column)


pieces = st.sampled_from([*WHOLE.values(), "begin", "insert into t values (1, 'a;b', $q$;$q$)"])
between = st.text("\n \t;", max_size=3).map(lambda blank: f";{blank}") | st.sampled_from(
    [" -- one; 'two\n;", ";\r\n/* ; $$ */", "/* /* ' */ ; */;\n"]
)


@given(st.lists(st.tuples(pieces, between), max_size=8))
def test_joined_statements_are_cut_where_they_were_joined(parts: list[tuple[str, str]]) -> None:
    assert [piece for piece, _ in parts] == texts("".join(piece + gap for piece, gap in parts))


soup = st.lists(
    st.sampled_from(["'", '"', "$$", "$a$", "E'", "/*", "*/", "--", "\n", ";", "(", ")", " ", "ab", "é", "0"]),
    max_size=40,
).map("".join)


@given(soup)
def test_a_statement_stands_in_the_text_where_it_says(text: str) -> None:
    statements = list(split_statements(text))

    assert [text[s.offset : s.offset + len(s.text)].lstrip() for s in statements] == [s.text for s in statements]


@given(soup)
def test_cutting_a_statement_again_gives_itself(text: str) -> None:
    first = texts(text)

    assert [[piece] for piece in first] == [texts(piece) for piece in first]


CONTROL = ["begin", "START TRANSACTION", "commit and chain", "END", "rollback", "abort", "prepare transaction 'x'"]
SAVEPOINTS = ["savepoint a", "release a", "rollback to a", "rollback work to savepoint a", "prepare p as select 1"]


@pytest.mark.parametrize("sql", [*CONTROL, "commit prepared 'x'", *SAVEPOINTS])
def test_transaction_control_is_told_and_savepoints_are_none(sql: str) -> None:
    assert [sql not in SAVEPOINTS] == [statement.is_transaction_control for statement in split_statements(sql)]


@pytest.mark.parametrize("sql", [
    "create index concurrently i on t (a)",
    "create unique index /* big */ concurrently i on t (a)",
    "drop index concurrently i",
    "reindex (verbose, concurrently) table t",
    "reindex table concurrently t",
    "reindex schema s",
    "vacuum (analyze) t",
    "create database d",
    "drop tablespace x",
    "alter system set a = 1",
    "alter database d set tablespace x",
    "alter table p detach partition q concurrently",
    "cluster",
    "cluster (verbose)",
    "discard all",
    "commit prepared 'x'",
    "create subscription s connection '' publication p",
])  # fmt: skip
def test_what_refuses_a_transaction_is_told(sql: str) -> None:
    assert [True] == [statement.forbids_transaction_block for statement in split_statements(sql)]


@pytest.mark.parametrize("sql", [
    "create index i on t (a)",
    "refresh materialized view concurrently v",
    "alter type t add value 'x'",
    "alter database d set work_mem = '1MB'",
    "cluster t using i",
    'cluster "T"',
    "reindex table t",
    "create table vacuum (a int)",
])  # fmt: skip
def test_what_runs_in_a_transaction_is_not_refused(sql: str) -> None:
    assert [False] == [statement.forbids_transaction_block for statement in split_statements(sql)]
