"""CHECKs that read the clock: a row that passes today and not later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.model.schema import Constraint
from pgcontract.probes.clock_rows import EndingRow, first_ending_row, reads_clock
from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_CALL: Final = re.compile(r'((?:"(?:[^"]|"")*"|[\w$]+)(?:\.(?:"(?:[^"]|"")*"|[\w$]+))?)\(')


@check("constraint.immutable", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "No CHECK that the migrations made reads the clock.")
def constraint_immutable(context: Context) -> Iterator[Answer]:
    """No row that a CHECK passes is refused by it later.

    Why it matters: a CHECK is asked when a row is written, never again. One that reads the clock holds rows that it would
    refuse by now: any UPDATE of one is refused, whatever it changes, and a dump cannot be restored.
    How it is measured: each CHECK at the head of the chain that reads the clock is asked about rows around today, NULL
    and its own constants, today and on days up to thirty years later; the row that fails first is shown. Where all that
    pass go on passing (a date of birth that is not in the future), it is noted; so it is where no such row can be made.
    What to do: compare with another column, as created_at, or ask it in a BEFORE INSERT trigger, where the moment of the
    write is meant.
    """
    for constraint in made_parts(context, "constraints"):
        if constraint.form != "check" or constraint.inherited or not constraint.enforced:
            continue
        definition = constraint.definition or ""
        if reads_clock(definition):
            yield _answer(context, constraint, first_ending_row(context, constraint))
        elif function := _clock_function(context, definition):
            yield Answer(
                Status.NOTED,
                constraint.name,
                f"{constraint.name} calls {function}, which reads the clock: a row that passes today may not pass later.",
                origin=origin_in_chain(context.promise, "constraint", constraint.name),
            )


def _answer(context: Context, constraint: Constraint, ending: EndingRow | None) -> Answer:
    origin = origin_in_chain(context.promise, "constraint", constraint.name)
    if ending is None:
        return Answer(
            Status.NOTED,
            constraint.name,
            f"{constraint.name} reads the clock, and no row was found that passes today and not later.",
            actual=constraint.definition,
            origin=origin,
        )
    return Answer(
        Status.BROKEN,
        constraint.name,
        f"{constraint.name} reads the clock: a row with {ending.row} passes today and fails {ending.later}; then any "
        "UPDATE of it is refused, and a dump is not restored.",
        expected="a row that passes today passes later",
        actual=constraint.definition,
        remedy="Compare with another column of the row, or ask it in a BEFORE INSERT trigger.",
        evidence=[ending.evidence],
        origin=origin,
    )


def _clock_function(context: Context, definition: str) -> str | None:
    """The first function of the chain's own that the CHECK calls and whose body reads the clock."""
    called = set(_CALL.findall(definition))
    return next(
        (
            function.name
            for function in made_parts(context, "functions")
            if function.name.partition("(")[0] in called and reads_clock(function.body or "")
        ),
        None,
    )
