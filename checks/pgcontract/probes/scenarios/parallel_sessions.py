"""Several connections at once, one statement after another, where one may wait for a lock that another holds.

Who waits is what the server says (pg_blocking_pids), not what a clock suggests, so the order is the same on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg

from pgcontract.postgres.sandbox import Sandbox

# How long to wait for a statement's end before the server is asked again whether it waits: an end is seen at once.
_ASK_AGAIN_S = 0.001


class ParallelSession:
    """A connection, and the statement that it may still be waiting in."""

    def __init__(self, number: int, connection: psycopg.Connection, pool: ThreadPoolExecutor) -> None:
        self.number = number
        self.connection = connection
        self._pool = pool
        self._pid = connection.info.backend_pid
        self._running: Future[Any] | None = None

    def begin(self, work: Callable[[psycopg.Connection], object]) -> None:
        """Starts some work on the connection; `is_waiting` tells its state."""
        self._running = self._pool.submit(work, self.connection)

    def is_waiting(self, observer: psycopg.Connection) -> bool:
        """True once the server shows that the work waits for a lock; False once it has ended."""
        assert self._running is not None
        while not self._running.done():
            wait([self._running], timeout=_ASK_AGAIN_S)
            if not self._running.done() and _is_blocked(observer, self._pid):
                return True
        return False

    def result(self) -> Any:
        """What the work returned, or raises what it raised; waits for its end."""
        assert self._running is not None
        running, self._running = self._running, None
        return running.result()


def wait_for_any(sessions: Sequence[ParallelSession]) -> None:
    """Returns when one of these waiting sessions has gone on: where all of them wait, the server ends a deadlock."""
    wait([session._running for session in sessions if session._running is not None], return_when=FIRST_COMPLETED)


@contextmanager
def open_sessions(
    sandbox: Sandbox, database: str, count: int
) -> Iterator[tuple[list[ParallelSession], psycopg.Connection]]:
    """So many sessions in one database, and a connection that observes them."""
    with ExitStack() as stack:
        observer = stack.enter_context(sandbox.connect(database))
        connections = [stack.enter_context(sandbox.connect(database)) for _ in range(count)]
        pool = stack.enter_context(ThreadPoolExecutor(count))
        yield [ParallelSession(number, connection, pool) for number, connection in enumerate(connections, 1)], observer


def _is_blocked(observer: psycopg.Connection, pid: int) -> bool:
    query = "SELECT pg_catalog.cardinality(pg_catalog.pg_blocking_pids(%s)) > 0"
    row = observer.execute(query, [pid]).fetchone()
    return bool(row and row[0])
