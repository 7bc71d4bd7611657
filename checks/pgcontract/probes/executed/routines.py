"""The functions and procedures that the chain made, as they are called: arguments, body, and what leaves the database."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Final

import psycopg

from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Function
from pgcontract.model.sql.lexer import code, without_comments
from pgcontract.model.sql.plpgsql import Body, read_body
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_SIGNATURES: Final = """
SELECT p.oid::pg_catalog.regprocedure::text, pg_catalog.format('%I.%I', n.nspname, p.proname), p.prokind::text,
       l.lanname::text, p.prosrc, p.prosqlbody IS NOT NULL, p.proisstrict,
       pg_catalog.format_type(p.prorettype, NULL), p.proretset,
       p.prorettype = 'pg_catalog.record'::pg_catalog.regtype AND coalesce(NOT p.proargmodes && '{o,b,t}', true),
       coalesce((SELECT pg_catalog.array_agg(pg_catalog.format_type(a.type, NULL) ORDER BY a.place)
                 FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a(type, place)), '{}'),
       coalesce((SELECT count(*) FROM pg_catalog.unnest(p.proargmodes) AS m(mode) WHERE m.mode = 'o'), 0)::int,
       p.provariadic <> 0, pg_catalog.pg_get_functiondef(p.oid),
       pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid)
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND p.prokind IN ('f', 'p', 'w') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 2, p.oid
"""
# What leaves the database, or waits for somebody else, is read and not called.
_LEAVES: Final = lazy_pattern(
    r"\bdblink\w*|\bhttp_\w+|\bhttp\s*(?=\()|\bnet\s*\.\s*\w+|\bcopy\b|\bpg_read_\w+|\bpg_write_\w+|\bpg_ls_\w+"
    r"|\blo_(?:im|ex)port|\bpg_(?:try_)?advisory_\w+|\b(?:un)?listen\b|\bpg_sleep\w*|\bpg_terminate_backend"
    r"|\bpg_cancel_backend|\bpg_reload_conf|\bpg_rotate_logfile"
)
_SENDERS: Final = {"pg_net": "net", "http": "http"}
_READ: Final = ("plpgsql", "sql")
_DIRECTLY: Final = frozenset(("trigger", "event_trigger", "internal", "cstring"))
_TEMPORARY: Final = lazy_pattern(
    r"\bCREATE\s+(?:(?:LOCAL|GLOBAL)\s+)?(?:(?:TEMP|TEMPORARY|UNLOGGED)\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>[\w$.\"%]+)",
    re.IGNORECASE,
)


_COLUMNS: Final = (
    "signature", "name", "kind", "language", "source", "is_parsed", "strict", "returns", "returns_set", "any_columns",
    "types", "outs", "variadic", "definition", "arguments", "result",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Routine:
    """`signature` is the server's (regprocedure), `definition` what makes it anew, `types` those of its input arguments,
    `outs` how many more a CALL wants; with `any_columns` a caller says which columns its rows have. What begins with
    one of `stays` sends nothing here: something of ours stands in for it."""

    signature: str
    function: Function
    name: str
    kind: str
    language: str
    source: str
    is_parsed: bool
    strict: bool
    returns: str
    returns_set: bool
    any_columns: bool
    types: Sequence[str]
    outs: int
    variadic: bool
    definition: str
    arguments: str
    result: str | None
    stays: tuple[str, ...] = ()

    @cached_property
    def bare_name(self) -> str:
        """Without its schema, and unquoted."""
        return _bare(self.name)

    @cached_property
    def body(self) -> Body | None:
        """Its statements; None where they cannot be told apart."""
        return read_body(self.source) if self.language == "plpgsql" else None

    @cached_property
    def words(self) -> str:
        """What it says, in lower case, texts for EXECUTE included."""
        return without_comments(self.source).lower()

    @cached_property
    def leaves(self) -> str | None:
        """By what its text leaves the database, or waits for somebody else."""
        return what_leaves(self.source, self.stays)

    @property
    def is_trigger(self) -> bool:
        return self.returns == "trigger"

    @property
    def not_callable(self) -> str | None:
        """Why nobody can call it by itself, or nothing would be read in it."""
        if self.language not in _READ:
            return f"it is written in {self.language}"
        if any(type_ in _DIRECTLY for type_ in (self.returns, *self.types)):
            return f"{self.returns} functions are not called"
        return "it is a window function" if self.kind == "w" else None

    @property
    def is_polymorphic(self) -> bool:
        return any(type_.startswith("any") for type_ in self.types)

    def with_source(self, source: str) -> str | None:
        """What makes it anew with another body; None where its own is not found in its definition."""
        head, found, tail = self.definition.rpartition(self.source)
        if not found or self.is_parsed:
            return None
        return f"{head}{source}{tail}"

    def stub(self) -> str:
        """What makes it anew with a body that does nothing."""
        kind = "PROCEDURE" if self.kind == "p" else "FUNCTION"
        returns = "" if self.kind == "p" else f" RETURNS {self.result}"
        return (
            f"CREATE OR REPLACE {kind} {self.name}({self.arguments}){returns} LANGUAGE plpgsql "
            f"AS $pgcontract$BEGIN {self._nothing()} END$pgcontract$"
        )

    def _nothing(self) -> str:
        if self.is_trigger:
            return "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;"
        if self.kind == "p" or self.returns_set or self.returns in ("void", "event_trigger") or self.outs:
            return "RETURN;"
        return "RETURN NULL;"

    @cached_property
    def made_tables(self) -> frozenset[str]:
        """The bare names of tables that it makes itself; "%" where a name is put together."""
        names = [match["name"] for match in _TEMPORARY.finditer(without_comments(self.source))]
        return frozenset("%" if "%" in name else _bare(name).lower() for name in names)


def _bare(name: str) -> str:
    parts = split_name(name)[0]
    return read_identifier(parts[-1]) if parts else name


def what_leaves(text: str, stays: tuple[str, ...] = ()) -> str | None:
    """By what a text leaves the database, or waits for somebody else; texts for EXECUTE included."""
    words = without_comments(text).lower()
    texts = (code(text), words if re.search(r"\bexecute\b", words) else "")
    matches = (match[0].strip() for each in texts for match in _LEAVES.finditer(each))
    return next((match for match in matches if not match.startswith(stays)), None)


def what_stays(connection: psycopg.Connection, stand_ins: Collection[str]) -> tuple[str, ...]:
    """How that begins which would send something, and which something of ours stands in for in this database."""
    query = "SELECT extname FROM pg_catalog.pg_extension WHERE extname = ANY (%s)"
    return tuple(_SENDERS[name] for (name,) in connection.execute(query, [[*_SENDERS.keys() & set(stand_ins)]]))


@cached_state_fact
def migrated_routines(context: Context) -> tuple[Routine, ...]:
    """Those of the chain at its head, by name; every name is qualified. CouldNotAsk where the head is not applied."""
    known = {function.name: function for function in context.migrated.functions}
    with context.sandbox.rolled_back(context.after_state) as connection:
        stays = what_stays(connection, context.sandbox.stand_ins)
        connection.execute("SET LOCAL search_path = ''")
        rows = connection.execute(_SIGNATURES).fetchall()
    return tuple(
        Routine(function=known[row[0]], stays=stays, **dict(zip(_COLUMNS, row, strict=True)))
        for row in rows
        if row[0] in known
    )


def names_in_context(connection: psycopg.Connection, routines: Sequence[Routine]) -> Mapping[str, Routine]:
    """What CONTEXT may call each: as this session's search_path shortens its name, and in full."""
    by_signature = {routine.signature: routine for routine in routines}
    shortened = connection.execute(
        "SELECT name, name::pg_catalog.regprocedure::text FROM pg_catalog.unnest(%s::text[]) AS n(name)",
        [[*by_signature]],
    ).fetchall()
    return {short: by_signature[name] for name, short in shortened} | by_signature


def reached_tables(routines: Sequence[Routine]) -> Mapping[str, frozenset[str]]:
    """By signature, the bare names of tables that any function makes, whose session may call this one later; "%" where
    a function, or whoever it calls or is called by, puts such a name together."""
    named = frozenset(name for routine in routines for name in routine.made_tables if name != "%")
    by_name: dict[str, list[str]] = {}
    for routine in routines:
        by_name.setdefault(routine.bare_name.lower(), []).append(routine.signature)
    makers = [routine for routine in routines if routine.made_tables]
    tables: dict[str, set[str]] = {routine.signature: set(routine.made_tables) for routine in routines}
    if not makers:
        return dict.fromkeys(tables, named)
    calls = {
        routine.signature: {
            called
            for word in set(re.findall(r"[\w$]+", routine.words))
            for called in by_name.get(word, ())
            if called != routine.signature
        }
        for routine in routines
    }
    for _ in range(4):  # a chain of callers is not long
        for caller, callees in calls.items():
            for callee in callees:
                tables[caller] |= tables[callee]
                tables[callee] |= tables[caller]
    return {name: named | made for name, made in tables.items()}
