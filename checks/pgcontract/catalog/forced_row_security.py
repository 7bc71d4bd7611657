"""Row security that binds the owner, too, left aside while rows are made or read: what it hides is still there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.rows import tuple_row

from pgcontract.patterns import lazy_pattern

_FORCES: Final = lazy_pattern(r"\bFORCE\s+ROW\s+LEVEL\s+SECURITY\b", re.IGNORECASE)
_FORCED: Final = """
select pg_catalog.format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    c.relforcerowsecurity and c.relkind in ('r', 'p') and pg_catalog.row_security_active(c.oid)
    and pg_catalog.pg_has_role(c.relowner, 'usage')
order by 1
"""


def forces_row_security(text: str) -> bool:
    """Whether a script, or what stands in one, forces it on a table or takes that back."""
    return _FORCES.search(text) is not None


def lift_forced_row_security(connection: Connection[Any]) -> None:
    """Whoever owns a table reads and writes all its rows from now on."""
    _lift(connection, _forced(connection))


@contextmanager
def every_row_visible(connection: Connection[Any]) -> Iterator[None]:
    """Within, whoever owns a table reads all its rows; undone at the end, with whatever else was done.

    Where a trigger is still to fire on a table the server refuses to alter it, and it is read as it is.
    """
    forced = _forced(connection)
    if not forced:
        yield
        return
    with connection.transaction(force_rollback=True):
        _lift(connection, forced)
        yield


def _forced(connection: Connection[Any]) -> list[tuple[str]]:
    return connection.cursor(row_factory=tuple_row).execute(_FORCED, prepare=False).fetchall()


def _lift(connection: Connection[Any], forced: list[tuple[str]]) -> None:
    for (table,) in forced:
        with suppress(psycopg.Error), connection.transaction():
            connection.execute(sql.SQL("alter table {} no force row level security").format(sql.SQL(table)))
