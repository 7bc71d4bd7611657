"""Policies that let everybody write, that fail, that trust the wrong word, or that ask again for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.model.schema import Policy, Table
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, Try, is_exposed, try_access
from pgcontract.probes.roles.acting import DENIED
from pgcontract.probes.roles.files import FILES, written_files
from pgcontract.probes.roles.ties import asked_once
from pgcontract.probes.roles.users import ACTORS, Actor
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, counted, described, in_projects, session
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
# PostgreSQL, Error Codes: what a policy fails with whatever the row is.
_FAILS: Final = frozenset(("42P17", "42703", "42883", "42P01", "42702", "42804", "54001"))
_RECURSION: Final = "42P17"
_OF_CALLER: Final = re.compile(r"(?:\bauth\.(?:uid|jwt|role|email)\(\)|\bcurrent_setting\()")
_ONE_VALUE: Final = re.compile(r"SELECT\b(?!.*\bFROM\b)", re.DOTALL)
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
    CHECK (true) lets him put in what he likes. For SELECT it may be meant: that is not told here.
    How it is measured: the permissive policies for anon, authenticated or PUBLIC whose condition for a write is true, on
    tables with row security and on storage.objects; told where one of these roles really wrote a row that is not its own.
    On realtime.messages and storage.buckets, whose services are not here, the policy's text is told, also where it asks
    only whether somebody is signed in.
    What to do: compare with (SELECT auth.uid()) in it, or name the role that it is for: TO service_role. A form that
    strangers are to fill in is a warning: bound it by CHECK constraints, or waive it.
    """
    access = try_access(context)
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


def _service_answer(context: Context, policy: Policy, allowed: Sequence[str]) -> Answer:
    """Of what a service asks with the caller's role: nothing of it is here to be written."""
    who = "whoever signs up" if set(policy.roles) & _PUBLIC == {"authenticated"} else "anon"
    listed = " and ".join((", ".join(allowed[:-1]), allowed[-1]) if len(allowed) > 1 else allowed)
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
    listed = " and ".join((", ".join(verbs[:-1]), verbs[-1]) if len(verbs) > 1 else verbs)
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


@check("policy.runs", subjects=catalog_on_supabase, severity=Severity.ERROR, head=True, implied=True)
@otherwise_kept(CATALOG, "No policy fails whenever it is asked.")
def policy_runs(context: Context) -> Iterator[Answer]:
    """No policy fails whenever it is asked.

    Why it matters: a policy that reads its own table, or one whose policies read this one, recurses; one that reads
    auth.users, or a table that the caller has no privilege on, is denied. Then nobody reads or writes the table at all.
    How it is measured: anon and two signed-in users read and write each table of the exposed schemas that has row
    security, over rows: infinite recursion, a name that is not there, and permission denied for something else than the
    table count.
    What to do: put what the policy looks up into a SECURITY DEFINER function with SET search_path = '', in a schema
    that is not exposed; of auth.users take (SELECT auth.uid()) or (SELECT auth.jwt()).
    """
    access = try_access(context)
    for table in access.relations.values():
        if not isinstance(table, Table) or not table.row_security:
            continue
        failing = [*_failing(access, table)]
        if failing:
            yield _failing_answer(context, access, table, failing)


def _failing(access: Access, table: Table) -> Iterator[tuple[str, str, Actor, Try]]:
    for operation in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        for regime in access.regimes:
            for actor in ACTORS:
                tried = access.of(regime, table.name, actor, operation)
                refusal = tried.refused.refusal if tried.refused else None
                if refusal is None or (refusal.context and operation != "SELECT"):
                    continue
                elsewhere = operation == "SELECT" and refusal.sqlstate == DENIED and not _is_of(refusal.message, table)
                if refusal.sqlstate in _FAILS or elsewhere:
                    yield regime, operation, actor, tried


def _is_of(message: str, table: Table) -> bool:
    return message.rpartition(" ")[2].strip('"') == table.bare_name or "row-level security" in message


def _failing_answer(
    context: Context, access: Access, table: Table, failing: Sequence[tuple[str, str, Actor, Try]]
) -> Answer:
    _, operation, actor, tried = failing[0]
    refused = tried.refused
    assert refused is not None
    assert refused.refusal is not None
    where = in_projects(context, access, (regime for regime, *_ in failing))
    policies = [policy for policy in context.after.policies if policy.table == table.name]
    remedy = (
        "Look it up in a function that the policy calls: CREATE FUNCTION private.… LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = '' AS $$ SELECT … $$; then ALTER POLICY {policies[0].quoted_name if policies else '…'} ON "
        f"{table.name} USING (…)."
    )
    if refused.refusal.message == "permission denied for table users":
        remedy = "Ask the token in place of auth.users: (SELECT auth.uid()), (SELECT auth.email()), (SELECT auth.jwt())."
    reading = {"SELECT": "read", "INSERT": "insert into", "UPDATE": "update", "DELETE": "delete from"}[operation]
    return Answer(
        Status.BROKEN,
        table.name,
        f"{described(actor)} cannot {reading} {table.name} at all: {refused.refusal.message}{where}.",
        expected="policies that can be asked",
        actual=str(refused.refusal),
        remedy=remedy,
        evidence=[session(refused, actor), *refused.refusal.evidence()[:1]],
        origin=next(
            (origin for policy in policies if (origin := origin_in_chain(context.promise, "policy", policy.name))),
            origin_in_chain(context.promise, "table", table.name),
        ),
    )


@check("policy.call_once", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No policy asks again for each row who the caller is.")
def policy_call_once(context: Context) -> Iterator[Answer]:
    """No policy calls auth.uid(), auth.jwt() or current_setting() once for each row.

    Why it matters: a bare call is made again for each row that is looked at; (SELECT auth.uid()) is asked once a
    statement, which on a table of 100,000 rows is the difference between a second and a moment.
    How it is measured: the policies that the chain made, as the server prints them: a call that stands outside of a
    subquery without FROM.
    What to do: ALTER POLICY with each call in its brackets: (SELECT auth.uid()).
    """
    by_table: dict[str, list[Policy]] = {}
    for policy in made_parts(context, "policies"):
        texts = (policy.using or "", policy.check or "")
        if is_exposed(context, policy.table) and any(map(_calls_each_row, texts)):
            by_table.setdefault(policy.table, []).append(policy)
    for table, policies in by_table.items():
        names = [policy.quoted_name for policy in policies]
        yield Answer(
            Status.BROKEN,
            table,
            f"{counted(len(names), 'policy').replace('policys', 'policies')} of {table} "
            f"{'calls' if len(names) == 1 else 'call'} for each row what one call would answer: {', '.join(names)}.",
            expected="(SELECT auth.uid()), asked once a statement",
            actual="; ".join(f"{policy.quoted_name}: {policy.using or policy.check}" for policy in policies),
            remedy=" ".join(map(_once, policies)),
            origin=origin_in_chain(context.promise, "policy", policies[0].name),
        )


def _calls_each_row(text: str) -> bool:
    return any(not _is_inside_select(text, match.start()) for match in _OF_CALLER.finditer(text))


def _is_inside_select(text: str, place: int) -> bool:
    """Whether one of the brackets around the place is a subquery of one value."""
    depth, end = 0, _closings(text)
    for start in range(place - 1, -1, -1):
        if text[start] == ")":
            depth += 1
        elif text[start] == "(" and depth:
            depth -= 1
        elif text[start] == "(":
            inner = text[start + 1 : end.get(start, len(text))].strip()
            if _ONE_VALUE.match(inner):
                return True
    return False


def _closings(text: str) -> dict[int, int]:
    """Where each opening bracket is closed."""
    opened: list[int] = []
    closed = {}
    for place, letter in enumerate(text):
        if letter == "(":
            opened.append(place)
        elif letter == ")" and opened:
            closed[opened.pop()] = place
    return closed


def _once(policy: Policy) -> str:
    clauses = []
    for word, text in (("USING", policy.using), ("WITH CHECK", policy.check)):
        if text is not None:
            clauses.append(f"{word} ({_BARE.sub(lambda match: f'(SELECT {match[0]})', text)})")
    return f"ALTER POLICY {policy.quoted_name} ON {policy.table} {' '.join(clauses)};"


_BARE: Final = re.compile(r"(?<!SELECT )\bauth\.(?:uid|jwt|role|email)\(\)")


@check("table.policies", subjects=catalog_on_supabase, severity=Severity.INFO, head=True, implied=True)
def table_policies(context: Context) -> Iterator[Answer]:
    """Each table with row security has a policy, or is meant for the service alone.

    Why it matters: without a policy row security hides every row from everybody but its owner and service_role. That is a
    good way to close a table, and a puzzle where an application is to read it.
    How it is measured: pg_policy and pg_class.relrowsecurity at the head of the chain, for the tables that it made.
    What to do: nothing, where the service alone is to reach the table; else CREATE POLICY.
    """
    with_policy = {policy.table for policy in context.after.policies}
    closed = [
        table.name
        for table in made_parts(context, "tables")
        if table.row_security and table.name not in with_policy and not table.partition_of
    ]
    if not closed:
        yield Answer(Status.KEPT, CATALOG, "Each table with row security has a policy.")
        return
    more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
    yield Answer(
        Status.NOTED,
        CATALOG,
        f"{counted(len(closed), 'table')} with row security {'has' if len(closed) == 1 else 'have'} no policy, so that "
        f"the service alone reaches {'it' if len(closed) == 1 else 'them'}: {', '.join(closed[:3])}{more}.",
    )
