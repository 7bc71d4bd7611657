"""What a restored dump says of another server, and no statement of it changes here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.wording import first_of, number_of
from pgcontract.postgres.script_execution import Refusal, apply_statements
from pgcontract.probes.context import Context
from pgcontract.probes.failure_injection import first_line
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

_ROLE: Final = re.compile(r'role "(.*)" does not exist', re.DOTALL)
_MAX_NAMES: Final = 5
_MAX_ROWS: Final = 50


def _restored(promise: Promise) -> tuple[str, ...]:
    return ("script",) if promise.script.execution.restores else ()


@check("script.restores", subjects=_restored, severity=Severity.INFO)
def script_restores(context: Context) -> Iterator[Answer]:
    """Every statement of a dump takes effect where it is restored.

    Why it matters: a dump gives objects to roles of the server that it is from. Where they are not there, psql reports it
    and goes on; what they own and may do is then not what it was.
    How it is measured: the dump is restored statement by statement, and those that the server refuses and a restore goes
    past are listed: owners and privileges of roles that are not there, settings of other versions, comments on what is
    the server's, a schema public that is there already, and what --clean drops. Whatever makes an object is never gone
    past, a policy among them.
    What to do: give the roles with --setup, where who may do what is to be judged; else nothing.
    """
    context.require_features()
    script = context.promise.script
    passed_over: list[Refusal] = []
    with context.clone(context.before_state) as connection:
        apply_statements(connection, script.statements, script, passed_over=passed_over)
    if not passed_over:
        yield Answer(Status.KEPT, "script", "Every statement of the dump takes effect.")
        return
    roles = sorted({match[1] for refusal in passed_over if (match := _ROLE.fullmatch(refusal.message))})
    summary = f"{number_of(len(passed_over), 'statements')} of the dump took no effect, and the restore went on"
    if roles:
        summary += f"; nobody here is {first_of(roles, _MAX_NAMES)}, so what they own and may do was not shown"
    created = " ".join(f"CREATE ROLE {quote_identifier(role)};" for role in roles[:_MAX_NAMES])
    yield Answer(
        Status.NOTED,
        "script",
        f"{summary}.",
        remedy=f"Give the roles with --setup FILE: {created}" if roles else None,
        evidence=[
            Evidence(
                title="Statements that a restore goes past",
                columns=("line", "statement", "the server's words"),
                rows=tuple(
                    (str(refusal.line), _first_line(refusal), refusal.message) for refusal in passed_over[:_MAX_ROWS]
                ),
            )
        ],
    )


def _first_line(refusal: Refusal) -> str:
    return first_line(refusal.statement or "")
