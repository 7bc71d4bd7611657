"""Whether one user reaches another's row by a rule that means to tell them apart, or by one that means to let him."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Final

from pgcontract.model.schema import Column, Policy, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, try_access
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.ties import FROM, asked_once
from pgcontract.probes.roles.users import ANNA, ANON, SECOND, Actor
from pgcontract.probes.roles.users_rows import UsersRow
from pgcontract.probes.roles.users_state import acting_stages
from pgcontract.values import dataclass

_TAUTOLOGY: Final = lazy_pattern(r"\(?\b([\w$]+\.[\w$]+) = \1\b")
_CALLED: Final = lazy_pattern(r"([\w$]+\.[\w$]+)\(")
_MAX_COMBINED: Final = 24
_OPERATIONS: Final = ("SELECT", "UPDATE", "DELETE", "INSERT")


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """One actor reaches another user's row: the operation, and the outcome that shows it."""

    table: str
    actor: Actor
    operation: str
    regime: str
    outcome: Outcome
    policies: tuple[Policy, ...]


@cached_state_fact
def find_crossings(context: Context) -> tuple[Crossing, ...]:
    """In tables whose rows are tied to users and under row security; what policies of true allow is not among them, nor
    what a value of the row or a list of people does."""
    access = try_access(context)
    suspected = [*_suspected(context.after, access)]
    if not suspected:
        return ()
    crossings = []
    with acting_stages(context) as open_stage:
        for regime in dict.fromkeys(each.regime for each in suspected):
            stage = open_stage(regime)
            for each in suspected:
                row = access.rows.get((each.table, ANNA.number))
                if each.regime == regime and not _is_meant(context.after, access, stage, each, row):
                    crossings.append(each)
    return tuple(crossings)


def applying(schema: Schema, table: str, operation: str, role: str) -> tuple[Policy, ...]:
    """The permissive policies of a table that are asked there."""
    return tuple(
        policy
        for policy in schema.policies
        if policy.table == table
        and policy.permissive
        and policy.command in ("all", operation.lower())
        and {role, "public"} & set(policy.roles)
    )


def condition(policy: Policy, operation: str) -> str:
    """What the policy demands of the row."""
    return (policy.check or policy.using or "true") if operation == "INSERT" else (policy.using or "true")


def _suspected(schema: Schema, access: Access) -> Iterator[Crossing]:
    for table in access.relations.values():
        if not isinstance(table, Table) or not table.row_security or table.name not in access.ties:
            continue
        for operation in _OPERATIONS:
            for actor in (SECOND, ANON):
                found = _crossing(schema, access, table.name, operation, actor)
                if found is not None:
                    yield found


def _crossing(schema: Schema, access: Access, table: str, operation: str, actor: Actor) -> Crossing | None:
    policies = applying(schema, table, operation, actor.role)
    texts = [asked_once(condition(policy, operation)) for policy in policies]
    if "true" in texts:
        return None  # of a write another rule tells
    names = [column.bare_name for column in schema.columns_of(table)]
    if operation == "SELECT" and any(_is_of_no_row(text, names) for text in texts):
        return None  # whoever is signed in reads all: as good as true
    for regime in access.regimes:
        tried = access.of(regime, table, actor, operation)
        if tried.others and tried.shown is not None:
            return Crossing(
                table=table, actor=actor, operation=operation, regime=regime, outcome=tried.shown, policies=policies
            )
    return None


def _is_of_no_row(text: str, columns: Sequence[str]) -> bool:
    """Whether it asks nothing of the row, and of nobody else's."""
    words = set(re.findall(r"[\w$]+", re.sub(r"'(?:[^']|'')*'", "", text)))
    return (
        not words & set(columns)
        and "FROM" not in words
        and not any(name.startswith("public.") for name in _CALLED.findall(text))
    )


def _is_meant(schema: Schema, access: Access, stage: Stage, crossing: Crossing, row: UsersRow | None) -> bool:
    """Whether something else than who asks lets him: a value in the row (it is public), or a list that he is on."""
    texts = [condition(policy, crossing.operation) for policy in crossing.policies]
    bodies = [*texts, *_bodies(schema, texts)]
    if row is None:
        return True
    statement = _statement(schema, access, crossing, row)
    if crossing.operation != "INSERT":
        if not _reaches(stage.attempt(statement, crossing.actor)):
            return True  # not by its key, so that nothing can be told
        for before in _changes(schema, access, crossing, row, bodies):
            if _refuses(stage, before) is None and not _reaches(stage.attempt(statement, crossing.actor, before=before)):
                return True
    if any(_TAUTOLOGY.search(body) for body in bodies):
        return False
    user = crossing.actor.user
    for table in _tables(schema, bodies):
        ties = access.ties.get(table, ())
        if user is None or table == crossing.table:
            continue
        for column in ties:
            before = f'DELETE FROM {table} WHERE "{column}"::text = {literal(user.id)}'  # noqa: S608 - the catalog's
            if _refuses(stage, before) is None and not _reaches(stage.attempt(statement, crossing.actor, before=before)):
                return True
    return False


def _refuses(stage: Stage, statement: str) -> Outcome | None:
    outcome = stage.attempt(statement)
    return outcome if outcome.refusal is not None else None


def _reaches(outcome: Outcome) -> bool:
    return outcome.count > 0 or outcome.reached


def _statement(schema: Schema, access: Access, crossing: Crossing, row: UsersRow) -> str:
    if crossing.operation != "SELECT":
        return crossing.outcome.statement
    ties = sorted(access.ties[crossing.table])
    where = " AND ".join(f'"{name}"::text = {literal(row.values[name])}' for name in ties if row.values.get(name))
    return f"SELECT 1 FROM {crossing.table} WHERE {where or 'true'}"  # noqa: S608 - the catalog's


def _changes(schema: Schema, access: Access, crossing: Crossing, row: UsersRow, texts: Sequence[str]) -> Iterator[str]:
    """Other values in what a policy asks of the row, by who migrates."""
    keys = {
        name
        for index in schema.indexes_by_table.get(crossing.table, ())
        if index.unique
        for key in index.keys
        for name in [key.strip('"')]
    }
    words = set(re.findall(r"[\w$]+", " ".join(texts)))
    values = {
        column.quoted_name: [*_others(schema, column, row)]
        for column in schema.columns_of(crossing.table)
        if column.bare_name in words and column.bare_name not in keys | access.ties[crossing.table]
    }
    together = [name for name, others in values.items() if others]
    for combined in islice(product(*(values[name] for name in together)), _MAX_COMBINED if together else 0):
        settings = ", ".join(f"{name} = {value}" for name, value in zip(together, combined, strict=True))
        yield f"UPDATE {crossing.table} SET {settings}"  # noqa: S608 - the catalog's
    for name, others in values.items():
        for value in others:
            yield f"UPDATE {crossing.table} SET {name} = {value}"  # noqa: S608 - the catalog's


def _others(schema: Schema, column: Column, row: UsersRow) -> Iterator[str]:
    held = row.values.get(column.bare_name)
    if column.type == "boolean":
        yield "false" if held in (True, "true") else "true"
    labels = next((one.labels for one in schema.types if one.is_type(column.type)), ())
    yield from (literal(label) for label in labels if label != held)
    checks = [one.definition or "" for one in schema.constraints if one.table == column.table and one.form == "check"]
    listed = [text for check in checks if column.bare_name in check for text in re.findall(r"'([^']*)'::", check)]
    yield from (literal(text) for text in listed if text != held)
    if column.null:
        yield "NULL" if held is not None else "DEFAULT"
    if column.type.startswith(("text", "character")):
        yield "'-'"
    elif column.type.startswith(("timestamp", "date")):
        yield from ("'2000-01-01'", "'2100-01-01'")
    elif column.type in ("integer", "bigint", "smallint", "numeric"):
        yield from ("-1", "0", "32000")


def _bodies(schema: Schema, texts: Sequence[str]) -> Iterator[str]:
    """The bodies of the chain's functions that are called in the texts."""
    called = {name for text in texts for name in _CALLED.findall(text)}
    for function in schema.functions:
        if function.name.partition("(")[0] in called and function.body:
            yield function.body


def _tables(schema: Schema, texts: Sequence[str]) -> Iterator[str]:
    known = {table.name: table.name for table in schema.tables} | {
        table.quoted_name: table.name for table in schema.tables if table.qualified_name.schema == "public"
    }
    named = dict.fromkeys(match["table"] for text in texts for match in FROM.finditer(text))
    yield from dict.fromkeys(known[name] for name in named if name in known)
