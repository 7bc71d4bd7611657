"""What views and functions show with their owner's rights that their callers could not see by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import psycopg

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Function, Schema, View
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, acting_stages, is_exposed, try_access, users_state
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.ties import AUTH_USERS
from pgcontract.probes.roles.users import ANNA, ANON, SECOND, Actor
from pgcontract.probes.roles.users_rows import UsersRow
from pgcontract.probes.row_generation.simple_values import simplest_value

MAX_FUNCTIONS: Final = 300
_MAX_CALLS: Final = 6
_MIN_MARK: Final = 6
_MAX_ROWS: Final = 200
NOT_CALLABLE: Final = ("trigger", "event_trigger", "internal")
LEAVES: Final = re.compile(
    r"\bdblink|\bhttp_|\bhttp\s*\(|\bnet\.|\bCOPY\b|\bpg_read_|\bpg_write_|\blo_(?:im|ex)port|advisory|\bLISTEN\b|\bpg_sleep"
    r"|\bpg_terminate|\bpg_cancel|\bpg_reload",
    re.IGNORECASE,
)
_SIGNATURES: Final = """
SELECT p.oid::pg_catalog.regprocedure::text, p.prokind::text, pg_catalog.format_type(p.prorettype, NULL),
       coalesce((SELECT pg_catalog.array_agg(pg_catalog.format_type(a.type, NULL) ORDER BY a.place)
                 FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a(type, place)), '{}'),
       p.provariadic <> 0,
       ARRAY(SELECT r.name FROM pg_catalog.unnest(%s::text[]) AS r(name)
              WHERE pg_catalog.has_function_privilege(r.name, p.oid, 'EXECUTE')
                AND pg_catalog.has_schema_privilege(r.name, p.pronamespace, 'USAGE'))
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql')
ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What an actor is shown of others that the tables would not: the tables, and a value of each as an example."""

    name: str
    actor: Actor
    regimes: tuple[str, ...]
    outcome: Outcome
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ExposedFunction:
    """A function of the chain's that the interface shows, with whom it may be called by."""

    function: Function
    returns: str
    arguments: tuple[str, ...]
    roles: tuple[str, ...]
    variadic: bool = False


@dataclass(frozen=True, kw_only=True)
class Definers:
    views: tuple[Shown, ...] = ()
    functions: tuple[Shown, ...] = ()
    exposed: tuple[ExposedFunction, ...] = ()
    called: Mapping[str, Outcome] = field(default_factory=dict)


@cached_state_fact
def try_definers(context: Context) -> Definers:
    """CouldNotAsk as `try_access`."""
    access = try_access(context)
    functions = [one for one in context.migrated.functions if is_exposed(context, one.name) and one.form == "function"]
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
            exposed = tuple(self._exposed(stage, functions))
            for one in exposed[:MAX_FUNCTIONS]:
                self._function(stage, one, told, called)
            self._compare_views(stage, views, read, shown)
        return Definers(views=tuple(shown.values()), functions=tuple(told.values()), exposed=exposed, called=called)

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
                seen = set[str]().union(*(marks for _, marks in found.values())) - own
                if seen:
                    shown[view.name, actor] = Shown(
                        name=view.name,
                        actor=actor,
                        regimes=tuple(found),
                        outcome=next(iter(found.values()))[0],
                        values=self._examples(seen, view.definition),
                    )

    def _exposed(self, stage: Stage, functions: Sequence[Function]) -> Iterator[ExposedFunction]:
        by_name = {function.name: function for function in functions}
        stage.connection.execute("SET LOCAL search_path = ''")  # each name is to come with its schema
        for name, _, returns, arguments, variadic, roles in stage.connection.execute(
            _SIGNATURES, [["anon", "authenticated", "service_role"]]
        ).fetchall():
            function = by_name.get(name)
            if function is not None and returns not in NOT_CALLABLE:
                yield ExposedFunction(
                    function=function,
                    returns=returns,
                    arguments=tuple(arguments),
                    roles=tuple(roles),
                    variadic=variadic,
                )

    def _function(
        self,
        stage: Stage,
        one: ExposedFunction,
        told: dict[tuple[str, Actor], Shown],
        called: dict[str, Outcome],
    ) -> None:
        function = one.function
        if function.security != "definer" or LEAVES.search(function.body or ""):
            return
        for actor in (ANON, SECOND):
            if actor.role not in one.roles:
                continue
            for given in islice(self._arguments(one), _MAX_CALLS):
                call = f"SELECT * FROM {function.name.partition('(')[0]}({', '.join(given)})"  # noqa: S608
                sent = _as_json(call.removeprefix("SELECT * FROM "))
                outcome = stage.attempt(call, actor, sent=sent)
                if actor is ANON:
                    called.setdefault(function.name, outcome)
                    if outcome.refusal is None:
                        called[function.name] = outcome
                seen = {
                    mark
                    for mark in self._foreign(outcome, actor)
                    if any(table in self._access.ties or table == AUTH_USERS for table in self._marks[mark][1])
                    and not any(mark in text for text in given)
                }
                if not seen:
                    continue
                before = f"ALTER FUNCTION {function.name} SECURITY INVOKER"
                seen -= self._foreign(stage.attempt(call, actor, before=before, sent=sent), actor)
                if seen and (function.name, actor) not in told:
                    told[function.name, actor] = Shown(
                        name=function.name,
                        actor=actor,
                        regimes=self._access.regimes,
                        outcome=outcome,
                        values=self._examples(seen, function.body or ""),
                    )

    def _arguments(self, one: ExposedFunction) -> Iterator[list[str]]:
        """What it is called with: user A's, as far as its types take it."""
        mine = [row for (_, number), row in self._rows.items() if number == ANNA.number]
        body = one.function.body or ""
        mine.sort(key=lambda row: QualifiedName.parse(row.table).name not in body)
        values: dict[str, list[str]] = {"uuid": [ANNA.id], "text": [ANNA.email, ANNA.id]}
        for row in mine:
            for value in row.given.values():
                if isinstance(value, bool) or value is None:
                    continue
                kind = "integer" if isinstance(value, int) else "uuid" if _is_uuid(value) else "text"
                held = values.setdefault(kind, [])
                if str(value) not in held and isinstance(value, (int, str)):
                    held.append(str(value))
        values["bigint"] = values["smallint"] = values.get("integer", [])
        values["character varying"] = values["text"]
        for place in range(_MAX_CALLS - 1):
            given = []
            for type_ in one.arguments:
                known = values.get(type_) or [str(simplest_value(self._context.after, type_))]
                given.append(f"{literal(known[min(place, len(known) - 1)])}::{type_}")
            if one.variadic and given:
                given[-1] = f"VARIADIC {given[-1]}"
            yield given
            if not one.arguments:
                return
        yield [f"NULL::{type_}" for type_ in one.arguments]

    def _foreign(self, outcome: Outcome, actor: Actor) -> set[str]:
        """The marks of others' rows in what was shown."""
        text = "\n".join(str(value) for row in outcome.rows for value in row)
        own = actor.user.number if actor.user else 0
        return {mark for mark, (number, _) in self._marks.items() if number != own and mark in text}

    def _examples(self, marks: set[str], source: str) -> dict[str, str]:
        """A mark by table: of those that the source names, where any of them holds it."""
        examples: dict[str, str] = {}
        for mark in sorted(marks, key=lambda mark: (_is_uuid(mark), mark)):
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


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


def _as_json(source: str) -> str:
    return f"SELECT pg_catalog.to_jsonb(pgcontract_row)::text FROM {source} AS pgcontract_row LIMIT {_MAX_ROWS}"  # noqa: S608


def asks_who(schema: Schema, function: Function) -> bool:
    """Whether the body, or one that it calls, looks who its caller is."""
    bodies = {one.bare_name: one.body or "" for one in schema.functions}
    own = function.body or ""
    called = [body for name, body in bodies.items() if re.search(rf"\b{re.escape(name)}\s*\(", own)]
    return any(WHO.search(body) for body in (own, *called))


WHO: Final = re.compile(r"auth\.(?:uid|jwt|role|email)\s*\(|request\.jwt|\bsession_user\b", re.IGNORECASE)
