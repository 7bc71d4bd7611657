"""Columns: present, in order, with their types, nullability, defaults and storage."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.shape.differences import PRESENT, shape_check

shape_check(
    "column.present",
    """Each declared column is there.

    Why it matters: an INSERT that names a missing column fails for every user at once.
    How it is measured: the declared names against pg_attribute, dropped columns left out.
    What to do: add the column in the migration, or remove it from the contract.
    """,
    kinds="columns",
    fields=PRESENT,
)

shape_check(
    "column.type",
    """Each column has the declared type, with its modifiers, and collation.

    Why it matters: varchar(255) rejects what text accepts; a collation decides which values are equal and how they sort.
    How it is measured: the declared type, as the server spells it, against format_type of the live column.
    What to do: write the intended type in the migration and in the contract; changing a live column's type may rewrite
    the table.
    """,
    kinds="columns",
    fields=("type", "collation"),
)

shape_check(
    "column.nullability",
    """Each column takes NULL exactly where declared.

    Why it matters: a missing NOT NULL lets rows in that the application cannot read; an extra one refuses its writes.
    How it is measured: attnotnull of pg_attribute against the contract.
    What to do: SET or DROP NOT NULL in the migration, or correct the contract.
    """,
    kinds="columns",
    fields=("null",),
)

shape_check(
    "column.default",
    """Each column has the declared default, generation expression and identity.

    Why it matters: a default applies only where an INSERT leaves the column out; a wrong one stores wrong values without
    an error.
    How it is measured: pg_attrdef against the declared text, both as the server spells them.
    What to do: SET DEFAULT in the migration; pin the server's text with `same_as` where both do the same.
    """,
    kinds="columns",
    fields=("default", "generated", "identity"),
)

shape_check(
    "column.storage",
    """Each column is stored as declared: storage, compression, statistics target, options.

    Why it matters: they decide where large values are stored and how well the planner knows the column.
    How it is measured: pg_attribute against the contract; what is not declared is the type's own default.
    What to do: declare the setting that you intend, or reset it in the migration.
    """,
    kinds="columns",
    fields=("storage", "compression", "statistics", "options"),
)


def _tables(promise: Promise) -> Iterator[str]:
    declared = {column.table for column in promise.declared.columns}
    return (table.name for table in promise.declared.tables if table.name in declared)


@check("column.order", subjects=_tables)
def column_order(context: Context) -> Iterator[Answer]:
    """The columns of each table are in the declared order.

    Why it matters: INSERT without a column list, COPY and SELECT * depend on the order.
    How it is measured: attnum of the live columns, ignoring gaps left by dropped ones, against the order in the contract.
    What to do: order the columns in the contract as in the table; a live table's order cannot be changed without
    rewriting it.
    """
    wrong = {difference.name: difference for difference in context.differences if difference.field == "order"}
    for table in context.promise.declared.tables:
        if any(column.table == table.name for column in context.promise.declared.columns):
            if table.name in wrong:
                difference = wrong[table.name]
                yield Answer(
                    Status.BROKEN,
                    table.name,
                    f"The columns of table {table.name} are in another order than declared.",
                    expected=difference.expected,
                    actual=difference.actual,
                    remedy="Order them in the contract as the table has them; on a live table no migration changes that.",
                    origin=difference.origin,
                )
            else:
                yield Answer(
                    Status.KEPT,
                    table.name,
                    f"The columns of table {table.name} are in the declared order.",
                    origin=table.origin,
                )
