"""Rows that may be there before a migration, and whether it must apply over them or stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from pgcontract.contract.declaration_models import Spec
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, spell_path
from pgcontract.model.schema import Origin


class ExistingRowsSpec(Spec):
    """A state of the tables right before the migration, and what the migration must make of it."""

    sql: str = Field(min_length=1, description="SQL that puts the rows in; run right before the migration.")
    must_fail: bool = Field(
        False, description="Must the migration refuse to run and change nothing? Default: it applies."
    )
    error_contains: list[str] = Field(default=[], description="What its error must say, in message, detail or hint.")
    purpose: str | None = Field(None, description="What these rows stand for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class ExistingRows:
    """One `[existing_rows.<name>]`."""

    name: str
    sql: str
    must_fail: bool = False
    error_contains: tuple[str, ...] = ()
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)


def read_existing_rows(
    specs: Mapping[str, ExistingRowsSpec] | None,
    *,
    file: str,
    lines: Mapping[KeyPath, int],
    issues: list[ValidationIssue],
) -> tuple[ExistingRows, ...]:
    """The existing rows of one contract; an expected error text where no error is expected is an error."""
    cases = []
    for name, spec in (specs or {}).items():
        case_path: KeyPath = ("existing_rows", name)
        if spec.error_contains and not spec.must_fail:
            path = (*case_path, "error_contains")
            message = f"{spell_path(path)}: a migration that applies says nothing; add must_fail = true, or take it out"
            issues.append(ValidationIssue(file=file, line=line_of(path, lines), message=message))
        cases.append(
            ExistingRows(
                name=name,
                sql=spec.sql,
                must_fail=spec.must_fail,
                error_contains=tuple(spec.error_contains),
                purpose=spec.purpose,
                origin=Origin(file=file, line=line_of(case_path, lines)),
            )
        )
    return tuple(cases)
