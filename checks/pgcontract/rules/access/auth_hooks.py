"""Hooks that Supabase Auth calls and that fail it."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.executed.auth_hooks import AUTH_ADMIN, HookTry, try_auth_hooks
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain


@check("function.auth_hook", subjects=catalog_on_supabase, severity=Severity.ERROR, head=True, implied=True)
@otherwise_kept(CATALOG, "No hook of Auth fails as supabase_auth_admin, who calls it.")
def function_auth_hook(context: Context) -> Iterator[Answer]:
    """No hook of Auth fails as supabase_auth_admin, who calls it.

    Why it matters: Supabase Auth calls the hook at each sign-in and refresh. Where it may not read what the hook reads,
    or finds no table of that name by its own search_path, which is auth alone, nobody signs in any more; where row
    security hides the rows from it, every token goes without what the hook should put in.
    How it is measured: each function of one jsonb that gives jsonb, and that supabase_auth_admin is granted or that has
    the name of a hook (custom_access_token_hook), is called as supabase_auth_admin and as its owner, over rows of a user.
    So it is for a user who has just signed up: NULL is no answer where it is to give claims.
    It is a warning where it answers and says less, and where its name alone makes it a hook.
    What to do: GRANT USAGE ON the schema, SELECT ON what it reads and EXECUTE ON the function TO supabase_auth_admin,
    with CREATE POLICY ... FOR SELECT TO supabase_auth_admin USING (true) on a table with row security; and SET
    search_path = ''.
    """
    for tried in try_auth_hooks(context):
        yield _answer(context, tried)


def _answer(context: Context, tried: HookTry) -> Answer:
    name = tried.function.name
    summary = (
        f"{name} answers {AUTH_ADMIN}, who calls it at each sign-in or sign-up, otherwise than its owner: row security "
        "hides from it what it reads."
    )
    actual = "less than its owner is answered"
    remedy = f"CREATE POLICY … ON the table that it reads FOR SELECT TO {AUTH_ADMIN} USING (true);"
    if tried.is_null:
        summary = f"{name} answers NULL for a user who has just signed up, and without claims he gets no token."
        actual = "NULL"
        remedy = "jsonb_set() with a NULL is NULL: COALESCE(to_jsonb(…), 'null')."
    if tried.refusal is not None:
        why = tried.refusal.message
        summary = f"{name} fails as {AUTH_ADMIN}, who calls it at each sign-in or sign-up, so that nobody gets in: {why}."
        actual = str(tried.refusal)
        remedy = (
            f"GRANT USAGE ON SCHEMA, SELECT ON what it reads and EXECUTE ON FUNCTION {name} TO {AUTH_ADMIN}; {remedy}"
            if tried.refusal.sqlstate == "42501"
            else f"Write each name with its schema, and ALTER FUNCTION {name} SET search_path = '';"
        )
    shown = f"SET LOCAL ROLE {AUTH_ADMIN};\nSET LOCAL search_path = auth;\n{tried.statement};"
    return Answer(
        Status.BROKEN,
        name,
        summary,
        expected=f"an answer to {AUTH_ADMIN}",
        actual=actual,
        remedy=remedy,
        evidence=[Evidence(title=f"As {AUTH_ADMIN}", text=shown, language="sql")],
        origin=origin_in_chain(context.promise, "function", name),
        severity=None if tried.granted and (tried.refusal is not None or tried.is_null) else Severity.WARNING,
    )
