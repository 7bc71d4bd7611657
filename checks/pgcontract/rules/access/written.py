"""Views and functions that write with their owner's rights what their callers could not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.model.schema import Function
from pgcontract.model.wording import joined
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, try_access
from pgcontract.probes.roles.definer_writes import Written, try_definer_writes
from pgcontract.probes.roles.ties import AUTH_USERS
from pgcontract.probes.roles.users import ANNA
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain

_VERBS = {"INSERT": "inserts", "UPDATE": "changes", "DELETE": "deletes"}
_OF_OTHERS = {
    "INSERT": "inserts rows in {}'s name into {}",
    "UPDATE": "changes {}'s rows of {}",
    "DELETE": "deletes {}'s rows of {}",
}


@check("view.caller_writes", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No view lets its caller write rows that its table keeps from him.")
def view_caller_writes(context: Context) -> Iterator[Answer]:
    """No view lets its caller write rows that its table would not let him write.

    Why it matters: PostgreSQL takes INSERT, UPDATE and DELETE on a simple view for the table below it, with the rights
    of the view's owner, whom row security does not bind. Supabase's older projects grant all three on every new view.
    How it is measured: anon and a signed-in user write through each view of the exposed schemas over rows of two users,
    under both grant regimes; then once more with security_invoker on. Rows that are not theirs and that only the first
    reaches count. It is a warning where default privileges alone allow it, or an INSERT alone does it; a note where
    both is so.
    What to do: ALTER VIEW ... SET (security_invoker = true), or REVOKE INSERT, UPDATE, DELETE ON the view.
    """
    access = try_access(context)
    found = _by_name(try_definer_writes(context).views)
    for name, written in found.items():
        yield _view_answer(context, access, name, written)


def _by_name(written: Sequence[Written]) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = {}
    for one in written:
        found.setdefault(one.name, []).append(one)
    return found


def _view_answer(context: Context, access: Access, name: str, written: Sequence[Written]) -> Answer:
    first = written[0]
    done = [one for one in written if one.actor == first.actor and one.regimes == first.regimes]
    where = in_projects(context, access, (regime for one in done for regime in one.regimes))
    verbs = joined([_VERBS[one.operation] for one in done])
    operations = ", ".join(dict.fromkeys(one.operation for one in written))
    remedy = f"REVOKE INSERT, UPDATE, DELETE ON {name} FROM PUBLIC, anon, authenticated;"
    if first.table != AUTH_USERS:
        remedy = f"ALTER VIEW {name} SET (security_invoker = true); or {remedy}"
    is_granted = context.regimes[0].name in {regime for one in written for regime in one.regimes}
    is_insert = {one.operation for one in written} == {"INSERT"}
    return Answer(
        Status.BROKEN if is_granted or not is_insert else Status.NOTED,
        name,
        f"{described(first.actor)} {verbs} rows of {first.table} through the view {name}, which the table itself refuses"
        f"{where}.",
        expected="nothing that the caller could not write in the table",
        actual=f"{operations} through the view",
        remedy=remedy,
        evidence=[session(one.outcome, one.actor) for one in done],
        origin=origin_in_chain(context.promise, "view", name),
        severity=None if is_granted and not is_insert else Severity.WARNING,
    )


@check("function.caller_writes", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No function writes rows of other users for whoever calls it.")
def function_caller_writes(context: Context) -> Iterator[Answer]:
    """No SECURITY DEFINER function writes rows of other users for whoever calls it.

    Why it matters: such a function runs with the rights of its owner, whom row security does not bind; an id of somebody
    else's is all that it takes to change or delete what is his.
    How it is measured: anon and a signed-in user call each such function and procedure of the exposed schemas that
    writes and does not look who calls it, with the ids and values of another user, and his rows are read before and
    after; then once more with SECURITY INVOKER. What only the first call did to them counts; that a number or a time
    moves on is taken for a counter. One that only inserts is a warning, as is a procedure, which the REST API does not
    call.
    What to do: compare with auth.uid() in the body, or SECURITY INVOKER, or REVOKE EXECUTE FROM PUBLIC, anon,
    authenticated.
    """
    found = _by_name(try_definer_writes(context).functions)
    functions = {function.name: function for function in context.migrated.functions}
    for name, written in found.items():
        yield _function_answer(context, functions[name], written)


def _function_answer(context: Context, function: Function, written: Sequence[Written]) -> Answer:
    first = written[0]
    done = [one for one in written if one.actor == first.actor]
    did = joined([_OF_OTHERS[one.operation].format(ANNA.name, one.table) for one in done])
    is_light = function.form == "procedure" or {one.operation for one in written} == {"INSERT"}
    return Answer(
        Status.BROKEN,
        function.name,
        f"{described(first.actor)} {did} by calling {function.name}, which does not look who calls it.",
        expected="nothing of another user's that the caller could not write in the table",
        actual=", ".join(dict.fromkeys(one.operation for one in written)),
        remedy=f"Compare with auth.uid() in its body; or ALTER ROUTINE {function.name} SECURITY INVOKER; or "
        f"REVOKE EXECUTE ON ROUTINE {function.name} FROM PUBLIC, anon, authenticated;",
        evidence=[session(one.outcome, one.actor) for one in done],
        origin=origin_in_chain(context.promise, "function", function.name),
        severity=Severity.WARNING if is_light else None,
    )
