"""The rows that a migration's queries and writes are measured on: how many, and what stands in each column."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field

from pgcontract.contract.declaration_models import IdentifierKey, QualifiedKey
from pgcontract.contract.declared_columns import undeclared_table
from pgcontract.contract.declared_value import (
    NAME,
    DeclaredValue,
    FromList,
    FromReader,
    FromTable,
    NamedValue,
    NonEmpty,
    Pairs,
)
from pgcontract.contract.name_spelling import spell_name
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.toml_positions import KeyPath
from pgcontract.contract.validation_errors import nearest
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.schema import Schema
from pgcontract.patterns import lazy_pattern

_QUOTED: Final = lazy_pattern(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_RANDOM_FUNCTIONS: Final = (
    "random",
    "random_normal",
    "gen_random_uuid",
    "gen_random_bytes",
    "uuidv4",
    "uuidv7",
    "nextval",
)
_VOLATILE: Final = lazy_pattern(
    rf"\b({'|'.join(_RANDOM_FUNCTIONS)}|now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
DEFAULT_SIZES: Final = (1_000, 10_000, 100_000)


def _time_text(value: object) -> object:
    """A TOML date or time is as good as its text."""
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else value


def _part_name(key: str) -> str:
    return spell_name(key, parts=(2, 2), example="public.orders")


TimeText = Annotated[str, BeforeValidator(_time_text)]


class Span(DeclaredValue):
    """A stretch of time."""

    since: TimeText = Field(validation_alias="from", description="Where it begins, as in 2025-01-01.")
    until: TimeText = Field(validation_alias="to", description="Where it ends.")


class ColumnRows(NamedValue):
    """What stands in one column: one of `expression`, `weights`, `time`, `distinct` and `document`."""

    name: Annotated[str, FromReader(), AfterValidator(unquote_identifier)] = Field(validation_alias=NAME)

    expression: str | None = Field(
        default=None,
        min_length=1,
        description="SQL that gives the value: n is the row's number from 1, rows how many there are, r a number from 0 "
        "up to 1 of this row and column; other columns of the row by name.",
    )
    weights: Annotated[tuple[tuple[str, float], ...], FromTable(key=str, pairs=True, least=1)] = Field(
        default_factory=tuple, description="Each value with its weight, as in { pending = 5, completed = 80 }."
    )
    time: Span | None = Field(default=None, description="A time between two, later from row to row, with some jitter.")
    distinct: int | float | None = Field(
        default=None,
        gt=0,
        description="How many values there are, or as 0.1 which share of the rows; the values by type.",
    )
    skew: float = Field(
        default=0.0, ge=0, description="How unevenly they are used: Zipf's exponent, 0 is evenly. Goes with `distinct`."
    )
    document: Pairs[str] | None = Field(
        default=None, description="A JSON object: each key with SQL that gives its value, as in an expression."
    )
    bytes: Annotated[tuple[int, ...], FromList(least=2, most=2)] | None = Field(
        default=None,
        description="The least and most bytes of a document, which is padded to it.",
    )
    null: float | None = Field(default=None, ge=0, le=1, description="The share of rows in which it is null. Default: 0.")

    @property
    def since(self) -> str | None:
        """Where its times begin, as written."""
        return self.time.since if self.time else None

    @property
    def until(self) -> str | None:
        return self.time.until if self.time else None

    def contradictions(self) -> Iterator[Mistake]:
        """What its keys say that cannot be meant together."""
        ways = ("expression", "weights", "time", "distinct", "document")
        ways_given = [way for way in ways if way in self.model_fields_set]
        if len(ways_given) > 1:
            yield self.path, f"has both `{ways_given[0]}` and `{ways_given[1]}`; keep one of the two"
        if not ways_given and self.null is None:
            yield self.path, f"says nothing; write one of {', '.join(ways)}, or null"
        if "skew" in self.model_fields_set and self.distinct is None:
            yield self.path, "has `skew`, but no `distinct` values to use unevenly; add it"
        if isinstance(self.distinct, float) and self.distinct > 1:
            message = f"distinct = {self.distinct} is no share of the rows; write a whole number, or one up to 1.0"
            yield self.path, message
        if self.bytes is not None and self.document is None:
            message = "has `bytes`, but no `document` to pad to it; add document = {} where nothing else is in it"
            yield self.path, message
        if self.bytes is not None and not 0 <= self.bytes[0] <= self.bytes[-1]:
            yield self.path, f"bytes = {[*self.bytes]} is no range; write the least first, then the most"
        weights = [weight for _, weight in self.weights]
        if weights and (min(weights) < 0 or not sum(weights)):
            yield self.path, "has weights that are no shares; write numbers from 0 up, and one above 0"
        if self.time and self.time.until <= self.time.since:
            yield (*self.path, "time"), "ends before it begins"
        texts: list[tuple[KeyPath, str]] = [(("expression",), self.expression or "")]
        texts += [(("document", key), text) for key, text in self.document or ()]
        for keys, text in texts:
            yield from (((*self.path, *keys), message) for message in _volatile_calls(text))


class TableRows(NamedValue):
    """The rows of one table."""

    name: Annotated[str, FromReader(), AfterValidator(_part_name)] = Field(validation_alias=NAME)

    share: float | None = Field(default=None, ge=0, description="Its rows for each row of the size. Default: 1.0.")
    rows: int | None = Field(default=None, ge=0, description="Its rows at every size, in place of a share.")
    columns: Annotated[tuple[ColumnRows, ...], FromTable(key=IdentifierKey)] = Field(
        default_factory=tuple,
        description="What stands in its columns; one not named is derived from type, CHECKs and keys.",
    )

    def count(self, size: int) -> int:
        """How many rows it has where so many were asked for."""
        if self.rows is not None:
            return self.rows
        return round(size * (1.0 if self.share is None else self.share))

    def column(self, name: str) -> ColumnRows | None:
        """The declaration of a column, by its bare name."""
        return next((candidate for candidate in self.columns if candidate.name == name), None)


class Dataset(Section):
    """The rows that queries and writes are measured on. What is not named is derived."""

    heading = Heading(key="dataset", description="The rows that it is measured on.")

    sizes: NonEmpty[Annotated[int, Field(ge=1)]] = Field(
        default_factory=tuple,
        description="How many rows, each size a measurement. Default: [1000, 10000, 100000].",
    )
    tables: Annotated[tuple[TableRows, ...], FromTable(key=QualifiedKey)] = Field(
        default_factory=tuple,
        validation_alias="table",
        description='The rows of a table, as [dataset.table."public.orders"].',
    )
    purpose: str | None = Field(default=None, description="What these rows stand for. The report prints it.")

    def table(self, name: str) -> TableRows:
        """The declaration of a table, by its part name; an empty one where there is none."""
        return next((rows for rows in self.tables if rows.name == name), TableRows.model_construct(name=name))

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        if list(self.sizes) != sorted(set(self.sizes)):
            yield (*self.path, "sizes"), "write each size once, the smallest first"
        for rows in self.tables:
            if rows.share is not None and rows.rows is not None:
                yield rows.path, "has both `share` and `rows`; keep one of the two"
            for column in rows.columns:
                yield from column.contradictions()

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        for rows in self.tables:
            mistakes = [*undeclared_table(rows.name, rows.path, schema)]
            yield from mistakes or _undeclared_columns(rows, schema)


def _undeclared_columns(rows: TableRows, schema: Schema) -> Iterator[Mistake]:
    columns = {column.bare_name: column for column in schema.columns if column.table == rows.name}
    for column in rows.columns:
        if column.name not in columns:
            yield column.path, f"{rows.name} has no such column; {nearest(column.name, columns)}"
        elif columns[column.name].generated is not None:
            yield column.path, "the server generates its values; take it out"


def _volatile_calls(text: str) -> Iterator[str]:
    """The volatile calls and keywords of an expression: with one, no measurement could be repeated."""
    for match in _VOLATILE.finditer(_QUOTED.sub("", text)):
        drawn = (match[1] or "").lower() in _RANDOM_FUNCTIONS
        instead = "r is a number from 0 up to 1 that stays" if drawn else "write a time, as in '2026-01-01'"
        ways_given = f"{match[1]}()" if match[1] else match[2]
        yield f"{ways_given} is another value each time, and these rows are always the same; {instead}"


def rows_of(tables: Iterable[str], size: int) -> Dataset:
    """So many rows of each table, by its part name. Nobody wrote this, so nothing builds a validator for it."""
    declared = tuple(TableRows.model_construct(name=table, rows=size) for table in tables)
    return Dataset.model_construct(sizes=(size,), tables=declared)


def merge_datasets(datasets: Iterable[Dataset], schema: Schema) -> Dataset:
    """The data sets of a chain, oldest first: later sizes, counts and columns in place of earlier ones.

    Declarations of a table or column that `schema` no longer has are left out.
    """
    sizes: tuple[int, ...] = DEFAULT_SIZES
    purpose, origin = None, None
    tables: dict[str, TableRows] = {}
    for dataset in datasets:
        sizes, purpose, origin = dataset.sizes or sizes, dataset.purpose or purpose, dataset.origin
        for table_rows in dataset.tables:
            tables[table_rows.name] = (
                _override_rows(tables[table_rows.name], table_rows) if table_rows.name in tables else table_rows
            )
    return Dataset(
        sizes=sizes,
        tables=tuple(
            _present_columns(table_rows, schema)
            for table_rows in tables.values()
            if any(table.name == table_rows.name for table in schema.tables)
        ),
        purpose=purpose,
        origin=origin,
    )


def _override_rows(earlier: TableRows, later: TableRows) -> TableRows:
    counted = later if later.share is not None or later.rows is not None else earlier
    columns = {column.name: column for column in (*earlier.columns, *later.columns)}
    update = {"share": counted.share, "rows": counted.rows, "columns": tuple(columns.values())}
    return later.model_copy(update=update)


def _present_columns(rows: TableRows, schema: Schema) -> TableRows:
    present = {column.bare_name for column in schema.columns if column.table == rows.name}
    return rows.model_copy(update={"columns": tuple(column for column in rows.columns if column.name in present)})
