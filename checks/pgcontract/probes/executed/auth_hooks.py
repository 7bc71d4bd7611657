"""Functions that Supabase Auth calls at each sign-in, as it calls them: as supabase_auth_admin, with an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Function
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.users import ANNA
from pgcontract.probes.roles.users_state import supports_roles, users_state
from pgcontract.values import dataclass

AUTH_ADMIN: Final = "supabase_auth_admin"
# Supabase, Auth Hooks: what each is called in its page.
_NAMES: Final = lazy_pattern(
    r"(custom_)?(access_token|mfa_verification(_attempt)?|password_verification(_attempt)?|send_sms|send_email"
    r"|before_user_created)(_hook)?"
)
_ONE_EVENT: Final = lazy_pattern(r"(?P<called>.+)\(jsonb\)", 0)
# What it meets whatever the event is: a right, a table, a function or a column that it has not.
_FAILS: Final = frozenset(("42501", "42P01", "42883", "42703"))
_EVENT: Final = json.dumps(
    {
        "user_id": ANNA.id,
        "claims": {
            "sub": ANNA.id,
            "role": "authenticated",
            "aud": "authenticated",
            "email": ANNA.email,
            "app_metadata": {},
        },
        "user": {"id": ANNA.id, "email": ANNA.email, "phone": "15550100", "app_metadata": {}, "user_metadata": {}},
        "authentication_method": "password",
        "factor_id": ANNA.id,
        "valid": True,
        "sms": {"otp": "123456"},
        "metadata": {"ip_address": "127.0.0.1"},
    }
)
_NEW_USER: Final = "c0000000-0000-4000-8000-00000000000c"
_SIGN_UP: Final = "INSERT INTO auth.users (id, email, role) VALUES (%s, 'cleo@example.org', 'authenticated')"
# supabase_auth_admin has the search_path auth, and has no way to another's rights.
_DOOR: Final = """
CREATE FUNCTION extensions.pgcontract_ask_hook(called text, event jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = auth AS $$ DECLARE answer jsonb; BEGIN EXECUTE $1 INTO answer USING event; RETURN answer; END $$;
ALTER FUNCTION extensions.pgcontract_ask_hook(text, jsonb) OWNER TO {role};
GRANT USAGE ON SCHEMA auth, extensions TO {role};
GRANT EXECUTE ON FUNCTION extensions.pgcontract_ask_hook(text, jsonb) TO {migrator};
"""


@dataclass(frozen=True, kw_only=True)
class HookTry:
    """What came of a call: a refusal, or an answer that is another than its owner gets over the same rows, or that
    `is_null` for a user who has just signed up. It is `granted` where a migration lets supabase_auth_admin call it; else
    it is one by its name alone."""

    function: Function
    granted: bool
    statement: str
    refusal: Refusal | None
    is_null: bool = False


@cached_state_fact
def try_auth_hooks(context: Context) -> tuple[HookTry, ...]:
    """The hooks that fail, or are shown less. CouldNotAsk where the head is not applied, or nobody may act as Auth."""
    hooks = [*_hooks(context)] if supports_roles(context) else []
    if not hooks:
        return ()
    sandbox = context.sandbox
    sandbox.require_superuser()
    found: list[HookTry] = []
    with sandbox.clone(users_state(context).state) as database:
        with sandbox.connect(database, user=sandbox.server.superuser) as admin:
            names = {"role": identifier(AUTH_ADMIN), "migrator": identifier(sandbox.migrator)}
            admin.execute(sql.SQL(_DOOR).format(**names))
        with sandbox.connect(database) as connection:
            for function, granted in hooks:
                called = f"SELECT {function.name.partition('(')[0]}($1)"
                try:
                    own = _ask(connection, f"{called.replace('$1', '%s::jsonb')}", [_EVENT])
                except psycopg.Error:
                    continue  # it wants an event of another form
                refusal: Refusal | None = None
                event, is_null = _EVENT, False
                try:
                    asked = "SELECT extensions.pgcontract_ask_hook(%s, %s::jsonb)"
                    if _ask(connection, asked, [called, _EVENT]) == own:
                        is_null = "claims" in (function.body or "") and _is_null(connection, called)
                        event = _EVENT.replace(ANNA.id, _NEW_USER)
                        if not is_null:
                            continue
                except psycopg.Error as error:
                    refusal = read_refusal(error)
                    if refusal.sqlstate not in _FAILS:
                        continue
                statement = called.replace("$1", f"'{event}'::jsonb")
                found.append(
                    HookTry(function=function, granted=granted, statement=statement, refusal=refusal, is_null=is_null)
                )
    return tuple(found)


def _hooks(context: Context) -> Iterator[tuple[Function, bool]]:
    granted = {grant.object[1] for grant in context.migrated.grants if grant.grantee == AUTH_ADMIN}
    for function in context.migrated.functions:
        is_granted = function.name in granted
        if (
            function.returns == "jsonb"
            and _ONE_EVENT.fullmatch(function.name)
            and (is_granted or _NAMES.fullmatch(function.bare_name))
        ):
            yield function, is_granted


def _is_null(connection: psycopg.Connection, called: str) -> bool:
    """Whether it answers NULL, seeing all, to a user who has just signed up."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(_SIGN_UP, [_NEW_USER])
            event = _EVENT.replace(ANNA.id, _NEW_USER)
            return connection.execute(called.replace("$1", "%s::jsonb").encode(), [event]).fetchone() == (None,)
    except psycopg.Error:
        return False


def _ask(connection: psycopg.Connection, query: str, values: list[str]) -> object:
    """The answer, and nothing of what the call did."""
    with connection.transaction(force_rollback=True):
        row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row else None
