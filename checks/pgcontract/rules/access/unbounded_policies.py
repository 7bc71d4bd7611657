"""Policies that let everybody write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.model.schema import Policy
from pgcontract.model.wording import joined
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, Try, try_access
from pgcontract.probes.roles.files import FILES, written_files
from pgcontract.probes.roles.ties import asked_once
from pgcontract.probes.roles.users import Actor
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, made_parts, origin_in_chain

_WRITES: Final = {
    "insert": ("INSERT",),
    "update": ("UPDATE",),
    "delete": ("DELETE",),
    "all": ("INSERT", "UPDATE", "DELETE"),
}
_PUBLIC: Final = frozenset(("public", "anon", "authenticated"))
# What Realtime and Storage let a caller do where a policy on their tables does.
_SERVICES: Final = {
    "realtime.messages": {"INSERT": "broadcast in every private channel"},
    "storage.buckets": {"INSERT": "make buckets", "UPDATE": "change any bucket", "DELETE": "delete any bucket"},
}
_SIGNED_IN: Final = re.compile(r"auth\.uid\(\) IS NOT NULL|auth\.role\(\) = 'authenticated'", re.IGNORECASE)
_SERVICE_REMEDIES: Final = {
    "realtime.messages": "ALTER POLICY {} ON realtime.messages WITH CHECK ((SELECT realtime.topic()) = …), for the "
    "channels that the caller is in.",
    "storage.buckets": "DROP POLICY {} ON storage.buckets; migrations and the service make buckets.",
}
_VERBS: Final = {"INSERT": "insert", "UPDATE": "change", "DELETE": "delete"}


@check("policy.restricts", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No policy lets everybody write by a condition that is always true.")
def policy_restricts(context: Context) -> Iterator[Answer]:
    """No policy lets everybody write, by a condition that is always true.

    Why it matters: USING (true) for UPDATE, DELETE or ALL gives every row to whoever has the public key or signs up; WITH
    CHECK (true) lets him put in what he likes. For SELECT it may be meant: that is told, as a warning, beside another
    one for SELECT that compares with auth.uid(), which then hides nothing.
    How it is measured: the permissive policies for anon, authenticated or PUBLIC whose condition for a write is true, on
    tables with row security and on storage.objects; told where one of these roles really wrote a row that is not its own.
    On realtime.messages and storage.buckets, whose services are not here, the policy's text is told, also where it asks
    only whether somebody is signed in.
    What to do: compare with (SELECT auth.uid()) in it, or name the role that it is for: TO service_role. A form that
    strangers are to fill in is a warning: bound it by CHECK constraints, or waive it.
    """
    access = try_access(context)
    yield from _read_by_all(context, access)
    secured = {table.name for table in context.after.tables if table.row_security}
    bounded = {policy.table for policy in context.after.policies if not policy.permissive}
    for policy in made_parts(context, "policies"):
        conditions = _always_true(_as_its_service_takes(policy))
        if not conditions or not _PUBLIC & set(policy.roles):
            continue
        if (allows := _SERVICES.get(policy.table)) and any(operation in allows for operation in conditions):
            yield _service_answer(context, policy, [allows[each] for each in conditions if each in allows])
        if policy.table not in secured:
            continue
        written = (
            written_files(context, policy, conditions)
            if policy.table == FILES
            else _written(access, policy, is_bounded=policy.table in bounded)
        )
        shown = [each for each in written if each[1] in conditions]
        if not shown:
            continue
        yield _always_true_answer(context, access, policy, shown)


def _read_by_all(context: Context, access: Access) -> Iterator[Answer]:
    """Of two policies for SELECT alone the one that tells users apart, where the other is true for the same roles."""
    reading = [policy for policy in made_parts(context, "policies") if policy.permissive and policy.command == "select"]
    for own in reading:
        opening = next((one for one in reading if one.using == "true" and _covers(one, own)), None)
        if opening is None or own.table not in access.ties or "auth.uid()" not in (own.using or ""):
            continue
        for _, actor, tried in access.all(own.table, "SELECT"):
            if tried.others and tried.shown is not None and {actor.role, "public"} & set(opening.roles):
                regimes = [one for one in access.regimes if access.of(one, own.table, actor, "SELECT").others]
                where = in_projects(context, access, regimes)
                yield Answer(
                    Status.BROKEN,
                    own.name,
                    f"The policy {own.quoted_name} on {own.table} hides nothing: {opening.quoted_name} beside it is "
                    f"USING (true), and {described(actor)} reads other users' rows{where}.",
                    expected="rows for whom they belong to",
                    actual=f"{opening.quoted_name}: true, or {own.quoted_name}: {own.using}",
                    remedy=f"DROP POLICY {opening.quoted_name} ON {own.table}; or {own.quoted_name}, if all may read.",
                    evidence=[session(tried.shown, actor)],
                    origin=origin_in_chain(context.promise, "policy", opening.name),
                    severity=Severity.WARNING,
                )
                break


def _covers(opening: Policy, own: Policy) -> bool:
    is_for_all = "public" in opening.roles or set(own.roles) <= set(opening.roles)
    return opening.table == own.table and opening is not own and is_for_all


def _service_answer(context: Context, policy: Policy, allowed: Sequence[str]) -> Answer:
    """Of what a service asks with the caller's role: nothing of it is here to be written."""
    who = "whoever signs up" if set(policy.roles) & _PUBLIC == {"authenticated"} else "anon"
    listed = joined(allowed)
    clause, condition = "USING", policy.using
    if condition is None or _as_its_service_takes(policy).using != "true":
        clause, condition = "WITH CHECK", policy.check
    words = f"{clause} ({_plain(condition or 'true')})"
    return Answer(
        Status.BROKEN,
        policy.name,
        f"The policy {policy.quoted_name} on {policy.table} is {words}: {who} may {listed}.",
        expected="a condition that tells rows apart",
        actual=words,
        remedy=_SERVICE_REMEDIES[policy.table].format(policy.quoted_name),
        origin=origin_in_chain(context.promise, "policy", policy.name),
        severity=Severity.WARNING,
    )


def _as_its_service_takes(policy: Policy) -> Policy:
    """Where its service asks it: that somebody is signed in tells no channel or bucket from another."""
    if policy.table not in _SERVICES:
        return policy
    conditions = (policy.using, policy.check)
    using, check = ("true" if text and _SIGNED_IN.fullmatch(_plain(text)) else text for text in conditions)
    return replace(policy, using=using, check=check)


def _plain(condition: str) -> str:
    """As its author wrote it, more or less: without the server's casts, and brackets around all of it."""
    text = asked_once(condition).replace("::text", "")
    while text.startswith("(") and _closes_at_end(text):
        text = text[1:-1].strip()
    return text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _always_true(policy: Policy) -> tuple[str, ...]:
    """The operations that it allows for any row."""
    if not policy.permissive or policy.command not in _WRITES:
        return ()
    check = policy.check or policy.using or "true"
    true = {
        "INSERT": check == "true",
        "UPDATE": "true" in (policy.using or "true", check),
        "DELETE": policy.using == "true",
    }
    return tuple(operation for operation in _WRITES[policy.command] if true[operation])


def _written(access: Access, policy: Policy, *, is_bounded: bool) -> Iterator[tuple[str, str, Actor, Try]]:
    """Where one whom the public key lets in wrote a row that is not his by it; what he may make of his own, where no
    restrictive policy of the table bounds it, is one."""
    for operation in _WRITES[policy.command]:
        for regime, actor, tried in access.all(policy.table, operation):
            handed_over = operation == "UPDATE" and policy.using not in (None, "true") and not is_bounded
            foreign = tried.others + tried.loose or (tried.own if handed_over else 0)
            if foreign and tried.shown is not None and {actor.role, "public"} & set(policy.roles):
                yield regime, operation, actor, tried


def _always_true_answer(
    context: Context, access: Access, policy: Policy, shown: Sequence[tuple[str, str, Actor, Try]]
) -> Answer:
    _, _, actor, tried = shown[0]
    verbs = list(dict.fromkeys(_VERBS[operation] for _, operation, who, _ in shown if who == actor))
    listed = joined(verbs)
    where = in_projects(context, access, (regime for regime, *_ in shown))
    clause = "USING" if policy.using == "true" else "WITH CHECK"
    is_lighter = not {"change", "delete"} & set(verbs) or policy.using not in (None, "true")
    may = f"{listed} any row"
    if policy.using not in (None, "true") and "change" in verbs:
        may = "make of the rows that he may change what he likes, another user's included"
    remedy = f"DROP POLICY {policy.quoted_name} ON {policy.table};"
    if policy.command in ("all", "update", "delete"):
        remedy += (
            " then one whose USING compares a column with (SELECT auth.uid()), and SELECT USING (true) if all may read."
        )
    else:
        remedy += " then one whose WITH CHECK compares a column with (SELECT auth.uid()), or TO service_role."
    assert tried.shown is not None
    return Answer(
        Status.BROKEN,
        policy.name,
        f"The policy {policy.quoted_name} on {policy.table} is {clause} (true): {described(actor)} may {may}{where}.",
        expected="a condition that tells rows apart",
        actual=f"{clause} (true)",
        remedy=remedy,
        evidence=[session(tried.shown, actor)],
        origin=origin_in_chain(context.promise, "policy", policy.name),
        severity=Severity.WARNING if is_lighter else None,
    )
