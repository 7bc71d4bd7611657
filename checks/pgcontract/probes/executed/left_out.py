"""INSERTs of a body that name their columns, and leave out one that must have a value and has no default."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import tokens
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal

_NOT_NULL: Final = "23502"
# The first is what the server was at; behind it is what came to it.
_INSERT: Final = lazy_pattern(
    r'\ASQL statement "(?P<text>\s*INSERT\s+INTO\s.*?)"$', re.DOTALL | re.MULTILINE | re.IGNORECASE
)
# Nothing else can give it one: no default, identity or expression, no trigger before the row.
_MUST_BE_GIVEN: Final = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
     WHERE c.oid = pg_catalog.to_regclass(%s) AND c.relkind IN ('r', 'p') AND a.attname = %s AND a.attnotnull
       AND NOT a.atthasdef AND a.attidentity = ''
       AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_trigger AS t
            WHERE (t.tgrelid = c.oid OR t.tgrelid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) AS p))
              AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 7 = 7
       )
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid)
)
"""


def leaves_out_required(connection: psycopg.Connection, refusal: Refusal) -> bool:
    """Whether the refused INSERT is so whatever it is called with: it names its columns, and not the one that is NULL."""
    match = _INSERT.search(refusal.context or "")
    if refusal.sqlstate != _NOT_NULL or refusal.column_name is None or match is None:
        return False
    insert = _target_and_columns(match["text"])
    if insert is None or refusal.column_name in insert[1]:
        return False
    return connection.execute(_MUST_BE_GIVEN, (str(insert[0]), refusal.column_name)).fetchone() == (True,)


def _target_and_columns(statement: str) -> tuple[QualifiedName, frozenset[str]] | None:
    """The table, and the columns that the INSERT lists; None where it lists none."""
    cursor = Cursor(tuple(tokens(statement)))
    with suppress(Unreadable):
        cursor.consume("INSERT", "INTO")
        table = cursor.path()
        if cursor.consume("AS"):
            cursor.name()
        # VALUES and SELECT in brackets list nothing.
        if cursor.peek() == "(" and cursor.peek(1) not in ("SELECT", "WITH", "VALUES", "("):
            return table, frozenset(column.name() for column in cursor.group().parts())
    return None
