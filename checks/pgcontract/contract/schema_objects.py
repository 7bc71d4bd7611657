"""The declarations of every kind of object that is not a table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pgcontract.contract.declaration_models import (
    Callable,
    ColumnName,
    EnabledSpec,
    Grants,
    Identifier,
    IdentifierKey,
    OwnedSpec,
    PartSpec,
    Privileges,
    Qualified,
    Spec,
)
from pgcontract.contract.tables import CheckSpec, ColumnSpec, IndexSpec, RuleSpec, TriggerSpec


class SchemaSpec(OwnedSpec):
    """A schema."""

    grants: Grants | None = None


class ExtensionSpec(PartSpec):
    """An extension. Its version is left to the server."""

    in_schema: Identifier | None = Field(None, alias="schema", description="Where its objects are.")


class FunctionSpec(OwnedSpec):
    """A function, procedure, aggregate or window function; its name ends in its input types."""

    form: Literal["function", "procedure", "aggregate", "window function"] | None = Field(
        None, description="Default: function."
    )
    arguments: str | None = Field(
        None, description="The whole list with names, modes and defaults. Default: the types in the name."
    )
    returns: str | None = Field(None, description="Its result type, as in trigger or TABLE(id uuid).")
    language: str | None = Field(None, description="sql, plpgsql, c, ...")
    body: str | None = Field(None, description="The text between the quotes.")
    security: Literal["invoker", "definer"] | None = Field(None, description="Default: invoker.")
    volatility: Literal["volatile", "stable", "immutable"] | None = Field(None, description="Default: volatile.")
    strict: bool | None = Field(None, description="Null for any null argument, without a call? Default: false.")
    parallel: Literal["unsafe", "restricted", "safe"] | None = Field(None, description="Default: unsafe.")
    leakproof: bool | None = Field(None, description="Default: false.")
    cost: float | None = Field(None, description="Where it is not the language's default.")
    rows: float | None = Field(None, description="The planner's estimate, where it is not 1000.")
    support: str | None = Field(None, description="Its planner support function.")
    settings: list[str] | None = Field(None, description="SET clauses, as in [\"search_path=''\"].")
    grants: Grants | None = None


class ViewSpec(OwnedSpec):
    """A view or materialised view."""

    definition: str | None = Field(None, description="Its SELECT.")
    materialized: bool | None = Field(None, description="Default: false.")
    populated: bool | None = Field(None, description="Of a materialised view: may it be read? Default: true.")
    options: list[str] | None = Field(None, description='As in ["security_invoker=true"].')
    access_method: str | None = Field(None, description="Where it is not the server's default.")
    tablespace: Identifier | None = Field(None, description="Where it is not the database's own.")
    columns: dict[IdentifierKey, ColumnSpec] | None = Field(None, description="Its columns, in their order.")
    indexes: dict[IdentifierKey, IndexSpec] | None = Field(None, description="Of a materialised view.")
    triggers: dict[IdentifierKey, TriggerSpec] | None = Field(None, description="Its triggers.")
    rules: dict[IdentifierKey, RuleSpec] | None = Field(None, description="Its rules, but the one that makes it a view.")
    grants: Grants | None = None
    row_count: int | None = Field(None, ge=0, description="How many rows the migration leaves in it. Default: 0.")


class TypeSpec(OwnedSpec):
    """A type of one's own."""

    form: Literal["enum", "composite", "range", "domain", "base"] | None = Field(None, description="What it is.")
    labels: list[str] | None = Field(None, description="Of an enum, in order.")
    attributes: list[str] | None = Field(
        None, description='Of a composite ["name type"], of a range ["subtype = type"], of a domain ["type"].'
    )
    null: bool | None = Field(None, description="Of a domain: may it be null? Default: true.")
    default: str | None = Field(None, description="Of a domain: an SQL expression.")
    checks: dict[IdentifierKey, CheckSpec] | None = Field(None, description="Of a domain: its CHECKs, on VALUE.")
    grants: Grants | None = None


class SequenceSpec(OwnedSpec):
    """A sequence. That of an identity column is implied."""

    type: Literal["smallint", "integer", "bigint"] | None = Field(None, description="Default: bigint.")
    start: int | None = Field(None, description="Default: its minimum, or maximum where it counts down.")
    increment: int | None = Field(None, description="Default: 1.")
    minimum: int | None = Field(None, description="Default: 1, or the type's where it counts down.")
    maximum: int | None = Field(None, description="Default: the type's, or -1 where it counts down.")
    cache: int | None = Field(None, description="Default: 1.")
    cycle: bool | None = Field(None, description="Does it begin again at its end? Default: false.")
    owned_by: ColumnName | None = Field(None, description="The column it goes with, as in public.orders.id.")
    identity: bool | None = Field(None, description="Did an identity column make it? Default: false.")
    persistence: Literal["permanent", "unlogged", "temporary"] | None = Field(None, description="Default: permanent.")
    grants: Grants | None = None


class EventTriggerSpec(OwnedSpec):
    """An event trigger."""

    event: str | None = Field(None, description="ddl_command_start, ddl_command_end, sql_drop, table_rewrite, login.")
    tags: list[str] | None = Field(None, description='The commands it is for, as in ["CREATE TABLE"]. Default: all.')
    function: Callable | None = Field(None, description="What it runs, as in public.log_ddl().")
    enabled: EnabledSpec | None = Field(None, description="Default: origin.")


class PublicationSpec(OwnedSpec):
    """A publication."""

    all_tables: bool | None = Field(None, description="Default: false.")
    tables: list[str] | None = Field(None, description='As in ["public.orders (id, total) WHERE (total > 0)"].')
    schemas: list[Identifier] | None = Field(None, description="FOR TABLES IN SCHEMA.")
    operations: list[Literal["insert", "update", "delete", "truncate", "generated"]] | None = Field(
        None, description="Default: all."
    )
    via_root: bool | None = Field(None, description="Publish partitions as their root? Default: false.")


class StatisticsSpec(OwnedSpec):
    """Extended statistics."""

    table: Qualified | None = Field(None, description="The table they are about.")
    kinds: list[str] | None = Field(None, description="ndistinct, dependencies, mcv.")
    definition: str | None = Field(None, description="CREATE STATISTICS in full.")
    target: int | None = Field(None, description="The statistics target, where one is set.")


class RoleSpec(PartSpec):
    """A role of the whole cluster."""

    attributes: list[str] | None = Field(None, description='What differs from CREATE ROLE\'s defaults, as in ["login"].')
    member_of: list[str] | None = Field(None, description='The roles it is in, as in ["readers with admin option"].')


class SettingSpec(PartSpec):
    """ALTER ROLE or DATABASE ... SET; its name is `<parameter> of <role>`, `... of database` or both."""

    value: str | None = Field(None, description="The value, as SHOW tells it.")


class GrantSpec(Spec):
    """What one role may do to one object of any kind: for what `grants` on a part cannot express."""

    on: str = Field(description="Kind and name, as in `column public.t.email`.")
    grantee: Identifier = Field(description='The role; "public" is everybody.')
    privileges: Privileges | None = Field(None, description="The whole set.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")
    removed: Literal[True] | None = Field(None, description="Remove the grant an earlier contract declared.")


class DefaultGrantSpec(PartSpec):
    """ALTER DEFAULT PRIVILEGES; its name is `<role> [in <schema>] on <kinds> to <grantee>`."""

    privileges: Privileges | None = Field(None, description="The whole set.")


class OtherSpec(OwnedSpec):
    """Any other object, named by kind: `operator public.===(integer,integer)`."""

    form: str | None = Field(None, description="What it is. Default: the first word of its name.")
    definition: list[str] | None = Field(
        None, description="What CREATE says of it, a line each, as `draft` writes it. Not given, it only has to be there."
    )
