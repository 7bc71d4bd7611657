"""Policies that fail, that ask again for each row, or that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.model.schema import Policy, Table
from pgcontract.model.wording import first_of, number_of
from pgcontract.probes.context import Context
from pgcontract.probes.executed.granted_roles import refused_by_policies
from pgcontract.probes.roles.access import Access, Try, is_exposed, try_access
from pgcontract.probes.roles.acting import DENIED, Outcome
from pgcontract.probes.roles.users import ACTORS, Actor
from pgcontract.probes.roles.users_state import supports_roles
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, not_asked_as, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

# PostgreSQL, Error Codes: what a policy fails with whatever the row is.
_FAILS: Final = frozenset(("42P17", "42703", "42883", "42P01", "42702", "42804", "54001"))
_OF_CALLER: Final = re.compile(r"(?:\bauth\.(?:uid|jwt|role|email)\(\)|\bcurrent_setting\()")
_RECURSES: Final = re.compile(r'infinite recursion detected in policy for relation "(.+)"')
_ONE_VALUE: Final = re.compile(r"SELECT\b(?!.*\bFROM\b)", re.DOTALL)


@check("policy.runs", subjects=catalog_of_head, severity=Severity.ERROR, head=True, implied=True)
@otherwise_kept(CATALOG, "No policy fails whenever it is asked.")
def policy_runs(context: Context) -> Iterator[Answer]:
    """No policy fails whenever it is asked.

    Why it matters: a policy that reads its own table, or one whose policies read this one, recurses; one that reads
    auth.users, or a table that the caller has no privilege on, is denied. Then nobody reads or writes the table at all.
    How it is measured: anon and two signed-in users read and write each table of the exposed schemas that has row
    security, over rows; elsewhere than on Supabase, each role that the chain grants it. Infinite recursion, a name that
    is not there, and permission denied for something else than the table count.
    What to do: put what the policy looks up into a SECURITY DEFINER function with SET search_path = '', in a schema
    that is not exposed; of auth.users take (SELECT auth.uid()) or (SELECT auth.jwt()).
    """
    if not supports_roles(context):
        yield from _failing_elsewhere(context)
        secured = {table.name for table in context.migrated.tables if table.row_security}
        yield from not_asked_as(context, secured, "a policy")
        return
    access = try_access(context)
    for table in access.relations.values():
        if not isinstance(table, Table) or not table.row_security:
            continue
        failing = [*_failing(access, table)]
        if failing:
            _, operation, actor, tried = failing[0]
            assert tried.refused is not None
            where = in_projects(context, access, (regime for regime, *_ in failing))
            shown = session(tried.refused, actor)
            yield _failing_answer(context, table, described(actor), operation, tried.refused, shown, where)


def _failing_elsewhere(context: Context) -> Iterator[Answer]:
    """The first of each table."""
    tables = {table.name: table for table in context.migrated.tables}
    told: set[str] = set()
    for one in refused_by_policies(context):
        refusal = one.outcome.refusal
        assert refusal is not None
        of_table = _is_of(refusal.message, tables[one.table]) or refusal.message.startswith(
            "permission denied for schema"
        )
        elsewhere = one.operation == "select" and refusal.sqlstate == DENIED and not of_table
        if one.table not in told and (refusal.sqlstate in _FAILS or elsewhere):
            told.add(one.table)
            text = f"SET LOCAL ROLE {one.role};\n{one.outcome.statement};"
            shown = Evidence(title=f"As {one.role}", text=text, language="sql")
            yield _failing_answer(context, tables[one.table], one.role, one.operation.upper(), one.outcome, shown)


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
    context: Context, table: Table, who: str, operation: str, refused: Outcome, shown: Evidence, where: str = ""
) -> Answer:
    assert refused.refusal is not None
    recurses = _RECURSES.fullmatch(refused.refusal.message)
    named = [one.name for one in context.after.tables if recurses and one.bare_name == recurses[1]]
    guilty = named[0] if len(named) == 1 else table.name  # whose policy it is, be it another's that this one's reads
    policies = [policy for policy in context.after.policies if policy.table == guilty]
    remedy = (
        "Look it up in a function that the policy calls: CREATE FUNCTION private.… LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = '' AS $$ SELECT … $$; then ALTER POLICY {policies[0].quoted_name if policies else '…'} ON "
        f"{guilty} USING (…)."
    )
    if refused.refusal.message == "permission denied for table users":
        remedy = "Ask the token in place of auth.users: (SELECT auth.uid()), (SELECT auth.email()), (SELECT auth.jwt())."
    reading = {"SELECT": "read", "INSERT": "insert into", "UPDATE": "update", "DELETE": "delete from"}[operation]
    return Answer(
        Status.BROKEN,
        table.name,
        f"{who} cannot {reading} {table.name} at all: {refused.refusal.message}{where}.",
        expected="policies that can be asked",
        actual=str(refused.refusal),
        remedy=remedy,
        evidence=[shown, *refused.refusal.evidence()[:1]],
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
            f"{number_of(len(names), 'policies')} of {table} "
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
    yield Answer(
        Status.NOTED,
        CATALOG,
        f"{number_of(len(closed), 'tables')} with row security {'has' if len(closed) == 1 else 'have'} no policy, so "
        f"that the service alone reaches {'it' if len(closed) == 1 else 'them'}: {first_of(closed)}.",
    )
