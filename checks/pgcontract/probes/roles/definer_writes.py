"""What views and functions write with their owner's rights that their callers could not write by themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, View
from pgcontract.postgres.acting_identity import NOBODY
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import insert_statement, is_exposed, try_access
from pgcontract.probes.roles.acting import Outcome, Stage
from pgcontract.probes.roles.definers import try_definers
from pgcontract.probes.roles.exposed_functions import (
    CHOSEN,
    LEAVES,
    MAX_FUNCTIONS,
    WHO,
    ExposedFunction,
    call_arguments,
    call_of,
    called_bodies,
    called_functions,
)
from pgcontract.probes.roles.ties import AUTH_USERS, asked_once
from pgcontract.probes.roles.users import ANNA, ANON, SECOND, USERS, Actor
from pgcontract.probes.roles.users_state import acting_stages, users_state
from pgcontract.values import dataclass

_NEW: Final = 970  # what a row that is tried to be inserted is made of
_MAX_ROWS: Final = 2_000
WRITES: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE)\b", re.IGNORECASE)
# That somebody is signed in says nothing of who.
_SIGNED_IN: Final = re.compile(
    r"auth\.uid\(\)\s+IS\s+(?:NOT\s+)?NULL|auth\.role\(\)\s*(?:=|<>|!=)\s*'(?:authenticated|anon)'", re.IGNORECASE
)
_CANNOT: Final = frozenset(("0A000", "428C9", "55000", "42809"))  # no such column or view may be written at all


@dataclass(frozen=True, kw_only=True)
class Written:
    """What an actor wrote through a view or a function: the operation, in which table, under which regimes."""

    name: str
    actor: Actor
    operation: str
    table: str
    regimes: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row that is there: where, what it holds, and the numbers of the users whose it is."""

    table: str
    place: str
    values: Mapping[str, Any]
    users: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class DefinerWrites:
    views: tuple[Written, ...] = ()
    functions: tuple[Written, ...] = ()


@cached_state_fact
def try_definer_writes(context: Context) -> DefinerWrites:
    """CouldNotAsk as `try_access`."""
    access = try_access(context)
    views = [view for view in context.migrated.views if view.name in access.relations and not view.materialized]
    exposed = try_definers(context).exposed
    functions = [one for one in exposed if _definers(context, one)][:MAX_FUNCTIONS]
    if not views and not functions:
        return DefinerWrites()
    trier = _Trier(context)
    with acting_stages(context) as open_stage:
        suspected: list[Written] = []
        for regime in access.regimes:
            stage = open_stage(regime)
            for view in views:
                suspected += trier.through(stage, view, regime)
        # What the tables refuse they refuse whatever is granted by default.
        stage = open_stage(access.regimes[-1])
        through_functions = [written for one in functions for written in trier.call(stage, one)]
        for view in context.migrated.views:
            if not view.materialized and suspected:
                with suppress(psycopg.Error):
                    stage.prepare(f"ALTER VIEW {view.name} SET (security_invoker = true)")
        through_views = [written for written in suspected if not trier.writes_by_himself(stage, written)]
    return DefinerWrites(views=_by_regimes(through_views), functions=tuple(through_functions))


def _by_regimes(written: Sequence[Written]) -> tuple[Written, ...]:
    found: dict[tuple[str, Actor, str], Written] = {}
    for one in written:
        known = found.get((one.name, one.actor, one.operation), one)
        regimes = tuple(dict.fromkeys((*known.regimes, *one.regimes)))
        found[one.name, one.actor, one.operation] = Written(**{**vars(known), "regimes": regimes})
    return tuple(found.values())


def _definers(context: Context, one: ExposedFunction) -> list[str]:
    """Itself and what it calls, as far as they run with their owner's rights; of the latter what writes and is shown to
    nobody by itself."""
    called = called_functions(context.migrated, one.function.body or "", besides=one.function.name)
    behind = [inner for inner in called if not is_exposed(context, inner.name) and WRITES.search(inner.body or "")]
    return [function.name for function in (one.function, *behind) if function.security == "definer"]


class _Trier:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._access = try_access(context)
        self._made = users_state(context).made
        self._filled = {table.name: table for table in users_state(context).tables}
        self._keys = {
            table.name: next((key.columns for key in table.keys if key.unique and key.columns and not key.predicate), ())
            for table in self._filled.values()
        }
        self._views = {view.name: view for view in context.after.views}
        self._columns: dict[str, list[Column]] = {}
        for column in context.after.columns:
            self._columns.setdefault(column.table, []).append(column)
        self._before: dict[tuple[Stage, tuple[str, ...]], tuple[_Row, ...]] = {}

    def through(self, stage: Stage, view: View, regime: str) -> Iterator[Written]:
        tables = self._tables_in(view.definition)
        for actor in (ANON, SECOND) if tables else ():
            for operation in ("INSERT", "UPDATE", "DELETE"):
                if not self._access.of(regime, view.name, actor, operation).may:
                    continue
                for statement in self._statements(view, operation, tables):
                    outcome, table = self._write(stage, operation, statement, actor, tables)
                    if table is not None:
                        yield Written(
                            name=view.name,
                            actor=actor,
                            operation=operation,
                            table=table,
                            regimes=(regime,),
                            outcome=Outcome(statement=statement, refusal=outcome.refusal),
                        )
                    if table is not None or outcome.refusal is None or outcome.refusal.sqlstate not in _CANNOT:
                        break

    def writes_by_himself(self, stage: Stage, written: Written) -> bool:
        """Whether the same reaches the table with its caller's rights; the views have them by now."""
        tables = self._tables_in(self._views[written.name].definition)
        _, table = self._write(stage, written.operation, written.outcome.statement, written.actor, tables)
        return table is not None

    def _write(
        self, stage: Stage, operation: str, statement: str, actor: Actor, tables: Sequence[str]
    ) -> tuple[Outcome, str | None]:
        """What came of it, and the table in which it reached a row that is not the actor's."""
        if operation == "INSERT":
            outcome = stage.attempt(statement, actor)
            return outcome, tables[0] if outcome.reached or outcome.count else None
        outcome, rows = self._after(stage, statement, actor, tables)
        places = {row.place for row in rows}
        own = actor.user.number if actor.user else 0
        for row in self._rows_before(stage, tables) if outcome.refusal is None else ():
            if row.place not in places and own not in row.users:
                return outcome, row.table
        return outcome, None

    def _statements(self, view: View, operation: str, tables: Sequence[str]) -> Iterator[str]:
        columns = self._columns.get(view.name, ())
        if operation == "DELETE":
            yield f"DELETE FROM {view.name}"  # noqa: S608 - the catalog's
        elif operation == "UPDATE":
            for column in columns:
                yield f"UPDATE {view.name} SET {column.quoted_name} = {column.quoted_name}"  # noqa: S608 - the catalog's
        elif tables[0] in self._filled:
            values = self._made.values(self._filled[tables[0]], ANNA, _NEW)
            shown = {column.bare_name for column in columns}
            yield insert_statement(view.name, {name: value for name, value in values.items() if name in shown})

    def call(self, stage: Stage, one: ExposedFunction) -> Iterator[Written]:
        function = one.function
        bodies = "\n".join(called_bodies(self._context.after, function))
        if not WRITES.search(bodies) or LEAVES.search(bodies) or WHO.search(_SIGNED_IN.sub("", asked_once(bodies))):
            return
        tables = [name for name in self._tables_in(bodies) if name == AUTH_USERS or self._access.separates(name)]
        for actor in (ANON, SECOND) if tables else ():
            if actor.role not in one.roles:
                continue
            told = set()
            for given in call_arguments(self._context.after, self._made.rows, one):
                call = call_of(one, given)
                outcome, changes = self._changes(stage, call, actor, tables, given)
                changes = {operation: table for operation, table in changes.items() if operation not in told}
                if not changes:
                    continue
                definers = _definers(self._context, one)
                before = "; ".join(f"ALTER ROUTINE {name} SECURITY INVOKER" for name in definers)
                _, own = self._changes(stage, call, actor, tables, given, before=before)
                for operation, table in changes.items():
                    if operation not in own:
                        told.add(operation)
                        yield Written(
                            name=function.name,
                            actor=actor,
                            operation=operation,
                            table=table,
                            regimes=self._access.regimes,
                            outcome=Outcome(statement=call, refusal=outcome.refusal),
                        )

    def _changes(
        self, stage: Stage, call: str, actor: Actor, tables: Sequence[str], given: Sequence[str], *, before: str = ""
    ) -> tuple[Outcome, dict[str, str]]:
        """What became of user A's rows: the table by operation. A number or a time that moved on by itself is none."""
        outcome, rows = self._after(stage, call, actor, tables, before=before)
        if outcome.refusal is not None:
            return outcome, {}
        theirs = [row for row in self._rows_before(stage, tables) if row.users == {ANNA.number}]
        now = [row for row in rows if row.users == {ANNA.number}]
        gone = [row for row in theirs if (row.table, row.values) not in [(one.table, one.values) for one in now]]
        new = [row for row in now if (row.table, row.values) not in [(one.table, one.values) for one in theirs]]
        changes: dict[str, str] = {}
        for row in gone:
            later = [one for one in new if one.table == row.table]
            if not later:
                changes.setdefault("DELETE", row.table)
                continue
            match = max(later, key=lambda one: sum(one.values.get(name) == value for name, value in row.values.items()))
            new.remove(match)
            if any(_is_meant(row.values.get(name), value, given) for name, value in match.values.items()):
                changes.setdefault("UPDATE", row.table)
        for row in new:
            changes.setdefault("INSERT", row.table)
        return outcome, changes

    def _after(
        self, stage: Stage, statement: str, actor: Actor, tables: Sequence[str], *, before: str = ""
    ) -> tuple[Outcome, tuple[_Row, ...]]:
        ends = NOBODY.settings().as_string(stage.connection)
        outcome = stage.attempt(statement, actor, before=before, sent=f"{statement}; {ends}; {_observed(tables)}")
        return outcome, tuple(self._row(*row) for row in outcome.rows)

    def _rows_before(self, stage: Stage, tables: Sequence[str]) -> tuple[_Row, ...]:
        key = stage, tuple(tables)
        if key not in self._before:
            self._before[key] = tuple(self._row(*row) for row in stage.attempt(_observed(tables)).rows)
        return self._before[key]

    def _row(self, table: str, place: str, text: str) -> _Row:
        values = json.loads(text)
        ties = {"id"} if table == AUTH_USERS else self._access.ties.get(table, ())
        held = {str(values.get(name)) for name in ties}
        users = frozenset(user.number for user in USERS if user.id in held)
        if not ties:  # whose it is its key says
            names = self._keys.get(table, ())
            users = frozenset(
                user.number
                for user in USERS
                if (row := self._made.rows.get((table, user.number))) is not None
                and names
                and all(row.values.get(name) == values.get(name) for name in names)
            )
        return _Row(table=table, place=place, values=values, users=users)

    def _tables_in(self, text: str, depth: int = 3) -> list[str]:
        """The tables that a text names, in its order, then those that a view in it names."""
        found = {name: place for name in (*self._filled, AUTH_USERS) if (place := _place(text, name)) is not None}
        names = sorted(found, key=found.__getitem__)
        for view in self._views.values() if depth else ():
            if _place(text, view.name) is not None and view.definition != text:
                names += self._tables_in(view.definition, depth - 1)
        return list(dict.fromkeys(names))


def _is_meant(old: object, new: object, given: Sequence[str]) -> bool:
    """Whether the value was set, and did not only move on."""
    if old == new:
        return False
    is_number = isinstance(new, (int, float)) and not isinstance(new, bool)
    if is_number and isinstance(old, (int, float)):
        moved_by = abs(float(str(new)) - old)
        if moved_by == 1:
            return False
        if moved_by == CHOSEN and any(f"'{CHOSEN}'" in text for text in given):
            return True
    is_time = isinstance(new, str) and re.match(r"\d{4}-\d\d-\d\d(?:T|$)", new) is not None
    return not (is_number or is_time) or any(f"'{new}'" in text for text in given)


def _place(text: str, name: str) -> int | None:
    read = QualifiedName.parse(name)
    schema, bare = re.escape(read.schema or ""), re.escape(read.name)
    match = re.search(rf"(?:\b{schema}\"?\.|(?<![\w.\"]))\"?{bare}(?![\w])", text)
    return match.start() if match else None


def _observed(tables: Sequence[str]) -> str:
    return " UNION ALL ".join(
        f"(SELECT '{table}', pgcontract_row.tableoid::oid::text || ' ' || pgcontract_row.ctid::text, "  # noqa: S608
        f"pg_catalog.to_jsonb(pgcontract_row)::text FROM {table} AS pgcontract_row LIMIT {_MAX_ROWS})"
        for table in tables
    )
