"""The first words of the commands of PostgreSQL and of psql, and whether a text opens as one of them does."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.patterns import lazy_pattern

_COMMANDS: Final = """
    ABORT ALTER ANALYSE ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE
    DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE REASSIGN
    REFRESH REINDEX RELEASE REPACK RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TABLE TRUNCATE UNLISTEN
    UPDATE VACUUM VALUES WAIT WITH
"""
_PSQL_COMMANDS: Final = """
    . a bind c cd connect conninfo copy copyright crosstabview d dt dn du df e echo ef elif else encoding endif errverbose
    ev f g gdesc getenv gexec gset gx h help H html i if include include_relative ir l lo_export lo_import lo_list
    lo_unlink o out p password print prompt pset q qecho quit r reset restrict s set setenv sf sv t T timing unrestrict
    unset w warn watch write x z
"""

# The grammar's `stmt` (gram.y of 15 to 19), by the word that each branch opens with; a query may open with "(" too.
COMMANDS: Final = frozenset(_COMMANDS.split())
# psql's manual page, "Meta-Commands", without the backslash; of those that list objects (\d…) only a few.
PSQL_COMMANDS: Final = frozenset(_PSQL_COMMANDS.split())

_OBJECT_WORDS: Final = """
    ACCESS AGGREGATE CAST COLLATION CONSTRAINT CONVERSION DATABASE DEFAULT DOMAIN EVENT EXTENSION FOREIGN FUNCTION GLOBAL
    GROUP INDEX LANGUAGE LARGE LOCAL MATERIALIZED OPERATOR OR OWNED POLICY PROCEDURAL PROCEDURE PROPERTY PUBLICATION
    RECURSIVE ROLE ROUTINE RULE SCHEMA SEQUENCE SERVER STATISTICS SUBSCRIPTION SYSTEM TABLE TABLESPACE TEMP TEMPORARY TEXT
    TRANSFORM TRIGGER TRUSTED TYPE UNIQUE UNLOGGED USER VIEW
"""
_OBJECTS: Final = tuple(_OBJECT_WORDS.split())
_NAME: Final = r'(?:"(?:[^"]|"")*"|[^\W\d]\S*)(?: \. (?:"(?:[^"]|"")*"|\S+))*'
_TRANSACTION_WORDS: Final = frozenset(("ABORT", "BEGIN", "COMMIT", "END", "ROLLBACK"))
# What follows a command's first word, as tokens with a blank between them: prose, a shell's script or a program may open
# with the same word. Of SELECT, which may stand before nearly anything, nothing is asked.
_TAILS: Final = {
    **dict.fromkeys(_TRANSACTION_WORDS, r"$|(AND|ISOLATION|NOT|PREPARED|READ|TO|TRANSACTION|WORK)\b"),
    **dict.fromkeys(
        ("ANALYSE", "ANALYZE", "CHECKPOINT", "CLUSTER", "REINDEX", "REPACK", "VACUUM"),
        rf"$|[(]|(ANALY[SZ]E|CONCURRENTLY|DATABASE|FREEZE|FULL|INDEX|SCHEMA|SYSTEM|TABLE|VERBOSE)\b"
        rf"|{_NAME}( [(,]| ON | USING |$)",
    ),
    "CALL": rf"{_NAME} [(]",
    "CLOSE": rf"{_NAME}$",
    "COMMENT": "ON ",
    "COPY": rf"[(]|(BINARY )?{_NAME}( [(].*)? (FROM|TO) ",
    "DEALLOCATE": rf"(PREPARE )?{_NAME}$",
    "DECLARE": rf"{_NAME}.* CURSOR",
    "DELETE": "FROM ",
    "DISCARD": "(ALL|PLANS|SEQUENCES|TEMP|TEMPORARY)$",
    "DO": rf"(LANGUAGE {_NAME} )?([EU]&?)?['$]",
    "EXECUTE": rf"{_NAME}( [(]|$)",
    "EXPLAIN": "[(]|((ANALY[SZ]E|VERBOSE) )*(CREATE|DECLARE|DELETE|EXECUTE|INSERT|MERGE|REFRESH|SELECT|TABLE|UPDATE"
    "|VALUES|WITH) ",
    **dict.fromkeys(("FETCH", "MOVE"), rf"(.* (FROM|IN) )?{_NAME}$"),
    **dict.fromkeys(
        ("GRANT", "REVOKE"),
        r"(\w+ OPTION FOR )?((ALL|ALTER|CONNECT|CREATE|DELETE|EXECUTE|INSERT|MAINTAIN|REFERENCES|SELECT|SET|TEMP"
        rf"|TEMPORARY|TRIGGER|TRUNCATE|UPDATE|USAGE)\b|{_NAME} (,|TO|FROM) )",
    ),
    "IMPORT": "FOREIGN SCHEMA ",
    "INSERT": r"((OR \w+|IGNORE) )?INTO ",  # those of SQLite and MySQL are another database's SQL, and no other text
    **dict.fromkeys(("LISTEN", "UNLISTEN"), rf"({_NAME}|[*])$"),
    "LOAD": "'",
    "LOCK": rf"(TABLE )?(ONLY )?{_NAME}( [*])?( IN | ,| NOWAIT|$)",
    "MERGE": "INTO ",
    "NOTIFY": rf"{_NAME}( ,|$)",
    "PREPARE": rf"TRANSACTION |{_NAME} ([(]|AS )",
    "REASSIGN": "OWNED ",
    "REFRESH": "MATERIALIZED ",
    "RELEASE": rf"(SAVEPOINT )?{_NAME}$",
    "RESET": rf"({_NAME}|TIME ZONE|SESSION AUTHORIZATION|TRANSACTION ISOLATION LEVEL)$",
    "SAVEPOINT": rf"{_NAME}$",
    "SECURITY": "LABEL ",
    "SET": rf"((SESSION|LOCAL) )?({_NAME} (=|TO|FROM CURRENT)|(CHARACTERISTICS|CONSTRAINTS|NAMES|ROLE|SCHEMA|TRANSACTION"
    "|SESSION AUTHORIZATION|TIME ZONE|XML OPTION) )",
    "SHOW": rf"({_NAME}|TIME ZONE|SESSION AUTHORIZATION|TRANSACTION ISOLATION LEVEL)$",
    "START": "TRANSACTION",
    "TABLE": rf"(ONLY )?{_NAME}( [*])?($| (EXCEPT|FETCH|FOR|INTERSECT|LIMIT|OFFSET|ORDER|UNION) )",
    "TRUNCATE": rf"(TABLE )?(ONLY )?{_NAME}( [*])?($| ,| CASCADE| CONTINUE| RESTART| RESTRICT)",
    "UPDATE": rf"(ONLY )?{_NAME}.* SET ",
    "VALUES": "[(]",
    "WITH": rf"(RECURSIVE )?{_NAME}( [(].*?[)])? AS (NOT )?(MATERIALIZED )?[(]",
}
_TAIL: Final = {command: lazy_pattern(tail, re.DOTALL) for command, tail in _TAILS.items()}
_META: Final = lazy_pattern(r"\\[^\s'\"]*")
_REMEDIES: Final = {
    "i": "write the included file's SQL in its place, or make it a migration of its own",
    "copy": "write the rows as INSERT statements",
    "set": "write the value itself where the variable stands",
    "c": "the gate chooses the database: remove the line",
    "restrict": "pg_dump writes it for psql alone: remove the line",
    ".": "write the rows as INSERT statements",
}
_SAME_REMEDY: Final = {"ir": "i", "include": "i", "include_relative": "i", "connect": "c", "unrestrict": "restrict"}
_MAX_CHARACTERS: Final = 2_000


@lru_cache(maxsize=1_000)
def _nearest(word: str, known: Collection[str]) -> str:
    """The known word that looks most like it, itself where it is known; "" where none does."""
    return word if word in known else next(iter(get_close_matches(word, known, n=1)), "")


def opens_as_sql(statement: str) -> bool:
    """Whether a text without leading comments begins as a command does, one of its first two words mistyped at most. What
    does not is no SQL, and may be a secret under a wrong name."""
    words = tokens(statement[:_MAX_CHARACTERS])
    if not words or words[0].text == "(":
        return bool(words)
    if words[0].kind is not TokenKind.WORD:
        return False
    first = _nearest(words[0].upper, COMMANDS)
    if first in ("ALTER", "CREATE", "DROP"):
        return len(words) > 1 and bool(_nearest(words[1].upper, _OBJECTS))
    tail = " ".join(word.upper for word in words[1:])
    return bool(first) and (first not in _TAIL or bool(_TAIL[first].match(tail)))


def psql_command(text: str, offset: int) -> str:
    """What a backslash outside of quotes is, and what to write. Only a command of psql's is quoted, first: the file may
    be no SQL at all."""
    match = _META.match(text, offset)
    name = match.group()[1:].rstrip(";") if match else ""
    if name not in PSQL_COMMANDS:
        what = "a backslash outside of quotes, as psql's own commands open with, is not SQL, and no server runs it"
        return f"{what}: remove it"
    remedy = _REMEDIES.get(_SAME_REMEDY.get(name, name), "write it in SQL, or remove the line")
    return f"\\{name} is psql's own command, not SQL, and no server runs it: {remedy}"
