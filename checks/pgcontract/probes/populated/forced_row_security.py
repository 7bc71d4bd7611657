"""Row security that is forced on owners too: who fills and reads the tables here has to see their rows."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.patterns import lazy_pattern

_FORCES: Final = lazy_pattern(r"\bFORCE\s+ROW\s+LEVEL\s+SECURITY\b", re.IGNORECASE)
_FORCED: Final = """
SELECT pg_catalog.format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relforcerowsecurity AND c.relkind IN ('r', 'p') AND pg_catalog.pg_get_userbyid(c.relowner) = session_user
 ORDER BY c.oid
"""


def forces_row_security(text: str) -> bool:
    """Whether a script or a function's body says it."""
    return _FORCES.search(text) is not None


def lift_forced_row_security(connection: psycopg.Connection) -> None:
    """Let the owner see the rows of his tables again; a table with events that are yet to fire stays as it is."""
    for (statement,) in connection.execute(_FORCED).fetchall():
        with suppress(psycopg.Error), connection.transaction():
            connection.execute(statement.encode())
