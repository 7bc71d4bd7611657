"""Functions with their owner's rights by which a user raises what stands in his own row, by as much as he says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Function
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.definer_writes import WRITES, try_definer_writes
from pgcontract.probes.roles.definers import try_definers
from pgcontract.probes.roles.exposed_functions import (
    CHOSEN,
    LEAVES,
    MAX_FUNCTIONS,
    NUMBERS,
    ExposedFunction,
    call_arguments,
    call_of,
    called_bodies,
    called_functions,
)
from pgcontract.probes.roles.users import ANNA, BERT, FIRST
from pgcontract.probes.roles.users_state import users_state
from pgcontract.values import dataclass

_TAKEN: Final = "23505"
_TEXTS: Final = ("text", "character varying", "character")
_DOCUMENTS: Final = ("json", "jsonb")
_EXECUTES: Final = lazy_pattern(r"\bEXECUTE\b", re.IGNORECASE)
# Whoever has a row in one is let in by it, and each of our users has.
_LETS_IN: Final = lazy_pattern(
    r"(\w+_)?(admins?|administrators?|staff|moderators?|managers?|owners?|roles?|permissions?|members?|memberships?|team)(_\w+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class RaisingCall:
    """`value` is what was given."""

    function: Function
    value: str
    outcome: Outcome


class RaisingCalls:
    """Tries on a stage."""

    def __init__(self, context: Context, access: Access, stage: Stage) -> None:
        self._schema = context.after
        self._access = access
        self._stage = stage
        self._rows = users_state(context).made.rows
        told = {written.name for written in try_definer_writes(context).functions}
        self._functions = [
            (one, bodies)
            for one in try_definers(context).exposed[:MAX_FUNCTIONS]
            if one.arguments and FIRST.role in one.roles and not one.variadic and one.function.name not in told
            if self._is_definer(one.function)
            for bodies in ["\n".join(called_bodies(self._schema, one.function))]
            if WRITES.search(bodies) and not LEAVES.search(bodies)
        ]

    def _is_definer(self, function: Function) -> bool:
        called = (function, *called_functions(self._schema, function.body or ""))
        return any(one.security == "definer" for one in called)

    def raising(self, column: Column, value: str, is_his: str) -> RaisingCall | None:
        """The first by which user A's row comes to hold the value, or a higher number, as he says: with another argument
        it holds another."""
        table = QualifiedName.parse(column.table).name
        for one, bodies in self._functions:
            is_named = re.search(rf"\b{re.escape(column.bare_name)}\b", bodies) or _EXECUTES.search(bodies)
            if not is_named or not re.search(rf"\b{re.escape(table)}\b", bodies):
                continue
            for said, given, other in self._given(one, column, value):
                outcome = self._tried(one, bodies, column, is_his, given, other, value)
                if outcome is not None:
                    return RaisingCall(function=one.function, value=said, outcome=outcome)
        return None

    def _tried(
        self,
        one: ExposedFunction,
        bodies: str,
        column: Column,
        is_his: str,
        given: Sequence[str],
        other: Sequence[str],
        value: str,
    ) -> Outcome | None:
        read = f"SELECT {column.quoted_name}::text FROM {column.table} WHERE {is_his}"  # noqa: S608 - the catalog's
        emptied = f"DELETE FROM {column.table} WHERE {is_his}"  # noqa: S608 - the same
        for before in ("", emptied):
            outcome = self._called(one, given, read, before)
            if outcome.refusal is not None and outcome.refusal.sqlstate == _TAKEN and not before:
                continue  # it makes the row that is there
            known = self._stage.attempt(read, before=before)
            again = self._called(one, other, read, before)
            if not _is_raised(known, outcome, again, value):
                return None
            for table, ties in self._access.ties.items():
                name = QualifiedName.parse(table).name
                if (
                    table == column.table
                    or not _LETS_IN.fullmatch(name)
                    or not re.search(rf"\b{re.escape(name)}\b", bodies)
                ):
                    continue
                without = (
                    f"{before}{';' if before else ''}DELETE FROM {table} WHERE {min(ties)}::text = {literal(ANNA.id)}"  # noqa: S608
                )
                if not _is_raised(known, self._called(one, given, read, without), again, value):
                    return None
            return Outcome(statement=call_of(one, given))
        return None

    def _called(self, one: ExposedFunction, given: Sequence[str], read: str, before: str) -> Outcome:
        call = call_of(one, given)
        return self._stage.attempt(call, FIRST, before=before, sent=f"{call}; RESET ROLE; {read}")

    def _given(self, one: ExposedFunction, column: Column, value: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """What it is called with, one argument saying what is to be held, and with another in its place."""
        first = next(iter(call_arguments(self._schema, self._rows, one)))
        for rest in dict.fromkeys((tuple(first), tuple(text.replace(ANNA.id, BERT.id) for text in first))):
            for place, type_ in enumerate(one.arguments):
                for said, chosen, otherwise in _choices(column, type_, value):
                    named = [
                        f"{literal(column.bare_name)}::{kind}" if kind in _TEXTS and at != place else text
                        for at, (text, kind) in enumerate(zip(rest, one.arguments, strict=True))
                    ]
                    for texts in dict.fromkeys((rest, tuple(named))):
                        given, other = [*texts], [*texts]
                        given[place], other[place] = (f"{literal(text)}::{type_}" for text in (chosen, otherwise))
                        yield said, given, other


def _choices(column: Column, type_: str, value: str) -> Iterator[tuple[str, str, str]]:
    """What may be said, how an argument of the type says it, and another of its kind."""
    is_number = is_numeric(column)
    if type_ in _DOCUMENTS:
        held: object = CHOSEN if is_number else value == "true" or value
        other = json.dumps({column.bare_name: 2 * CHOSEN} if is_number else {})
        yield str(CHOSEN) if is_number else value, json.dumps({column.bare_name: held}), other
    elif is_number and type_ in NUMBERS:
        for amount in (CHOSEN, -CHOSEN):
            yield str(amount), str(amount), str(2 * amount)
    elif column.type == "boolean" and type_ == "boolean":
        yield value, "true", "false"
    elif not is_number and column.type != "boolean":
        if type_ in _TEXTS:
            yield value, value.strip("{}"), "none"
        elif type_ == column.type:
            yield value, value, "{}"


def is_numeric(column: Column) -> bool:
    return column.type.startswith(("numeric", "int", "bigint", "smallint", "double", "real"))


def _is_raised(known: Outcome, outcome: Outcome, again: Outcome, value: str) -> bool:
    if outcome.refusal is not None or known.refusal is not None:
        return False
    before, after, otherwise = ([text for (text,) in one.rows if text is not None] for one in (known, outcome, again))
    with suppress(ValueError):
        numbers = [max(map(float, texts), default=0.0) for texts in (before, after, otherwise)]
        return again.refusal is None and numbers[1] > numbers[0] and numbers[2] > numbers[0] and numbers[1] != numbers[2]
    return value in after and value not in before and (again.refusal is not None or value not in otherwise)
