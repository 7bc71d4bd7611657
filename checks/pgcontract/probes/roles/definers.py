"""What views and functions show with their owner's rights that their callers could not see by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Function, View
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, is_exposed, try_access
from pgcontract.probes.roles.acting import Outcome, Stage
from pgcontract.probes.roles.exposed_functions import (
    LEAVES,
    MAX_FUNCTIONS,
    ExposedFunction,
    call_arguments,
    call_of,
    called_functions,
    is_uuid,
    read_exposed,
)
from pgcontract.probes.roles.ties import AUTH_USERS
from pgcontract.probes.roles.users import ANON, SECOND, Actor
from pgcontract.probes.roles.users_rows import UsersRow
from pgcontract.probes.roles.users_state import acting_stages, users_state
from pgcontract.values import dataclass

_MIN_MARK: Final = 6
_MAX_ROWS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What an actor is shown of others that the tables would not: the tables, and a value of each as an example.
    `through` is the function that it calls, where that one, out of the interface's sight, is what shows them."""

    name: str
    actor: Actor
    regimes: tuple[str, ...]
    outcome: Outcome
    values: Mapping[str, str]
    through: str = ""


@dataclass(frozen=True, kw_only=True)
class Definers:
    """`left` are the SECURITY DEFINER functions that were too many to be called."""

    views: tuple[Shown, ...] = ()
    functions: tuple[Shown, ...] = ()
    exposed: tuple[ExposedFunction, ...] = ()
    called: Mapping[str, Outcome] = field(default_factory=dict)
    left: tuple[str, ...] = ()


@cached_state_fact
def try_definers(context: Context) -> Definers:
    """CouldNotAsk as `try_access`."""
    access = try_access(context)
    functions = [
        one
        for one in context.migrated.functions
        if is_exposed(context, one.name) and one.form in ("function", "procedure")
    ]
    views = [one for one in context.migrated.views if is_exposed(context, one.name) and one.name in access.relations]
    if not functions and not views:
        return Definers()
    return _Comparison(context, access).compare(views, functions)


class _Comparison:
    def __init__(self, context: Context, access: Access) -> None:
        self._context = context
        self._access = access
        self._rows = users_state(context).made.rows
        self._marks = find_marks(self._rows)
        self._hidden_definers = {
            one.name: one
            for one in context.migrated.functions
            if one.security == "definer" and one.form == "function" and not is_exposed(context, one.name)
        }
        self._visible: dict[tuple[Stage, Actor, str], set[str]] = {}

    def compare(self, views: Sequence[View], functions: Sequence[Function]) -> Definers:
        shown: dict[tuple[str, Actor], Shown] = {}
        told: dict[tuple[str, Actor], Shown] = {}
        called: dict[str, Outcome] = {}
        read: dict[tuple[str, str, Actor], tuple[Outcome, set[str]]] = {}
        with acting_stages(self._context) as open_stage:
            for regime in self._access.regimes:
                self._read_views(open_stage(regime), regime, views, read)
            # What the tables hide they hide whatever is granted by default.
            stage = open_stage(self._access.regimes[-1])
            exposed = tuple(read_exposed(stage.connection, functions))
            definers = [one for one in exposed if one.function.security == "definer"]
            others = [
                one for one in exposed if one.function.security != "definer" and self._behind(one.function.body or "")
            ]
            for one in (definers + others)[:MAX_FUNCTIONS]:
                self._function(stage, one, told, called)
            self._compare_views(stage, views, read, shown)
        return Definers(
            views=tuple(shown.values()),
            functions=tuple(told.values()),
            exposed=exposed,
            called=called,
            left=tuple(one.function.name for one in definers[MAX_FUNCTIONS:]),
        )

    def _read_views(
        self,
        stage: Stage,
        regime: str,
        views: Sequence[View],
        read: dict[tuple[str, str, Actor], tuple[Outcome, set[str]]],
    ) -> None:
        for view in views:
            for actor in (ANON, SECOND):
                if self._access.of(regime, view.name, actor, "SELECT").may:
                    outcome = stage.attempt(f"SELECT * FROM {view.name}", actor, sent=_as_json(view.name))  # noqa: S608
                    if seen := self._foreign(outcome, actor):
                        read[regime, view.name, actor] = outcome, seen

    def _compare_views(
        self,
        stage: Stage,
        views: Sequence[View],
        read: Mapping[tuple[str, str, Actor], tuple[Outcome, set[str]]],
        shown: dict[tuple[str, Actor], Shown],
    ) -> None:
        """Leaves those that show as much with their caller's rights."""
        if not read:
            return
        for view in self._context.migrated.views:
            if not view.materialized:
                with suppress(psycopg.Error):
                    stage.prepare(f"ALTER VIEW {view.name} SET (security_invoker = true)")
        for view in views:
            for actor in (ANON, SECOND):
                found = {of: read[of, view.name, actor] for of in self._access.regimes if (of, view.name, actor) in read}
                if not found:
                    continue
                source = f"({view.definition.rstrip().rstrip(';')})" if view.materialized else view.name
                own = self._foreign(stage.attempt(_as_json(source), actor), actor)
                every = set[str]().union(*(marks for _, marks in found.values()))
                seen, through = every - own, ""
                if not seen and (through := self._behind(view.definition)):
                    seen = self._hidden(stage, actor, every)
                if seen:
                    shown[view.name, actor] = Shown(
                        name=view.name,
                        actor=actor,
                        regimes=tuple(found),
                        outcome=next(iter(found.values()))[0],
                        values=self._examples(seen, view.definition, through),
                        through=through,
                    )

    def _function(
        self,
        stage: Stage,
        one: ExposedFunction,
        told: dict[tuple[str, Actor], Shown],
        called: dict[str, Outcome],
    ) -> None:
        function = one.function
        is_definer, through = function.security == "definer", self._behind(function.body or "")
        if function.form != "function" or LEAVES.search(function.body or ""):
            return
        for actor in (ANON, SECOND):
            if actor.role not in one.roles:
                continue
            for given in call_arguments(self._context.after, self._rows, one):
                call = call_of(one, given)
                sent = _as_json(call.removeprefix("SELECT * FROM "))
                outcome = stage.attempt(call, actor, sent=sent)
                if actor is ANON and is_definer:
                    called.setdefault(function.name, outcome)
                    if outcome.refusal is None:
                        called[function.name] = outcome
                every = {mark for mark in self._foreign(outcome, actor) if not any(mark in text for text in given)}
                every = {mark for mark in every if self._is_somebodys(mark)}
                if not every:
                    continue
                before = f"ALTER FUNCTION {function.name} SECURITY INVOKER"
                seen = every - self._foreign(stage.attempt(call, actor, before=before, sent=sent), actor)
                is_by_itself = bool(seen)
                if not seen and through:
                    seen = self._hidden(stage, actor, every)
                if seen and (function.name, actor) not in told:
                    told[function.name, actor] = Shown(
                        name=function.name,
                        actor=actor,
                        regimes=self._access.regimes,
                        outcome=outcome,
                        values=self._examples(seen, function.body or "", through),
                        through="" if is_by_itself else through,
                    )

    def _behind(self, text: str, depth: int = 3) -> str:
        """The first function with its owner's rights that is called in it, by a view in it, or by a function that it
        calls, and that the interface does not show."""
        called = [*called_functions(self._context.after, text)]
        for function in called:
            if function.name in self._hidden_definers:
                return function.name
        views = [one for one in self._context.after.views if one.name in text and one.definition != text]
        deeper = [*(one.body or "" for one in called), *(one.definition for one in views)] if depth else []
        return next((name for one in deeper if one != text and (name := self._behind(one, depth - 1))), "")

    def _is_somebodys(self, mark: str) -> bool:
        return any(table == AUTH_USERS or self._access.separates(table) for table in self._marks[mark][1])

    def _hidden(self, stage: Stage, actor: Actor, marks: set[str]) -> set[str]:
        """Those of rows that are somebody's that the actor does not see in any of their tables."""
        return {
            mark
            for mark in marks
            if self._is_somebodys(mark)
            and not any(mark in self._seen_in(stage, actor, table) for table in self._marks[mark][1])
        }

    def _seen_in(self, stage: Stage, actor: Actor, table: str) -> set[str]:
        key = stage, actor, table
        if key not in self._visible:
            held = self._access.held.get((self._access.regimes[-1], table, actor.role))
            names = sorted(held.columns.get("SELECT", ())) if held and "SELECT" not in held.whole else []
            columns = sql.SQL(", ").join(map(sql.Identifier, names)).as_string(None)
            source = f"(SELECT {columns} FROM {table})" if names else table  # noqa: S608 - names of the catalog
            self._visible[key] = self._foreign(stage.attempt(_as_json(source), actor), actor)
        return self._visible[key]

    def _foreign(self, outcome: Outcome, actor: Actor) -> set[str]:
        """The marks of others' rows in what was shown."""
        text = "\n".join(str(value) for row in outcome.rows for value in row)
        own = actor.user.number if actor.user else 0
        return {mark for mark, (number, _) in self._marks.items() if number != own and mark in text}

    def _examples(self, marks: set[str], source: str, through: str = "") -> dict[str, str]:
        """A mark by table: of those that the source names, or the function that it calls, where any holds it."""
        if through:
            source += self._hidden_definers[through].body or ""
        examples: dict[str, str] = {}
        views = {view.name: view.definition for view in self._context.after.views}
        for _ in range(3):  # what a view in it names
            source += "".join(text for name, text in views.items() if name in source and text not in source)
        for mark in sorted(marks, key=lambda mark: (is_uuid(mark), mark)):
            tables = self._marks[mark][1]
            named = [table for table in tables if table in source]
            bare = [table for table in tables if re.search(rf"\b{re.escape(QualifiedName.parse(table).name)}\b", source)]
            examples.setdefault((named or bare or tables)[0], mark)
        return examples


def find_marks(rows: Mapping[tuple[str, int], UsersRow]) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Values that rows of one user alone hold, each with his number and the tables that hold it."""
    holders: dict[str, set[int]] = {}
    tables: dict[str, list[str]] = {}
    for (table, number), row in rows.items():
        for value in row.given.values():
            if isinstance(value, str) and len(value) >= _MIN_MARK:
                holders.setdefault(value, set()).add(number)
                tables.setdefault(value, []).append(table)
    return {
        value: (next(iter(numbers)), tuple(dict.fromkeys(tables[value])))
        for value, numbers in holders.items()
        if len(numbers) == 1
    }


def _as_json(source: str) -> str:
    return f"SELECT pg_catalog.to_jsonb(pgcontract_row)::text FROM {source} AS pgcontract_row LIMIT {_MAX_ROWS}"  # noqa: S608
