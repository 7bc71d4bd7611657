"""What information_schema shows to the role that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from pgcontract.catalog.row_values import read_rows_as
from pgcontract.catalog.snapshot import open_snapshot
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class InformationSchemaTable:
    """A row of information_schema.tables; `type` is BASE TABLE, VIEW or FOREIGN."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class InformationSchemaColumn:
    """A row of information_schema.columns; `name` is the bare column, `is_nullable` is YES or NO."""

    table: str
    name: str
    ordinal_position: int
    data_type: str
    character_maximum_length: int | None
    is_nullable: str
    column_default: str | None


@dataclass(frozen=True, kw_only=True)
class InformationSchemaConstraint:
    """A row of table_constraints with its check_constraints and key_column_usage; NOT NULL has the type CHECK."""

    table: str
    name: str
    type: str
    check_clause: str | None
    columns: tuple[str, ...]
    enforced: str


@dataclass(frozen=True, kw_only=True)
class InformationSchemaTrigger:
    """A row of information_schema.triggers: one event of one trigger."""

    table: str
    name: str
    event_manipulation: str
    action_timing: str
    action_orientation: str
    action_condition: str | None
    action_statement: str


@dataclass(frozen=True, kw_only=True)
class InformationSchemaPrivilege:
    """A row of information_schema.table_privileges, whoever granted it; `privilege` is in lower case."""

    table: str
    grantee: str
    privilege: str
    grantable: bool


@dataclass(frozen=True, kw_only=True)
class InformationSchema:
    """What information_schema shows of `schemas`; names of tables and roles are spelled as in a Schema."""

    schemas: tuple[str, ...]
    tables: tuple[InformationSchemaTable, ...] = ()
    columns: tuple[InformationSchemaColumn, ...] = ()
    constraints: tuple[InformationSchemaConstraint, ...] = ()
    triggers: tuple[InformationSchemaTrigger, ...] = ()
    privileges: tuple[InformationSchemaPrivilege, ...] = ()


def read_information_schema(connection: Connection[Any], schemas: Sequence[str]) -> InformationSchema:
    """The information_schema views of these schemas (spelled as the server does, `"Odd"`), in one snapshot.

    Objects on which the role has no privileges are hidden, as from any reader of these views.
    """
    names = list(schemas)
    with open_snapshot(connection) as snapshot:
        tables = snapshot.run_schema_query("standard_tables", names)
        columns = snapshot.run_schema_query("standard_columns", names)
        constraints = snapshot.run_schema_query("standard_constraints", names)
        triggers = snapshot.run_schema_query("standard_triggers", names)
        privileges = snapshot.run_schema_query("standard_privileges", names)
        return InformationSchema(
            schemas=tuple(schemas),
            tables=read_rows_as(tables, InformationSchemaTable),
            columns=read_rows_as(columns, InformationSchemaColumn),
            constraints=read_rows_as(constraints, InformationSchemaConstraint),
            triggers=read_rows_as(triggers, InformationSchemaTrigger),
            privileges=read_rows_as(privileges, InformationSchemaPrivilege),
        )
