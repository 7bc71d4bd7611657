"""What findings about roles say alike: who did it, in which projects, and the session that shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.executed.granted_roles import left_out
from pgcontract.probes.promise import Promise
from pgcontract.probes.roles.access import Access
from pgcontract.probes.roles.acting import Outcome, as_shown
from pgcontract.probes.roles.users import Actor
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.traps.made_parts import catalog_of_head


def catalog_on_supabase(promise: Promise) -> tuple[str, ...]:
    """The whole catalog, at the head of a chain for Supabase alone."""
    return catalog_of_head(promise) if promise.project.platform == "supabase" else ()


def in_projects(context: Context, access: Access, regimes: Iterable[str]) -> str:
    """Where it is so, to end a sentence with; nothing where it is so everywhere."""
    found = set(regimes)
    if found >= set(access.regimes):
        return ""
    words = [regime.description for regime in context.regimes if regime.name in found]
    return f", in projects made {' or '.join(words)}"


def session(outcome: Outcome, actor: Actor) -> Evidence:
    """The statements that show it, to be pasted."""
    return Evidence(title=f"As {described(actor)}", text=as_shown(outcome, actor), language="sql")


def described(actor: Actor) -> str:
    """`user A (authenticated)`, `anon`."""
    return actor.name if actor.user is None else f"{actor.name} ({actor.role})"


def not_asked_as(context: Context, tables: Collection[str], what: str, *, reads: bool = True) -> Iterator[Answer]:
    """Elsewhere than on Supabase: the roles that are granted something on one of the tables and were not tried there."""
    for role, why in left_out(context, tables, reads=reads).items():
        yield Answer(
            Status.UNKNOWN,
            role,
            f"Whether {what} refuses {role} what it is granted was not tried: {why.partition(';')[0]}.",
            remedy=f"Give the right with --setup FILE: GRANT {role} TO CURRENT_USER;",
        )
