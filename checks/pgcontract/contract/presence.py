"""A column that is not null exactly when a condition on its row holds, as a contract declares it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from pgcontract.contract.declaration_models import ColumnName, Identifier, Spec
from pgcontract.contract.declared_columns import OfColumn, undeclared_column_issues
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, spell_path
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin, Schema


class PresenceSpec(Spec):
    """A column that has a value exactly when the row's other columns say so, and is null otherwise."""

    column: ColumnName = Field(description="The column, as in public.orders.paid_at.")
    present_when: str = Field(
        min_length=1, description="When it has a value: SQL over the row's other columns, as in status = 'paid'."
    )
    not_before: Identifier | None = Field(None, description="The column that its value is never less than.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class Presence(OfColumn):
    """One `[presence.<name>]`; `not_before` is a bare column name."""

    name: str
    column: str
    present_when: str
    not_before: str | None = None
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)


def read_presences(
    specs: Mapping[str, PresenceSpec] | None, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> tuple[Presence, ...]:
    """The presences of one contract; a column that is not to be before itself is an error."""
    presences = []
    for name, spec in (specs or {}).items():
        tie_path: KeyPath = ("presence", name)
        if spec.not_before == QualifiedName.parse(spec.column).quoted_name:
            path = (*tie_path, "not_before")
            message = f"{spell_path(path)}: {spec.not_before} is the column itself; name another of the table"
            issues.append(ValidationIssue(file=file, line=line_of(path, lines), message=message))
        presences.append(
            Presence(
                name=name,
                column=spec.column,
                present_when=spec.present_when,
                not_before=unquote_identifier(spec.not_before) if spec.not_before else None,
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(tie_path, lines)),
            )
        )
    return tuple(presences)


def presence_mistakes(
    presences: Iterable[Presence], schema: Schema, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """An error for each column that a presence names and no contract declares."""
    for presence in presences:
        assert presence.origin
        file = presence.origin.file
        yield from undeclared_column_issues(
            presence.column, ("presence", presence.name, "column"), schema, file=file, lines=lines
        )
        if presence.not_before:
            name = str(presence.column_name.with_name(presence.not_before))
            yield from undeclared_column_issues(
                name, ("presence", presence.name, "not_before"), schema, file=file, lines=lines
            )
