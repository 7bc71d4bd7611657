"""What the row triggers of the chain do to rows at its head: writes that they drop, and times that they mean to set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Column, Trigger
from pgcontract.model.sql.lexer import without_comments
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.tries import read_rows, try_statements
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed.bodies import TIMEOUT_MS, populated_state
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.routines import migrated_routines
from pgcontract.values import dataclass

_TIMES: Final = lazy_pattern(
    r"(?:updated|modified|changed|touched)(?:_?(?:at|on|time|date|timestamp))?$|last_?(?:updated|modified|changed?|update)",
    re.IGNORECASE,
)
_UPDATES: Final = lazy_pattern(r"updat|modif|touch|chang", re.IGNORECASE)
_CHANGED_ROWS: Final = (
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 FROM pg_catalog.pg_stat_xact_user_tables"
)
_ASSIGNS: Final = lazy_pattern(r"\bnew\s*\.\s*\"?\w+\"?\s*:?=")
_RETURNS_OTHER: Final = lazy_pattern(r"\breturn\s+(?!new\s*;)|\bnew\s*:?=")
_RETURNS_NEW: Final = lazy_pattern(r"\breturn\s+new\b")


@dataclass(frozen=True, kw_only=True)
class DroppedWrites:
    """A BEFORE trigger that lets no write of an event through, and a statement that shows it."""

    trigger: Trigger
    event: str
    statement: str


@dataclass(frozen=True, kw_only=True)
class UnsetTime:
    """A column that a trigger means to set at each UPDATE, and that none of those tried changed, and `why`."""

    trigger: Trigger
    column: str
    statement: str
    why: str


@dataclass(frozen=True, kw_only=True)
class TriggerEffects:
    """What the triggers were seen to do."""

    dropped: tuple[DroppedWrites, ...] = ()
    unset: tuple[UnsetTime, ...] = ()


@cached_state_fact
def trigger_effects(context: Context) -> TriggerEffects:
    """CouldNotAsk where the head is not applied."""
    if not context.migrated.triggers:
        return TriggerEffects()
    sandbox = context.sandbox
    routines = migrated_routines(context)
    with sandbox.clone(populated_state(context)) as database, sandbox.connect(database) as connection:
        connection.execute(f"SET statement_timeout = {TIMEOUT_MS}")
        for routine in routines:
            if routine.leaves:
                _keeps(connection, routine.stub())
        bodies = {routine.signature: without_comments(routine.source).lower() for routine in routines}
        effects = _Effects(context, connection, bodies)
        effects.insert()
        connection.execute("BEGIN")
        return effects.read()


def _keeps(connection: psycopg.Connection, statement: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


class _Effects:
    def __init__(self, context: Context, connection: psycopg.Connection, bodies: Mapping[str, str]) -> None:
        self._context = context
        self._connection = connection
        self._bodies = bodies
        self._firing = Firing(context, connection)
        self._views = {view.name for view in context.after.views}

    def insert(self) -> None:
        """A row in each table that has none, in a transaction of its own: its times are others than a later one sets."""
        for table in self._firing.tables:
            if table in self._views or self._has_rows(table):
                continue
            with suppress(psycopg.Error), self._connection.transaction():
                for statement, keep in self._firing.writes(table):
                    if keep and self._changes(statement, keep=True):
                        break

    def read(self) -> TriggerEffects:
        dropped: list[DroppedWrites] = []
        unset: list[UnsetTime] = []
        for table in self._firing.tables:
            if table in self._views:
                continue
            triggers = [trigger for trigger in self._firing.triggers_of(table) if trigger.level == "row"]
            dropped += self._dropped(table, [trigger for trigger in triggers if trigger.timing == "before"])
            unset += self._unset(table, triggers)
        return TriggerEffects(dropped=tuple(dropped), unset=tuple(unset))

    def _dropped(self, table: str, triggers: Sequence[Trigger]) -> Iterator[DroppedWrites]:
        for event in ("insert", "update", "delete"):
            own = [trigger for trigger in triggers if event in trigger.events and trigger.function in self._bodies]
            if not own or not any(self._may_drop(event, trigger) for trigger in own):
                continue
            shown = self._all_dropped(table, event)
            if shown is None:
                continue
            blamed = own if len(own) == 1 else [each for each in own if self._drops_alone(table, event, each, own)]
            if not blamed:  # one goes by what another does
                blamed = [each for each in own if not self._drops_without(table, event, [each])]
                blamed = blamed if len(blamed) == 1 else []
            if all(self._may_drop(event, each) for each in blamed):
                yield from (DroppedWrites(trigger=each, event=event, statement=shown) for each in blamed)

    def _may_drop(self, event: str, trigger: Trigger) -> bool:
        """Whether it is no guard on purpose: of an UPDATE it gives the row values, of a DELETE it returns the row that
        there is none of."""
        body = self._bodies.get(trigger.function, "")
        if event == "delete":
            return bool(_RETURNS_NEW.search(body))
        return bool(_RETURNS_OTHER.search(body)) and (event == "insert" or bool(_ASSIGNS.search(body)))

    def _drops_alone(self, table: str, event: str, trigger: Trigger, own: Sequence[Trigger]) -> bool:
        return self._drops_without(table, event, [each for each in own if each is not trigger])

    def _drops_without(self, table: str, event: str, triggers: Sequence[Trigger]) -> bool:
        """Whether no write goes through without these either."""
        with self._connection.transaction(force_rollback=True):
            disabled = [f"ALTER TABLE {table} DISABLE TRIGGER {trigger.quoted_name}" for trigger in triggers]
            return not all(_keeps(self._connection, each) for each in disabled) or bool(self._all_dropped(table, event))

    def _all_dropped(self, table: str, event: str) -> str | None:
        """The first of the writes that went in and changed no row, here or elsewhere; None where any changed one."""
        first: str | None = None
        with suppress(CouldNotAsk), self._connection.transaction(force_rollback=True):
            if event != "insert" and not self._has_rows(table):
                return None
            for statement, _ in self._firing.writes(table, events=(event,)):
                changes = self._changes(statement, keep=False)
                if changes:
                    return None
                if changes is not None:
                    first = first or statement
        return first

    def _has_rows(self, table: str) -> bool:
        try:
            return self._connection.execute(f"SELECT FROM {table} LIMIT 1".encode()).fetchone() is not None
        except psycopg.Error:
            return True

    def _changes(self, statement: str, *, keep: bool) -> bool | None:
        """Whether it changed a row, in whichever table; None where it was refused."""
        try:
            if try_statements(self._connection, statement)[-1].command_tuples:
                if keep:
                    try_statements(self._connection, statement, keep=True)
                return True
            # Only now, for the server reads the counts of all tables.
            before, *_, after = try_statements(
                self._connection, f"{_CHANGED_ROWS}; {statement}\n; {_CHANGED_ROWS}", keep=keep
            )
        except psycopg.Error:
            return None
        return read_rows(self._connection, before) != read_rows(self._connection, after)

    def _unset(self, table: str, triggers: Sequence[Trigger]) -> Iterator[UnsetTime]:
        columns = self._context.after.columns_of(table)
        for column in columns:
            if not (_TIMES.search(column.bare_name) and column.type.startswith(("timestamp", "date"))):
                continue
            sets = lazy_pattern(rf'\bnew\s*\.\s*"?{re.escape(column.bare_name.lower())}"?\s*:?=')
            meant = [
                trigger
                for trigger in triggers
                if sets.search(self._bodies.get(trigger.function, "")) and trigger.timing in ("before", "after")
            ]
            if meant and (unset := self._tried(table, column, meant[0], columns)):
                yield unset

    def _tried(self, table: str, column: Column, trigger: Trigger, columns: Sequence[Column]) -> UnsetTime | None:
        if "update" not in trigger.events and not _UPDATES.search(f"{trigger.quoted_name} {trigger.function}"):
            return None
        name = column.quoted_name
        row = f"WHERE ctid = (SELECT ctid FROM {table} WHERE {name} IS NOT NULL LIMIT 1)"  # noqa: S608 - the catalog's
        shown: str | None = None
        for other in columns:
            if other is column or other.generated or other.identity:
                continue
            value = self._firing.other_value(other)
            if value is None:
                continue
            statement = f"UPDATE {table} SET {other.quoted_name} = {value} {row}"  # noqa: S608 - names from the catalog
            try:
                results = try_statements(
                    self._connection,
                    f"SELECT {name}::text FROM {table} {row}; {statement} RETURNING {name}::text",  # noqa: S608 - the same
                )
            except psycopg.Error:
                continue
            old, new = (read_rows(self._connection, result) for result in results)
            if not old or not new:
                continue
            if old != new:
                return None
            shown = shown or statement
        return UnsetTime(trigger=trigger, column=name, statement=shown, why=_why(trigger, name)) if shown else None


def _why(trigger: Trigger, column: str) -> str:
    if trigger.timing == "after":
        return "it runs AFTER, when the row is written"
    if "update" not in trigger.events:
        return f"it runs at {' and '.join(event.upper() for event in trigger.events)} alone"
    if trigger.columns:
        return f"it runs at UPDATE OF {', '.join(trigger.columns)} alone"
    if trigger.when:
        return f"its WHEN ({trigger.when}) was not so"
    return f"something else sets {column} back"
