"""Queries to run after a migration, as a contract declares them, and what each must give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import Field

from pgcontract.contract.acting_role import ActingRole
from pgcontract.contract.declaration_models import Scalar
from pgcontract.contract.declared_value import Many
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.sql_parameters import transaction_issues
from pgcontract.contract.validation_errors import nearest


class Verification(ActingRole, Section):
    """A query to run after the migration, and what it must give."""

    heading = Heading(key="verification", description="Queries to run after the migration.", array=True)

    id: str = Field(description="Its id, as in Q1.")
    description: str = Field(description="What it shows.")
    sql: str = Field(
        description="One statement, or several: the last one's result is judged. Whatever they do is rolled back."
    )
    expect: Many[Many[Scalar]] | None = Field(default=None, description="The rows it gives, in order.")
    row_count: int | None = Field(
        default=None, ge=0, description="How many rows it gives, or changes where it gives none."
    )
    columns: Many[str] | None = Field(default=None, description="The names of the columns it gives, in order.")
    varies: Many[str] = Field(default=(), description="Columns whose values differ from run to run: not compared.")
    limitations: str | None = Field(default=None, description="What this query cannot see.")
    after: str | None = Field(default=None, description="The id of the query it follows in the same transaction.")

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        yield from self.claim_mistakes()
        for message in transaction_issues(self.sql):
            yield (*self.path, "sql"), message
        ids = [verification.id for verification in earlier]
        if self.id in ids:
            yield (*self.path, "id"), f"{self.id} is there twice; give each its own id"
        if self.after is not None and self.after not in ids:
            yield (*self.path, "after"), f"{self.after!r} is no query above {self.id}; {nearest(self.after, ids)}"
