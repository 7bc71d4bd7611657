"""Every function that the chain made, run at its head over rows: by the triggers that fire it, by calls, by views.

All happens in savepoints of a clone that is dropped. What counts are errors that no caller can avoid (a column, table or
function that is not there, an ambiguous name), and only where the server's CONTEXT says that they are in the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Function
from pgcontract.postgres.missing_features import find_missing_feature
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.row_generation.made_row import row_candidates
from pgcontract.probes.row_generation.row_maker import insert_literals
from pgcontract.probes.row_generation.simple_values import simplest_value

MAX_FUNCTIONS: Final = 300
_MAX_ROWS_TRIED: Final = 6
# PostgreSQL, Error Codes: what is wrong in a body whatever it is called with.
_BODY_ERRORS: Final = frozenset(
    ("42703", "42P01", "42883", "42702", "42804", "42803", "42809", "42P10", "42601", "2F005", "54001")
)
_TOO_DEEP: Final = "54001"  # by an argument of ours, perhaps
_IN_FUNCTION: Final = re.compile(r"^(?:PL/pgSQL|SQL) function (?P<name>.+?) (?:line \d+|statement|during)", re.MULTILINE)
# What is put together at run time, and errors that a body raises itself.
_DYNAMIC: Final = re.compile(r" at (?:EXECUTE|FOR over EXECUTE|OPEN|RAISE|ASSERT)\b")
_RETURNS_QUERY: Final = " at RETURN QUERY"  # CONTEXT says the same where the query is put together
_RETURNS_DYNAMIC: Final = re.compile(r"\bRETURN\s+QUERY\s+EXECUTE\b", re.IGNORECASE)
_QUALIFIED: Final = re.compile(r'^(?:relation|function|type) "?(?P<schema>[\w$]+)\.')
_TEMPORARY_NAME: Final = re.compile(r'^relation "_*te?mp', re.IGNORECASE)
# What leaves the database, or waits for somebody else, is read and not called.
_LEAVES: Final = re.compile(
    r"\bdblink|\bhttp_|\bhttp\s*\(|\bnet\.|\bCOPY\b|\bpg_read_|\bpg_write_|\blo_(?:im|ex)port|advisory|\bLISTEN\b|\bpg_sleep"
    r"|\bpg_terminate|\bpg_cancel|\bpg_reload",
    re.IGNORECASE,
)
_TEMPORARY: Final = re.compile(r"\bCREATE\s+(?:LOCAL\s+|GLOBAL\s+)?TEMP", re.IGNORECASE)
_NOT_CALLED: Final = frozenset(("trigger", "event_trigger", "internal", "cstring"))
_POLYMORPHIC: Final = "any"  # how each such type begins: what fits the body, nobody says
_SIGNATURES: Final = """
SELECT pg_catalog.format('%I.%I', n.nspname, p.proname), p.prokind::text, p.prosrc,
       pg_catalog.format_type(p.prorettype, NULL),
       coalesce((SELECT pg_catalog.array_agg(pg_catalog.format_type(a.type, NULL) ORDER BY a.place)
                 FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a(type, place)), '{}'),
       coalesce((SELECT count(*) FROM pg_catalog.unnest(p.proargmodes) AS m(mode) WHERE m.mode = 'o'), 0)::int,
       p.provariadic <> 0
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE l.lanname IN ('plpgsql', 'sql') AND p.prokind IN ('f', 'p')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, p.oid
"""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A body that fails: the function as the catalog names it, the statement that shows it, and the server's words."""

    function: str
    statement: str
    refusal: Refusal


@dataclass(frozen=True, kw_only=True)
class Executed:
    """What came of it. `called` are those that a call, a trigger or a view was tried for, `left` those that were not
    called, each with why."""

    failures: tuple[Failure, ...]
    called: int
    left: Mapping[str, str]


@cached_state_fact
def execute_bodies(context: Context) -> Executed:
    """CouldNotAsk where the head is not applied."""
    functions = {function.name: function for function in context.migrated.functions}
    if not functions:
        return Executed(failures=(), called=0, left={})
    sandbox = context.sandbox
    with sandbox.clone(_state(context)) as database, sandbox.connect(database) as connection:
        connection.execute("BEGIN")
        connection.execute("SET LOCAL statement_timeout = 1000")
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _widen_search_path(connection, context)
        return _Runner(context, connection, functions).run()


def _state(context: Context) -> DatabaseState:
    after = context.after_state
    with suppress(CouldNotAsk):
        return run_over_rows(context).after or after
    return after


def _widen_search_path(connection: psycopg.Connection, context: Context) -> None:
    """Whoever calls a function may have set his search_path so that it finds the tables of the chain's schemas."""
    names = sorted({schema.name for schema in context.migrated.schemas})
    row = connection.execute("SELECT pg_catalog.current_setting('search_path')").fetchone()
    path = ", ".join((row[0] if row else "", *names)).strip(", ")
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, true)", [path])


class _Runner:
    def __init__(self, context: Context, connection: psycopg.Connection, functions: Mapping[str, Function]) -> None:
        self._context = context
        self._connection = connection
        self._functions = functions
        self._failures: dict[str, Failure] = {}
        self._left: dict[str, str] = {}

    def run(self) -> Executed:
        self._fire()
        called = self._call()
        for view in self._context.migrated.views:
            self._try(f"SELECT * FROM {view.name}")  # noqa: S608 - a name from the catalog
        return Executed(failures=tuple(self._failures.values()), called=called, left=self._left)

    def _fire(self) -> None:
        """Each event of the triggers on each table: an INSERT, an UPDATE of each column by itself, a DELETE."""
        fired = {trigger.table for trigger in self._context.migrated.triggers if trigger.enabled != "disabled"}
        for table in sorted(fired):
            if any(table == known.name for known in self._context.after.tables):
                self._write(table)

    def _write(self, table: str) -> None:
        with self._connection.transaction(force_rollback=True):
            self._insert(table)
            row = f"ctid = (SELECT ctid FROM {table} LIMIT 1)"  # noqa: S608 - the same
            columns = [column for column in self._context.after.columns if column.table == table and not column.generated]
            for column in columns:
                name = column.quoted_name
                self._try(f"UPDATE {table} SET {name} = {name} WHERE {row}")  # noqa: S608 - names from the catalog
            self._try(f"DELETE FROM {table} WHERE {row}")  # noqa: S608 - the same

    def _insert(self, table: str) -> None:
        """A row, which stays for the others; the first few ways of making one."""
        with suppress(CouldNotAsk, psycopg.Error):
            for number, made in enumerate(row_candidates(self._context, self._connection, table)):
                statement = insert_literals(table, made.values)
                if number >= _MAX_ROWS_TRIED or self._try(statement.as_string(self._connection), keep=True):
                    return

    def _call(self) -> int:
        called = 0
        for name, kind, source, returns, arguments, outs, variadic in self._connection.execute(_SIGNATURES).fetchall():
            function = self._made(name, arguments)
            if function is None or any(
                type_ in _NOT_CALLED or type_.startswith(_POLYMORPHIC) for type_ in (returns, *arguments)
            ):
                continue
            if called >= MAX_FUNCTIONS:
                self._left[function.name] = "there are too many"
                continue
            if leaves := _LEAVES.search(source):
                self._left[function.name] = f"its body has {leaves[0].strip()}"
                continue
            called += 1
            for statement in self._calls(name, kind, arguments, outs, variadic):
                self._try(statement, with_arguments=bool(arguments))
        return called

    def _made(self, name: str, arguments: Sequence[str]) -> Function | None:
        """The function of the chain with that name; of several, the one with these types."""
        named = [function for key, function in self._functions.items() if key.partition("(")[0] == name]
        exact = [function for function in named if function.name.partition("(")[2].rstrip(")") == ", ".join(arguments)]
        return next(iter(exact or named), None)

    def _calls(self, name: str, kind: str, arguments: Sequence[str], outs: int, variadic: bool) -> Iterator[str]:
        """With simple values, and with nulls."""
        schema, types = self._context.after, arguments
        for values in (
            [sql.Literal(str(simplest_value(schema, type_))).as_string(self._connection) for type_ in types],
            ["NULL"] * len(types),
        ):
            words = [f"{value}::{type_}" for value, type_ in zip(values, types, strict=True)]
            if variadic:
                words[-1] = f"VARIADIC {words[-1]}"
            if kind == "p":
                yield f"CALL {name}({', '.join([*words, *['NULL'] * outs])})"
            else:
                yield f"SELECT {name}({', '.join(words)})"
            if not types:
                return

    def _try(self, statement: str, *, keep: bool = False, with_arguments: bool = False) -> bool:
        """Whether it ran; what fails in a body is noted."""
        try:
            with self._connection.transaction(force_rollback=not keep):
                self._connection.execute(statement.encode())
        except psycopg.Error as error:
            if error.sqlstate in _BODY_ERRORS and not (with_arguments and error.sqlstate == _TOO_DEEP):
                self._note(statement, read_refusal(error))
            return False
        return True

    def _note(self, statement: str, refusal: Refusal) -> None:
        match = _IN_FUNCTION.search(refusal.context or "")
        if match is None:
            return
        function = self._named(match["name"].strip('"'))
        if function is None or function.name in self._failures:
            return
        at = _line_at(refusal.context or "", match.start())
        is_dynamic = _RETURNS_QUERY in at and _RETURNS_DYNAMIC.search(function.body or "")
        if is_dynamic or _DYNAMIC.search(at) or self._is_from_elsewhere(refusal):
            return
        self._failures[function.name] = Failure(function=function.name, statement=statement, refusal=refusal)

    def _named(self, said: str) -> Function | None:
        """The function of the chain that CONTEXT means: by its signature, else by its name alone."""
        exact = [key for key in self._functions if key == said or key.endswith(f".{said}")]
        bare = said.partition("(")[0]
        named = [key for key in self._functions if f".{key.partition('(')[0]}".endswith(f".{bare}")]
        return next((self._functions[key] for key in exact or named), None)

    def _is_from_elsewhere(self, refusal: Refusal) -> bool:
        """Whether what is not there is a caller's temporary table, or another's schema or extension."""
        message, bodies = refusal.message, (one.body or "" for one in self._functions.values())
        if _TEMPORARY_NAME.match(message) or (refusal.sqlstate == "42P01" and any(map(_TEMPORARY.search, bodies))):
            return True
        if match := _QUALIFIED.match(message):
            row = self._connection.execute("SELECT pg_catalog.to_regnamespace(%s) IS NULL", [match["schema"]]).fetchone()
            if (row and row[0]) or match["schema"] in self._context.sandbox.platform.owned_names:
                return True
        promise = self._context.promise
        return (
            find_missing_feature(
                self._connection,
                refusal,
                promise.script,
                spec=self._context.sandbox.server.provider,
                production=promise.project.postgres,
                platform=promise.project.platform,
            )
            is not None
        )


def _line_at(text: str, start: int) -> str:
    return text[start:].partition("\n")[0]
