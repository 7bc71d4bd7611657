"""The functions that the REST API shows, and what to call them with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Function, Schema
from pgcontract.probes.roles.acting import literal
from pgcontract.probes.roles.users import ANNA
from pgcontract.probes.roles.users_rows import UsersRow
from pgcontract.probes.row_generation.simple_values import simplest_value
from pgcontract.values import dataclass

MAX_FUNCTIONS: Final = 300
_MAX_CALLS: Final = 6
# A number that no row of ours holds: where a value moves by it, the caller said by how much.
CHOSEN: Final = 17
NUMBERS: Final = frozenset(("smallint", "integer", "bigint", "numeric", "real", "double precision"))
NOT_CALLABLE: Final = ("trigger", "event_trigger", "internal")
LEAVES: Final = re.compile(
    r"\bdblink|\bhttp_|\bhttp\s*\(|\bnet\.|\bCOPY\b|\bpg_read_|\bpg_write_|\blo_(?:im|ex)port|advisory|\bLISTEN\b|\bpg_sleep"
    r"|\bpg_terminate|\bpg_cancel|\bpg_reload",
    re.IGNORECASE,
)
WHO: Final = re.compile(r"auth\.(?:uid|jwt|role|email)\s*\(|request\.jwt|\bsession_user\b", re.IGNORECASE)
_SIGNATURES: Final = """
SELECT p.oid::pg_catalog.regprocedure::text, coalesce(pg_catalog.format_type(p.prorettype, NULL), ''),
       coalesce((SELECT pg_catalog.array_agg(pg_catalog.format_type(a.type, NULL) ORDER BY a.place)
                 FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a(type, place)), '{}'),
       p.provariadic <> 0,
       ARRAY(SELECT r.name FROM pg_catalog.unnest(%s::text[]) AS r(name)
              WHERE pg_catalog.has_function_privilege(r.name, p.oid, 'EXECUTE')
                AND pg_catalog.has_schema_privilege(r.name, p.pronamespace, 'USAGE'))
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p') AND l.lanname IN ('sql', 'plpgsql')
ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class ExposedFunction:
    """A function of the chain's that the interface shows, with whom it may be called by."""

    function: Function
    returns: str
    arguments: tuple[str, ...]
    roles: tuple[str, ...]
    variadic: bool = False


def read_exposed(connection: psycopg.Connection, functions: Sequence[Function]) -> Iterator[ExposedFunction]:
    """Those of the functions that anybody could call, with whom they may be called by."""
    by_name = {function.name: function for function in functions}
    connection.execute("SET LOCAL search_path = ''")  # each name is to come with its schema
    for name, returns, arguments, variadic, roles in connection.execute(
        _SIGNATURES, [["anon", "authenticated", "service_role"]]
    ).fetchall():
        function = by_name.get(name)
        if function is not None and returns not in NOT_CALLABLE:
            yield ExposedFunction(
                function=function, returns=returns, arguments=tuple(arguments), roles=tuple(roles), variadic=variadic
            )


def call_of(one: ExposedFunction, given: Sequence[str]) -> str:
    """The statement that calls it."""
    call = f"{one.function.name.partition('(')[0]}({', '.join(given)})"
    return f"CALL {call}" if one.function.form == "procedure" else f"SELECT * FROM {call}"  # noqa: S608 - the catalog's


def call_arguments(schema: Schema, rows: Mapping[tuple[str, int], UsersRow], one: ExposedFunction) -> Iterator[list[str]]:
    """What it is called with: user A's, as far as its types take it."""
    mine = [row for (_, number), row in rows.items() if number == ANNA.number]
    body = one.function.body or ""
    mine.sort(key=lambda row: QualifiedName.parse(row.table).name not in body)
    values: dict[str, list[str]] = {"uuid": [ANNA.id], "text": [ANNA.email, ANNA.id]}
    for row in mine:
        for value in row.given.values():
            if isinstance(value, bool) or value is None:
                continue
            kind = "integer" if isinstance(value, int) else "uuid" if is_uuid(value) else "text"
            held = values.setdefault(kind, [])
            if str(value) not in held and isinstance(value, (int, str)):
                held.append(str(value))
    values["bigint"] = values["smallint"] = values.get("integer", [])
    values["character varying"] = values["text"]
    first: list[str] = []
    for place in range(_MAX_CALLS - 1):
        given: list[str] = []
        for type_ in one.arguments:
            known = values.get(type_) or [str(simplest_value(schema, type_))]
            given.append(f"{literal(known[min(place, len(known) - 1)])}::{type_}")
        if one.variadic and given:
            given[-1] = f"VARIADIC {given[-1]}"
        yield given
        if place == 0:
            first = list(given)
        if not one.arguments:
            return
    if (chosen := _with_chosen_number(first, one.arguments)) != first:
        yield chosen
    yield [f"NULL::{type_}" for type_ in one.arguments]


def _with_chosen_number(given: list[str], types: Sequence[str]) -> list[str]:
    """Of several numbers the first may say which row it is."""
    places = [place for place, type_ in enumerate(types) if type_ in NUMBERS]
    chosen = places[1:] or places
    return [f"'{CHOSEN}'::{types[place]}" if place in chosen else text for place, text in enumerate(given)]


def is_uuid(value: Any) -> bool:
    """Whether it is the text of a UUID, as JSON has it."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


def asks_who(schema: Schema, function: Function) -> bool:
    """Whether the body, or one that it calls, looks who its caller is."""
    return any(WHO.search(body) for body in called_bodies(schema, function))


def called_bodies(schema: Schema, function: Function) -> Iterator[str]:
    """Its body, and those of the functions that it calls."""
    yield function.body or ""
    yield from (one.body or "" for one in called_functions(schema, function.body or "", besides=function.name))


def called_functions(schema: Schema, text: str, *, besides: str = "") -> Iterator[Function]:
    """The functions that a body or a query calls by its words; those of auth are the platform's."""
    for one in schema.functions:
        if (
            one.name != besides
            and not one.name.startswith("auth.")
            and re.search(rf"\b{re.escape(one.bare_name)}\"?\s*\(", text)
        ):
            yield one
