"""What a run took for granted, in sentences: how the folder was read, what is pending, what nobody promised. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pgcontract.contract import Project
from pgcontract.model.wording import first_of
from pgcontract.result import Finding, Status
from pgcontract.result.observations import KeptAnswer

_MAX_NAMES = 5
_SHORT = 12
_OF_EXPOSED: Final = frozenset(
    (
        "table.row_security",
        "table.separates_users",
        "view.caller_rights",
        "view.caller_writes",
        "function.caller_rights",
        "function.caller_writes",
        "function.definer_closed",
        "policy.restricts",
        "column.personal",
    )
)
_ON_PLATFORM: Final = re.compile(
    r"^\s*(?:CREATE|DROP|ALTER)\s(?:(?!\bON\b).)*\b(?:TRIGGER|POLICY)\b(?:(?!\$).)*?"
    r"\bON\s+(?:TABLE\s+)?\"?(?:auth|storage|realtime)\"?\s*\.",
    re.IGNORECASE | re.DOTALL,
)


def assumptions(project: Project, findings: Iterable[Finding] = ()) -> tuple[str, ...]:
    """A sentence each, with what to type where it is not so; what only matters where something is found, only there."""
    return (
        *project.assumptions,
        *_platform(project),
        *_pending(project),
        *_empty(project),
        *_promised(project),
        *_sizes(project, findings),
        *_exposed(project, findings),
    )


def kept_sentence(project: Project, kept: Sequence[KeptAnswer]) -> Iterator[str]:
    """That not all was asked in this run."""
    if kept:
        keys = list(dict.fromkeys(answer.migration for answer in kept))
        names = [project.migration(key).display_name for key in keys]
        shown = first_of(names, _MAX_NAMES)
        what = "1 answer" if len(kept) == 1 else f"{len(kept)} answers"
        yield (
            f"Kept from an earlier run: {what} at the own place of {shown}, of which nothing changed; at the head all "
            "was asked anew."
        )


def _sizes(project: Project, findings: Iterable[Finding]) -> Iterator[str]:
    reported = (
        finding for finding in findings if finding.check.startswith("lock.no") and finding.status is Status.BROKEN
    )
    if not project.table_rows and any(reported):
        yield (
            "How many rows production's tables have is not known, so each is taken for a large one: pgcontract stats "
            "prints the SELECT that tells, and --stats FILE takes its answer."
        )


def _exposed(project: Project, findings: Iterable[Finding]) -> Iterator[str]:
    exposed = project.exposed
    if project.platform != "supabase":
        return
    if not exposed.names:
        yield f"{exposed.source} switches the REST API off ([api] enabled), so nothing was taken as shown by it."
    elif not exposed.is_default:
        yield f"Shown by the REST API, as {exposed.source} says: {', '.join(exposed.names)}."
    elif not exposed.source and any(each.check in _OF_EXPOSED and each.status is Status.BROKEN for each in findings):
        yield (
            f"Taken as shown by the REST API: {' and '.join(exposed.names)}, as in a new project; [api] schemas in "
            "supabase/config.toml says what else is."
        )


def _platform(project: Project) -> Iterator[str]:
    if project.platform == "supabase" and any(
        _ON_PLATFORM.search(statement.text)
        for migration in project.pending
        for script in (migration.up, migration.down)
        if script is not None
        for statement in script.statements
    ):
        yield (
            "Assumed of Supabase, not tried on a hosted project: postgres makes and drops triggers and policies on tables"
            " of auth, storage and realtime, which are others', and alters none of auth."
        )
    if project.has_webhooks:
        yield (
            "Taken as switched on: Database Webhooks, for a trigger calls supabase_functions.http_request; without them a"
            " project refuses it. No request is sent."
        )


def _pending(project: Project) -> Iterator[str]:
    if project.scope is not None:
        yield from _scope(project)
    if project.history is not None and project.applied is None:
        yield f"Pending: {_shown(project)}, as {project.history.table} in {project.history.source} has the others."
        return
    if len(project.chain) == 1 or (project.scope is not None and project.applied is None):
        return
    if project.applied is None:
        yield f"Taken as pending: {project.head.display_name} alone, the last; --applied ID says what production has."
        return
    last = project.migration(project.applied).display_name
    yield f"Pending: {_shown(project)}, as {last} is the last that production has."


def _shown(project: Project) -> str:
    names = [migration.display_name for migration in project.pending]
    shown = first_of(names, _MAX_NAMES)
    return shown or "nothing"


def _scope(project: Project) -> Iterator[str]:
    """What is judged whole, of how many: a scope must be seen, for what is outside of it was asked less."""
    scope = project.scope
    assert scope is not None
    keys = [migration.key for migration in project.chain if migration.key in scope.changes.every]
    names = [project.migration(key).display_name for key in keys]
    shown = first_of(names, _MAX_NAMES)
    yield (
        f"Judged for {len(names)} of {len(project.chain)}: {shown or 'nothing'} changed since {scope.ref} "
        f"({scope.commit[:_SHORT]}, where the two part); of the others, what they promise of the head."
    )
    yield from scope.sentences


def _empty(project: Project) -> Iterator[str]:
    names = [migration.file for migration in project.pending if migration.up.is_empty]
    if names:
        hold = "hold no statement and change" if len(names) > 1 else "holds no statement and changes"
        yield f"{first_of(names, _MAX_NAMES)} {hold} nothing."


def _promised(project: Project) -> Iterator[str]:
    if project.head.contract is None:
        yield (
            f"{project.head.display_name} has no contract: asked was how it runs, and what is wrong whatever it is for. "
            "pgcontract draft writes one."
        )
