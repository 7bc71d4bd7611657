"""Numbers of objects that a claim states: so many tables, so many indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pgcontract.model.schema import Schema
from pgcontract.model.wording import number_of
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Correctable, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

# The objects that a count of that name counts, in the order they are listed.
_COUNTED: Final[dict[str, Callable[[Schema], tuple[str, ...]]]] = {
    "tables": lambda schema: tuple(table.name for table in schema.tables),
    "columns": lambda schema: tuple(column.name for column in schema.columns),
    "indexes": lambda schema: tuple(index.name for index in schema.indexes if not index.constraint),
    "indexes with those of constraints": lambda schema: tuple(index.name for index in schema.indexes),
    "triggers": lambda schema: tuple(trigger.name for trigger in schema.triggers),
    "functions": lambda schema: tuple(function.name for function in schema.functions),
    "views": lambda schema: tuple(view.name for view in schema.views),
    "policies": lambda schema: tuple(policy.name for policy in schema.policies),
    "constraints": lambda schema: tuple(constraint.name for constraint in schema.constraints),
    "check constraints": lambda schema: tuple(
        constraint.name for constraint in schema.constraints if constraint.form == "check"
    ),
    "comments": lambda schema: tuple(f"{part.kind} {part.name}" for part in schema.parts() if part.comment),
}


def _subjects(promise: Promise) -> Iterator[str]:
    yield from dict.fromkeys(promise.claimed_subjects("schema.count"))


@check("schema.count", subjects=_subjects, severity=Severity.WARNING, correctable=Correctable.WORDS)
def schema_count(context: Context) -> Iterator[Answer]:
    """The migration makes as many objects of a kind as a claim states (`schema.count[indexes = 4]`).

    Why it matters: a reader who counts and finds another number stops trusting the rest.
    How it is measured: the objects that are in the catalog after the migration and were not before, by kind. An index
    that backs a constraint counts with the constraint, and NOT NULL does not count as a CHECK.
    What to do: correct the claim; the evidence lists what was counted.
    """
    for subject in _subjects(context.promise):
        what, _, number = (piece.strip() for piece in subject.partition("="))
        if what not in _COUNTED or not number.isdigit():
            known = ", ".join(_COUNTED)
            yield Answer(
                Status.UNKNOWN,
                subject,
                f"'{subject}' is not a count; write `<what> = <number>` with one of: {known}.",
            )
            continue
        names = _COUNTED[what](context.changed_parts)
        same = len(names) == int(number)
        yield Answer(
            Status.KEPT if same else Status.BROKEN,
            subject,
            f"The migration creates {number_of(len(names), what)}" + ("." if same else f", not {number}."),
            expected=number,
            actual=f"{len(names)}" + (f": {', '.join(names)}" if names else ""),
            remedy=None if same else f"Correct the number in the claim to {len(names)}, or create what is missing.",
        )
