"""The clock and chance between two runs that are compared: stopped, so that nothing differs by them, or moved, so that
all does that hangs on them: by itself a second may pass between the two, or not."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import psycopg

from pgcontract.model.sql import Statement

# now() and its like stand still in a transaction as it is, and so does txid_current().
_GOES_ON: Final = re.compile(
    r"(?:\bpg_catalog\s*\.\s*)?\b(?:(?P<clock>clock_timestamp|statement_timestamp)|timeofday|random)\s*\(\s*\)",
    re.IGNORECASE,
)
_ANEW: Final = re.compile(
    r"\b(?:now|nextval|timeofday|(?:gen_)?random\w*|uuid\w*)\s*\(|_timestamp\b|\bcurrent_(?:date|time)|\blocaltime",
    re.IGNORECASE,
)
_MOVES: Final = re.compile(
    r"(?:\bpg_catalog\s*\.\s*)?\b(?:(?P<chance>random)|now|(?:clock|statement|transaction)_timestamp)\s*\(\s*\)"
    r"|\b(?:CURRENT_TIMESTAMP|LOCALTIMESTAMP)\b|\b(?P<day>CURRENT_DATE)\b",
    re.IGNORECASE,
)
_COARSE: Final = re.compile(r"\bdate_trunc\b|\bdate_part\b|\bextract\b|\bto_char\b|\bcurrent_date\b|::", re.IGNORECASE)
_WRITES: Final = re.compile(r"\b(?:INSERT\s+INTO|UPDATE)\b", re.IGNORECASE)
# No part of a moment is the same then, nor what is counted of it.
_LATER: Final = "interval '1 year 1 month 3 days 1 hour 1 minute 1.25 seconds'"
_HELD: Final = "0.5::double precision"
# Functions of whoever migrates, but for aggregates; one with a body in SQL has it in prosqlbody.
_FUNCTIONS: Final = """
SELECT pg_catalog.pg_get_functiondef(p.oid)
  FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE p.prokind IN ('f', 'p') AND pg_catalog.pg_get_userbyid(p.proowner) = current_user AND n.nspname !~ '^pg_'
   AND (p.prosqlbody IS NOT NULL OR p.prosrc ~* 'now|_timestamp|current_date|localtime|timeofday|random')
 ORDER BY p.oid
"""


def is_new_each_time(text: str) -> bool:
    """Whether the clock, chance or a sequence may give it another value in another transaction."""
    return _ANEW.search(text) is not None


def held_text(text: str) -> str:
    """The text with what stands still in the place of what goes on: clock_timestamp(), random()."""
    return _GOES_ON.sub(
        lambda call: (
            "pg_catalog.now()"
            if call["clock"]
            else f"({_HELD})"
            if call[0].lower().rstrip("() ").endswith("m")
            else "(pg_catalog.now()::text)"
        ),
        text,
    )


def moved_text(text: str) -> str:
    """The text with another moment in the place of this one, and the other side of chance."""
    return _MOVES.sub(
        lambda call: f"(1 - {call[0]})" if call["chance"] else f"({call[0]} + {'400' if call['day'] else _LATER})", text
    )


def writes_coarse_times(body: str) -> bool:
    """Whether it may write a part of a moment, which two runs have in common or not, to another table."""
    return bool(_COARSE.search(body) and _WRITES.search(body) and _MOVES.search(body))


def held_statement(statement: Statement) -> Statement:
    return replace(statement, text=held_text(statement.text))


def hold_clock(connection: psycopg.Connection) -> None:
    """Stop it in the functions of whoever migrates, as they are by now."""
    _rewrite(connection, held_text)


def move_clock(connection: psycopg.Connection) -> None:
    """Put it on in the functions of whoever migrates."""
    _rewrite(connection, moved_text)


def _rewrite(connection: psycopg.Connection, spelled: Callable[[str], str]) -> None:
    for (definition,) in connection.execute(_FUNCTIONS).fetchall():
        text = spelled(definition)
        if text != definition:
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(text.encode())
