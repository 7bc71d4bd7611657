"""The clock stopped and chance taken away, so that what is compared of two runs of one transaction differs by neither."""

from __future__ import annotations

import re
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
_HELD: Final = "0.5::double precision"
# Functions of whoever migrates, but for aggregates; one with a body in SQL has it in prosqlbody.
_FUNCTIONS: Final = """
SELECT pg_catalog.pg_get_functiondef(p.oid)
  FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE p.prokind IN ('f', 'p') AND pg_catalog.pg_get_userbyid(p.proowner) = current_user AND n.nspname !~ '^pg_'
   AND (p.prosqlbody IS NOT NULL OR p.prosrc ~* '(clock|statement)_timestamp|timeofday|random')
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


def held_statement(statement: Statement) -> Statement:
    return replace(statement, text=held_text(statement.text))


def hold_clock(connection: psycopg.Connection) -> None:
    """Stop it in the functions of whoever migrates, as they are by now."""
    for (definition,) in connection.execute(_FUNCTIONS).fetchall():
        held = held_text(definition)
        if held != definition:
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(held.encode())
