"""The files an owner writes, whole: contract.toml and pgcontract.toml."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from pgcontract.contract import schema_objects, tables
from pgcontract.contract.declaration_models import CallableKey, IdentifierKey, QualifiedKey, Spec
from pgcontract.contract.declared_value import DeclaredValue, FromReader
from pgcontract.contract.report_outline import ReportSpec
from pgcontract.contract.retired import RETIRED, Retired, take_retired
from pgcontract.contract.section import Section
from pgcontract.contract.sections import SECTIONS

RowCount = Annotated[int, Field(ge=0)]


def _in_quotes(word: object) -> object:
    """`lock.no_scan = "error"` is TOML for a table in a table."""
    if isinstance(word, dict):
        raise ValueError('a check\'s id has a dot in it; put it in quotes, as in "lock.no_scan" = "warning"')
    return word


Weight = Literal["critical", "error", "warning", "info"]


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


class FilePins(DeclaredValue):
    """Facts of the migration's file that must not change unnoticed."""

    lines: int | None = Field(None, ge=0, description="How many lines it has.")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="Its SHA-256, in 64 hexadecimal digits.")


class ContractSpec(Spec):
    """contract.toml: what one migration promises. A later contract inherits the shape and names only what it adds,
    changes or sets `removed = true`; behaviour it declares anew, where it changes."""

    migration: str = Field(min_length=1, description="The file it is about, in ../../migrations, as in 020_orders.sql.")
    after: str | None = Field(None, min_length=1, description="The migration it follows, where digits tell it wrong.")
    accepted: bool = Field(True, description="False: nobody has read this draft yet, and no verdict can be passed on it.")
    comments: Literal["required", "optional"] = Field(
        "required", description="Must every part have a COMMENT in the database? Default: required."
    )
    promises: Literal["all", "declared"] = Field(
        "all",
        description="`declared`: what it names and no more; the rest is judged as if it had no contract. Default: all, "
        "its way back among it.",
    )
    loses: list[str] | None = Field(
        None, description='What it may lose of the rows that are there, as in ["public.orders.note", "public.drafts"].'
    )
    retired: Annotated[tuple[Retired, ...], FromReader()] = Field((), validation_alias=RETIRED)
    document: DocumentSpec | None = Field(None, description="What the report prints at its head.")
    file: FilePins | None = Field(None, description="Facts of the migration's file that must not change unnoticed.")
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

    @model_validator(mode="before")
    @classmethod
    def _apart(cls, document: Any) -> Any:
        return take_retired(document) if isinstance(document, dict) else document

    @property
    def sections(self) -> tuple[Section, ...]:
        """What its sections declare, in the order of their files."""
        values = [value if isinstance(value, tuple) else (value,) for _, value in self]
        return tuple(section for sections in values for section in sections if isinstance(section, Section))


# The keys of contract.toml, those of its sections included.
WholeContractSpec: Final = create_model(
    "ContractSpec",
    __base__=ContractSpec,
    __doc__=ContractSpec.__doc__,
    **{section.heading.key: section.field() for section in SECTIONS},  # type: ignore[call-overload]
)


class ProductionSpec(Spec):
    """Where the migrations are to run."""

    platform: Literal["postgres", "supabase"] = Field("postgres", description="Whose roles and default privileges.")
    postgres: int | None = Field(None, ge=10, le=99, description="Production's major version, as in 17.")
    locale: str | None = Field(None, min_length=1, description="Its locale, as in en_US.UTF-8. Default: C.UTF-8.")
    tables: dict[QualifiedKey, RowCount] = Field(
        default_factory=dict, description='How many rows a table has there, as in "public.orders" = 5_000_000.'
    )


class RunnerSpec(Spec):
    """How a runner of your own runs the migrations; what is left out is as the layout has it."""

    layout: str | None = Field(None, min_length=1, description="Which layout it reads the folder by, as in flyway.")
    transaction: Literal["file", "all", "message", "statement"] | None = Field(
        None,
        description="What is one transaction: each `file`, `all` that are pending, each `message` (a file without "
        "BEGIN around it), or each `statement`, sent alone.",
    )
    repeats: bool | None = Field(None, description="Does it run every file again and again, at each start?")
    applied: str | None = Field(None, min_length=1, description="The last migration that production has.")
    role: str | None = Field(None, min_length=1, description="The role that it runs them as, by SET ROLE.")


class ProjectSpec(Spec):
    """pgcontract.toml, or [tool.pgcontract] of pyproject.toml: what holds for the whole chain."""

    seed: int = Field(0, description="The seed of everything random.")
    production: ProductionSpec = Field(
        default_factory=ProductionSpec.model_construct, description="Where the migrations are to run."
    )
    runner: RunnerSpec = Field(
        default_factory=RunnerSpec.model_construct, description="How a runner of your own runs them."
    )
    severity: dict[str, Annotated[Weight, BeforeValidator(_in_quotes)]] = Field(
        default_factory=dict,
        description='What a broken promise weighs, by check, as in "lock.*" = "error"; the last that matches counts.',
    )
    leave_out: list[str] = Field(
        default=[],
        description="Files that are no migrations, as globs: with a / from this file's folder, ** for any number of "
        "folders; without one a name anywhere below it.",
    )
    blocks: Weight = Field("error", description="The least severity that blocks.")
    document: ProjectDocumentSpec = Field(
        default_factory=ProjectDocumentSpec.model_construct, description="What every report prints."
    )
    report: ReportSpec = Field(default_factory=ReportSpec.model_construct, description="How the report is laid out.")
