"""Transactions that several sessions run concurrently, as a contract declares them, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field

from pgcontract.contract.acting_role import ActingRole
from pgcontract.contract.declaration_models import Qualified
from pgcontract.contract.declared_columns import undeclared_table
from pgcontract.contract.declared_value import Many, NamedValue, NonEmpty
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.sql_parameters import query_issues, statement_issues
from pgcontract.model.schema import Schema

Level = Literal["read committed", "repeatable read", "serializable"]
LEVELS: Final[tuple[Level, ...]] = ("read committed", "repeatable read", "serializable")


class RaceStep(ActingRole):
    """One statement of each session's transaction."""

    sql: str = Field(
        min_length=1,
        description="One statement. %(session)s is the session's number, from 1; %(name)s what an earlier step captures. "
        "A query that gives no row ends the session's work: it found nothing to do, and commits.",
    )
    captures: Many[str] = Field(default=(), description="Columns of its first row that later steps have as parameters.")
    only: int | None = Field(default=None, ge=1, description="The one session that plays it. Default: every session.")


class Race(NamedValue, Section):
    """One transaction run by several sessions at once: each step by all of them before the next by any."""

    heading = Heading(key="race", description="Transactions played side by side.")

    table: Qualified = Field(description="The table they write, as in public.orders.")
    setup: Many[str] = Field(default=(), description="SQL that is committed before, one statement each.")
    sessions: int = Field(default=2, ge=2, le=8, description="How many play it at once. Default: 2.")
    steps: NonEmpty[RaceStep] = Field(validation_alias="step", description="The transaction, between BEGIN and COMMIT.")
    retries: int = Field(
        default=3, ge=0, le=20, description="How often a session begins anew that the server refused with 40001 or 40P01."
    )
    description: str = Field(min_length=1, description="What must hold afterwards, in a sentence.")
    violations: str = Field(
        min_length=1,
        description="A query that gives no row where it holds. The table pgcontract_log (session, committed, tries, "
        "rows, sqlstate) has a row for each session; rows is what its writes changed, 0 unless it committed.",
    )
    isolation_levels: Annotated[
        NonEmpty[Level], AfterValidator(lambda declared: tuple(level for level in LEVELS if level in declared))
    ] = Field(default=("serializable",), description="The isolation levels at which it must hold.")
    purpose: str | None = Field(default=None, description="What it is for. The report prints it.")

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        known = ["session"]
        for step in self.steps:
            yield from step.claim_mistakes(known)
            for message in statement_issues(step.sql, known):
                yield (*step.path, "sql"), message
            if step.only is not None and step.only > self.sessions:
                yield (*step.path, "only"), f"there is no session {step.only}; there are {self.sessions}"
            known += step.captures
        for message in query_issues(self.violations):
            yield (*self.path, "violations"), message

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        yield from undeclared_table(self.table, (*self.path, "table"), schema)
