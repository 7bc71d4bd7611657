"""Functions with their owner's rights by which a user raises what stands in his own row, by as much as he says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Function
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, insert_statement
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
from pgcontract.probes.roles.guarded_columns import POWER
from pgcontract.probes.roles.users import ANNA, BERT, FIRST
from pgcontract.probes.roles.users_state import users_state
from pgcontract.values import dataclass

_TAKEN: Final = "23505"
_TEXTS: Final = ("text", "character varying", "character")
_DOCUMENTS: Final = ("json", "jsonb")
_KEY: Final = lazy_pattern(r"->>?\s*'(\w+)'")
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"  # who is given what is taken from nobody
_NEW: Final = 950  # what a row that is tried to be inserted is made of
_MAX_EACH: Final = 4
_MAX_OTHERS: Final = 12
_EXECUTES: Final = lazy_pattern(r"\bEXECUTE\b", re.IGNORECASE)
# Whoever has a row in one is let in by it, and each of our users has.
_LETS_IN: Final = lazy_pattern(
    r"(\w+_)?(admins?|administrators?|staff|moderators?|managers?|owners?|roles?|permissions?|members?|memberships?|team)(_\w+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class RaisingCall:
    """`value` is what was given, to the function, or in a row of the table that fires it."""

    function: Function
    value: str
    table: str = ""
    outcome: Outcome


class RaisingCalls:
    """Tries on a stage."""

    def __init__(self, context: Context, access: Access, stage: Stage) -> None:
        self._schema = context.after
        self._access = access
        self._stage = stage
        self._made = users_state(context).made
        self._rows = self._made.rows
        self._filled = {table.name: table for table in users_state(context).tables}
        told = {written.name for written in try_definer_writes(context).functions}
        self._functions = [
            (one, bodies)
            for one in try_definers(context).exposed[:MAX_FUNCTIONS]
            if one.arguments and FIRST.role in one.roles and not one.variadic and one.function.name not in told
            if self._is_definer(one.function)
            for bodies in ["\n".join([*called_bodies(self._schema, one.function), *self._fired(one.function)])]
            if WRITES.search(bodies) and not LEAVES.search(bodies)
        ]

    def _fired(self, function: Function) -> Iterator[str]:
        """The bodies that triggers run on what it writes, as those of a ledger."""
        bodies = {one.name: one.body or "" for one in self._schema.functions}
        written = "\n".join(called_bodies(self._schema, function))
        for trigger in self._schema.triggers:
            if _names(written, QualifiedName.parse(trigger.table).name):
                yield bodies.get(trigger.function, "")

    def _is_definer(self, function: Function) -> bool:
        called = (function, *called_functions(self._schema, function.body or ""))
        return any(one.security == "definer" for one in called)

    def raising(self, column: Column, value: str, is_his: str) -> RaisingCall | None:
        """The first by which user A's row comes to hold the value, or a higher number, as he says: with another argument
        it holds another."""
        table = QualifiedName.parse(column.table).name
        for one, bodies in self._functions:
            inserts = rf"\bINTO\s+[\w.\"]*\b{re.escape(table)}\"?\s+(?:VALUES|SELECT)\b"  # into all its columns
            is_named = _names(bodies, column.bare_name) or _EXECUTES.search(bodies)
            if not (is_named or re.search(inserts, bodies, re.IGNORECASE)) or not _names(bodies, table):
                continue
            for said, given, other in self._given(one, bodies, column, value):
                outcome = self._tried(one, bodies, column, is_his, given, other, value)
                if outcome is not None:
                    return RaisingCall(function=one.function, value=said, outcome=outcome)
        return None

    def raising_by_row(self, column: Column, is_his: str, regime: str) -> RaisingCall | None:
        """By a row of his own in another table, a ledger's, whose trigger adds what stands there."""
        functions = {one.name: one for one in self._schema.functions}
        read = f"SELECT {column.quoted_name}::text FROM {column.table} WHERE {is_his}"  # noqa: S608 - the catalog's
        for trigger in self._schema.triggers if is_numeric(column) else ():
            function, table = functions.get(trigger.function), self._filled.get(trigger.table)
            held = self._access.held.get((regime, trigger.table, FIRST.role))
            if function is None or table is None or held is None or trigger.table not in self._access.ties:
                continue
            bodies = "\n".join(called_bodies(self._schema, function))
            names = (column.bare_name, QualifiedName.parse(column.table).name)
            if trigger.table == column.table or not all(_names(bodies, name) for name in names):
                continue
            values = self._made.values(table, ANNA, _NEW)
            referring = self._access.ties[table.name].union(*(key.columns for key in table.references))
            amounts = [
                one.bare_name
                for one in self._schema.columns_of(table.name)
                if is_numeric(one)
                and not one.generated
                and one.bare_name not in referring
                and _names(bodies, one.bare_name)
            ]
            for name, amount in product(amounts, (CHOSEN, -CHOSEN)):
                statements = [
                    insert_statement(table.name, {key: row[key] for key in row if held.may_column("INSERT", key)})
                    for number in (amount, 2 * amount)
                    for row in [values | {name: str(number)}]
                ]
                outcome, again = (
                    self._stage.attempt(statement, FIRST, sent=f"{statement}; RESET ROLE; {read}")
                    for statement in statements
                )
                if _is_raised(self._stage.attempt(read), outcome, again, str(amount)):
                    shown = Outcome(statement=statements[0])
                    return RaisingCall(function=function, value=str(amount), outcome=shown, table=table.name)
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
        row = self._access.rows.get((column.table, ANNA.number))
        has_it = row is not None and POWER.search(str(row.values.get(column.bare_name)))
        # What she has by that already proves nothing; where no label is weaker, she has one.
        for before in (emptied,) if has_it else ("", emptied):
            outcome = self._called(one, given, read, before)
            if outcome.refusal is not None and outcome.refusal.sqlstate == _TAKEN and not before:
                continue  # it makes the row that is there
            known = self._stage.attempt(read, before=before)
            if not _is_raised(known, outcome, None, value):
                return None
            again = self._called(one, other, read, before)
            if not _is_raised(known, outcome, again, value):
                return None
            for table, ties in self._access.ties.items():
                name = QualifiedName.parse(table).name
                if table == column.table or not _LETS_IN.fullmatch(name) or not _names(bodies, name):
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

    def _given(
        self, one: ExposedFunction, bodies: str, column: Column, value: str
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        """What it is called with, one argument saying what is to be held, and with another in its place."""
        tables = {table.name for table in self._schema.tables}
        keys = _KEY.findall(bodies)
        for place, type_ in enumerate(one.arguments):
            for said, chosen, otherwise in _choices(column, type_, value, keys, is_row=type_ in tables):
                for rest in self._rest(one, place, column.bare_name if _EXECUTES.search(bodies) else ""):
                    given, other = [*rest], [*rest]
                    given[place], other[place] = chosen, otherwise
                    yield said, given, other

    def _rest(self, one: ExposedFunction, place: int, name: str) -> Iterator[Sequence[str]]:
        """What the other arguments are, the likeliest first: user A's values, the column's name, user B, nobody."""
        calls = [given for given in call_arguments(self._schema, self._rows, one) if not given[0].startswith("NULL")]
        known = [list(dict.fromkeys(texts))[:_MAX_EACH] for texts in zip(*calls, strict=True)]
        for at, type_ in enumerate(one.arguments):
            if name and type_ in _TEXTS:
                known[at].insert(0, f"{literal(name)}::{type_}")
            if type_ == "uuid":
                known[at] += (f"{literal(id_)}::uuid" for id_ in (BERT.id, _NOBODY))
        known[place] = known[place][:1]
        places = sorted(product(*(range(len(texts)) for texts in known)), key=lambda numbers: (sum(numbers), numbers))
        for numbers in places[:_MAX_OTHERS]:
            yield [texts[number] for texts, number in zip(known, numbers, strict=True)]


def _names(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _choices(
    column: Column, type_: str, value: str, keys: Sequence[str], *, is_row: bool
) -> Iterator[tuple[str, str, str]]:
    """What may be said, how an argument of the type says it, and another of its kind; `keys` are those of a document."""
    is_number = is_numeric(column)
    if type_ in _DOCUMENTS or is_row:
        held: object = CHOSEN if is_number else value == "true" or value
        for names in (
            dict.fromkeys(((column.bare_name,), (column.bare_name, *keys))) if not is_row else [[column.bare_name]]
        ):
            texts = [
                literal(json.dumps(document))
                for document in (dict.fromkeys(names, held), dict.fromkeys(names, 2 * CHOSEN) if is_number else {})
            ]
            if is_row:
                texts = [f"pg_catalog.jsonb_populate_record(NULL::{type_}, {text})" for text in texts]
            given, other = (f"{text}::{type_}" for text in texts)
            yield str(CHOSEN) if is_number else value, given, other
        return
    said: list[tuple[str, str]] = []
    if is_number and type_ in NUMBERS:
        said = [(str(amount), str(2 * amount)) for amount in (CHOSEN, -CHOSEN)]
    elif column.type == "boolean" and type_ == "boolean":
        said = [("true", "false")]
    elif not is_number and column.type != "boolean" and type_ in (*_TEXTS, column.type):
        said = [(value.strip("{}") if type_ in _TEXTS else value, "none" if type_ in _TEXTS else "{}")]
    for text, otherwise in said:
        yield text if is_number else value, f"{literal(text)}::{type_}", f"{literal(otherwise)}::{type_}"


def is_numeric(column: Column) -> bool:
    return column.type.startswith(("numeric", "int", "bigint", "smallint", "double", "real"))


def _is_raised(known: Outcome, outcome: Outcome, again: Outcome | None, value: str) -> bool:
    """Whether it holds more than before; and `again`, with another argument, another value."""
    if outcome.refusal is not None or known.refusal is not None:
        return False
    before, after = ([text for (text,) in one.rows if text is not None] for one in (known, outcome))
    otherwise = [text for (text,) in again.rows if text is not None] if again else []
    with suppress(ValueError):
        old, new, other = (max(map(float, texts), default=0.0) for texts in (before, after, otherwise))
        return new > old and (again is None or (again.refusal is None and new != other > old))
    return value in after and value not in before and value not in otherwise
