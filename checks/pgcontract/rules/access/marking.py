"""Rows that their owner may change and may not mark as deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.model.schema import Column, Policy, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, row_condition, try_access
from pgcontract.probes.roles.acting import Outcome
from pgcontract.probes.roles.separation import applying
from pgcontract.probes.roles.users import ANNA, FIRST
from pgcontract.probes.roles.users_state import acting_stages
from pgcontract.probes.script_words import names_in_code
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain

_MARKS: Final = lazy_pattern(
    r"(is_?)?(soft_?)?(deleted|archived|removed|trashed|discarded)(_?(at|on|date|time))?", re.IGNORECASE
)


@check("column.markable", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "Who may change his row may mark it as deleted.")
def column_markable(context: Context) -> Iterator[Answer]:
    """Who may change his row may mark it as deleted.

    Why it matters: an UPDATE with a WHERE asks the policies for SELECT of the row as it becomes, too. A policy of
    deleted_at IS NULL so refuses the very UPDATE that sets deleted_at, though the one for UPDATE allows it.
    How it is measured: a signed-in user sets each such column, by its name (deleted_at, is_deleted, archived_at, ...), on
    a row of his own, where a policy names it and he may UPDATE it and set it to what it is. Left out are a WITH CHECK
    that names it, which means to refuse it, and a column that a function of the folder sets.
    What to do: let the owner's policy for SELECT show what is deleted, and filter in a view with security_invoker or in
    the query; or mark by a SECURITY DEFINER function that compares with auth.uid().
    """
    access = try_access(context)
    for column, regimes, outcome, policy in _refused_marks(context):
        assert outcome.refusal is not None
        yield Answer(
            Status.BROKEN,
            column.name,
            f"{described(FIRST)} changes his own row of {column.table}, and may not set {column.bare_name} in it"
            f"{in_projects(context, access, regimes)}: {outcome.refusal.message}.",
            expected="an UPDATE that marks the row as deleted",
            actual=f"{policy.quoted_name}: {policy.using}",
            remedy=f"ALTER POLICY {policy.quoted_name} ON {column.table} USING (…) without {column.quoted_name}, which "
            "the queries ask for, or a view WITH (security_invoker); or mark it by a SECURITY DEFINER function that "
            "compares with auth.uid().",
            evidence=[session(outcome, FIRST)],
            origin=origin_in_chain(context.promise, "policy", policy.name),
        )


@cached_state_fact
def _refused_marks(context: Context) -> tuple[tuple[Column, tuple[str, ...], Outcome, Policy], ...]:
    """The columns that user A could not set, the regimes under which, the statement, and the policy that names it."""
    access = try_access(context)
    candidates = [*_candidates(context, access)]
    if not candidates:
        return ()
    found: dict[str, tuple[Column, tuple[str, ...], Outcome, Policy]] = {}
    with acting_stages(context) as open_stage:
        for regime in access.regimes:
            stage = open_stage(regime)
            for column, policy in candidates:
                held = access.held.get((regime, column.table, FIRST.role))
                if held is None or not held.may_column("UPDATE", column.bare_name):
                    continue
                where = row_condition(context, access.rows[column.table, ANNA.number])
                name, value = column.quoted_name, "true" if column.type == "boolean" else "now()"
                same = stage.attempt(f"UPDATE {column.table} SET {name} = {name} WHERE {where}", FIRST)  # noqa: S608
                outcome = stage.attempt(f"UPDATE {column.table} SET {name} = {value} WHERE {where}", FIRST)  # noqa: S608
                if same.count and outcome.denied and "row-level security" in str(outcome.refusal):
                    known = found.get(column.name)
                    found[column.name] = column, (*(known[1] if known else ()), regime), outcome, policy
    return tuple(found.values())


def _candidates(context: Context, access: Access) -> Iterator[tuple[Column, Policy]]:
    for column in context.after.columns:
        table = access.relations.get(column.table)
        if not isinstance(table, Table) or not table.row_security or (column.table, ANNA.number) not in access.rows:
            continue
        is_mark = column.type == "boolean" or column.type.startswith(("timestamp", "date"))
        if not is_mark or column.generated or not _MARKS.fullmatch(column.bare_name):
            continue
        names_it = re.compile(rf"\b{re.escape(column.bare_name)}\b")
        sets_it = re.compile(rf"\b{re.escape(column.bare_name)}\"?\s*:?=(?!=)")
        writing = applying(context.after, column.table, "UPDATE", FIRST.role)
        bounding = [
            one
            for one in context.after.policies
            if one.table == column.table
            and not one.permissive
            and one.command in ("all", "select", "update")
            and {FIRST.role, "public"} & set(one.roles)
        ]
        is_set = any(sets_it.search(body) for body in _bodies_about(context, table))
        if is_set or any(names_it.search(one.check or "") for one in (*writing, *bounding)):
            continue
        policies = (*applying(context.after, column.table, "SELECT", FIRST.role), *writing, *bounding)
        policy = next((one for one in policies if names_it.search(one.using or "")), None)
        if policy is not None:
            yield column, policy


def _bodies_about(context: Context, table: Table) -> Iterator[str]:
    """The functions that name the table, are fired by it, or are told by their caller which table to write to."""
    fired = {trigger.function for trigger in context.after.triggers if trigger.table == table.name}
    for function in context.migrated.functions:
        body = function.body or ""
        if function.name in fired or any(names_in_code(body, name) for name in (table.bare_name, "EXECUTE")):
            yield body
