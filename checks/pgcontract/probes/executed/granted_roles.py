"""What the roles that the chain grants something do at its head, elsewhere than on Supabase: the writes that fire
triggers, and the tables whose policies they are asked by."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.acting_identity import Identity, require_role
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.routines import Routine, migrated_routines, names_in_context
from pgcontract.probes.roles.acting import Outcome, Stage
from pgcontract.values import dataclass

_WRITES: Final = ("insert", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class RoleOutcome:
    """What came of an operation as a role on a table; `routine` is the trigger's that was denied something."""

    role: str
    table: str
    operation: str
    outcome: Outcome
    routine: Routine | None = None


def _granted(context: Context) -> Iterator[tuple[str, str, frozenset[str]]]:
    """The role, the table and its privileges, of each grant of the chain's."""
    for grant in context.migrated.grants:
        kind, name = grant.object
        if kind == "table" and grant.grantee != "public" and set(grant.privileges) & {"select", *_WRITES}:
            yield grant.grantee, name, frozenset(grant.privileges)


def left_out(context: Context, tables: Collection[str], *, reads: bool = True) -> dict[str, str]:
    """The roles that the chain grants something on one of these tables, without `reads` to write there, and why they
    were not tried.
    CouldNotAsk where the head is not applied."""
    granted = {
        role for role, table, privileges in _granted(context) if table in tables and (reads or privileges & {*_WRITES})
    }
    return {role: why for role, why in (_refused_roles(context) if granted else {}).items() if role in granted}


@cached_state_fact
def _refused_roles(context: Context) -> dict[str, str]:
    """The roles that the chain grants something and that this session may not act as, and why."""
    refused: dict[str, str] = {}
    with context.sandbox.rolled_back(context.after_state) as connection:
        for role in {role: None for role, *_ in _granted(context)}:
            try:
                require_role(connection, Identity(role=role))
            except CouldNotAsk as error:
                refused[role] = str(error)
    return refused


@contextmanager
def stage_of_roles(context: Context, state: DatabaseState) -> Iterator[tuple[Stage, frozenset[str]]]:
    """A stage over the state, and the roles that may be acted as there."""
    with context.sandbox.rolled_back(state) as connection:
        roles = [role for role in {role: None for role, *_ in _granted(context)} if role not in _refused_roles(context)]
        yield Stage(connection, roles), frozenset(roles)


def attempt_as(stage: Stage, role: str, statement: str, before: str = "") -> Outcome:
    """The statement as the role; `before` is done first, by who migrates."""
    name = identifier(role).as_string(None)
    return stage.attempt(statement, before=before, sent=f"SET LOCAL ROLE {name}; {statement}")


@cached_state_fact
def refused_by_policies(context: Context) -> tuple[RoleOutcome, ...]:
    """What was refused of reading and writing tables with row security, as each role that is granted it.
    CouldNotAsk where the head is not applied."""
    secured = {table.name for table in context.migrated.tables if table.row_security}
    asked = [(role, table, privileges) for role, table, privileges in _granted(context) if table in secured]
    if not asked:
        return ()
    refused = []
    with stage_of_roles(context, context.after_state) as (stage, roles):
        for role, table, privileges in asked:
            statements = {
                "select": f"SELECT 1 FROM {table} LIMIT 1",  # noqa: S608 - names of the catalog
                "delete": f"EXPLAIN DELETE FROM {table}",  # noqa: S608
                "insert": f"EXPLAIN INSERT INTO {table} DEFAULT VALUES",
            }
            for operation, statement in statements.items():
                if role in roles and operation in privileges:
                    outcome = attempt_as(stage, role, statement)
                    if outcome.refusal is not None:
                        refused.append(RoleOutcome(role=role, table=table, operation=operation, outcome=outcome))
    return tuple(refused)


def denied_to_roles(context: Context, state: DatabaseState, reaching: frozenset[str]) -> Iterator[RoleOutcome]:
    """The writes that a role is granted and that a trigger's function is then denied something at; those of functions
    that are `reaching` for anything are tried. CouldNotAsk where the head is not applied."""
    triggers = [one for one in context.migrated.triggers if one.function in reaching]
    asked = [
        (role, table, event)
        for role, table, privileges in _granted(context)
        for event in _WRITES
        if event in privileges and any(one.table == table and event in one.events for one in triggers)
    ]
    if not asked:
        return
    routines = migrated_routines(context)
    with stage_of_roles(context, state) as (stage, roles):
        names = names_in_context(stage.connection, routines)
        firing = Firing(context, stage.connection)
        for role, table, event in asked:
            off = "; ".join(f"ALTER TABLE {table} DISABLE TRIGGER {one.quoted_name}" for one in firing.triggers_of(table))
            row = "" if event == "insert" else row_of(stage, firing, table)
            for statement, _ in firing.writes(table, events=(event,)) if role in roles else ():
                outcome = attempt_as(stage, role, statement, row)
                routine = faults.denied(outcome.refusal, names) if outcome.refusal else None
                if routine is not None and attempt_as(stage, role, statement, "; ".join(filter(None, (row, off)))).count:
                    yield RoleOutcome(role=role, table=table, operation=event.upper(), outcome=outcome, routine=routine)
                    break


def row_of(stage: Stage, firing: Firing, table: str) -> str:
    """What puts a row into the table, for its owner; nothing where none is taken."""
    inserts = (statement for statement, keep in firing.writes(table) if keep)
    return next((statement for statement in inserts if stage.attempt(statement).refusal is None), "")
