"""The writes that fire a table's triggers: an INSERT, an UPDATE of each column to its own and another value, a DELETE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Column, Trigger
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.made_row import row_candidates
from pgcontract.probes.row_generation.row_maker import insert_literals
from pgcontract.probes.row_generation.simple_values import simplest_value

EVENTS: Final = ("insert", "update", "delete", "truncate")
_MAX_ROWS_TRIED: Final = 6
_SIGN_UP: Final = "auth."  # Supabase: what writes there has a search_path of its own
# Another value of a type than one that a row has.
_OTHER: Final = (
    (("text", "character", "citext"), "({name}::text || 'x')::{type}"),
    (("smallint", "integer", "bigint", "numeric", "real", "double"), "{name} + 1"),
    (("timestamp", "date"), "{name} + interval '1 day'"),
    (("boolean",), "NOT {name}"),
)


class Firing:
    """`tables` are those with a trigger of the chain's, the platform's tables too."""

    def __init__(self, context: Context, connection: psycopg.Connection) -> None:
        self._context = context
        self._connection = connection
        known = {table.name: table for table in context.after.tables}
        self._views = {view.name for view in context.after.views if not view.materialized}
        self._triggers = [
            trigger
            for trigger in context.migrated.triggers
            if trigger.enabled not in ("disabled", "replica") and (trigger.table in known or trigger.table in self._views)
        ]
        self.tables = tuple(sorted({trigger.table for trigger in self._triggers}))
        self._inserts: dict[str, str] = {}
        self._others: dict[str, str | None] = {}
        self._done = False

    def tables_of(self, function: str) -> Sequence[str]:
        """The tables whose triggers run the function."""
        return sorted({trigger.table for trigger in self._triggers if trigger.function == function})

    def triggers_of(self, table: str) -> Sequence[Trigger]:
        """Those of the chain on a table."""
        return [trigger for trigger in self._triggers if trigger.table == table]

    def inserted(self) -> None:
        """To be said when an INSERT went in: no other is tried."""
        self._done = True

    def writes(self, table: str, *, of: str | None = None, events: Sequence[str] = EVENTS) -> Iterator[tuple[str, bool]]:
        """Statements, each with whether its rows are to stay; with `of` those that fire that function."""
        triggers = [trigger for trigger in self._triggers if trigger.table == table and of in (None, trigger.function)]
        path = self.search_path_of(table)
        for statement, keep in self._writes(table, triggers, of=of, wanted=events):
            yield f"{path}{statement}", keep

    def search_path_of(self, table: str) -> str:
        """What sets that of whoever writes there; empty where it may be anybody's."""
        return "SET LOCAL search_path = auth; " if table.startswith(_SIGN_UP) else ""

    def _writes(
        self, table: str, triggers: Sequence[Trigger], *, of: str | None, wanted: Sequence[str]
    ) -> Iterator[tuple[str, bool]]:
        events = {event for trigger in triggers for event in trigger.events} & set(wanted)
        columns = [column for column in self._context.after.columns_of(table) if not column.generated]
        if "insert" in events or (of is None and wanted is EVENTS):
            yield from self._insert(table, known=of is not None)
        # A view's rows have no ctid; its triggers stand instead of writes of each.
        row = "" if table in self._views else f" WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)"  # noqa: S608 - a name
        if "update" in events:
            for place, column in enumerate(_updated(columns, triggers)):
                name = column.quoted_name
                other = self.other_value(column)
                if other is None or not place:
                    yield f"UPDATE {table} SET {name} = {name}{row}", False  # noqa: S608 - names from the catalog
                if other is not None:
                    yield f"UPDATE {table} SET {name} = {other}{row}", False  # noqa: S608 - the same
        if "delete" in events:
            yield f"DELETE FROM {table}{row}", False  # noqa: S608 - the same
        if "truncate" in events:
            yield f"TRUNCATE {table}", False

    def _insert(self, table: str, *, known: bool) -> Iterator[tuple[str, bool]]:
        """A row, which stays for the others; the first few ways of making one."""
        if known and table in self._inserts:
            yield self._inserts[table], True
            return
        self._done = False
        with suppress(CouldNotAsk, psycopg.Error):
            for number, made in enumerate(row_candidates(self._context, self._connection, table)):
                statement = insert_literals(table, made.values).as_string(self._connection)
                self._inserts[table] = statement
                if number >= _MAX_ROWS_TRIED:
                    return
                yield statement, True
                if self._done:
                    return

    def other_value(self, column: Column) -> str | None:
        """SQL for another value than the column has, of the first kinds that come to mind; of an enum its last label."""
        if column.name not in self._others:
            self._others[column.name] = self._other_value(column)
        return self._others[column.name]

    def _other_value(self, column: Column) -> str | None:
        labels = next((one.labels for one in self._context.after.types if one.labels and one.is_type(column.type)), ())
        if labels:
            return f"{sql.Literal(labels[-1]).as_string(self._connection)}::{column.type}"
        for types, text in _OTHER:
            if column.type.startswith(types) and not column.type.endswith("[]"):
                other = text.format(name=column.quoted_name, type=column.type)
                simple = sql.Literal(str(simplest_value(self._context.after, column.type))).as_string(self._connection)
                return f"coalesce({other}, {simple}::{column.type})"
        return None


def _updated(columns: Sequence[Column], triggers: Sequence[Trigger]) -> Iterator[Column]:
    """The columns whose UPDATE may fire one of them."""
    named = {name for trigger in triggers if "update" in trigger.events for name in trigger.columns}
    every = any("update" in trigger.events and not trigger.columns for trigger in triggers)
    yield from (column for column in columns if every or column.quoted_name in named)
