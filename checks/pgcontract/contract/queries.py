"""The application's queries, as a contract declares them: SQL, where its parameters come from, and what it may cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import Field

from pgcontract.contract.declaration_models import ColumnName, NameKey, Qualified, Scalar, Spec
from pgcontract.contract.declared_columns import undeclared_column_issues
from pgcontract.contract.sql_parameters import parameters_of, query_issues, statement_issues
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin, Schema

Growth = Literal["O(1)", "O(log n)", "O(rows)", "O(n)"]
Pick = Literal["rows", "values"]
_SOURCES: Final = ("column", "values", "expression")


class ParameterSpec(Spec):
    """Where the values of one parameter come from: a column, a list, or an expression."""

    column: ColumnName | None = Field(
        None, description="Drawn from the rows that are there, as in public.orders.email; all of one row where it can be."
    )
    pick: Pick | None = Field(
        None, description="rows: each row is as likely as any other. values: each value. Default: rows."
    )
    miss_ratio: float | None = Field(
        None, ge=0, le=1, description="The share of values that no row has, as in 0.1. Default: 0."
    )
    values: list[Scalar] | None = Field(None, min_length=1, description="These, one as often as the other.")
    expression: str | None = Field(
        None, min_length=1, description="SQL; n is the sample's number, from 1, and r a number from 0 to below 1."
    )
    type: str | None = Field(
        None, min_length=1, description="The type that the driver sends, as in text. Default: what PostgreSQL infers."
    )


class BudgetSpec(Spec):
    """What one call may cost."""

    buffers: int | None = Field(None, ge=1, description="Pages of 8 kB that 95 in 100 calls touch at most.")
    round_trips: float | None = Field(None, gt=0, description="Time at p95, in round trips of a SELECT 1.")
    ms: float | None = Field(None, gt=0, description="Time at p95 in the server, in milliseconds.")


class QuerySpec(Spec):
    """One query of the application, and what is promised of its cost."""

    sql: str = Field(min_length=1, description="One query. %(name)s is a parameter, %% a percent sign.")
    parameters: dict[NameKey, ParameterSpec] = Field(default={}, description="Where its parameters' values come from.")
    index: Qualified | None = Field(
        None, description="The index that is to serve it, as in public.idx_orders_email. Default: none is meant to."
    )
    growth: Growth | None = Field(
        None,
        description="How the pages it touches may grow with the table. O(1), O(log n): by the index's height. O(rows): "
        "by that and the rows found. O(n): with the table. Default: nothing is promised.",
    )
    budget: BudgetSpec | None = Field(None, description="What one call may cost at the largest size.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class QueryParameter:
    """One parameter with its source: exactly one of `column`, `values` and `expression`."""

    name: str
    column: str | None = None
    pick: Pick = "rows"
    miss_ratio: float = 0.0
    values: tuple[Any, ...] | None = None
    expression: str | None = None
    type: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    @property
    def column_name(self) -> QualifiedName:
        """The column that its values are drawn from, where it has one."""
        assert self.column
        return QualifiedName.parse(self.column)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one call may cost at the largest size: p95 of the buffers it touches, and of its time."""

    buffers: int | None = None
    round_trips: float | None = None
    ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Query:
    """One `[query.<name>]`; `parameters` in the order in which the SQL has them."""

    name: str
    sql: str
    parameters: tuple[QueryParameter, ...] = ()
    index: str | None = None
    growth: Growth | None = None
    budget: Budget | None = None
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)


def read_queries(
    specs: Mapping[str, QuerySpec] | None, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> tuple[Query, ...]:
    """The queries of one contract; a statement that writes and a parameter without one source are errors."""
    queries = []
    for name, spec in (specs or {}).items():
        query_path: KeyPath = ("query", name)
        issues += (
            ValidationIssue(
                file=file,
                line=line_of((*query_path, *path), lines),
                message=f"{spell_path((*query_path, *path))}: {message}",
            )
            for path, message in _query_issues(spec)
        )
        declared = spec.parameters
        queries.append(
            Query(
                name=name,
                sql=spec.sql,
                parameters=tuple(
                    _parameter(
                        parameter,
                        declared[parameter],
                        Origin(file=file, line=line_of((*query_path, "parameters", parameter), lines)),
                    )
                    for parameter in parameters_of(spec.sql)
                    if parameter in declared
                ),
                index=spec.index,
                growth=spec.growth,
                budget=Budget(**spec.budget.model_dump()) if spec.budget else None,
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(query_path, lines)),
            )
        )
    return tuple(queries)


def _parameter(name: str, spec: ParameterSpec, origin: Origin) -> QueryParameter:
    return QueryParameter(
        name=name,
        column=spec.column,
        pick=spec.pick or "rows",
        miss_ratio=spec.miss_ratio or 0.0,
        values=None if spec.values is None else tuple(spec.values),
        expression=spec.expression,
        type=spec.type,
        origin=origin,
    )


def _query_issues(spec: QuerySpec) -> Iterator[tuple[KeyPath, str]]:
    names = parameters_of(spec.sql)
    write = "write a SELECT; what the application writes is a step of a [flow]"
    for message in query_issues(spec.sql, parameters=True, write=write):
        yield ("sql",), message
    for message in statement_issues(spec.sql, names):
        yield ("sql",), message
    for name in names:
        if name not in spec.parameters:
            source = f'add parameters.{name} = {{ column = "public.orders.id" }}, or `values`, or `expression`'
            yield ("sql",), f"the parameter %({name})s has no source; {source}"
    for name, parameter in spec.parameters.items():
        parameter_path: KeyPath = ("parameters", name)
        if name not in names:
            yield parameter_path, f"the SQL has no %({name})s; {nearest(name, names)}"
        sources = [origin_key for origin_key in _SOURCES if getattr(parameter, origin_key) is not None]
        if len(sources) != 1:
            named = " and ".join(f"`{origin_key}`" for origin_key in sources) or "none"
            yield (
                parameter_path,
                f"a parameter has one source, and this has {named}; give `column`, `values` or `expression`",
            )
        for key in ("pick", "miss_ratio"):
            if getattr(parameter, key) is not None and parameter.column is None:
                yield (*parameter_path, key), f"`{key}` is of values that are drawn from a `column`; take it out"


def undeclared_query_issues(
    queries: Iterable[Query], schema: Schema, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """An error for each column and index that a query names and no contract declares."""
    indexes = {index.name: index.table for index in schema.indexes}
    for query in queries:
        assert query.origin
        file = query.origin.file
        for parameter in query.parameters:
            if parameter.column:
                path: KeyPath = ("query", query.name, "parameters", parameter.name, "column")
                yield from undeclared_column_issues(parameter.column, path, schema, file=file, lines=lines)
        if query.index and query.index not in indexes:
            drawn = [query_parameter for query_parameter in query.parameters if query_parameter.column]
            tables = {str(query_parameter.column_name.parent) for query_parameter in drawn}
            beside = [name for name, table in indexes.items() if table in tables]
            path = ("query", query.name, "index")
            message = f"{spell_path(path)}: no index {query.index} is declared; {nearest(query.index, beside or indexes)}"
            yield ValidationIssue(file=file, line=line_of(path, lines), message=message)
