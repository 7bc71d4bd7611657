"""Tables without a primary key."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain


@check("table.primary_key", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "Each table that the migrations made has a primary key.")
def table_primary_key(context: Context) -> Iterator[Answer]:
    """Each table has a primary key.

    Why it matters: equal rows cannot be told apart, so that one of them cannot be changed or deleted alone; logical
    replication refuses their UPDATE and DELETE, and most tools want a key to page, merge or synchronise by.
    How it is measured: pg_constraint at the head of the chain, for the tables that it made. A partition is told with its
    partitioned table.
    What to do: ALTER TABLE ... ADD PRIMARY KEY (...), over columns that are one of a kind, or over a new identity column.
    """
    keyed = {constraint.table for constraint in context.after.constraints if constraint.form == "primary key"}
    for table in made_parts(context, "tables"):
        if table.form == "foreign table" or table.partition_of or table.name in keyed:
            continue
        unique = sorted(index.name for index in context.after.indexes_by_table.get(table.name, ()) if index.unique)
        yield Answer(
            Status.BROKEN,
            table.name,
            f"{table.name} has no primary key: of two equal rows, none can be changed or deleted alone.",
            expected="a primary key",
            actual=f"only the unique {', '.join(unique)}" if unique else "no key",
            remedy=f"ALTER TABLE {table.name} ADD PRIMARY KEY (...); with the columns that tell its rows apart, or a new "
            "one: ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY.",
            origin=origin_in_chain(context.promise, "table", table.name),
        )
