"""Who keeps a time, as a contract says it: on which writes the database sets the column, and whether it only grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from pgcontract.contract import identifiers
from pgcontract.contract.declaration_models import ColumnName, Spec
from pgcontract.contract.declared_columns import column_mistake, table_of
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, spell_path
from pgcontract.model.schema import Origin, Schema

Event = Literal["insert", "update"]


class ClockSpec(Spec):
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
class Clock:
    """One `[clock.<name>]`."""

    name: str
    column: str
    set_on: tuple[Event, ...]
    increasing: bool = False
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    @property
    def table(self) -> str:
        return table_of(self.column)

    @property
    def bare_column(self) -> str:
        return identifiers.split(self.column)[-1]


def read_clocks(
    specs: Mapping[str, ClockSpec] | None, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]
) -> tuple[Clock, ...]:
    """The clocks of one contract; one that grows on updates on which it is not set is a mistake."""
    found = []
    for name, spec in (specs or {}).items():
        here: KeyPath = ("clock", name)
        if spec.increasing and "update" not in spec.set_on:
            path = (*here, "increasing")
            message = f'{spell_path(path)}: a time grows only where it is set; add "update" to `set_on`'
            mistakes.append(Mistake(file=file, line=line_of(path, lines), message=message))
        found.append(
            Clock(
                name=name,
                column=spec.column,
                set_on=tuple(dict.fromkeys(spec.set_on)),
                increasing=spec.increasing,
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(here, lines)),
            )
        )
    return tuple(found)


def clock_mistakes(clocks: Iterable[Clock], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterator[Mistake]:
    """A mistake for each clock of a column that no contract declares."""
    for each in clocks:
        assert each.origin
        path = ("clock", each.name, "column")
        yield from column_mistake(each.column, path, schema, file=each.origin.file, lines=lines)
