"""What of a pending migration's tables an earlier file of the same deploy makes: production has nothing in it."""

from __future__ import annotations

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.probes.context import Context
from pgcontract.probes.populated.loss_words import renames


def is_of_this_deploy(context: Context, table: str, column: str) -> bool:
    """Whether an earlier pending file adds the column to a table that was there."""
    first, statements = _before_deploy(context)
    deployed = {each.bare_name for each in first.before.columns_of(table)}
    return bool(deployed) and column not in deployed and not any(renames(each, column) for each in statements)


def is_table_of_this_deploy(context: Context, table: str) -> bool:
    """Whether an earlier pending file makes it."""
    first, statements = _before_deploy(context)
    if any(each.name == table for each in first.before.tables):
        return False
    return not any(renames(each, QualifiedName.parse(table).name) for each in statements)


def first_of_deploy(context: Context) -> Context:
    """The first of the pending files that come one after another up to this one."""
    while context.earlier is not None:
        context = context.earlier
    return context


def statements_of_deploy(context: Context) -> list[Statement]:
    """Those of all its files up to this one."""
    return [*_before_deploy(context)[1], *context.promise.script.statements]


def _before_deploy(context: Context) -> tuple[Context, list[Statement]]:
    """The first file of the deploy, and the statements of all before this one."""
    first, statements = context, list[Statement]()
    while first.earlier is not None:
        first = first.earlier
        statements += first.promise.script.statements
    return first, statements
