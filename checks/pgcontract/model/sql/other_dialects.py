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
        (r"(?:^|[\s(,.])\[[a-z_][\w $]*\]", "names in [brackets]", 'names in "double quotes", or in none'),
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
        (r"\bENUM\s*\(\s*'", "ENUM(…) in a column", "CREATE TYPE … AS ENUM (…), or text with a CHECK"),
        (r"\bON\s+UPDATE\s+(?:CURRENT_TIMESTAMP|NOW)\b", "ON UPDATE CURRENT_TIMESTAMP", "a BEFORE UPDATE trigger"),
        (r"\b(?:NON)?CLUSTERED\b", "CLUSTERED", "nothing"),
        (r"\bGETDATE\s*\(", "GETDATE()", "now()"),
        (r"\bNEWID\s*\(", "NEWID()", "gen_random_uuid()"),
        (r"\bCREATE\s+OR\s+ALTER\b", "CREATE OR ALTER", "CREATE OR REPLACE"),
        (
            r"(?:\bINSERT\s+OR\s+)?\bREPLACE\s+INTO\b|\bINSERT\s+(?:OR\s+)?IGNORE\b",
            "REPLACE INTO",
            "INSERT … ON CONFLICT",
        ),
        (r"\bON\s+DUPLICATE\s+KEY\b", "ON DUPLICATE KEY UPDATE", "ON CONFLICT (…) DO UPDATE"),
        (r"\bDELIMITER\b", "DELIMITER", "a body between $$ and $$"),
        (r"\bPRAGMA\b", "PRAGMA", "nothing: it is SQLite's"),
        (r"(?:^|\n)\s*GO\s*(?:\n|$)", "GO", "a semicolon"),
        (r"(?:^|[;\n])\s*(?:SHOW\s+TABLES|USE\s+\w+)\b", "USE", "a connection to that database, or SET search_path"),
        (r"\b(?:ADD|,)\s*(?:FULLTEXT\s+)?KEY\s+\w+\s*\(\s*[a-z_]", "KEY in a table", "CREATE INDEX"),
        (r"\bMODIFY\s+(?:COLUMN\s+)?\w+", "MODIFY COLUMN", "ALTER COLUMN … TYPE"),
        (r"\bCHANGE\s+(?:COLUMN\s+)?\w+\s+\w+", "CHANGE COLUMN", "RENAME COLUMN … TO …, then ALTER COLUMN … TYPE"),
    )
)


def other_dialect_advice(statement: str, at: int) -> str | None:
    """One sentence that says of each such word in the statement what PostgreSQL wants in its place; None where the server
    did not stop at one of them. `at` is where it stopped, in characters from 0."""
    text = _STRINGS.sub(lambda string: f"{string[0][0]}{' ' * (len(string[0]) - 2)}{string[0][0]}", statement)
    matches = [(match, written, wanted) for pattern, written, wanted in _WORDS if (match := pattern.search(text))]
    stopped = any(match.start() - 1 <= at <= match.end() for pattern, _, _ in _WORDS for match in pattern.finditer(text))
    if not stopped:
        return None
    return f"This is another database's SQL. PostgreSQL wants {'; '.join(f'{b} for {a}' for _, a, b in matches)}."
