"""A column that is there exactly when the others say so, as a contract says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from pgcontract.contract import identifiers
from pgcontract.contract.declaration_models import ColumnName, Identifier, Spec
from pgcontract.contract.declared_columns import column_mistake, table_of
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, spell_path
from pgcontract.model.schema import Origin, Schema


class TieSpec(Spec):
    """A column that has a value exactly when the row's other columns say so, and is null otherwise."""

    column: ColumnName = Field(description="The column, as in public.orders.paid_at.")
    present_when: str = Field(
        min_length=1, description="When it has a value: SQL over the row's other columns, as in status = 'paid'."
    )
    not_before: Identifier | None = Field(None, description="The column that its value is never less than.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class Tie:
    """One `[tie.<name>]`; `not_before` is a bare column name."""

    name: str
    column: str
    present_when: str
    not_before: str | None = None
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    @property
    def table(self) -> str:
        return table_of(self.column)

    @property
    def bare_column(self) -> str:
        return identifiers.split(self.column)[-1]


def read_ties(
    specs: Mapping[str, TieSpec] | None, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]
) -> tuple[Tie, ...]:
    """The ties of one contract; a column that is not to be before itself is a mistake."""
    found = []
    for name, spec in (specs or {}).items():
        here: KeyPath = ("tie", name)
        if spec.not_before and identifiers.join(*identifiers.split(spec.column)[-1:]) == spec.not_before:
            path = (*here, "not_before")
            message = f"{spell_path(path)}: {spec.not_before} is the tied column itself; name another of the table"
            mistakes.append(Mistake(file=file, line=line_of(path, lines), message=message))
        found.append(
            Tie(
                name=name,
                column=spec.column,
                present_when=spec.present_when,
                not_before=identifiers.bare(spec.not_before) if spec.not_before else None,
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(here, lines)),
            )
        )
    return tuple(found)


def tie_mistakes(ties: Iterable[Tie], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterator[Mistake]:
    """A mistake for each column that a tie names and no contract declares."""
    for each in ties:
        assert each.origin
        file = each.origin.file
        yield from column_mistake(each.column, ("tie", each.name, "column"), schema, file=file, lines=lines)
        if each.not_before:
            name = f"{each.table}.{identifiers.quote(each.not_before)}"
            yield from column_mistake(name, ("tie", each.name, "not_before"), schema, file=file, lines=lines)
