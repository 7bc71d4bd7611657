"""The application's queries, as a contract declares them: SQL, where its parameters come from, and what it may cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from pgcontract.contract.acting_role import ActingRole
from pgcontract.contract.declaration_models import ColumnName, Qualified, Scalar
from pgcontract.contract.declared_columns import undeclared_column
from pgcontract.contract.declared_value import DeclaredValue, Named, NamedValue, NonEmpty
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.sql_parameters import parameters_of, query_issues, statement_issues
from pgcontract.contract.validation_errors import nearest
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Schema

Growth = Literal["O(1)", "O(log n)", "O(rows)", "O(n)"]
Pick = Literal["rows", "values"]
_SOURCES: Final = ("column", "values", "expression")


class QueryParameter(NamedValue):
    """Where the values of one parameter come from: a column, a list, or an expression."""

    column: ColumnName | None = Field(
        default=None,
        description="Drawn from the rows that are there, as in public.orders.email; all of one row where it can be.",
    )
    pick: Pick = Field(
        default="rows", description="rows: each row is as likely as any other. values: each value. Default: rows."
    )
    miss_ratio: float = Field(
        default=0.0, ge=0, le=1, description="The share of values that no row has, as in 0.1. Default: 0."
    )
    values: NonEmpty[Scalar] | None = Field(default=None, description="These, one as often as the other.")
    expression: str | None = Field(
        default=None, min_length=1, description="SQL; n is the sample's number, from 1, and r a number from 0 to below 1."
    )
    type: str | None = Field(
        default=None,
        min_length=1,
        description="The type that the driver sends, as in text. Default: what PostgreSQL infers.",
    )

    @property
    def column_name(self) -> QualifiedName:
        """The column that its values are drawn from, where it has one."""
        assert self.column
        return QualifiedName.parse(self.column)


class Budget(DeclaredValue):
    """What one call may cost."""

    buffers: int | None = Field(default=None, ge=1, description="Pages of 8 kB that 95 in 100 calls touch at most.")
    round_trips: float | None = Field(default=None, gt=0, description="Time at p95, in round trips of a SELECT 1.")
    ms: float | None = Field(default=None, gt=0, description="Time at p95 in the server, in milliseconds.")


class Query(ActingRole, NamedValue, Section):
    """One query of the application, and what is promised of its cost."""

    heading = Heading(key="query", description="What the application asks.")

    sql: str = Field(min_length=1, description="One query. %(name)s is a parameter, %% a percent sign.")
    parameters: Named[QueryParameter] = Field(
        default_factory=tuple, description="Where its parameters' values come from."
    )
    index: Qualified | None = Field(
        default=None,
        description="The index that is to serve it, as in public.idx_orders_email. Default: none is meant to.",
    )
    growth: Growth | None = Field(
        default=None,
        description="How the pages it touches may grow with the table. O(1), O(log n): by the index's height. O(rows): "
        "by that and the rows found. O(n): with the table. Default: nothing is promised.",
    )
    budget: Budget | None = Field(default=None, description="What one call may cost at the largest size.")
    purpose: str | None = Field(default=None, description="What it is for. The report prints it.")

    @field_validator("parameters")
    @classmethod
    def _as_the_sql_has_them(
        cls, parameters: tuple[QueryParameter, ...], info: ValidationInfo
    ) -> tuple[QueryParameter, ...]:
        names = parameters_of(info.data.get("sql", ""))
        return tuple(sorted(parameters, key=lambda one: names.index(one.name) if one.name in names else len(names)))

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        yield from self.claim_mistakes()
        names = parameters_of(self.sql)
        write = "write a SELECT; what the application writes is a step of a [flow]"
        for message in query_issues(self.sql, parameters=True, write=write):
            yield (*self.path, "sql"), message
        for message in statement_issues(self.sql, names):
            yield (*self.path, "sql"), message
        for name in names:
            if name not in [parameter.name for parameter in self.parameters]:
                source = f'add parameters.{name} = {{ column = "public.orders.id" }}, or `values`, or `expression`'
                yield (*self.path, "sql"), f"the parameter %({name})s has no source; {source}"
        for parameter in self.parameters:
            if parameter.name not in names:
                yield parameter.path, f"the SQL has no %({parameter.name})s; {nearest(parameter.name, names)}"
            sources = [origin_key for origin_key in _SOURCES if getattr(parameter, origin_key) is not None]
            if len(sources) != 1:
                named = " and ".join(f"`{origin_key}`" for origin_key in sources) or "none"
                yield (
                    parameter.path,
                    f"a parameter has one source, and this has {named}; give `column`, `values` or `expression`",
                )
            for key in ("pick", "miss_ratio"):
                if key in parameter.model_fields_set and parameter.column is None:
                    yield (*parameter.path, key), f"`{key}` is of values that are drawn from a `column`; take it out"

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        drawn = [parameter for parameter in self.parameters if parameter.column]
        for parameter in drawn:
            yield from undeclared_column(parameter.column or "", (*parameter.path, "column"), schema)
        indexes = {index.name: index.table for index in schema.indexes}
        if self.index and self.index not in indexes:
            tables = {str(parameter.column_name.parent) for parameter in drawn}
            of_tables = [name for name, table in indexes.items() if table in tables]
            message = f"no index {self.index} is declared; {nearest(self.index, of_tables or indexes)}"
            yield (*self.path, "index"), message
