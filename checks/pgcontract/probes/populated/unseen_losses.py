"""What the rows that were made show nothing of: in a table that took none, in a column that took no value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.probes.context import Context
from pgcontract.probes.populated.deployed import is_of_this_deploy, is_table_of_this_deploy
from pgcontract.probes.populated.loss_words import drops, drops_by_name, drops_column, renames
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.table_snapshots import TableSnapshot
from pgcontract.probes.script_words import assigned_columns_of, names_in_code
from pgcontract.values import dataclass

_TAKES_ROWS: Final = (("DELETE",), ("TRUNCATE",))


@dataclass(frozen=True, kw_only=True)
class UnseenLoss:
    """A change of a table, or of a column of it, over no row that had anything there. `taken`: it is dropped, or its rows
    are deleted; else it is written, or its type is another. `statement` is the one that says so, if one does."""

    table: str
    column: str | None = None
    taken: bool
    statement: Statement | None

    @property
    def subject(self) -> str:
        return self.table if self.column is None else f"{self.table}.{quote_identifier(self.column)}"


def unseen_losses(context: Context) -> Iterator[UnseenLoss]:
    """Those of what production had before the deploy; none of a table whose rows stop it, which says enough."""
    over = run_over_rows(context)
    if over.after is None or not context.before.tables:
        return
    start, final = over.start, over.final
    stopping = {stop.table for stop in over.stops}
    for oid, table in start.items():
        if table.name not in stopping and not is_table_of_this_deploy(context, table.name):
            yield from _of_table(context, table, final.get(oid))
    yield from _of_partitions(context, over.before)


def _of_partitions(context: Context, state: DatabaseState) -> Iterator[UnseenLoss]:
    """The partitions that are dropped without a row, of a table that stays."""
    statements, after = context.promise.script.statements, {table.name for table in context.after.tables}
    gone = [
        table.name
        for table in context.before.tables
        if table.partition_of in after and table.name not in after and not is_table_of_this_deploy(context, table.name)
    ]
    gone = [name for name in gone if not any(renames(each, QualifiedName.parse(name).name) for each in statements)]
    if not gone:
        return
    with context.sandbox.rolled_back(state) as connection:
        for name in gone:
            query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.SQL(name))
            if connection.execute(query).fetchone() == (False,):
                statement = next(
                    (each for each in statements if drops_by_name(each, QualifiedName.parse(name).name)), None
                )
                yield UnseenLoss(table=name, taken=True, statement=statement)


def _of_table(context: Context, table: TableSnapshot, later: TableSnapshot | None) -> Iterator[UnseenLoss]:
    statements, bare = context.promise.script.statements, QualifiedName.parse(table.name).name
    naming = [each for each in statements if names_in_code(each.text, bare)]
    naming_first = (*naming, *statements)  # it may have another name there
    if later is None:
        if not table.rows:
            by_name = (each for each in naming if drops_by_name(each, bare))
            statement = next(by_name, None) or next((each for each in naming_first if drops(each, table.name)), None)
            yield UnseenLoss(table=table.name, taken=True, statement=statement)
        return
    for statement in naming if not table.rows else ():
        if statement.words[:1] in (*_TAKES_ROWS, ("UPDATE",)):
            yield UnseenLoss(table=table.name, taken=statement.words[:1] in _TAKES_ROWS, statement=statement)
            return
    for number, name in table.columns.items():
        if any(row[number] is not None for row in table.rows) or is_of_this_deploy(context, table.name, name):
            continue
        if number not in later.columns:
            statement = next((each for each in naming_first if drops_column(each, name)), None)
            yield UnseenLoss(table=table.name, column=name, taken=True, statement=statement)
        elif table.types[number] != later.types[number] or name in assigned_columns_of(naming):
            statement = next((each for each in naming if names_in_code(each.text, name)), None)
            yield UnseenLoss(table=table.name, column=name, taken=False, statement=statement)
