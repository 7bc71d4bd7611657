"""contract.toml, whole."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, create_model, model_validator

from pgcontract.contract import schema_objects, tables
from pgcontract.contract.declaration_models import CallableKey, IdentifierKey, QualifiedKey, Spec
from pgcontract.contract.declared_value import DeclaredValue, FromReader
from pgcontract.contract.project_file import DocumentSpec
from pgcontract.contract.retired import RETIRED, Retired, take_retired
from pgcontract.contract.section import Section
from pgcontract.contract.sections import SECTIONS


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
