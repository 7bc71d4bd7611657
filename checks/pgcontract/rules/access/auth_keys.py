"""Foreign keys into auth that the platform may pull away, and policies that are asked more often than needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.model.wording import first_of, number_of
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import is_exposed
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, made_parts, origin_in_chain

_TO_AUTH: Final = re.compile(r"REFERENCES (?P<table>auth\.\w+)\((?P<columns>[^)]*)\)")
_COMMANDS: Final = ("select", "insert", "update", "delete")


@check("constraint.auth_key", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "Each foreign key to a table of auth refers to its primary key.")
def constraint_auth_key(context: Context) -> Iterator[Answer]:
    """Each foreign key to a table of auth refers to its primary key.

    Why it matters: the other unique columns of auth's tables (phone, a token) are Supabase's to change: an update of Auth
    that drops such a key fails on the foreign key, or a restored backup does.
    How it is measured: pg_constraint at the head of the chain: which columns of auth's tables its foreign keys refer to.
    What to do: refer to auth.users (id).
    """
    for key in made_parts(context, "constraints"):
        match = _TO_AUTH.search(key.definition or "") if key.form == "foreign key" else None
        if match is None or match["columns"] == "id":
            continue
        yield Answer(
            Status.BROKEN,
            key.name,
            f"The foreign key {key.quoted_name} of {key.table} refers to {match['columns']} of {match['table']}, which "
            "is not its primary key.",
            expected=f"{match['table']} (id)",
            actual=f"{match['table']} ({match['columns']})",
            remedy=f"ALTER TABLE {key.table} DROP CONSTRAINT {key.quoted_name}; and refer to {match['table']} (id).",
            origin=origin_in_chain(context.promise, "constraint", key.name)
            or origin_in_chain(context.promise, "table", key.table),
        )


@check("policy.single", subjects=catalog_on_supabase, severity=Severity.INFO, head=True, implied=True)
def policy_single(context: Context) -> Iterator[Answer]:
    """Each table asks a role one permissive policy a command.

    Why it matters: permissive policies are joined by OR, so that for a row that the first does not let through each other
    is asked as well. On a large table two that could be one cost twice.
    How it is measured: the permissive policies at the head of the chain on tables of the exposed schemas, by command and
    role; FOR ALL is each of the four, TO PUBLIC each role.
    What to do: one policy whose conditions are joined by OR; or TO the one role that it is for.
    """
    asked: dict[tuple[str, str, str], list[str]] = {}
    policies = [one for one in made_parts(context, "policies") if one.permissive and is_exposed(context, one.table)]
    for policy in policies:
        roles = set(policy.roles) - {"public"} or {"anon", "authenticated"}
        for command in _COMMANDS if policy.command == "all" else (policy.command,):
            for role in sorted(roles):
                asked.setdefault((policy.table, command, role), []).append(policy.quoted_name)
    tables: dict[str, str] = {}
    for (table, command, role), names in asked.items():
        if len(names) > 1:
            tables.setdefault(table, f"{table} (for {command.upper()} by {role}: {', '.join(names)})")
    if not tables:
        yield Answer(Status.KEPT, CATALOG, "Each table asks a role one permissive policy a command.")
        return
    shown = list(tables.values())
    yield Answer(
        Status.NOTED,
        CATALOG,
        f"{number_of(len(shown), 'tables')} {'asks' if len(shown) == 1 else 'ask'} several permissive policies where one "
        f"could answer: {first_of(shown, 2, separator='; ')}.",
    )
