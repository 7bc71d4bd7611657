"""Triggers, policies and views that a script drops and makes again: missing for others in between, or never."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.model.sql import Created, Script, Statement
from pgcontract.model.sql.lexer import tokens
from pgcontract.model.sql.transactions import transaction_numbers
from pgcontract.probes.context import Context
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.script.lifecycle import one_script
from pgcontract.values import dataclass

_KINDS = ("trigger", "policy", "view")
_MISSING = {
    "trigger": "what is written meanwhile passes without it",
    "policy": "what it lets in is refused meanwhile",
    "view": "whoever reads it meanwhile fails",
}


@dataclass(frozen=True, kw_only=True)
class _Gap:
    """An object that was there before, from its DROP to its CREATE, where others may see that it is gone."""

    created: Created
    drop: Statement
    create: Statement


@check("script.replaces_at_once", subjects=one_script, severity=Severity.WARNING)
def script_replaces_at_once(context: Context) -> Iterator[Answer]:
    """A trigger, policy or view that the script drops and makes again is never missing for others.

    Why it matters: between DROP and CREATE a trigger does not fire, a policy does not hold, a view cannot be read. In one
    transaction nobody sees that; else every session does, for as long as it lasts, and for ever where the CREATE fails.
    How it is measured: DROP and CREATE of the same object that was there before are looked up in the script's text; they
    must stand in one transaction, as the tool sends them.
    What to do: put BEGIN and COMMIT around the two, or use CREATE OR REPLACE.
    """
    script = context.promise.script
    gaps = list(_gaps(context)) if script.parsed else []
    if not gaps:
        yield Answer(Status.KEPT, "script", "Nothing that the script drops and makes again is missing in between.")
        return
    first = gaps[0]
    kind, name = first.created.kind, first.created.name
    more = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
    yield Answer(
        Status.BROKEN,
        "script",
        f"From line {first.drop.line} to line {first.create.line} the {kind} {name} is gone for everybody{more}: "
        f"{_MISSING[kind]}.",
        expected="DROP and CREATE in one transaction",
        actual="each is committed by itself",
        remedy="Put BEGIN; and COMMIT; around the two"
        + (f", or write CREATE OR REPLACE {kind.upper()} without the DROP." if kind != "policy" else "."),
        evidence=[
            Evidence(
                title="What is gone in between",
                columns=("from line", "to line", "kind", "name"),
                rows=tuple(
                    (str(gap.drop.line), str(gap.create.line), gap.created.kind, gap.created.name) for gap in gaps
                ),
            )
        ],
        origin=Origin(file=first.drop.path or script.path, line=first.drop.line, column=first.drop.column),
    )


def _gaps(context: Context) -> Iterator[_Gap]:
    script = context.promise.script
    numbers = transaction_numbers(script)
    before = {(part.kind, part.name) for part in context.before.parts() if part.kind in _KINDS}
    for created in context.promise.inventory.created:
        if (created.kind, created.name) not in before:
            continue
        create = _statement_at(script, created.line)
        drop = _dropped_before(script, create, created) if create else None
        if create and drop and numbers[drop.number - 1] != numbers[create.number - 1]:
            yield _Gap(created=created, drop=drop, create=create)


def _statement_at(script: Script, line: int) -> Statement | None:
    return next((statement for statement in reversed(script.statements) if statement.line <= line), None)


def _dropped_before(script: Script, create: Statement, created: Created) -> Statement | None:
    """The last DROP of that object before the statement that makes it."""
    if not created.path.parts:
        return None
    for statement in reversed(script.statements[: create.number - 1]):
        drops = statement.words[:1] == ("DROP",) and created.kind.upper() in statement.words[1:3]
        if drops and any(token.name == created.path.name for token in tokens(statement.text)):
            return statement
    return None
