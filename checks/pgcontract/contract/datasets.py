"""The rows that a migration's queries and writes are measured on: how many, and what stands in each column."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from pgcontract.contract.declaration_models import IdentifierKey, QualifiedKey, Spec
from pgcontract.contract.name_spelling import spell_name
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.schema import Origin, Schema

_QUOTED: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_RANDOM_FUNCTIONS: Final = (
    "random",
    "random_normal",
    "gen_random_uuid",
    "gen_random_bytes",
    "uuidv4",
    "uuidv7",
    "nextval",
)
_VOLATILE: Final = re.compile(
    rf"\b({'|'.join(_RANDOM_FUNCTIONS)}|now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
DEFAULT_SIZES: Final = (1_000, 10_000, 100_000)


def _time_text(value: object) -> object:
    """A TOML date or time is as good as its text."""
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else value


TimeText = Annotated[str, BeforeValidator(_time_text)]


class SpanSpec(Spec):
    """A stretch of time."""

    since: TimeText = Field(alias="from", description="Where it begins, as in 2025-01-01.")
    to: TimeText = Field(description="Where it ends.")


class ColumnRowsSpec(Spec):
    """What stands in one column: one of `expression`, `weights`, `time`, `distinct` and `document`."""

    expression: str | None = Field(
        None,
        min_length=1,
        description="SQL that gives the value: n is the row's number from 1, rows how many there are, r a number from 0 "
        "up to 1 of this row and column; other columns of the row by name.",
    )
    weights: dict[str, float] | None = Field(
        None, min_length=1, description="Each value with its weight, as in { pending = 5, completed = 80 }."
    )
    time: SpanSpec | None = Field(None, description="A time between two, later from row to row, with some jitter.")
    distinct: int | float | None = Field(
        None, gt=0, description="How many values there are, or as 0.1 which share of the rows; the values by type."
    )
    skew: float | None = Field(
        None, ge=0, description="How unevenly they are used: Zipf's exponent, 0 is evenly. Goes with `distinct`."
    )
    document: dict[str, str] | None = Field(
        None, description="A JSON object: each key with SQL that gives its value, as in an expression."
    )
    bytes: list[int] | None = Field(
        None, min_length=2, max_length=2, description="The least and most bytes of a document, which is padded to it."
    )
    null: float | None = Field(None, ge=0, le=1, description="The share of rows in which it is null. Default: 0.")


class TableRowsSpec(Spec):
    """The rows of one table."""

    share: float | None = Field(None, ge=0, description="Its rows for each row of the size. Default: 1.0.")
    rows: int | None = Field(None, ge=0, description="Its rows at every size, in place of a share.")
    columns: dict[IdentifierKey, ColumnRowsSpec] = Field(
        default={}, description="What stands in its columns; one not named is derived from type, CHECKs and keys."
    )


class DatasetSpec(Spec):
    """The rows that queries and writes are measured on. What is not named is derived."""

    sizes: list[Annotated[int, Field(ge=1)]] | None = Field(
        None, min_length=1, description="How many rows, each size a measurement. Default: [1000, 10000, 100000]."
    )
    table: dict[QualifiedKey, TableRowsSpec] = Field(
        default={}, description='The rows of a table, as [dataset.table."public.orders"].'
    )
    purpose: str | None = Field(None, description="What these rows stand for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class ColumnRows:
    """What stands in one column, `name` bare. Nothing but `null`: derived, and as often null.

    `since` and `until` as written; `distinct` an int for so many values, a float for a share of the rows; `document`
    is (key, SQL), `bytes` its least and most.
    """

    name: str
    expression: str | None = None
    weights: tuple[tuple[str, float], ...] = ()
    since: str | None = None
    until: str | None = None
    distinct: int | float | None = None
    skew: float = 0.0
    document: tuple[tuple[str, str], ...] | None = None
    bytes: tuple[int, int] | None = None
    null: float | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """One `[dataset.table.<name>]`; neither `share` nor `rows` where neither is declared."""

    name: str
    share: float | None = None
    rows: int | None = None
    columns: tuple[ColumnRows, ...] = ()
    origin: Origin | None = field(default=None, compare=False)

    def count(self, size: int) -> int:
        """How many rows it has where so many were asked for."""
        if self.rows is not None:
            return self.rows
        return round(size * (1.0 if self.share is None else self.share))

    def column(self, name: str) -> ColumnRows | None:
        """The declaration of a column, by its bare name."""
        return next((candidate for candidate in self.columns if candidate.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One `[dataset]`, or those of a chain merged; without `sizes` where none are declared."""

    sizes: tuple[int, ...] = ()
    tables: tuple[TableRows, ...] = ()
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    def table(self, name: str) -> TableRows:
        """The declaration of a table, by its part name; an empty one where there is none."""
        return next((candidate for candidate in self.tables if candidate.name == name), TableRows(name=name))


def read_dataset(
    spec: DatasetSpec | None, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> Dataset | None:
    """The data set of one contract; a column declared in two ways, or in none, is an error."""
    if spec is None:
        return None

    def origin(*path: str) -> Origin:
        return Origin(file=file, line=line_of(("dataset", *path), lines))

    def issue(message: str, *path: str) -> None:
        where: KeyPath = ("dataset", *path)
        issues.append(ValidationIssue(file=file, line=line_of(where, lines), message=f"{spell_path(where)}: {message}"))

    if spec.sizes and list(spec.sizes) != sorted(set(spec.sizes)):
        issue("write each size once, the smallest first", "sizes")
    tables = []
    for name, rows in spec.table.items():
        if rows.share is not None and rows.rows is not None:
            issue("has both `share` and `rows`; keep one of the two", "table", name)
        for column, column_spec in rows.columns.items():
            for message, *at in _column_issues(column_spec):
                issue(message, "table", name, "columns", column, *at)
        tables.append(
            TableRows(
                name=spell_name(name, parts=(2, 2), example="public.orders"),
                share=rows.share,
                rows=rows.rows,
                columns=tuple(
                    _column(unquote_identifier(column), column_spec, origin("table", name, "columns", column))
                    for column, column_spec in rows.columns.items()
                ),
                origin=origin("table", name),
            )
        )
    return Dataset(sizes=tuple(spec.sizes or ()), tables=tuple(tables), purpose=spec.purpose, origin=origin())


def _column(name: str, spec: ColumnRowsSpec, origin: Origin) -> ColumnRows:
    return ColumnRows(
        name=name,
        expression=spec.expression,
        weights=tuple((spec.weights or {}).items()),
        since=spec.time.since if spec.time else None,
        until=spec.time.to if spec.time else None,
        distinct=spec.distinct,
        skew=spec.skew or 0.0,
        document=None if spec.document is None else tuple(spec.document.items()),
        bytes=(spec.bytes[0], spec.bytes[1]) if spec.bytes else None,
        null=spec.null,
        origin=origin,
    )


def _column_issues(spec: ColumnRowsSpec) -> Iterator[tuple[str, ...]]:
    """What is wrong, and the keys below the column that it is about."""
    ways = ("expression", "weights", "time", "distinct", "document")
    ways_given = [way for way in ways if getattr(spec, way) is not None]
    if len(ways_given) > 1:
        yield (f"has both `{ways_given[0]}` and `{ways_given[1]}`; keep one of the two",)
    if not ways_given and spec.null is None:
        yield (f"says nothing; write one of {', '.join(ways)}, or null",)
    if spec.skew is not None and spec.distinct is None:
        yield ("has `skew`, but no `distinct` values to use unevenly; add it",)
    if isinstance(spec.distinct, float) and spec.distinct > 1:
        yield (f"distinct = {spec.distinct} is no share of the rows; write a whole number, or one up to 1.0",)
    if spec.bytes is not None and spec.document is None:
        yield ("has `bytes`, but no `document` to pad to it; add document = {} where nothing else is in it",)
    if spec.bytes is not None and not 0 <= spec.bytes[0] <= spec.bytes[-1]:
        yield (f"bytes = {spec.bytes} is no range; write the least first, then the most",)
    if spec.weights and (min(spec.weights.values()) < 0 or not sum(spec.weights.values())):
        yield ("has weights that are no shares; write numbers from 0 up, and one above 0",)
    if spec.time and spec.time.to <= spec.time.since:
        yield "ends before it begins", "time"
    if spec.expression is not None:
        yield from ((message, "expression") for message in _volatile_calls(spec.expression))
    for key, text in (spec.document or {}).items():
        yield from ((message, "document", key) for message in _volatile_calls(text))


def _volatile_calls(text: str) -> Iterator[str]:
    """The volatile calls and keywords of an expression: with one, no measurement could be repeated."""
    for match in _VOLATILE.finditer(_QUOTED.sub("", text)):
        drawn = (match[1] or "").lower() in _RANDOM_FUNCTIONS
        instead = "r is a number from 0 up to 1 that stays" if drawn else "write a time, as in '2026-01-01'"
        ways_given = f"{match[1]}()" if match[1] else match[2]
        yield f"{ways_given} is another value each time, and these rows are always the same; {instead}"


def dataset_issues(dataset: Dataset | None, schema: Schema) -> Iterator[ValidationIssue]:
    """An error for each table and column that no contract declares, and for a column that takes no value."""
    if dataset is None:
        return
    known = {table.name: table for table in schema.tables}
    for rows in dataset.tables:
        assert rows.origin
        path: KeyPath = ("dataset", "table", rows.name)
        if rows.name not in known:
            message = f"{spell_path(path)}: no table {rows.name} is declared; {nearest(rows.name, known)}"
            yield ValidationIssue(file=rows.origin.file, line=rows.origin.line, message=message)
            continue
        columns = {column.bare_name: column for column in schema.columns if column.table == rows.name}
        for column in rows.columns:
            assert column.origin
            key = spell_path((*path, "columns", column.name))
            if column.name not in columns:
                message = f"{key}: {rows.name} has no such column; {nearest(column.name, columns)}"
                yield ValidationIssue(file=column.origin.file, line=column.origin.line, message=message)
            elif columns[column.name].generated is not None:
                message = f"{key}: the server generates its values; take it out"
                yield ValidationIssue(file=column.origin.file, line=column.origin.line, message=message)


def merge_datasets(datasets: Iterable[Dataset | None], schema: Schema) -> Dataset:
    """The data sets of a chain, oldest first: later sizes, counts and columns in place of earlier ones.

    Declarations of a table or column that `schema` no longer has are left out.
    """
    sizes: tuple[int, ...] = DEFAULT_SIZES
    purpose, origin = None, None
    tables: dict[str, TableRows] = {}
    for dataset in datasets:
        if dataset is None:
            continue
        sizes, purpose, origin = dataset.sizes or sizes, dataset.purpose or purpose, dataset.origin
        for table_rows in dataset.tables:
            tables[table_rows.name] = (
                _override_rows(tables[table_rows.name], table_rows) if table_rows.name in tables else table_rows
            )
    columns_present = {(column.table, column.bare_name) for column in schema.columns}
    return Dataset(
        sizes=sizes,
        tables=tuple(
            replace(
                table_rows,
                columns=tuple(
                    column for column in table_rows.columns if (table_rows.name, column.name) in columns_present
                ),
            )
            for table_rows in tables.values()
            if any(table.name == table_rows.name for table in schema.tables)
        ),
        purpose=purpose,
        origin=origin,
    )


def _override_rows(earlier: TableRows, later: TableRows) -> TableRows:
    counted = later if later.share is not None or later.rows is not None else earlier
    columns = {column.name: column for column in (*earlier.columns, *later.columns)}
    return replace(later, share=counted.share, rows=counted.rows, columns=tuple(columns.values()))
