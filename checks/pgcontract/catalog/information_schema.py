"""The live shape through the standard's eyes: what information_schema shows to the role that asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus

from pgcontract.catalog.row_values import values
from pgcontract.catalog.snapshot import reading


@dataclass(frozen=True, kw_only=True)
class StandardTable:
    """A row of information_schema.tables; `type` is BASE TABLE, VIEW or FOREIGN."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class StandardColumn:
    """A row of information_schema.columns; `name` is the bare column, `is_nullable` is YES or NO."""

    table: str
    name: str
    ordinal_position: int
    data_type: str
    character_maximum_length: int | None
    is_nullable: str
    column_default: str | None


@dataclass(frozen=True, kw_only=True)
class StandardConstraint:
    """A row of table_constraints with its check_constraints and key_column_usage; NOT NULL has the type CHECK."""

    table: str
    name: str
    type: str
    check_clause: str | None
    columns: tuple[str, ...]
    enforced: str


@dataclass(frozen=True, kw_only=True)
class StandardTrigger:
    """A row of information_schema.triggers: one event of one trigger."""

    table: str
    name: str
    event_manipulation: str
    action_timing: str
    action_orientation: str
    action_condition: str | None
    action_statement: str


@dataclass(frozen=True, kw_only=True)
class StandardPrivilege:
    """A row of information_schema.table_privileges, whoever granted it; `privilege` is in lower case."""

    table: str
    grantee: str
    privilege: str
    grantable: bool


@dataclass(frozen=True, kw_only=True)
class StandardViews:
    """What the standard's views show of `schemas`; names of tables and roles are spelled as in a Schema."""

    schemas: tuple[str, ...]
    tables: tuple[StandardTable, ...] = ()
    columns: tuple[StandardColumn, ...] = ()
    constraints: tuple[StandardConstraint, ...] = ()
    triggers: tuple[StandardTrigger, ...] = ()
    privileges: tuple[StandardPrivilege, ...] = ()


def read_information_schema(
    connection: Connection[Any], schemas: Sequence[str], *, transaction: bool | None = None
) -> StandardViews:
    """The standard's views of these schemas (spelled as the server does, `"Odd"`), in one snapshot.

    Objects of other owners are hidden from the asking role: that is what the reader of these views would see.
    Reads in the caller's transaction if one is open, unless `transaction` says otherwise.
    """
    if transaction is None:
        transaction = connection.autocommit and connection.info.transaction_status is TransactionStatus.IDLE
    asked = list(schemas)
    with reading(connection, transaction=transaction) as session:
        tables = session.ask_about("standard_tables", asked)
        columns = session.ask_about("standard_columns", asked)
        constraints = session.ask_about("standard_constraints", asked)
        triggers = session.ask_about("standard_triggers", asked)
        privileges = session.ask_about("standard_privileges", asked)
        return StandardViews(
            schemas=tuple(schemas),
            tables=values(tables, StandardTable),
            columns=values(columns, StandardColumn),
            constraints=values(constraints, StandardConstraint),
            triggers=values(triggers, StandardTrigger),
            privileges=values(privileges, StandardPrivilege),
        )
