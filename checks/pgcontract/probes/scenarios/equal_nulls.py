"""Tries whether a flow's invariant would hold if a unique key of its tables took NULL for equal to NULL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.contract import Flow, Invariant
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.scenarios.moves import History
from pgcontract.probes.scenarios.player import ScenarioRunner
from pgcontract.values import dataclass

# The keys with a part that may be NULL; an expression may always be.
_KEYS: Final = """
SELECT index.relname, pg_get_indexdef(i.indexrelid), pg_get_expr(i.indpred, i.indrelid), index.reloptions IS NOT NULL,
       i.indexrelid::regclass::text, i.indrelid::regclass::text, quote_ident(key.conname), pg_get_constraintdef(key.oid),
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, part.place::int, false)
             FROM unnest(i.indkey[:i.indnkeyatts - 1]) WITH ORDINALITY AS part (attnum, place)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.attnum
             WHERE part.attnum = 0 OR NOT a.attnotnull
             ORDER BY part.place)
FROM pg_index i
JOIN pg_class index ON index.oid = i.indexrelid
LEFT JOIN pg_constraint key ON key.conindid = i.indexrelid AND key.contype = 'u'
WHERE i.indisunique AND NOT i.indisprimary AND NOT i.indnullsnotdistinct AND NOT index.relispartition
  AND i.indrelid = to_regclass(%s)
ORDER BY index.relname
"""


@dataclass(frozen=True, kw_only=True)
class NullableKey:
    """A unique key that takes rows with NULL in `columns` for different; `sql` makes it take them for equal."""

    name: str
    columns: tuple[str, ...]
    sql: str


def key_that_would_hold(context: Context, flow: Flow, invariant: Invariant, history: History) -> NullableKey | None:
    """The unique key with which the history, which breaks the invariant, would not, if NULL equalled NULL in it."""
    tables = sorted(
        table.name
        for table in context.after.tables
        if table.name == flow.table or re.search(rf"\b{re.escape(table.bare_name)}\b", invariant.violations)
    )
    for table in tables:
        with context.sandbox.rolled_back(context.after_state) as connection:
            keys = tuple(_nullable_keys(connection, table)) if connection.info.server_version >= 150000 else ()
        for key in keys:
            with (
                suppress(CouldNotAsk, psycopg.Error),
                context.sandbox.rolled_back(context.after_state) as connection,
            ):
                connection.execute(key.sql.encode())
                runner = ScenarioRunner(connection, flow, (invariant,))
                if not any(result.broken for result in runner.run(history)):
                    return key
    return None


def _nullable_keys(connection: psycopg.Connection, table: str) -> Iterator[NullableKey]:
    for name, definition, predicate, options, index, of, constraint, unique, columns in connection.execute(
        _KEYS, [table]
    ):
        if not columns:
            continue
        if constraint:
            equal = unique.replace("UNIQUE", "UNIQUE NULLS NOT DISTINCT", 1)
            made = f"ALTER TABLE {of} DROP CONSTRAINT {constraint}, ADD CONSTRAINT {constraint} {equal};"
        else:
            keys, where = definition, ""
            if predicate:
                at = definition.rindex(f" WHERE {predicate}")
                keys, where = definition[:at], definition[at:]
            if options:
                at = keys.rindex(" WITH (")
                keys, where = keys[:at], keys[at:] + where
            made = f"DROP INDEX {index}; {keys} NULLS NOT DISTINCT{where};"
        yield NullableKey(name=name, columns=tuple(columns), sql=made)
