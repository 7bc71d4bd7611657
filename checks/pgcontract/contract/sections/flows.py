"""What the application writes, as a contract declares it: named SQL steps, and what must never be true after one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, Self

from pydantic import Field

from pgcontract.contract.acting_role import ActingRole
from pgcontract.contract.declaration_models import NameKey, Qualified, Scalar
from pgcontract.contract.declared_columns import undeclared_table
from pgcontract.contract.declared_value import Many, Named, NamedValue, NonEmpty
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.sql_parameters import (
    parameters_of,
    query_issues,
    statement_issues,
    statements_of,
    without_comments,
)
from pgcontract.contract.validation_errors import nearest
from pgcontract.model.schema import Schema
from pgcontract.patterns import lazy_pattern

# Parameters that every step has: the actor's number, and the id of the event, which a repeated delivery shares.
BUILT_IN_PARAMETERS: Final = ("actor", "event")
UNKNOWN_ACTOR: Final = 0
_NAME: Final = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
_WRITTEN: Final = lazy_pattern(
    rf"(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO(?:\s+ONLY)?)\s+"
    rf"(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)",
    re.IGNORECASE,
)

_READS: Final = lazy_pattern(r"[\s(]*(?:SELECT|TABLE|VALUES)\b", re.IGNORECASE)


class Step(ActingRole):
    """What the application does at once."""

    name: NameKey = Field(description="What it is called, as in submit.")
    sql: str = Field(
        min_length=1,
        description="One statement, or several, which are one step: the last one's rows count. %(name)s is a value of "
        "the flow, what an earlier step or statement captures, %(actor)s the actor's number, %(event)s the event's id.",
    )
    after: Many[str] = Field(
        default=(), description="Steps above it that come first. An event may come before them all the same."
    )
    rows: int = Field(
        default=1,
        ge=0,
        description="How many rows it changes or gives, played in order; not one more when other actors have played. "
        "Default: 1.",
    )
    replay: int | None = Field(
        default=None, ge=0, description="How many rows it changes when it is played again. Default: nothing is promised."
    )
    captures: Many[str] = Field(default=(), description="Columns of what it returns that later steps have as parameters.")
    events: int = Field(
        default=0,
        ge=0,
        description="0: the application does it of its own accord. Else it answers an event, which may come twice, "
        "late, before its time, for ids nobody knows, and on two connections at once: this many different ones.",
    )
    violations: str | None = Field(
        default=None, min_length=1, description="A query that gives no row once the step was played."
    )

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """Its statements, in order."""
        return statements_of(self.sql)

    @property
    def verb(self) -> str:
        """What its number of rows is that of: `gives` where its last statement only reads, else `changes`."""
        return "gives" if _READS.match(without_comments(self.statements[-1])) else "changes"

    @property
    def written_table(self) -> str | None:
        """The table that its last statement writes, as that names it; None where it begins with anything else."""
        match = _WRITTEN.match(without_comments(self.statements[-1]))
        return match["table"] if match else None


class Invariant(NamedValue):
    """What holds after every step of every history."""

    description: str = Field(min_length=1, description="What holds, in a sentence.")
    violations: str = Field(
        min_length=1,
        description="A query that gives no row. The table pgcontract_log (seq, step, actor, event, rows, sqlstate, "
        "parameters jsonb) holds what was played; sqlstate is null unless the server refused it.",
    )


class Flow(NamedValue, Section):
    """What the application does with a table, from its first write of a row to its last."""

    heading = Heading(key="flow", description="What the application does.")

    table: Qualified = Field(description="The table it writes, as in public.orders.")
    actors: int = Field(
        default=1,
        ge=1,
        le=9,
        description="How many are played beside each other: a step reaches no more rows than it says, whatever the "
        "others have done. Default: 1.",
    )
    values: dict[NameKey, Scalar] = Field(
        default={},
        description="The steps' parameters. In a text {actor} is the actor's number, 0 that of nobody, and {life} how "
        "often the actor has played the first step.",
    )
    steps: NonEmpty[Step] = Field(
        validation_alias="step", description="The steps, in the order of a life without surprises."
    )
    invariants: Named[Invariant] = Field(
        default_factory=tuple, validation_alias="invariant", description="What holds after every step."
    )
    purpose: str | None = Field(default=None, description="What it is for. The report prints it.")

    def step(self, name: str) -> Step:
        return next(candidate for candidate in self.steps if candidate.name == name)

    def before(self, step: Step) -> tuple[Step, ...]:
        """The steps that must have run before it, in the flow's order."""
        names = set(step.after)
        for earlier_step in reversed(self.steps):
            if earlier_step.name in names:
                names.update(earlier_step.after)
        return tuple(earlier_step for earlier_step in self.steps if earlier_step.name in names)

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        for word in self.values:
            if word in BUILT_IN_PARAMETERS:
                yield (*self.path, "values", word), f"every step has %({word})s already; choose another name"
        above: list[Step] = []
        for step in self.steps:
            names = [earlier_step.name for earlier_step in above]
            if step.name in names:
                yield (*step.path, "name"), f"the step {step.name!r} is there twice; give each its own name"
            for number, name in enumerate(step.after):
                if name not in names:
                    yield (
                        (*step.path, "after", number),
                        f"{name!r} is no step above {step.name!r}; {nearest(name, names)}",
                    )
            keeper_of = {word: earlier_step.name for earlier_step in self.before(step) for word in earlier_step.captures}
            known = [*self.values, *keeper_of, *(word for word in BUILT_IN_PARAMETERS if word != "event" or step.events)]
            known += step.captures if len(step.statements) > 1 else ()
            elsewhere = {
                word: earlier_step.name for earlier_step in above for word in earlier_step.captures if word not in known
            }
            yield from step.claim_mistakes([*self.values, "actor"])
            for message in statement_issues(step.sql, [*known, *elsewhere]):
                yield (*step.path, "sql"), message
            for word in parameters_of(step.sql):
                if word in elsewhere:
                    yield (*step.path, "sql"), f"%({word})s is captured by {elsewhere[word]!r}; name that step in `after`"
            if step.violations is not None:
                for message in query_issues(step.violations, parameters=True):
                    yield (*step.path, "violations"), message
                for message in statement_issues(step.violations, [*known, *step.captures]):
                    yield (*step.path, "violations"), message
            above.append(step)
        for invariant in self.invariants:
            for message in query_issues(invariant.violations):
                yield (*invariant.path, "violations"), message

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        yield from undeclared_table(self.table, (*self.path, "table"), schema)
