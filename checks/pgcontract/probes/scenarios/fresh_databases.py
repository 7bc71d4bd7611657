"""Databases in which sessions commit: each history finds the tables as the migration left them.

What one history committed is deleted where that is all there is to it: from a table that was empty, with no trigger, rule
or key that a DELETE would set off, no row security that binds who deletes, and only if nothing else changed meanwhile.
Everywhere else a fresh clone takes its place: an append-only table, or one that others refer to, lets nobody delete.
"""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.probes.context import Context
from pgcontract.probes.scenarios.parallel_sessions import ParallelSession, open_sessions

_IS_PLAIN: Final = """
SELECT c.relkind = 'r' AND NOT c.relhassubclass AND NOT pg_catalog.row_security_active(c.oid)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgtype & 8 <> 0)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid)
  FROM pg_catalog.pg_class AS c WHERE c.oid = %s::pg_catalog.regclass
"""
_TABLES: Final = """
SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
 ORDER BY 1
"""


class FreshDatabases:
    """Sessions and an observer in a database where `table` is as the migration left it. Use as a context manager."""

    def __init__(self, context: Context, table: str, sessions: int, log: str) -> None:
        self._context = context
        self._table = sql.SQL(table)
        self._sessions = sessions
        self._log = log
        self._stack = ExitStack()
        self._current: tuple[list[ParallelSession], psycopg.Connection] | None = None
        self._contents: object = None
        self._is_plain = False

    def __enter__(self) -> FreshDatabases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def next(self) -> tuple[list[ParallelSession], psycopg.Connection]:
        """For the next history; those of the one before are of no use any more."""
        if self._current is None or not self._is_clean():
            self._stack.close()
            sandbox = self._context.sandbox
            database = self._stack.enter_context(sandbox.clone(self._context.after_state))
            self._current = self._stack.enter_context(open_sessions(sandbox, database, self._sessions))
            observer = self._current[1]
            observer.execute(self._log)
            row = observer.execute(_IS_PLAIN, [self._table.as_string()]).fetchone()
            has_rows = observer.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(self._table)).rowcount
            self._is_plain = bool(row and row[0] and not has_rows)
            self._contents = self._read_contents(observer) if self._is_plain else None
        return self._current

    def _is_clean(self) -> bool:
        """Whether what was committed is gone, and nothing else was changed."""
        if not self._is_plain or self._current is None:
            return False
        observer = self._current[1]
        try:
            observer.execute(sql.SQL("DELETE FROM {}; DELETE FROM pgcontract_log").format(self._table))
            return self._read_contents(observer) == self._contents
        except psycopg.Error:  # a table that is published, and has no key, lets nobody delete
            return False

    def _read_contents(self, observer: psycopg.Connection) -> object:
        """What tells whether any table is as it was."""
        versions = [
            sql.SQL(
                "(SELECT coalesce(sum(pg_catalog.hashtextextended(ctid::text || '/' || xmin::text, 0)), 0) FROM ONLY {})"
            ).format(sql.SQL(name))
            for (name,) in observer.execute(_TABLES).fetchall()
        ]
        return observer.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(versions))).fetchone()
