"""Row security that binds the owner, too, left aside while rows are read: what it hides is still there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.rows import tuple_row

_FORCED: Final = """
select pg_catalog.format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    c.relforcerowsecurity and c.relkind in ('r', 'p') and pg_catalog.row_security_active(c.oid)
    and pg_catalog.pg_has_role(c.relowner, 'usage')
order by 1
"""


@contextmanager
def every_row_visible(connection: Connection[Any]) -> Iterator[None]:
    """Within, whoever owns a table reads all its rows; undone at the end, with whatever else was done.

    Where a trigger is still to fire on a table the server refuses to alter it, and it is read as it is.
    """
    forced = connection.cursor(row_factory=tuple_row).execute(_FORCED, prepare=False).fetchall()
    if not forced:
        yield
        return
    with connection.transaction(force_rollback=True):
        for (table,) in forced:
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(sql.SQL("alter table {} no force row level security").format(sql.SQL(table)))
        yield
