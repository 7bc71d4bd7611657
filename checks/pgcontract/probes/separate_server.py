"""The migrated database on a server that has no other copy of it: a role is dropped only where nothing else names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import Refusal, apply_as_production
from pgcontract.probes.context import Context


@contextmanager
def on_separate_server(
    context: Context, *, before_last: Callable[[psycopg.Connection], None]
) -> Iterator[tuple[psycopg.Connection, Refusal | None]]:
    """An autocommit connection to the database right after the promise's migration, on a second server; and why that was
    refused, if it was.

    `before_last` is called with a connection to it right before that migration.
    """
    if context.sandbox.second_sandbox is None:
        raise CouldNotAsk("this needs a second server, which this provider does not start; --pg wheel does")
    with context.sandbox.second_sandbox() as sandbox:
        refusal = None
        name = sandbox.platform_state(sandbox.platform.regimes[0]).database
        for migration in context.promise.project.chain:
            if migration.key == context.promise.migration.key:
                with sandbox.connect(name) as connection:
                    before_last(connection)
            with sandbox.connect(name) as connection:
                refusal = apply_as_production(connection, migration.up)
            if migration.key == context.promise.migration.key:
                break
        with sandbox.connect(name) as connection:
            yield connection, refusal
