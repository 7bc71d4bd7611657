"""The matrix of what each role was seen to reach, for reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.model.schema import Table, View
from pgcontract.probes.cached_facts import known_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, Try, try_access
from pgcontract.probes.roles.definer_writes import Written, try_definer_writes
from pgcontract.probes.roles.definers import try_definers
from pgcontract.probes.roles.exposed_functions import ExposedFunction
from pgcontract.probes.roles.users import ANON, SECOND, SERVICE, Actor
from pgcontract.result import RoleAccess

_OPERATIONS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


def access_matrix(context: Context) -> tuple[RoleAccess, ...]:
    """A row a relation, two where the regimes of default privileges differ, then the functions; what no rule asked for is
    left out."""
    access = known_fact(try_access, context)
    definers = known_fact(try_definers, context)
    writes = known_fact(try_definer_writes, context)
    rows: list[RoleAccess] = []
    for relation in access.relations.values() if access else ():
        assert access is not None
        rows += _relation(context, access, relation, writes.views if writes else ())
    return (*rows, *(_function(one) for one in (definers.exposed if definers else ())))


def _relation(
    context: Context, access: Access, relation: Table | View, through: Sequence[Written]
) -> Iterator[RoleAccess]:
    ages = {regime.name: regime.description for regime in context.regimes}
    form = relation.form if isinstance(relation, Table) else "materialized view" if relation.materialized else "view"
    by_regime = {
        regime: RoleAccess(
            name=relation.name,
            form=form,
            anon=_reached(access, regime, relation.name, ANON, through),
            own=_reached(access, regime, relation.name, SECOND, own=True),
            others=_reached(access, regime, relation.name, SECOND, through),
            service=_reached(access, regime, relation.name, SERVICE),
        )
        for regime in access.regimes
    }
    if len(set(by_regime.values())) == 1:
        yield next(iter(by_regime.values()))
        return
    for regime, row in by_regime.items():
        yield replace(row, project=ages[regime])


def _reached(
    access: Access, regime: str, name: str, actor: Actor, through: Sequence[Written] = (), *, own: bool = False
) -> tuple[str, ...]:
    tried = {operation: access.of(regime, name, actor, operation) for operation in (*_OPERATIONS, "TRUNCATE")}
    written = {one.operation for one in through if one.name == name and one.actor == actor and regime in one.regimes}
    done = []
    for operation, of_it in tried.items():
        its_own = of_it.rows if actor.user and _is_his(access, name, operation, of_it) else of_it.own
        if operation in _OPERATIONS and (operation in written or (its_own if own else of_it.rows - its_own)):
            done.append(operation)
    return (*done, *(["TRUNCATE"] if tried["TRUNCATE"].may and not own else []))


def _is_his(access: Access, name: str, operation: str, tried: Try) -> bool:
    """Whether the one row that he wrote, of two or more alike, is what belongs to him, though no column of it says so."""
    alike = sum(table == name for table, _ in access.rows)
    is_one = tried.rows == 1 < alike and tried.shown is not None and tried.shown.refusal is None
    return is_one and (operation in ("UPDATE", "DELETE") or (operation == "INSERT" and access.separates(name)))


def _function(one: ExposedFunction) -> RoleAccess:
    execute = ("EXECUTE",)
    form = f"{'SECURITY DEFINER ' if one.function.security == 'definer' else ''}{one.function.form}"
    return RoleAccess(
        name=one.function.name,
        form=form,
        anon=execute if "anon" in one.roles else (),
        own=execute if "authenticated" in one.roles else (),
        service=execute if "service_role" in one.roles else (),
    )
