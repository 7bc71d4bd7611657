"""Whether one user reaches another's row by a rule that means to tell them apart, or by one that means to let him."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Policy, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, insert_statement, row_condition, try_access
from pgcontract.probes.roles.acting import Outcome, Stage, as_actor, literal
from pgcontract.probes.roles.ties import FROM, asked_once
from pgcontract.probes.roles.users import ANNA, ANON, BERT, FIRST, SECOND, Actor
from pgcontract.probes.roles.users_rows import UsersRow
from pgcontract.probes.roles.users_state import acting_stages, users_state
from pgcontract.probes.row_generation.target_tables import FilledTable
from pgcontract.values import dataclass

_TAUTOLOGY: Final = lazy_pattern(r"\(?\b([\w$]+\.[\w$]+) = \1\b")
_CALLED: Final = lazy_pattern(r"([\w$]+\.[\w$]+)\(")
_MAX_COMBINED: Final = 24
_NEW: Final = 950  # what a row that is tried to be inserted is made of
# What somebody sends to whom he has no part in is meant to come from outside.
_FROM_OUTSIDE: Final = lazy_pattern(
    r"request|invit|appl(?:y|ication)|inquir|enquir|report|feedback|vote|response|submission|answer|lead|booking|order|join"
    r"|notification|contact|follow|review|rating|reaction|like|view|visit|log|event",
    re.IGNORECASE,
)
_OPERATIONS: Final = ("SELECT", "UPDATE", "DELETE", "INSERT")


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """One actor reaches another user's row: the operation, and the outcome that shows it. By an INSERT of a row of his
    own he may reach one of the table that it `opens`; or he puts the row, though he reaches nothing there, `among` those
    of another's row of a table, who reads it."""

    table: str
    actor: Actor
    operation: str
    regime: str
    outcome: Outcome
    policies: tuple[Policy, ...]
    opens: str = ""
    among: str = ""


@cached_state_fact
def find_crossings(context: Context) -> tuple[Crossing, ...]:
    """In tables whose rows are tied to users and under row security; what policies of true allow is not among them, nor
    what a value of the row or a list of people does."""
    access = try_access(context)
    suspected = [*_suspected(context.after, access)]
    joinable = [*_joinable(context, access)]
    if not suspected and not joinable:
        return ()
    crossings: list[Crossing] = []
    with acting_stages(context) as open_stage:
        for regime in access.regimes:
            stage = open_stage(regime)
            for table, keys in joinable:
                crossings += _joins(context, access, stage, regime, table, keys)
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


def _joinable(context: Context, access: Access) -> Iterator[tuple[FilledTable, Mapping[str, str]]]:
    """The tables into which user B puts rows of his own that refer to something kept apart: of each, the columns that do,
    with the table that each refers to."""
    for table in users_state(context).tables:
        ties = access.ties.get(table.name, frozenset())
        keys = {
            own: key.parent
            for key in table.references
            if len(key.columns) == 1 and key.parent != table.name and access.separates(key.parent)
            for own in key.columns
            if own not in ties
        }
        if (
            ties
            and keys
            and any(
                access.of(regime, table.name, SECOND, operation).own
                for regime in access.regimes
                for operation in ("INSERT", "UPDATE")
            )
        ):
            yield table, keys


def _joins(
    context: Context, access: Access, stage: Stage, regime: str, table: FilledTable, keys: Mapping[str, str]
) -> Iterator[Crossing]:
    """What he then reads of user A's: by a row of his own he has made himself a member. Or where user A finds it among
    his own."""
    made = users_state(context).made
    values = made.values(table, SECOND.user or BERT, _NEW)
    theirs = {name: value for name, value in made.values(table, ANNA, _NEW).items() if name in keys}
    statement = insert_statement(table.name, values | theirs)
    for name, parent in keys.items():
        row = access.rows.get((parent, ANNA.number))
        column = next(
            there
            for key in table.references
            for own, there in zip(key.columns, key.parent_columns, strict=True)
            if own == name
        )
        if row is None or name not in values:
            continue
        read = f'SELECT 1 FROM {parent} WHERE "{column}"::text = {literal(row.values[column])}'  # noqa: S608 - the catalog's
        if _reaches(stage.attempt(read, SECOND)):
            continue
        outcome = stage.attempt(f"{statement};\n{read}", SECOND)
        if outcome.rows:
            policies = applying(context.after, table.name, "INSERT", SECOND.role)
            yield Crossing(
                table=table.name, actor=SECOND, operation="INSERT", regime=regime, outcome=outcome, policies=policies,
                opens=parent,
            )  # fmt: skip
        elif not _FROM_OUTSIDE.search(QualifiedName.parse(table.name).name) and not _is_shown_at_times(
            context, access, stage, regime, row, read
        ):
            yield from _among(context, access, stage, regime, table, name, parent, statement, theirs[name])


def _is_shown_at_times(context: Context, access: Access, stage: Stage, regime: str, row: UsersRow, read: str) -> bool:
    """Whether another value in the row, as that it is published, would let user B read it."""
    policies = applying(context.after, row.table, "SELECT", SECOND.role)
    texts = [condition(policy, "SELECT") for policy in policies]
    reading = Crossing(
        table=row.table,
        actor=SECOND,
        operation="SELECT",
        regime=regime,
        outcome=Outcome(statement=read),
        policies=policies,
    )
    changes = _changes(context.after, access, reading, row, [*texts, *called_in(context.after, texts)])
    return any(_reaches(stage.attempt(read, SECOND, before=before)) for before in changes)


def _among(
    context: Context,
    access: Access,
    stage: Stage,
    regime: str,
    table: FilledTable,
    name: str,
    parent: str,
    statement: str,
    key: str,
) -> Iterator[Crossing]:
    """Whether user A reads a row that user B has put, or moved, to what is user A's."""
    tie = min(access.ties[table.name])
    found = f'SELECT 1 FROM {table.name} WHERE "{tie}"::text = {literal(BERT.id)} AND "{name}"::text = {literal(key)}'  # noqa: S608
    own = access.rows.get((table.name, BERT.number))
    tries = [("INSERT", statement)]
    if own is not None:
        tries.append(
            ("UPDATE", f'UPDATE {table.name} SET "{name}" = {literal(key)} WHERE {row_condition(context, own)}')  # noqa: S608
        )
    for operation, change in tries:
        outcome = stage.attempt(change, SECOND, sent=f"{change}; {as_actor(FIRST)} {found}")
        if outcome.rows:
            policies = applying(context.after, table.name, operation, SECOND.role)
            shown = Outcome(statement=change)
            yield Crossing(
                table=table.name, actor=SECOND, operation=operation, regime=regime, outcome=shown, policies=policies,
                among=parent,
            )  # fmt: skip
            return


def _suspected(schema: Schema, access: Access) -> Iterator[Crossing]:
    for table in access.relations.values():
        if not isinstance(table, Table) or not table.row_security:
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
        others = tried.others
        if table not in access.ties and actor is SECOND and operation != "INSERT" and tried.loose > 1:
            others = any(_TAUTOLOGY.search(text) for text in texts)  # he was to have what he is a member of
        if others and tried.shown is not None:
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
    bodies = [*texts, *called_in(schema, texts)]
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
    ties = sorted(access.ties.get(crossing.table, row.given))
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
        if column.bare_name in words and column.bare_name not in keys | access.ties.get(crossing.table, frozenset())
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


def called_in(schema: Schema, texts: Sequence[str]) -> Iterator[str]:
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
