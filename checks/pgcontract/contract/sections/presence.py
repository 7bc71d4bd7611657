"""A column that is not null exactly when a condition on its row holds, as a contract declares it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from pgcontract.contract.declaration_models import ColumnName, Identifier
from pgcontract.contract.declared_columns import OfColumn, undeclared_column
from pgcontract.contract.declared_value import NamedValue
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.schema import Schema


class Presence(NamedValue, OfColumn, Section):
    """A column that has a value exactly when the row's other columns say so, and is null otherwise."""

    heading = Heading(key="presence", description="Columns that are there exactly when others say so.")

    column: ColumnName = Field(description="The column, as in public.orders.paid_at.")
    present_when: str = Field(
        min_length=1, description="When it has a value: SQL over the row's other columns, as in status = 'paid'."
    )
    not_before: Annotated[Identifier, AfterValidator(unquote_identifier)] | None = Field(
        default=None, description="The column that its value is never less than."
    )
    purpose: str | None = Field(default=None, description="What it is for. The report prints it.")

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        if self.not_before == self.bare_column:
            message = f"{self.column_name.quoted_name} is the column itself; name another of the table"
            yield (*self.path, "not_before"), message

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        yield from undeclared_column(self.column, (*self.path, "column"), schema)
        if self.not_before:
            name = str(self.column_name.with_name(self.not_before))
            yield from undeclared_column(name, (*self.path, "not_before"), schema)
