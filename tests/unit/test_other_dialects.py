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
    "INSERT ¦OR REPLACE INTO t VALUES (1)": "INSERT … ON CONFLICT (…) DO UPDATE for REPLACE INTO",
    "INSERT ¦IGNORE INTO t VALUES (1)": "INSERT … ON CONFLICT DO NOTHING for INSERT IGNORE",
    "CREATE TABLE t (n text, INDEX ¦n_idx (n))": "CREATE INDEX for KEY in a table",
    "CREATE TABLE t (n text, UNIQUE ¦KEY n_idx (n))": "UNIQUE (…) for UNIQUE KEY",
    "ALTER TABLE t DROP ¦FOREIGN KEY k": "DROP CONSTRAINT for DROP FOREIGN KEY",
    "DROP INDEX t_a_idx ¦ON t": "DROP INDEX, without the table for DROP INDEX … ON …",
    "ALTER TABLE t ADD COLUMN c int ¦AFTER a": "nothing: new columns come last for AFTER",
    "ALTER TABLE t ADD ¦(c int, d int)": "ADD COLUMN for each for ADD (…)",
    "CREATE TABLE t (a int ¦COMMENT 'what')": "COMMENT ON COLUMN … IS '…' for COMMENT '…'",
    "UPDATE TOP ¦(10) t SET a = 1": "LIMIT, in UPDATE and DELETE within WHERE id IN (SELECT …) for TOP",
    "UPDATE t SET a = 1 ¦LIMIT 10": "WHERE id IN (SELECT id … LIMIT …) for UPDATE … LIMIT",
    "UPDATE t a ¦JOIN u b ON b.id = a.id SET a.c = 1": "UPDATE … SET … FROM … WHERE … for UPDATE … JOIN … SET",
    "UPDATE t SET a = ¦IFNULL(b, 1)": "coalesce() for IFNULL()",
    "UPDATE t SET a = DATE_ADD(a, INTERVAL ¦1 DAY)": "… + interval '1 day' for DATE_ADD()",
    "UPDATE t SET a = b ¦+ '-x'": "|| for + between texts",
    "CREATE TRIGGER IF ¦NOT EXISTS x BEFORE UPDATE ON t": "CREATE OR REPLACE TRIGGER for CREATE TRIGGER IF NOT EXISTS",
    "CREATE VIEW IF ¦NOT EXISTS v AS SELECT 1": "CREATE OR REPLACE … for CREATE … IF NOT EXISTS",
    "CREATE TYPE IF ¦NOT EXISTS m AS ENUM ('a')": "WHEN duplicate_object THEN NULL; END $$; for CREATE",
    "ALTER TABLE t ADD CONSTRAINT IF NOT ¦EXISTS k CHECK (a > 0)": "DROP CONSTRAINT IF EXISTS before it for ADD",
}
OWN = (
    "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 5), tags text[], word text DEFAULT 'GO `x` [y]')",
    "SELECT a[1], ARRAY[b], c['key'] FROM t -- AUTO_INCREMENT",
    "CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "ALTER TABLE t ADD CHECK (a > 0), ADD UNIQUE (b), DROP COLUMN c, ADD d text",
    "CREATE INDEX IF NOT EXISTS i ON t (a); DROP INDEX i",
    "WITH few AS (SELECT id FROM t LIMIT 5) UPDATE t SET a = 1 FROM few WHERE few.id = t.id",
    "COMMENT ON COLUMN t.a IS 'LIMIT'",
    'CREATE TABLE "DATETIME" (a timestamptz, PRIMARY KEY (a), FOREIGN KEY (a) REFERENCES b)',
)


@pytest.mark.parametrize("statement", ADVICE)
def test_another_databases_word_is_answered(statement: str) -> None:
    assert ADVICE[statement] in str(other_dialect_advice(statement.replace("¦", ""), statement.index("¦")))


@pytest.mark.parametrize("statement", OWN)
def test_own_syntax_is_not_taken_for_another_databases(statement: str) -> None:
    assert all(other_dialect_advice(statement, at) is None for at in range(len(statement)))
