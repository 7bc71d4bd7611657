"""Tables of the platform that a contract names only to reach what migrations add to them: a policy, an index, a trigger.

What such a table is itself, its columns and its owner, is the platform's, and nobody promised it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pgcontract.contract.migration import Migration
from pgcontract.contract.values import Shape
from pgcontract.model.schema import Part, Schema, Table
from pgcontract.postgres.platform.owned_names import SUPABASE_SCHEMAS


def without_platform_tables(
    chain: tuple[Migration, ...], shapes: Mapping[str, Shape]
) -> tuple[tuple[Migration, ...], dict[str, Shape]]:
    """The chain and what is declared by then, without the declarations of the tables themselves where nothing but parts
    of them is declared."""
    tables = [(table, shape.schema) for shape in shapes.values() for table in shape.schema.tables if is_platforms(table)]
    reached = {table.name for table, _ in tables}
    reached -= {table.name for table, schema in tables if _says_more(table, schema)}
    if not reached:
        return chain, dict(shapes)
    migrations = tuple(
        replace(
            migration,
            contract=replace(migration.contract, declared=_without(migration.contract.declared, reached)),
        )
        if migration.contract
        else migration
        for migration in chain
    )
    return migrations, {key: replace(shape, schema=_without(shape.schema, reached)) for key, shape in shapes.items()}


def is_platforms(part: Part) -> bool:
    """Whether it lies in a schema that Supabase has."""
    return part.qualified_name.schema in SUPABASE_SCHEMAS


def _says_more(table: Table, schema: Schema) -> bool:
    """Whether anything is declared of the table itself: a column, what it is, or a comment."""
    return table != Table(name=table.name) or any(column.table == table.name for column in schema.columns)


def _without(schema: Schema, names: set[str]) -> Schema:
    return replace(schema, tables=tuple(table for table in schema.tables if table.name not in names))
