"""Policies that rest on what a user says of himself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Policy
from pgcontract.model.sql.lexer import without_comments
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import try_access
from pgcontract.probes.roles.acting import Outcome, Stage
from pgcontract.probes.roles.users import ANNA, SECOND, Actor
from pgcontract.probes.roles.users_state import acting_stages
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, made_parts, origin_in_chain

_METADATA: Final = re.compile(r"\b(?:raw_)?user_meta_?data\b")
_KEY: Final = re.compile(
    r"user_metadata'(?:::text)?\)*\s*->>?\s*'(?P<key>\w+)'|\{user_metadata,(?P<path>\w+)\}|user_metadata'[^']*'(?P<more>\w+)'"
)
_TEXT: Final = re.compile(r"'([^']*)'")
_MAX_DEPTH: Final = 3
_MAX_VALUES: Final = 20
_STATEMENTS: Final = {"select": "SELECT * FROM {}", "all": "SELECT * FROM {}", "delete": "DELETE FROM {}"}


@check("policy.trusts", subjects=catalog_on_supabase, severity=Severity.ERROR, head=True, implied=True)
@otherwise_kept(CATALOG, "No policy rests on what users write of themselves.")
def policy_trusts(context: Context) -> Iterator[Answer]:
    """No policy rests on user_metadata, which each user writes himself.

    Why it matters: supabase.auth.updateUser({ data: … }) puts into user_metadata, and so into the next token, whatever
    the user likes: a role, an organisation.
    How it is measured: the policies that the chain made, as the server prints them, and the functions that they call;
    then a signed-in user says of himself
    what the policy asks for, and what he reaches by it that he did not is shown. It is a warning where nothing was.
    What to do: app_metadata, which the service alone writes, or a table with row security.
    """
    bodies = _bodies(context)
    policies = [policy for policy in made_parts(context, "policies") if _METADATA.search(_said(policy, bodies))]
    shown = _shown(context, policies, bodies) if policies else {}
    for policy in policies:
        yield _answer(context, policy, shown.get(policy.name))


def _bodies(context: Context) -> dict[str, str]:
    """Of each function of the chain that reads it, or calls one that does, by its bare name what its body says."""
    bodies = {
        function.qualified_name.name.partition("(")[0]: without_comments(function.body or "")
        for function in made_parts(context, "functions")
        if function.returns != "trigger"
    }
    reading = {name: body for name, body in bodies.items() if _METADATA.search(body)}
    for _ in range(_MAX_DEPTH):
        for name, body in bodies.items():
            if name not in reading and (called := _called(body, reading)):
                reading[name] = " ".join((body, *called))
    return reading


def _called(text: str, bodies: dict[str, str]) -> list[str]:
    return [body for name, body in bodies.items() if re.search(rf'\b{re.escape(name)}"?\s*\(', text)]


def _said(policy: Policy, bodies: dict[str, str]) -> str:
    """Its expressions, and the bodies of the functions that they call."""
    text = f"{policy.using or ''} {policy.check or ''}"
    return " ".join((text, *_called(text, bodies)))


def _answer(context: Context, policy: Policy, shown: tuple[Actor, Outcome] | None) -> Answer:
    did = ""
    if shown is not None:
        said = ", ".join(f"{key} {value!r}" for key, value in shown[0].metadata)
        verb = "deletes" if policy.command == "delete" else "reads"
        did = f": {described(shown[0])} calls himself {said} and {verb} {shown[1].count} row"
        did += "" if shown[1].count == 1 else "s"
    return Answer(
        Status.BROKEN,
        policy.name,
        f"The policy {policy.quoted_name} on {policy.table} rests on user_metadata, which each user writes himself{did}.",
        expected="app_metadata, or a table",
        actual=policy.using or policy.check,
        remedy=f"ALTER POLICY {policy.quoted_name} ON {policy.table} with app_metadata in its place.",
        evidence=[session(shown[1], shown[0])] if shown else [],
        origin=origin_in_chain(context.promise, "policy", policy.name),
        severity=None if shown else Severity.WARNING,
    )


def _shown(context: Context, policies: list[Policy], bodies: dict[str, str]) -> dict[str, tuple[Actor, Outcome]]:
    """By policy, who says what of himself and reaches more rows by it."""
    found = {}
    try:
        access = try_access(context)
        with acting_stages(context) as open_stage:
            stage = open_stage(access.regimes[-1])
            for policy in policies:
                row = access.rows.get((policy.table, ANNA.number))
                held = [str(value) for value in row.given.values()] if row else []
                said = _said(policy, bodies)
                if policy.table in access.relations and (pretended := _pretend(stage, policy, said, held)) is not None:
                    found[policy.name] = pretended
    except CouldNotAsk:
        return {}
    return found


def _pretend(stage: Stage, policy: Policy, text: str, held: list[str]) -> tuple[Actor, Outcome] | None:
    keys = list(dict.fromkeys(next(filter(None, match.groups())) for match in _KEY.finditer(text)))
    if policy.command not in _STATEMENTS or not keys:
        return None
    statement = _STATEMENTS[policy.command].format(policy.table)
    before = stage.attempt(statement, SECOND).count
    values = [value for value in _TEXT.findall(text) if value not in (*keys, "user_metadata") and "{" not in value]
    for value in islice(dict.fromkeys((*values, *held)), _MAX_VALUES):
        actor = replace(SECOND, metadata=tuple((key, value) for key in keys))
        outcome = stage.attempt(statement, actor)
        if outcome.count > before:
            return actor, outcome
    return None
