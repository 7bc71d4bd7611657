"""Views and functions that show with their owner's rights what their callers could not see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pgcontract.model.schema import Function, View
from pgcontract.model.wording import number_of
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.executed.granted_views import Seen, as_pasted, seen_past_policies
from pgcontract.probes.promise import Promise
from pgcontract.probes.roles.access import Access, is_exposed, try_access
from pgcontract.probes.roles.definers import Shown, try_definers
from pgcontract.probes.roles.ties import AUTH_USERS
from pgcontract.probes.roles.users_state import supports_roles
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, origin_in_chain

_ROW_SECURITY = lazy_pattern(r"ENABLE\s+ROW\s+LEVEL\s+SECURITY", re.IGNORECASE)


def _with_row_security(promise: Promise) -> tuple[str, ...]:
    """Elsewhere than on Supabase, where a script speaks of it."""
    if promise.project.platform != "supabase" and not any(
        _ROW_SECURITY.search(migration.up.text) for migration in promise.project.chain
    ):
        return ()
    return catalog_of_head(promise)


@check("view.caller_rights", subjects=_with_row_security, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No view shows rows that its tables would not let the caller see.")
def view_caller_rights(context: Context) -> Iterator[Answer]:
    """No view shows rows that its tables would not let the caller see.

    Why it matters: a view reads its tables with the rights of its owner, whom row security does not bind; so does a
    materialized view, once and for everybody. What the policies of a table hide, the view beside it shows.
    How it is measured: anon and a signed-in user read each view of the exposed schemas over rows of two users, under both
    grant regimes; then they read the same with security_invoker on, a materialized view's query by itself. Rows of others
    that only the first shows count, auth.users among them; sums do not. Where the view calls a SECURITY DEFINER function
    that is not exposed itself, so do rows that both show and the tables hide. A table without row security in a schema
    that is not exposed is taken to be meant for its views. Elsewhere than on Supabase each role that is granted the view
    and the table reads it, settings that the policies ask for set to nobody's, and then with security_invoker on: a
    warning.
    What to do: ALTER VIEW ... SET (security_invoker = true), or REVOKE SELECT ON the view.
    """
    if not supports_roles(context):
        yield from (_seen_answer(context, seen) for seen in seen_past_policies(context))
        return
    access = try_access(context)
    views = {view.name: view for view in context.migrated.views}
    found: dict[str, list[Shown]] = {}
    for shown in try_definers(context).views:
        if _is_hidden(context, access, shown):
            found.setdefault(shown.name, []).append(shown)
    for name, by_actor in found.items():
        yield _view_answer(context, access, views[name], by_actor)


def _seen_answer(context: Context, seen: Seen) -> Answer:
    view, table = seen.view.name, seen.table
    return Answer(
        Status.BROKEN,
        view,
        f"The view {view} shows {seen.role} {number_of(seen.rows, 'rows')} where the policies of {table} leave "
        f"{seen.own or 'none'}: it reads {table} as its owner, whom they do not bind.",
        expected="nothing that the caller could not read in the table",
        actual=f"{number_of(seen.rows, 'rows')} in place of {seen.own}",
        remedy=f"ALTER VIEW {view} SET (security_invoker = true);",
        evidence=[Evidence(title=f"As {seen.role}", text=as_pasted(seen), language="sql")],
        origin=origin_in_chain(context.promise, "view", view),
        severity=Severity.WARNING,
    )


def _is_hidden(context: Context, access: Access, shown: Shown) -> bool:
    """Whether its tables were to hide it: by row security, or as privileges say that only the view's defaults undo."""
    tables = {table.name: table for table in context.after.tables}
    if any(name == AUTH_USERS or (name in tables and tables[name].row_security) for name in shown.values):
        return True
    is_granted = access.of(context.regimes[0].name, shown.name, shown.actor, "SELECT").may
    return not is_granted and any(is_exposed(context, table) for table in shown.values)


def _view_answer(context: Context, access: Access, view: View, by_actor: list[Shown]) -> Answer:
    first = by_actor[0]
    table = AUTH_USERS if AUTH_USERS in first.values else next(iter(first.values))
    where = in_projects(context, access, (regime for shown in by_actor for regime in shown.regimes))
    kind = "materialized view" if view.materialized else "view"
    remedy = f"REVOKE ALL ON {view.name} FROM PUBLIC, anon, authenticated;"
    if first.through:
        remedy = f"{_closed(first.through)} or {remedy}"
    elif not view.materialized and table != AUTH_USERS:
        remedy = f"ALTER VIEW {view.name} SET (security_invoker = true);"
    return Answer(
        Status.BROKEN,
        view.name,
        f"The {kind} {view.name} shows {described(first.actor)} rows of {table} that the table itself does not{where}"
        f"{_through(first)}.",
        expected="nothing that the caller could not read in the table",
        actual=f"{first.values[table]!r} of {table}",
        remedy=remedy,
        evidence=_evidence(by_actor),
        origin=origin_in_chain(context.promise, "view", view.name),
    )


def _through(shown: Shown) -> str:
    return f": it calls {shown.through}, which runs with the rights of its owner" if shown.through else ""


def _closed(function: str) -> str:
    return f"Compare with auth.uid() in the body of {function}; or ALTER FUNCTION {function} SECURITY INVOKER;"


@check("function.caller_rights", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No function hands out rows of other users that the tables hide.")
def function_caller_rights(context: Context) -> Iterator[Answer]:
    """No SECURITY DEFINER function hands a caller rows of other users that the tables hide from him.

    Why it matters: such a function runs with the rights of its owner, whom row security does not bind; the REST API
    shows it as /rpc/..., and an id of somebody else's is all that it takes.
    How it is measured: anon and a signed-in user call each such function of the exposed schemas, with the ids and
    values of another user; then once more with SECURITY INVOKER. What of the other user's rows only the first call
    gives back counts; so does what one shows by calling a SECURITY DEFINER function that is not exposed itself.
    What to do: compare with auth.uid() in the body, or SECURITY INVOKER, or REVOKE EXECUTE FROM PUBLIC, anon,
    authenticated.
    """
    functions = {function.name: function for function in context.migrated.functions}
    found: dict[str, list[Shown]] = {}
    for shown in try_definers(context).functions:
        found.setdefault(shown.name, []).append(shown)
    for name, by_actor in found.items():
        yield _function_answer(context, functions[name], by_actor)
    if left := try_definers(context).left:
        yield Answer(
            Status.UNKNOWN,
            CATALOG,
            f"{len(left)} SECURITY DEFINER functions were not called as anon and as users, as they are too many: "
            f"{', '.join(left[:3])}, …",
            remedy="Judge the folder in two parts, or waive it.",
            required=True,
        )


def _function_answer(context: Context, function: Function, by_actor: list[Shown]) -> Answer:
    first = by_actor[0]
    table = next(iter(first.values))
    remedy = f"ALTER FUNCTION {function.name} SECURITY INVOKER; or compare with auth.uid() in its body;"
    if first.through:
        remedy = _closed(first.through)
    return Answer(
        Status.BROKEN,
        function.name,
        f"{function.name} hands {described(first.actor)} rows of {table} that are another user's and that the table "
        f"hides{_through(first)}.",
        expected="nothing that the caller could not read in the table",
        actual=f"{first.values[table]!r} of {table}",
        remedy=f"{remedy} or REVOKE EXECUTE ON FUNCTION {function.name} FROM PUBLIC, anon, authenticated.",
        evidence=_evidence(by_actor),
        origin=origin_in_chain(context.promise, "function", function.name),
    )


def _evidence(by_actor: Sequence[Shown]) -> list[Evidence]:
    """The session that shows it, and who sees what."""
    first = by_actor[0]
    return [
        session(first.outcome, first.actor),
        Evidence(
            title="What is shown that the tables hide",
            columns=("to", "of", "for example"),
            rows=tuple((described(one.actor), name, value) for one in by_actor for name, value in one.values.items()),
        ),
    ]
