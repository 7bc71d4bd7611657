"""Counts that a document gives: so many tables, so many indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pgcontract.model.schema import Schema
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Finding, Severity, Status
from pgcontract.rules.registry import answer, check

# The objects that a count of that name counts, in the order they are listed.
_COUNTED: Final[dict[str, Callable[[Schema], tuple[str, ...]]]] = {
    "tables": lambda made: tuple(table.name for table in made.tables),
    "columns": lambda made: tuple(column.name for column in made.columns),
    "indexes": lambda made: tuple(index.name for index in made.indexes if not index.constraint),
    "indexes with those of constraints": lambda made: tuple(index.name for index in made.indexes),
    "triggers": lambda made: tuple(trigger.name for trigger in made.triggers),
    "functions": lambda made: tuple(function.name for function in made.functions),
    "views": lambda made: tuple(view.name for view in made.views),
    "policies": lambda made: tuple(policy.name for policy in made.policies),
    "constraints": lambda made: tuple(each.name for each in made.constraints),
    "check constraints": lambda made: tuple(each.name for each in made.constraints if each.form == "check"),
    "comments": lambda made: tuple(f"{part.kind} {part.name}" for part in made.parts() if part.comment),
}


def counted(number: int, what: str) -> str:
    """`4 indexes`, `1 index`: the count with its noun."""
    if number != 1:
        return f"{number} {what}"
    noun, _, rest = what.partition(" with ")
    singular = {"indexes": "index", "policies": "policy"}.get(noun, noun.removesuffix("s"))
    return f"1 {singular}{f' with {rest}' if rest else ''}"


def _subjects(promise: Promise) -> Iterator[str]:
    yield from dict.fromkeys(promise.referenced("schema.count"))


@check("schema.count", subjects=_subjects, severity=Severity.WARNING)
def schema_count(trial: Trial) -> Iterator[Finding]:
    """The migration makes as many objects of a kind as a claim says (`schema.count[indexes = 4]`).

    Why it matters: a reader who counts and finds another number stops believing the rest.
    How it is measured: the objects that are in the catalog after the migration and were not before, by kind;
    an index that backs a constraint counts with the constraint, and NOT NULL is no CHECK.
    What to do: correct the claim; the evidence lists what was counted.
    """
    for subject in _subjects(trial.promise):
        what, _, number = (each.strip() for each in subject.partition("="))
        if what not in _COUNTED or not number.isdigit():
            known = ", ".join(_COUNTED)
            yield answer(
                Status.UNKNOWN,
                subject,
                f"'{subject}' is no count; write `<what> = <number>` with one of: {known}.",
            )
            continue
        names = _COUNTED[what](trial.made)
        same = len(names) == int(number)
        yield answer(
            Status.KEPT if same else Status.BROKEN,
            subject,
            f"The migration makes {counted(len(names), what)}" + ("." if same else f", not {number}."),
            expected=number,
            actual=f"{len(names)}" + (f": {', '.join(names)}" if names else ""),
            remedy=None if same else "Correct the claim with the number that was counted.",
        )
