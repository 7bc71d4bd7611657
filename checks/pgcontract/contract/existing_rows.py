"""Rows that may be there before a migration, and whether it must apply over them or stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from pgcontract.contract.declaration_models import Spec
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, spell_path
from pgcontract.model.schema import Origin


class PriorRowsSpec(Spec):
    """A state of the tables right before the migration, and what the migration must make of it."""

    sql: str = Field(min_length=1, description="SQL that puts the rows in; run right before the migration.")
    stops: bool = Field(False, description="Must the migration refuse to run and change nothing? Default: it applies.")
    says: list[str] = Field(default=[], description="What its error must say, in message, detail or hint.")
    purpose: str | None = Field(None, description="What these rows stand for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class PriorRows:
    """One `[rows.<name>]`."""

    name: str
    sql: str
    stops: bool = False
    says: tuple[str, ...] = ()
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)


def read_prior_rows(
    specs: Mapping[str, PriorRowsSpec] | None, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]
) -> tuple[PriorRows, ...]:
    """The prior rows of one contract; an error's words where none is to be raised are a mistake."""
    found = []
    for name, spec in (specs or {}).items():
        here: KeyPath = ("rows", name)
        if spec.says and not spec.stops:
            path = (*here, "says")
            message = f"{spell_path(path)}: a migration that applies says nothing; add stops = true, or take it out"
            mistakes.append(Mistake(file=file, line=line_of(path, lines), message=message))
        found.append(
            PriorRows(
                name=name,
                sql=spec.sql,
                stops=spec.stops,
                says=tuple(spec.says),
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(here, lines)),
            )
        )
    return tuple(found)
