"""DELETEs of a pending migration that took none of the rows that were tried, and so show nothing of what they take."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.context import Context
from pgcontract.probes.populated.loss_words import deleted_from
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.row_generation.few_rows import migrated_tables
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class UnmetDelete:
    """`table` held so many `rows` when the statement took none of them."""

    statement: Statement
    table: str
    rows: int


def unmet_deletes(context: Context) -> Iterator[UnmetDelete]:
    """Those from tables that were there before the migration, with rows in them."""
    script = context.promise.script
    if not script.parsed or not any(map(deleted_from, script.statements)):
        return
    over = run_over_rows(context)
    if over.after is None:
        return
    tables = {QualifiedName.parse(name).name: name for name in migrated_tables(context, context.before)}
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        for statement in steps_of(connection, script):
            target = deleted_from(statement)
            table = tables.get(QualifiedName.parse(target).name) if target else None
            if table is None:
                if apply_statement(connection, statement, script) is not None:
                    return
                continue
            try:
                row = connection.execute(f"SELECT count(*) FROM {target}".encode()).fetchone()  # noqa: S608 - the script's
                taken = connection.execute(statement.text.encode()).rowcount
            except psycopg.Error:
                return
            if row and row[0] and not taken:
                yield UnmetDelete(statement=statement, table=table, rows=row[0])
