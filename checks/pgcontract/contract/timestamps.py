"""Timestamps that the database maintains: on which writes it sets the column, and whether values only increase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from pgcontract.contract.declaration_models import ColumnName, Spec
from pgcontract.contract.declared_columns import OfColumn, undeclared_column_issues
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, spell_path
from pgcontract.model.schema import Origin, Schema

Event = Literal["insert", "update"]


class TimestampSpec(Spec):
    """A time that the database keeps, whatever the caller says of it."""

    column: ColumnName = Field(description="The column, as in public.orders.updated_at.")
    set_on: list[Event] = Field(
        min_length=1,
        description='The writes on which the database sets it to its own clock. Without "update" an UPDATE leaves it '
        "as it is.",
    )
    increasing: bool = Field(
        False, description='Must every UPDATE of a row make it later than it was? Default: no. It needs "update".'
    )
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class Timestamp(OfColumn):
    """One `[timestamp.<name>]`."""

    name: str
    column: str
    set_on: tuple[Event, ...]
    increasing: bool = False
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)


def read_timestamps(
    specs: Mapping[str, TimestampSpec] | None, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> tuple[Timestamp, ...]:
    """The timestamps of one contract; one that grows on updates on which it is not set is an error."""
    timestamps = []
    for name, spec in (specs or {}).items():
        path_of_clock: KeyPath = ("timestamp", name)
        if spec.increasing and "update" not in spec.set_on:
            path = (*path_of_clock, "increasing")
            message = f'{spell_path(path)}: a time grows only where it is set; add "update" to `set_on`'
            issues.append(ValidationIssue(file=file, line=line_of(path, lines), message=message))
        timestamps.append(
            Timestamp(
                name=name,
                column=spec.column,
                set_on=tuple(dict.fromkeys(spec.set_on)),
                increasing=spec.increasing,
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(path_of_clock, lines)),
            )
        )
    return tuple(timestamps)


def timestamp_mistakes(
    timestamps: Iterable[Timestamp], schema: Schema, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """An error for each timestamp of a column that no contract declares."""
    for timestamp in timestamps:
        assert timestamp.origin
        path = ("timestamp", timestamp.name, "column")
        yield from undeclared_column_issues(timestamp.column, path, schema, file=timestamp.origin.file, lines=lines)
