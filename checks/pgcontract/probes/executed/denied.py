"""Trigger functions of the chain that may not do what they do as whoever writes: as the platform's services, which fill
its own tables, and as the roles of the REST API.

A trigger function runs with the rights of who writes unless it is SECURITY DEFINER. On Supabase who signs a user up is
supabase_auth_admin, which has no right on the tables of a project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Trigger
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import refusal_of
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.bodies import TIMEOUT_MS, populated_state
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.granted_roles import denied_to_roles
from pgcontract.probes.executed.routines import Routine, migrated_routines, names_in_context
from pgcontract.probes.roles.access import Access, Try, try_access
from pgcontract.probes.roles.acting import Outcome, as_shown, literal
from pgcontract.probes.roles.privileges import grants_between
from pgcontract.probes.roles.users import FIRST, Actor
from pgcontract.probes.roles.users_state import acting_stages, grants_by_regime, supports_roles
from pgcontract.values import dataclass

# Who writes what of the platform's: sign-up and sign-in, and the storage interface, when who uploads was let in.
_WRITERS: Final = (("auth.", "supabase_auth_admin"), ("storage.", "service_role"))
# A body without any of these does nothing that could be denied.
_REACHES: Final = re.compile(r"\b(?:insert|update|delete|select|perform|from|call)\b|\.\s*\w+\s*\(")
_OPERATIONS: Final = ("INSERT", "UPDATE", "DELETE")
# Runs a statement with a role's rights and without a way to others: a SECURITY DEFINER function lets no SET ROLE through.
_DOOR: Final = """
CREATE FUNCTION extensions.pgcontract_write_as(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = {path} AS $$ BEGIN EXECUTE $1; END $$;
ALTER FUNCTION extensions.pgcontract_write_as(text) OWNER TO {role};
GRANT USAGE ON SCHEMA auth, storage, extensions TO {role};
GRANT ALL ON ALL TABLES IN SCHEMA auth, storage TO {role};
GRANT ALL ON ALL SEQUENCES IN SCHEMA auth, storage TO {role};
"""


@dataclass(frozen=True, kw_only=True)
class Denial:
    """A function that is denied what it does: `function` is the catalog's name, `role` who wrote, `shown` the session
    that shows it. `event` is the kind of write of `table`, none of which went through as that role; `regimes` are those
    of the grants under which it was seen. With `hidden` the write goes through: the function's own handler hides it."""

    function: str
    role: str
    event: str
    table: str
    shown: str
    refusal: Refusal
    regimes: tuple[str, ...]
    hidden: bool = False


@cached_state_fact
def denials(context: Context) -> tuple[Denial, ...]:
    """One a function, the platform's tables first. CouldNotAsk where the head is not applied."""
    found: dict[str, Denial] = {}
    if not supports_roles(context):
        for denial in _by_granted_roles(context) if context.migrated.triggers else ():
            found.setdefault(denial.function, denial)
        return tuple(found.values())
    if not services_not_asked(context):
        for denial in _by_services(context):
            found.setdefault(denial.function, denial)
    if context.migrated.triggers:
        for denial in _by_users(context, try_access(context)):
            found.setdefault(denial.function, denial)
    return tuple(found.values())


def services_not_asked(context: Context) -> str:
    """Why the triggers on the platform's tables were not fired as who writes there; empty where they were, or there are
    none."""
    if not any(trigger.table.startswith(schema) for trigger in context.migrated.triggers for schema, _ in _WRITERS):
        return ""
    try:
        context.sandbox.require_superuser()
    except CouldNotAsk as error:
        return str(error)
    return ""


def _by_services(context: Context) -> Iterator[Denial]:
    sandbox = context.sandbox
    grants = grants_by_regime(context)
    here = next(iter(grants.values()))
    for schema, role in _WRITERS:
        if not any(trigger.table.startswith(schema) for trigger in context.migrated.triggers):
            continue
        denied: list[dict[tuple[str, str], Denial]] = []
        for regime in grants:
            with sandbox.clone(populated_state(context)) as database:
                with sandbox.connect(database, user=sandbox.server.superuser) as admin:
                    path = "auth" if schema == "auth." else "public, extensions"
                    admin.execute(_DOOR.format(path=path, role=role).encode())
                    admin.execute(
                        sql.SQL("GRANT EXECUTE ON FUNCTION extensions.pgcontract_write_as(text) TO {}").format(
                            sql.Identifier(sandbox.migrator)
                        )
                    )
                with sandbox.connect(database) as connection:
                    connection.execute("BEGIN")
                    for statement in grants_between(here, grants[regime]):
                        connection.execute(statement.encode())
                    written = _Service(context, connection, schema, role, regime).run()
                    denied.append({(one.function, one.event): one for one in written})
        # Of what one regime grants to everybody the owner is told elsewhere.
        for key, denial in denied[0].items():
            if all(key in other for other in denied):
                yield replace(denial, regimes=tuple(grants))


class _Service:
    def __init__(self, context: Context, connection: psycopg.Connection, schema: str, role: str, regime: str) -> None:
        self._connection = connection
        self._schema = schema
        self._role = role
        self._regime = regime
        connection.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        routines = migrated_routines(context)
        self._names = names_in_context(connection, routines)
        self._firing = Firing(context, connection)
        self._routines = {routine.signature: routine for routine in routines}
        for routine in routines:
            if routine.leaves:
                self._run(routine.stub(), keep=True)

    def run(self) -> Iterator[Denial]:
        for table in self._firing.tables:
            if not table.startswith(self._schema):
                continue
            refused: dict[str, tuple[str, Refusal, Routine]] = {}
            passed: set[str] = set()
            with self._connection.transaction(force_rollback=True):
                for statement, keep in self._firing.writes(table):
                    event = _event(statement)
                    refusal = self._run(statement, keep=keep, door=True)
                    if refusal is None:
                        passed.add(event)
                        if keep:
                            self._firing.inserted()
                    elif (routine := faults.denied(refusal, self._names)) is not None:
                        refused.setdefault(event, (statement, refusal, routine))
            for event, (statement, refusal, routine) in refused.items():
                # An UPDATE that fires nothing goes through; one that fires it is refused whenever it is made.
                if event == "INSERT" and event in passed:
                    continue
                yield self._denial(routine, event, table, statement, refusal)
            failing = {routine.signature for _, _, routine in refused.values()}
            for name in dict.fromkeys(trigger.function for trigger in self._firing.triggers_of(table)):
                if name in self._routines and name not in failing:
                    yield from self._hidden(self._routines[name], table)

    def _hidden(self, routine: Routine, table: str) -> Iterator[Denial]:
        """What a handler of its own hides: each such statement by itself."""
        body = routine.body
        for part in body.statements if body else ():
            if not part.handled or any("insufficient_privilege" in name or "42501" in name for name in part.handled):
                continue
            alone = part.alone(body.prefix) if body else None
            definition = routine.with_source(alone) if alone is not None else None
            if definition is None:
                continue
            with self._connection.transaction(force_rollback=True):
                if self._run(definition, keep=True) is not None:
                    continue
                for statement, keep in self._firing.writes(table, of=routine.signature):
                    refusal = self._run(statement, keep=keep, door=True)
                    if refusal is not None and faults.denied(refusal, self._names) is routine:
                        found = self._denial(routine, _event(statement), table, statement, refusal)
                        yield replace(found, hidden=True)
                        return

    def _denial(self, routine: Routine, event: str, table: str, statement: str, refusal: Refusal) -> Denial:
        return Denial(
            function=routine.function.name,
            role=self._role,
            event=event,
            table=table,
            shown=f"SET LOCAL ROLE {self._role};\n{statement}",
            refusal=_without_door(refusal, statement),
            regimes=(self._regime,),
        )

    def _run(self, statement: str, *, keep: bool, door: bool = False) -> Refusal | None:
        if door:
            statement = f"SELECT extensions.pgcontract_write_as({literal(statement)})"
        return refusal_of(self._connection, statement, keep=keep)


def _event(statement: str) -> str:
    return next(word for word in ("INSERT", "UPDATE", "DELETE", "TRUNCATE") if f"{word} " in statement)


def _without_door(refusal: Refusal, statement: str) -> Refusal:
    """As the server says it to who writes without it."""
    context = (refusal.context or "").rpartition(f'SQL statement "{statement}"')[0].rstrip()
    return replace(refusal, context=context or refusal.context)


def _by_granted_roles(context: Context) -> Iterator[Denial]:
    reaching = frozenset(one.signature for one in migrated_routines(context) if _REACHES.search(one.words))
    for one in denied_to_roles(context, populated_state(context), reaching):
        assert one.routine is not None
        assert one.outcome.refusal is not None
        yield Denial(
            function=one.routine.function.name,
            role=one.role,
            event=one.operation,
            table=one.table,
            shown=f"SET LOCAL ROLE {identifier(one.role).as_string(None)};\n{one.outcome.statement}",
            refusal=one.outcome.refusal,
            regimes=tuple(regime.name for regime in context.regimes),
        )


def _by_users(context: Context, access: Access) -> Iterator[Denial]:
    """Writes that a role's grants and policies let through, and a trigger's function then does not."""
    found: dict[tuple[str, Actor, str, str], tuple[Outcome, Routine, list[str]]] = {}
    triggers: dict[tuple[str, str], list[Trigger]] = {}
    for trigger in context.migrated.triggers:
        for event in trigger.events:
            triggers.setdefault((trigger.table, event.upper()), []).append(trigger)
    changed: set[str] = set()  # the tables each of whose columns could be changed under an earlier regime
    routines = migrated_routines(context)
    reaching = {routine.signature for routine in routines if _REACHES.search(routine.words)}
    with acting_stages(context) as open_stage:
        for regime in access.regimes:
            stage = open_stage(regime)
            names = names_in_context(stage.connection, routines)
            firing = Firing(context, stage.connection)
            for (at, table, actor, operation), tried in access.tries.items():
                own = triggers.get((table, operation), ())
                if at != regime or operation not in _OPERATIONS or not any(one.function in reaching for one in own):
                    continue
                is_whole = operation == "UPDATE" and actor is FIRST and bool(tried.own)
                if is_whole and table in changed:
                    continue
                off = [f"ALTER TABLE {table} DISABLE TRIGGER {one.quoted_name}" for one in own]
                for statement, before in _tried_again(firing, table, actor, operation, tried):
                    outcome = stage.attempt(statement, actor, before=before)
                    routine = faults.denied(outcome.refusal, names) if outcome.refusal else None
                    if routine is None:
                        continue
                    again = stage.attempt(statement, actor, before="; ".join([*off, *([before] if before else [])]))
                    if again.count or again.reached:
                        key = (table, actor, operation, routine.signature)
                        found.setdefault(key, (outcome, routine, []))[2].append(regime)
                        break
                else:
                    changed |= {table} if is_whole else set()
    for (table, actor, operation, _), (outcome, routine, regimes) in found.items():
        assert outcome.refusal is not None
        yield Denial(
            function=routine.function.name,
            role=actor.role,
            event=operation,
            table=table,
            shown=as_shown(outcome, actor),
            refusal=outcome.refusal,
            regimes=tuple(regimes),
        )


def _tried_again(firing: Firing, table: str, actor: Actor, operation: str, tried: Try) -> Iterator[tuple[str, str]]:
    """What was refused, or met a row that is there, and what may fire more: each with what goes before it."""
    if not tried.rows and tried.refused is not None and tried.refused.denied:
        yield tried.refused.statement, ""
    elif operation == "INSERT":
        refusal = tried.shown.refusal if tried.shown else None
        if tried.shown is not None and refusal is not None and refusal.sqlstate == "23505":
            yield tried.shown.statement, f"TRUNCATE {table} CASCADE"
    elif operation == "UPDATE" and actor is FIRST and tried.own:
        yield from ((statement, "") for statement, _ in firing.writes(table, events=("update",)))
