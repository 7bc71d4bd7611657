"""The files an owner writes, whole: contract.toml, claims.toml and pgcontract.toml."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pgcontract.contract import (
    column_formats,
    datasets,
    flows,
    queries,
    races,
    schema_objects,
    state_machines,
    tables,
    timestamps,
)
from pgcontract.contract.declaration_models import CallableKey, IdentifierKey, NameKey, QualifiedKey, Scalar, Spec
from pgcontract.contract.existing_rows import ExistingRowsSpec
from pgcontract.contract.presence import PresenceSpec
from pgcontract.contract.report_outline import ReportSpec

CHECK_REFERENCE = r"^[a-z0-9_]+(\.[a-z0-9_]+)+(\[([^\[\]]|\[[^\[\]]*\])+\])?$"
CheckReference = Annotated[
    str, Field(pattern=CHECK_REFERENCE, description="`check.id` or `check.id[subject]`; * and ? stand for anything.")
]


def _day(value: object) -> object:
    """A TOML date is as good as its text."""
    return value.isoformat() if isinstance(value, dt.date) else value


class DocumentSpec(Spec):
    """What the report prints at its head."""

    title: str | None = Field(None, description="The report's title.")
    date: Annotated[str, BeforeValidator(_day)] | None = Field(None, description="When the document was written.")
    status: str | None = Field(None, description="What its author called it, as in `prepared for execution`.")
    purpose: str | None = Field(None, description="What the migration is for.")
    owner: str | None = Field(None, description="Who answers for it.")


class ProjectDocumentSpec(DocumentSpec):
    """What every report of the project prints."""

    project_ref: str | None = Field(None, description="The Supabase project. PGCONTRACT_PROJECT_REF has precedence.")


class FileSpec(Spec):
    """Facts of the migration's file that must not change unnoticed."""

    lines: int | None = Field(None, ge=0, description="How many lines it has.")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="Its SHA-256, in 64 hexadecimal digits.")


class VerificationSpec(Spec):
    """A query to run after the migration, and what it must give."""

    id: str = Field(description="Its id, as in Q1.")
    description: str = Field(description="What it shows.")
    sql: str = Field(description="One statement. Whatever it does is rolled back.")
    expect: list[list[Scalar]] | None = Field(None, description="The rows it gives, in order.")
    row_count: int | None = Field(None, ge=0, description="How many rows it gives.")
    columns: list[str] | None = Field(None, description="The names of the columns it gives, in order.")
    varies: list[str] = Field(default=[], description="Columns whose values differ from run to run: not compared.")
    limitations: str | None = Field(None, description="What this query cannot see.")
    after: str | None = Field(None, description="The id of the query it follows in the same transaction.")


class WaiverSpec(Spec):
    """A broken promise that is accepted until a day."""

    check: str = Field(description="The check it is about, as in `table.security`.")
    subject: str = Field("*", description="The subject it is about; * and ? stand for anything. Default: every one.")
    reason: str = Field(min_length=1, description="Why it may be so.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    until: dt.date = Field(description="The last day it holds, as in 2026-12-31.")


class CorrectionSpec(Spec):
    """The true statement in place of one that is not."""

    description: str = Field(min_length=1, description="What is true.")
    checks: list[CheckReference] = Field(
        min_length=1, description="The checks that show it, each as `check.id` or `check.id[subject]`."
    )


class ClaimSpec(Spec):
    """One statement of the document."""

    id: str = Field(min_length=1, description="Its id in the document, as in G3.")
    section: str | None = Field(
        None,
        min_length=1,
        description="The id of the report's section that it stands in. Default: that of most of the checks it names.",
    )
    description: str = Field(min_length=1, description="What it says, in our words.")
    checks: list[CheckReference] = Field(
        default=[], description="The checks that decide it, each as `check.id` or `check.id[subject]`."
    )
    untestable: str | None = Field(None, min_length=1, description="Why no check can decide it.")
    pending: str | None = Field(None, min_length=1, description="What is still missing before it can be decided.")
    corrected: CorrectionSpec | None = Field(None, description="The true statement, where the document's is not.")


class ClaimsSpec(Spec):
    """claims.toml: what the document says, and the checks that decide whether it is so."""

    claim: list[ClaimSpec] = Field(default=[], description="Every statement of the document, one [[claim]] each.")


class ContractSpec(Spec):
    """contract.toml: what one migration promises. A later contract inherits the shape and names only what it adds,
    changes or sets `removed = true`; behaviour it declares anew, where it changes."""

    migration: str = Field(min_length=1, description="The file it is about, in ../../migrations, as in 020_orders.sql.")
    after: str | None = Field(None, min_length=1, description="The migration it follows, where digits tell it wrong.")
    accepted: bool = Field(True, description="False: nobody has read this draft yet, and no verdict can be passed on it.")
    comments: Literal["required", "optional"] = Field(
        "required", description="Must every part have a COMMENT in the database? Default: required."
    )
    document: DocumentSpec | None = Field(None, description="What the report prints at its head.")
    file: FileSpec | None = Field(None, description="Facts of the migration's file that must not change unnoticed.")
    schemas: dict[IdentifierKey, schema_objects.SchemaSpec] | None = Field(None, alias="schema", description="Schemas.")
    extension: dict[IdentifierKey, schema_objects.ExtensionSpec] | None = Field(None, description="Extensions.")
    table: dict[QualifiedKey, tables.TableSpec] | None = Field(None, description='Tables, as [table."public.orders"].')
    view: dict[QualifiedKey, schema_objects.ViewSpec] | None = Field(None, description="Views and materialised views.")
    function: dict[CallableKey, schema_objects.FunctionSpec] | None = Field(None, description="Functions and procedures.")
    type: dict[QualifiedKey, schema_objects.TypeSpec] | None = Field(None, description="Types and domains.")
    sequence: dict[QualifiedKey, schema_objects.SequenceSpec] | None = Field(None, description="Sequences.")
    statistics: dict[QualifiedKey, schema_objects.StatisticsSpec] | None = Field(None, description="Extended statistics.")
    event_trigger: dict[IdentifierKey, schema_objects.EventTriggerSpec] | None = Field(
        None, description="Event triggers."
    )
    publication: dict[IdentifierKey, schema_objects.PublicationSpec] | None = Field(None, description="Publications.")
    role: dict[IdentifierKey, schema_objects.RoleSpec] | None = Field(None, description="Roles of the cluster.")
    setting: dict[str, schema_objects.SettingSpec] | None = Field(None, description="Settings of roles and the database.")
    default_grant: dict[str, schema_objects.DefaultGrantSpec] | None = Field(None, description="Default privileges.")
    other: dict[str, schema_objects.OtherSpec] | None = Field(None, description="Objects of any other kind.")
    grant: list[schema_objects.GrantSpec] | None = Field(None, description="Grants on what has no `grants` of its own.")
    format: dict[NameKey, column_formats.ColumnFormatSpec] | None = Field(
        None, description="What columns are meant to hold."
    )
    state_machine: dict[NameKey, state_machines.StateMachineSpec] | None = Field(
        None, description="Which moves between states are allowed."
    )
    timestamp: dict[NameKey, timestamps.TimestampSpec] | None = Field(None, description="Times that the database keeps.")
    presence: dict[NameKey, PresenceSpec] | None = Field(
        None, description="Columns that are there exactly when others say so."
    )
    flow: dict[NameKey, flows.FlowSpec] | None = Field(None, description="What the application does.")
    race: dict[NameKey, races.RaceSpec] | None = Field(None, description="Transactions played side by side.")
    query: dict[NameKey, queries.QuerySpec] | None = Field(None, description="What the application asks.")
    dataset: datasets.DatasetSpec | None = Field(None, description="The rows that it is measured on.")
    existing_rows: dict[NameKey, ExistingRowsSpec] | None = Field(
        None, description="Rows that may be there before the migration, as [existing_rows.paid_twice]."
    )
    verification: list[VerificationSpec] = Field(default=[], description="Queries to run after the migration.")
    waiver: list[WaiverSpec] = Field(default=[], description="Broken promises that are put up with until a day.")


class ProductionSpec(Spec):
    """Where the migrations are to run."""

    platform: Literal["postgres", "supabase"] = Field("postgres", description="Whose roles and default privileges.")
    postgres: int | None = Field(None, ge=10, le=99, description="Production's major version, as in 17.")
    locale: str | None = Field(None, min_length=1, description="Its locale, as in en_US.UTF-8. Default: C.UTF-8.")


class ProjectSpec(Spec):
    """pgcontract.toml: what holds for the whole chain."""

    seed: int = Field(0, description="The seed of everything random.")
    production: ProductionSpec = Field(
        default_factory=lambda: ProductionSpec.model_validate({}), description="Where the migrations are to run."
    )
    document: ProjectDocumentSpec = Field(
        default_factory=lambda: ProjectDocumentSpec.model_validate({}), description="What every report prints."
    )
    report: ReportSpec = Field(
        default_factory=lambda: ReportSpec.model_validate({}), description="How the report is laid out."
    )
