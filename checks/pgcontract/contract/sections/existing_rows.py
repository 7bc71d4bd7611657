"""Rows that may be there before a migration, and whether it must apply over them or stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import Field

from pgcontract.contract.declared_value import Many, NamedValue
from pgcontract.contract.section import Heading, Mistake, Section


class ExistingRows(NamedValue, Section):
    """A state of the tables right before the migration, and what the migration must make of it."""

    heading = Heading(
        key="existing_rows", description="Rows that may be there before the migration, as [existing_rows.paid_twice]."
    )

    sql: str = Field(min_length=1, description="SQL that puts the rows in; run right before the migration.")
    must_fail: bool = Field(
        default=False, description="Must the migration refuse to run and change nothing? Default: it applies."
    )
    error_contains: Many[str] = Field(default=(), description="What its error must say, in message, detail or hint.")
    purpose: str | None = Field(default=None, description="What these rows stand for. The report prints it.")

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        if self.error_contains and not self.must_fail:
            message = "a migration that applies says nothing; add must_fail = true, or take it out"
            yield (*self.path, "error_contains"), message
