"""What anon and another user do to a user's files: storage.objects, bucket by bucket."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.model.schema import Policy
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.separation import applying, condition
from pgcontract.probes.roles.ties import asked_once
from pgcontract.probes.roles.users import ANNA, ANON, SECOND, USERS, Actor
from pgcontract.probes.roles.users_state import acting_stages, grants_by_regime, supports_roles
from pgcontract.values import dataclass

OBJECTS: Final = "storage.objects"
_NAMED: Final = re.compile(r"bucket_id\s*=\s*(?:ANY\s*\(ARRAY\[(?P<list>[^\]]+)\]|'(?P<one>(?:[^']|'')+)')")
_TEXT: Final = re.compile(r"'((?:[^']|'')+)'")
_ELSEWHERE: Final = re.compile(r"\bFROM\b|\b(?!auth\.|storage\.)[\w$]+\.[\w$]+\(", re.IGNORECASE)
_MAX_BUCKETS: Final = 50


@dataclass(frozen=True, kw_only=True)
class BucketTry:
    """What one actor reached of user A's file in a bucket: the operation, by which policies. `public` is None of a bucket
    that no migration makes."""

    bucket: str
    public: bool | None
    actor: Actor
    operation: str
    policies: tuple[Policy, ...]
    outcome: Outcome


@cached_state_fact
def try_buckets(context: Context) -> tuple[BucketTry, ...]:
    """What reached something; nothing where the chain has no policy on files. A policy that looks something up elsewhere
    is left out: who stands there is not known. CouldNotAsk where the head is not applied, or may not be acted upon."""
    policies = [policy for policy in context.migrated.policies if policy.table == OBJECTS]
    if not policies or not supports_roles(context):
        return ()
    with acting_stages(context) as open_stage:
        stage = open_stage(next(reversed(grants_by_regime(context))))
        made = stage.attempt(f"SELECT id, public FROM storage.buckets ORDER BY id LIMIT {_MAX_BUCKETS}").rows  # noqa: S608
        known: dict[str, bool | None] = {name: bool(public) for name, public in made}
        for name in _named(policies):
            known.setdefault(name, None)
        for name in known:
            _fill(stage, name)
        return tuple(one for name, public in known.items() for one in _tries(context, stage, name, public))


@cached_state_fact
def bucket_states(context: Context) -> dict[str, bool]:
    """The buckets that are there at the head, and whether they are public."""
    with context.sandbox.rolled_back(context.after_state) as connection:
        rows = connection.execute("SELECT id, public FROM storage.buckets").fetchall()
    return {str(name): bool(public) for name, public in rows}


def _named(policies: Sequence[Policy]) -> Iterator[str]:
    for policy in policies:
        for match in _NAMED.finditer(f"{policy.using or ''} {policy.check or ''}"):
            yield from _TEXT.findall(match["list"]) if match["list"] else [match["one"]]


def _fill(stage: Stage, bucket: str) -> None:
    with suppress(psycopg.Error):
        values = f"({literal(bucket)}, {literal(bucket)})"
        stage.prepare(f"INSERT INTO storage.buckets (id, name) VALUES {values} ON CONFLICT DO NOTHING")  # noqa: S608
    for user in USERS:
        with suppress(psycopg.Error):
            stage.prepare(_insert(bucket, f"{user.id}/file.png", user.id))


def _insert(bucket: str, name: str, owner: str | None) -> str:
    values = ", ".join(literal(value) for value in (bucket, name, owner, owner))
    return f"INSERT INTO {OBJECTS} (bucket_id, name, owner, owner_id) VALUES ({values})"  # noqa: S608


def _tries(context: Context, stage: Stage, bucket: str, public: bool | None) -> Iterator[BucketTry]:
    where = f"WHERE bucket_id = {literal(bucket)} AND name = {literal(f'{ANNA.id}/file.png')}"
    for actor in (ANON, SECOND):
        own = actor.user.id if actor.user else None
        for operation, statement in (
            ("SELECT", f"SELECT name FROM {OBJECTS} {where}"),  # noqa: S608
            ("INSERT", _insert(bucket, f"{ANNA.id}/new.png", own)),
            ("UPDATE", f"UPDATE {OBJECTS} SET metadata = '{{}}' {where}"),  # noqa: S608
            ("DELETE", f"DELETE FROM {OBJECTS} {where}"),  # noqa: S608
        ):
            policies = applying(context.after, OBJECTS, operation, actor.role)
            if not policies or any(_ELSEWHERE.search(asked_once(condition(one, operation))) for one in policies):
                continue
            outcome = stage.attempt(statement, actor)
            if outcome.count or outcome.reached:
                yield BucketTry(
                    bucket=bucket, public=public, actor=actor, operation=operation, policies=policies, outcome=outcome
                )
