"""Another database's words are answered with PostgreSQL's, and PostgreSQL's own with none."""

from __future__ import annotations

import pytest
from pgcontract.model.sql.other_dialects import other_dialect_advice

# The server stops at the mark.
ADVICE = {
    "CREATE TABLE ¦`t` (a int)": "names in `backticks`",
    "CREATE TABLE ¦[dbo].[t] ([id] int)": "names in [brackets]",
    "CREATE TABLE t (id INT ¦AUTO_INCREMENT)": "GENERATED ALWAYS AS IDENTITY for AUTO_INCREMENT",
    "CREATE TABLE t (id INT ¦IDENTITY(1,1))": "GENERATED ALWAYS AS IDENTITY for IDENTITY(1,1)",
    "CREATE TABLE t (a int) ¦ENGINE=InnoDB": "nothing for ENGINE=…",
    "CREATE TABLE t (a int ¦UNSIGNED)": "CHECK (… >= 0) for UNSIGNED",
    "CREATE TABLE t (a ¦DATETIME)": "timestamp with time zone for DATETIME",
    "CREATE TABLE t (a ¦NVARCHAR(20))": "varchar or text for NVARCHAR",
    "CREATE TABLE t (a int)\n¦GO\nCREATE TABLE u (a int)": "a semicolon for GO",
    "CREATE TABLE t (a int, KEY ¦a_key (a))": "CREATE INDEX for KEY in a table",
    "INSERT ¦OR REPLACE INTO t VALUES (1)": "INSERT … ON CONFLICT for REPLACE INTO",
}
OWN = (
    "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 5), tags text[], word text DEFAULT 'GO `x` [y]')",
    "SELECT a[1], ARRAY[b], c['key'] FROM t -- AUTO_INCREMENT",
    'CREATE TABLE "DATETIME" (a timestamptz, PRIMARY KEY (a), FOREIGN KEY (a) REFERENCES b)',
)


@pytest.mark.parametrize("statement", ADVICE)
def test_another_databases_word_is_answered(statement: str) -> None:
    assert ADVICE[statement] in str(other_dialect_advice(statement.replace("¦", ""), statement.index("¦")))


@pytest.mark.parametrize("statement", OWN)
def test_own_syntax_is_not_taken_for_another_databases(statement: str) -> None:
    assert all(other_dialect_advice(statement, at) is None for at in range(len(statement)))
