"""Syntax of MySQL, SQL Server, SQLite and Oracle that PostgreSQL refuses, and what it has in its place."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.patterns import lazy_pattern

_STRINGS: Final = lazy_pattern(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_IDENTITY: Final = "GENERATED ALWAYS AS IDENTITY"
# What it looks like outside of strings and quoted names, and what to write.
_WORDS: Final = tuple(
    (lazy_pattern(pattern, re.IGNORECASE), written, wanted)
    for pattern, written, wanted in (
        (r"`", "names in `backticks`", 'names in "double quotes", or in none'),
        # Alone on its line it is the header of an ini file.
        (
            r"(?:^|[\s(,.])\[[a-z_][\w $]*\](?![^\S\n]*(?:\n|\Z))",
            "names in [brackets]",
            'names in "double quotes", or in none',
        ),
        (r"\bAUTO_?INCREMENT\b", "AUTO_INCREMENT", _IDENTITY),
        (r"\bIDENTITY\s*\(\s*\d+\s*,\s*\d+\s*\)", "IDENTITY(1,1)", _IDENTITY),
        (r"\bENGINE\s*=\s*\w+", "ENGINE=…", "nothing"),
        (r"\b(?:DEFAULT\s+)?(?:CHARSET|CHARACTER\s+SET)\s*=?\s*\w+", "CHARSET=…", "nothing: a database has one encoding"),
        (r"\bCOLLATE\s*=\s*\w+", "COLLATE=…", "COLLATE behind a column"),
        (r"\bUNSIGNED\b", "UNSIGNED", "the next larger type, with CHECK (… >= 0)"),
        (r"\bZEROFILL\b", "ZEROFILL", "nothing; to_char() where it is shown"),
        (r"\bDATETIME(?:2|OFFSET)?\b", "DATETIME", "timestamp with time zone"),
        (r"\bSMALLDATETIME\b", "SMALLDATETIME", "timestamp with time zone"),
        (r"\bN(?:VAR)?CHAR\s*\(\s*MAX\s*\)", "NVARCHAR(MAX)", "text"),
        (r"\bVARCHAR\s*\(\s*MAX\s*\)", "VARCHAR(MAX)", "text"),
        (r"\bNVARCHAR\b(?!\s*\(\s*MAX)", "NVARCHAR", "varchar or text"),
        (r"\bN?VARCHAR2\b", "VARCHAR2", "varchar or text"),
        (r"\bNTEXT\b", "NTEXT", "text"),
        (r"\b(?:TINY|MEDIUM|LONG)TEXT\b", "LONGTEXT", "text"),
        (r"\b(?:TINY|MEDIUM|LONG)?BLOB\b", "BLOB", "bytea"),
        (r"\b(?:VAR)?BINARY\s*\(", "BINARY(…)", "bytea"),
        (r"\bTINYINT\b", "TINYINT", "smallint, or boolean for 0 and 1"),
        (r"\bMEDIUMINT\b", "MEDIUMINT", "integer"),
        (r"\bINT\s*\(\s*\d+\s*\)", "INT(11)", "integer"),
        (r"\bBIGINT\s*\(\s*\d+\s*\)", "BIGINT(20)", "bigint"),
        (r"\bUNIQUEIDENTIFIER\b", "UNIQUEIDENTIFIER", "uuid"),
        (r"\bSMALLMONEY\b", "SMALLMONEY", "numeric(10,4)"),
        (r"\bNUMBER\s*\(", "NUMBER(…)", "numeric(…)"),
        (r"\bCLOB\b", "CLOB", "text"),
        (r"(?<!AS )\bENUM\s*\(\s*'", "ENUM(…) in a column", "CREATE TYPE … AS ENUM (…), or text with a CHECK"),
        (r"\bON\s+UPDATE\s+(?:CURRENT_TIMESTAMP|NOW)\b", "ON UPDATE CURRENT_TIMESTAMP", "a BEFORE UPDATE trigger"),
        (r"\b(?:NON)?CLUSTERED\b", "CLUSTERED", "nothing"),
        (r"\bGETDATE\s*\(", "GETDATE()", "now()"),
        (r"\bNEWID\s*\(", "NEWID()", "gen_random_uuid()"),
        (r"\bCREATE\s+OR\s+ALTER\b", "CREATE OR ALTER", "CREATE OR REPLACE"),
        (r"(?:\bINSERT\s+OR\s+)?\bREPLACE\s+INTO\b", "REPLACE INTO", "INSERT … ON CONFLICT (…) DO UPDATE"),
        (r"\bINSERT\s+(?:OR\s+)?IGNORE\b", "INSERT IGNORE", "INSERT … ON CONFLICT DO NOTHING"),
        (r"\bON\s+DUPLICATE\s+KEY\b", "ON DUPLICATE KEY UPDATE", "ON CONFLICT (…) DO UPDATE"),
        (r"\bDELIMITER\b", "DELIMITER", "a body between $$ and $$"),
        (r"\bPRAGMA\b", "PRAGMA", "nothing: it is SQLite's"),
        (r"(?:^|\n)\s*GO\s*(?:\n|$)", "GO", "a semicolon"),
        (r"(?:^|[;\n])\s*(?:SHOW\s+TABLES|USE\s+\w+)\b", "USE", "a connection to that database, or SET search_path"),
        (r"(?:\bADD|,)\s*(?:FULLTEXT\s+)?(?:KEY|INDEX)\s+\w+\s*\(\s*[a-z_]", "KEY in a table", "CREATE INDEX"),
        (r"(?:\bADD|,)\s*UNIQUE\s+(?:KEY|INDEX)\b", "UNIQUE KEY", "UNIQUE (…)"),
        (r"\bDROP\s+(?:FOREIGN|PRIMARY)\s+KEY\b", "DROP FOREIGN KEY", "DROP CONSTRAINT"),
        (
            r"\bDROP\s+INDEX\s+(?:IF\s+EXISTS\s+)?[\w.]+\s+ON\s+[\w.]+",
            "DROP INDEX … ON …",
            "DROP INDEX, without the table",
        ),
        (r"\bALTER\s+TABLE\s+[^;]*\bDROP\s+INDEX\b", "DROP INDEX in ALTER TABLE", "DROP INDEX by itself"),
        (r"\bADD\b[^;,]*?\s(?:AFTER\s+\w+|FIRST)\s*(?=[;,]|$)", "AFTER", "nothing: new columns come last"),
        (r"\bADD\s*\(", "ADD (…)", "ADD COLUMN for each"),
        (r"\bCOMMENT\s+(?==|')", "COMMENT '…'", "COMMENT ON COLUMN … IS '…'"),
        (
            r"\b(?:UPDATE|DELETE|SELECT)\s+TOP\b\s*\(?\s*\d*",
            "TOP",
            "LIMIT, in UPDATE and DELETE within WHERE id IN (SELECT …)",
        ),
        (r"\A\s*(?:UPDATE|DELETE)\b[^()]*\bLIMIT\s+\d+", "UPDATE … LIMIT", "WHERE id IN (SELECT id … LIMIT …)"),
        (
            r"\bUPDATE\s+[\w.\" ]+\s(?:(?:INNER|LEFT)\s+)?JOIN\b",
            "UPDATE … JOIN … SET",
            "UPDATE … SET … FROM … WHERE …",
        ),
        (r"\bDELETE\s+\w+\s+FROM\b", "DELETE a FROM … JOIN", "DELETE FROM … USING … WHERE …"),
        (r"\b(?:IFNULL|ISNULL|NVL)\s*\(", "IFNULL()", "coalesce()"),
        (
            r"\b(?:DATE_?ADD|DATE_SUB)\s*\([^;]*?\bINTERVAL\s+\d+\s+\w+|\bDATEADD\s*\(",
            "DATE_ADD()",
            "… + interval '1 day'",
        ),
        (r"'\s*\+|\+\s*'", "+ between texts", "||"),
        (r"\bEXEC(?:UTE)?\s+sp_rename\b", "sp_rename", "ALTER TABLE … RENAME COLUMN … TO …"),
        (r"\bCREATE\s+TRIGGER\s+IF\s+NOT\s+EXISTS\b", "CREATE TRIGGER IF NOT EXISTS", "CREATE OR REPLACE TRIGGER"),
        (
            r"\bCREATE\s+(?:VIEW|FUNCTION|PROCEDURE|RULE)\s+IF\s+NOT\s+EXISTS\b",
            "CREATE … IF NOT EXISTS",
            "CREATE OR REPLACE …",
        ),
        (
            r"\bADD\s+CONSTRAINT\s+IF\s+NOT\s+EXISTS\b",
            "ADD CONSTRAINT IF NOT EXISTS",
            "DROP CONSTRAINT IF EXISTS before it",
        ),
        (r"\bCREATE\s+POLICY\s+IF\s+NOT\s+EXISTS\b", "CREATE POLICY IF NOT EXISTS", "DROP POLICY IF EXISTS before it"),
        (
            r"\bCREATE\s+(?:TYPE|DOMAIN|ROLE|USER|CAST|PUBLICATION|DATABASE)\s+IF\s+NOT\s+EXISTS\b",
            "CREATE … IF NOT EXISTS",
            "DO $$ BEGIN CREATE …; EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
        ),
        (r"\bMODIFY\s+(?:COLUMN\s+)?\w+", "MODIFY COLUMN", "ALTER COLUMN … TYPE"),
        (r"\bCHANGE\s+(?:COLUMN\s+)?\w+\s+\w+", "CHANGE COLUMN", "RENAME COLUMN … TO …, then ALTER COLUMN … TYPE"),
    )
)


def other_dialect_advice(statement: str, at: int) -> str | None:
    """One sentence that says of each such word in the statement what PostgreSQL wants in its place; None where the server
    did not stop at one of them. `at` is where it stopped, in characters from 0."""
    wanted = other_dialect_words(statement, at)
    return wanted and f"PostgreSQL has no such words. It wants {wanted}."


def other_dialect_words(statement: str, at: int) -> str | None:
    """The same as the words alone: `coalesce() for IFNULL()`."""
    text = _STRINGS.sub(lambda string: f"{string[0][0]}{' ' * (len(string[0]) - 2)}{string[0][0]}", statement)
    matches = [(match, written, wanted) for pattern, written, wanted in _WORDS if (match := pattern.search(text))]
    stopped = any(match.start() - 1 <= at <= match.end() for pattern, _, _ in _WORDS for match in pattern.finditer(text))
    return "; ".join(f"{wanted} for {written}" for _, written, wanted in matches) if stopped else None
