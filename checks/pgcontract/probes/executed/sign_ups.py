"""Sign-ups that a trigger of the chain refuses because they say nothing of who signs up.

Supabase Auth puts into raw_user_meta_data what the client sends along, or another service says: by e-mail and password
alone, by an invitation or in the dashboard that is {}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pgcontract.model.schema import Trigger
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.routines import migrated_routines, names_in_context
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.exposed_functions import called_bodies
from pgcontract.probes.roles.ties import AUTH_USERS
from pgcontract.probes.roles.users import ANNA, User
from pgcontract.probes.roles.users_state import UsersState, acting_stages, supports_roles, users_state
from pgcontract.values import dataclass

_USERS: Final = (
    User(name="user C", number=3, id="c0000000-0000-4000-8000-00000000000c", email="cleo@example.org"),
    User(name="user D", number=4, id="d0000000-0000-4000-8000-00000000000d", email="dora@example.com"),
)
_METADATA: Final = "raw_user_meta_data"
_KEY: Final = lazy_pattern(r"->>?\s*'(\w+)'")
_APP: Final = lazy_pattern(r"raw_app_meta_data\"?\s*->>?\s*'(\w+)'", re.IGNORECASE)
# NULL, a value that is taken, that a CHECK or a type does not take: what a RAISE says is meant.
_REFUSES: Final = frozenset(("23502", "23505", "23514", "22P02", "22004", "22007"))
_WORDS: Final = ("{first}{number}", "{first} Winter", "1990-01-0{number}", "{number}")


@dataclass(frozen=True, kw_only=True)
class RefusedSignUp:
    """`lacking` are the keys of raw_user_meta_data without any of which it is refused; `is_second` where the first that
    says nothing goes through. `statement` is what shows it."""

    function: str
    lacking: tuple[str, ...]
    is_second: bool
    statement: str
    refusal: Refusal


@cached_state_fact
def refused_sign_ups(context: Context) -> tuple[RefusedSignUp, ...]:
    """One at most: what the first trigger refuses no other sees. CouldNotAsk where the head is not applied."""
    triggers = [one for one in context.migrated.triggers if one.table == AUTH_USERS and one.enabled != "disabled"]
    keys = _keys(context, triggers)
    if not keys or not supports_roles(context):
        return ()
    users_state(context)  # asked on a connection of its own, as are the routines
    routines = migrated_routines(context)
    with acting_stages(context) as open_stage:
        stage = open_stage(context.regimes[0].name)
        names = names_in_context(stage.connection, routines)
        is_confirmed = any("update" in trigger.events for trigger in triggers)
        for steps in _steps(is_confirmed):
            outcome = _attempt(stage, steps, {})
            if outcome.refusal is None:
                continue
            routine = faults.innermost(outcome.refusal, names)
            if outcome.refusal.sqlstate not in _REFUSES or routine is None:
                return ()
            lacking = _lacking(stage, users_state(context), steps, keys, outcome.refusal)
            if not lacking:
                return ()
            return (
                RefusedSignUp(
                    function=routine.function.name,
                    lacking=lacking,
                    is_second=len({user for user, _ in steps}) > 1,
                    statement=outcome.statement,
                    refusal=outcome.refusal,
                ),
            )
    return ()


def _keys(context: Context, triggers: Sequence[Trigger]) -> tuple[str, ...]:
    """What the functions of the triggers look for."""
    fired = {trigger.function for trigger in triggers}
    bodies = [
        body
        for function in context.migrated.functions
        if function.name in fired
        for body in called_bodies(context.after, function)
        if _METADATA in body
    ]
    return tuple(dict.fromkeys(key for body in bodies for key in _KEY.findall(_APP.sub("", body))))


def _steps(is_confirmed: bool) -> Iterator[list[tuple[User, str]]]:
    """More of them each time: who, and what Auth writes of him."""
    steps: list[tuple[User, str]] = []
    for user in _USERS:
        for what in ("INSERT", "UPDATE") if is_confirmed else ("INSERT",):
            steps.append((user, what))
            yield steps


def _attempt(stage: Stage, steps: Sequence[tuple[User, str]], said: Mapping[int, Mapping[str, Any]]) -> Outcome:
    return stage.attempt("; ".join(_statement(user, what, said.get(user.number, {})) for user, what in steps))


def _statement(user: User, what: str, said: Mapping[str, Any]) -> str:
    if what == "UPDATE":
        return f"UPDATE auth.users SET email_confirmed_at = now() WHERE id = {literal(user.id)}"  # noqa: S608
    app = json.dumps({"provider": "email", "providers": ["email"]})
    values = ", ".join(map(literal, (user.id, "authenticated", "authenticated", user.email, app, json.dumps(said))))
    return f"INSERT INTO auth.users (id, aud, role, email, raw_app_meta_data, {_METADATA}) VALUES ({values})"  # noqa: S608


def _lacking(
    stage: Stage, prepared: UsersState, steps: Sequence[tuple[User, str]], keys: Sequence[str], refusal: Refusal
) -> tuple[str, ...]:
    """The keys without which it is refused, where it goes through with all of them."""
    for said in _said(prepared, keys):
        if _attempt(stage, steps, said).refusal is None:
            needed = tuple(
                key
                for key in keys
                if _attempt(stage, steps, {number: _without(of, key) for number, of in said.items()}).refusal is not None
            )
            return needed or tuple(keys)
    column = refusal.column_name or ""
    return (column,) if refusal.sqlstate == "23502" and column in keys else ()


def _without(said: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != key}


def _said(prepared: UsersState, keys: Sequence[str]) -> Iterator[dict[int, dict[str, str]]]:
    """What each of them may say of himself: what columns of these names take, else words of several kinds."""
    made = prepared.made
    held: dict[int, dict[str, str]] = {user.number: {} for user in _USERS}
    for user in _USERS:
        for table in prepared.tables:
            row = made.rows.get((table.name, ANNA.number))
            values = {**(row.values if row else {}), **made.values(table, user, user.number)}
            for key in keys:
                if values.get(key) is not None:
                    held[user.number].setdefault(key, str(values[key]))
    words = [
        {user.number: text.format(first=user.email.partition("@")[0], number=user.number) for user in _USERS}
        for text in _WORDS
    ]
    for known in (held, {}):
        for said in words:
            yield {number: dict.fromkeys(keys, word) | known.get(number, {}) for number, word in said.items()}
