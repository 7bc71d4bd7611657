"""DELETEs and UPDATEs of a pending migration that met none of the rows that were tried, and so show nothing of what they
do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.context import Context
from pgcontract.probes.populated.deployed import is_table_of_this_deploy
from pgcontract.probes.populated.loss_words import deleted_from
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.row_generation.few_rows import migrated_tables
from pgcontract.probes.row_generation.update_parts import update_parts
from pgcontract.values import dataclass

# How many rows of the table, and of its partitions, the transaction has changed so far.
_CHANGED: Final = """
  WITH RECURSIVE held(relid) AS (
       SELECT %s::pg_catalog.regclass::pg_catalog.oid
        UNION
       SELECT i.inhrelid FROM held AS h JOIN pg_catalog.pg_inherits AS i ON i.inhparent = h.relid)
SELECT sum(pg_catalog.pg_stat_get_xact_tuples_updated(h.relid))::int8 FROM held AS h
"""


@dataclass(frozen=True, kw_only=True)
class UnmetWrite:
    """`table` held so many `rows` when the statement's `command`, DELETE or UPDATE, met none of them."""

    statement: Statement
    command: str
    table: str
    rows: int


def unmet_writes(context: Context) -> Iterator[UnmetWrite]:
    """Those of tables that were there before the migration, with rows in them."""
    script = context.promise.script
    tables = migrated_tables(context, context.before)
    targets = [_updated(statement, tables) for statement in script.statements] if script.parsed else []
    if not any(targets) and not any(map(deleted_from, script.statements)):
        return
    over = run_over_rows(context)
    if over.after is None:
        return
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        for statement, updated in zip(steps_of(connection, script), targets, strict=False):
            target = deleted_from(statement)
            written = QualifiedName.parse(target) if target else None
            table = _meant(written.schema, written.name, tables) if written else None
            before = {each: _figures(connection, each) for each in updated}
            if table is None:
                if apply_statement(connection, statement, script) is not None:
                    return
                is_open = connection.info.transaction_status is TransactionStatus.INTRANS
                for each, figures in before.items() if is_open else ():
                    is_unmet = bool(figures) and figures[0] and figures == _figures(connection, each)
                    if is_unmet and not is_table_of_this_deploy(context, each):
                        yield UnmetWrite(statement=statement, command="UPDATE", table=each, rows=figures[0])
                continue
            try:
                row = connection.execute(f"SELECT count(*) FROM {target}".encode()).fetchone()  # noqa: S608 - the script's
                taken = connection.execute(statement.text.encode()).rowcount
            except psycopg.Error:
                return
            if row and row[0] and not taken:
                yield UnmetWrite(statement=statement, command="DELETE", table=table, rows=row[0])


def _meant(schema: str, name: str, tables: Sequence[str]) -> str | None:
    """The one of the tables that is written so; without a schema the one in public before others."""
    alike = [table for table in tables if QualifiedName.parse(table).name == name]
    alike.sort(key=lambda table: QualifiedName.parse(table).schema != (schema or "public"))
    return next((table for table in alike if schema in ("", QualifiedName.parse(table).schema)), None)


def _updated(statement: Statement, tables: Sequence[str]) -> tuple[str, ...]:
    """The tables that an UPDATE of the statement, or of the body of a DO block, changes."""
    if statement.words[:1] not in (("UPDATE",), ("WITH",), ("DO",)):
        return ()
    text = "".join(literal_values(statement.text)) if statement.words[:1] == ("DO",) else statement.text
    meant = (_meant(part.schema, part.table, tables) for part in update_parts(text))
    return tuple(dict.fromkeys(table for table in meant if table))


def _figures(connection: psycopg.Connection, table: str) -> tuple[int, ...]:
    """The rows that it holds, and those that were changed; () where it is no more."""
    try:
        with connection.transaction():
            rows = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()  # noqa: S608 - a quoted name
            rows += connection.execute(_CHANGED, [table]).fetchall()
    except psycopg.Error:
        return ()
    return tuple(number for (number,) in rows)
