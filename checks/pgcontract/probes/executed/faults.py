"""Which refusals are a body's fault: by their code, and by the function that the server's CONTEXT names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pgcontract.model.sql.passed_values import passed_values
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.executed.routines import Routine
from pgcontract.values import dataclass

# PostgreSQL, Error Codes: what is wrong in a body whatever it is called with.
BODY_ERRORS: Final = frozenset(
    "42703 42P01 42883 42702 42804 42803 42809 42P10 42601 2F005 54001 42704 42725 42846 428C9 3F000".split()  # noqa: SIM905
)
TYPE_ERRORS: Final = frozenset(("42883", "42804", "42809", "42725", "42846"))  # by the type that we took for any
DENIED: Final = "42501"
TOO_DEEP: Final = "54001"  # by an argument of ours, perhaps
NO_RETURN: Final = "2F005"
UNASSIGNED: Final = "55000"
WRONG_CONSTANT: Final = "22P02"
_IN_FUNCTION: Final = lazy_pattern(
    r"^(?P<language>PL/pgSQL|SQL) function (?P<name>.+?)(?: line (?P<line>\d+)(?P<at>[^\n]*)"
    r"| (?:statement|during|while)[^\n]*)?$",
    re.MULTILINE,
)
# What is put together at run time, and errors that a body raises itself.
_DYNAMIC: Final = lazy_pattern(r"^ at (?:EXECUTE|FOR over EXECUTE|OPEN)\b")
_RAISED: Final = lazy_pattern(r"^ at (?:RAISE|ASSERT)\b")
_RETURNS_QUERY: Final = " at RETURN QUERY"  # CONTEXT says the same where the query is put together
_RETURNS_DYNAMIC: Final = lazy_pattern(r"\breturn\s+query\s+execute\b")
_CONSTANT_EXECUTE: Final = lazy_pattern(
    r"\bexecute\s+(?:e?'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)\s*(?:;|into\b|using\b|loop\b)", re.DOTALL
)
# It is said before a row is read: CONCURRENTLY wants a unique index, of all rows.
# Nor does one that a view of this shape takes no writes.
_WHATEVER: Final = lazy_pattern(
    r"^cannot (?:refresh materialized view .* concurrently$|(?:insert into|update|delete from|merge into) view )"
)
_NAMED: Final = lazy_pattern(r'^(?:relation|function|type|schema|procedure|operator) "?(?P<name>[\w$.]+)')
_TEMPORARY_NAME: Final = lazy_pattern(r"^_*te?mp", re.IGNORECASE)
_CONSTANT: Final = lazy_pattern(r'^invalid input (?:syntax for type|value for enum) [^:]+: "(?P<value>.*)"$', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Where the server was: the function, and the line in its body, None where it says none."""

    routine: Routine
    line: int | None


def is_whatever_the_rows_are(refusal: Refusal) -> bool:
    """Whether the code, or where it says too little the words, say that it fails at each run."""
    return refusal.sqlstate in BODY_ERRORS or bool(refusal.sqlstate == UNASSIGNED and _WHATEVER.match(refusal.message))


def find_fault(
    refusal: Refusal,
    names: Mapping[str, Routine],
    called: Routine | None = None,
    *,
    whatever: bool = False,
    statement: str = "",
) -> Fault | None:
    """The function whose body is at fault; None where the code says nothing of it, or its SQL was put together of more
    than its own constants. `called` is the one that was called, by the `statement`, and `whatever` says that it fails at
    each run where the code leaves that open."""
    if not (whatever or is_whatever_the_rows_are(refusal)) or (place := _place(refusal, names, called)) is None:
        return None
    routine, match = place
    at = match["at"] or ""
    if refusal.sqlstate == "42704" and not refusal.message.startswith("type "):
        return None
    if _RAISED.match(at):
        return None
    if _DYNAMIC.match(at) or (_RETURNS_QUERY in at and _RETURNS_DYNAMIC.search(routine.words)):
        texts = re.findall(r"\bexecute\b", routine.words)
        if len(texts) != len(_CONSTANT_EXECUTE.findall(routine.words)) and not _names_itself(refusal, routine, statement):
            return None
    return Fault(routine=routine, line=int(match["line"]) if match["line"] else None)


def _names_itself(refusal: Refusal, routine: Routine, statement: str) -> bool:
    """Whether what is not there is a name that the body passes on as a constant, and we did not."""
    match = _NAMED.match(refusal.message)
    names = {match["name"], match["name"].rpartition(".")[2]} if match and refusal.sqlstate == "42P01" else set()
    return bool(names & passed_values(routine.source)) and not names & passed_values(statement)


def denied(refusal: Refusal, names: Mapping[str, Routine]) -> Routine | None:
    """The function that may not do what it does; None where it says so itself, or was put together at run time."""
    if refusal.sqlstate != DENIED or (place := _place(refusal, names, None)) is None:
        return None
    routine, match = place
    return None if _RAISED.match(match["at"] or "") else routine


def is_in_block(refusal: Refusal) -> bool:
    """Whether the server was in a DO block, at SQL that was not put together."""
    match = _IN_FUNCTION.search(refusal.context or "")
    return match is not None and match["name"] == "inline_code_block" and not _DYNAMIC.match(match["at"] or "")


def innermost(refusal: Refusal, names: Mapping[str, Routine]) -> Routine | None:
    """The function that the server was in, whatever went wrong."""
    place = _place(refusal, names, None)
    return place[0] if place else None


def is_wrong_constant(refusal: Refusal, statement: str) -> bool:
    """Whether what is no value of a type stands in the statement."""
    value = refused_text(refusal)
    return value is not None and f"'{value}'" in statement


def refused_text(refusal: Refusal) -> str | None:
    """What the server says is no value of a type."""
    match = _CONSTANT.match(refusal.message) if refusal.sqlstate == WRONG_CONSTANT else None
    return match["value"] if match is not None else None


def stack(refusal: Refusal, names: Mapping[str, Routine]) -> tuple[Fault, ...]:
    """The functions that the server was in, the innermost first, as far as their names say which they are."""
    faults = []
    for match in _IN_FUNCTION.finditer(refusal.context or ""):
        if (routine := _named(match, names, None)) is not None:
            faults.append(Fault(routine=routine, line=int(match["line"]) if match["line"] else None))
    return tuple(faults)


def _place(
    refusal: Refusal, names: Mapping[str, Routine], called: Routine | None
) -> tuple[Routine, re.Match[str]] | None:
    match = _IN_FUNCTION.search(refusal.context or "")
    routine = _named(match, names, called) if match is not None else None
    return (routine, match) if routine is not None and match is not None else None


def _named(match: re.Match[str], names: Mapping[str, Routine], called: Routine | None) -> Routine | None:
    if match["language"] == "PL/pgSQL":
        return names.get(match["name"])
    said = match["name"].removeprefix('"').removesuffix('"')
    # Of an SQL function the server says the bare name alone.
    named = {routine.signature: routine for routine in names.values() if routine.bare_name == said}
    if called is not None and called.signature in named:
        return called
    return next(iter(named.values())) if len(named) == 1 else None


def missing_name(refusal: Refusal) -> tuple[str, str]:
    """The schema and the name that are not there, as the server says them; "" for what it does not say."""
    match = _NAMED.match(refusal.message)
    schema, _, bare = match["name"].rpartition(".") if match else ("", "", "")
    return schema, bare


def is_made_by_caller(refusal: Refusal, made_tables: frozenset[str]) -> bool:
    """Whether the table that is not there may be one that is made meanwhile, by the body or around it."""
    name = missing_name(refusal)[1].lower()
    if refusal.sqlstate != "42P01" or not name:
        return False
    return bool(_TEMPORARY_NAME.match(name)) or name in made_tables or "%" in made_tables
