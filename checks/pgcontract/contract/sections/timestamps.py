"""Timestamps that the database maintains: on which writes it sets the column, and whether values only increase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from pgcontract.contract.declaration_models import ColumnName
from pgcontract.contract.declared_columns import OfColumn, undeclared_column
from pgcontract.contract.declared_value import NamedValue, NonEmpty
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.model.schema import Schema

Event = Literal["insert", "update"]


class Timestamp(NamedValue, OfColumn, Section):
    """A time that the database keeps, whatever the caller says of it."""

    heading = Heading(key="timestamp", description="Times that the database keeps.")

    column: ColumnName = Field(description="The column, as in public.orders.updated_at.")
    set_on: Annotated[NonEmpty[Event], AfterValidator(lambda events: tuple(dict.fromkeys(events)))] = Field(
        description='The writes on which the database sets it to its own clock. Without "update" an UPDATE leaves it '
        "as it is.",
    )
    increasing: bool = Field(
        default=False, description='Must every UPDATE of a row make it later than it was? Default: no. It needs "update".'
    )
    purpose: str | None = Field(default=None, description="What it is for. The report prints it.")

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        if self.increasing and "update" not in self.set_on:
            yield (*self.path, "increasing"), 'a time grows only where it is set; add "update" to `set_on`'

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        yield from undeclared_column(self.column, (*self.path, "column"), schema)
