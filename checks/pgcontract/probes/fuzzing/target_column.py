"""The column that values are tried on: the type they are cast to, and the rest of a row that the server accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import ColumnFormat
from pgcontract.contract.sections.column_formats import client_text
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Column, Constraint
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.made_row import MadeRow, row_candidates
from pgcontract.probes.sample_rows import as_text, insert_statement
from pgcontract.values import dataclass

_EXAMPLES: Final = 3
_WORD: Final = lazy_pattern(r"""[Ee]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d][\w$]*""", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class TargetColumn:
    """`column` is the bare name; `row` are the other columns' values, `parents` the INSERTs of rows that they refer to;
    `type` has no modifier and is no domain; `category` is pg_type.typcategory (S: a string type, N: a number); `sample`
    is what the row had in the column, `length` the most characters that varchar(n) and the like allow; `checks` are the
    CHECKs that the column takes part in."""

    table: str
    column: str
    type: str
    category: str
    row: Mapping[str, Any]
    sample: str | None = None
    length: int | None = None
    checks: tuple[Constraint, ...] = ()
    parents: tuple[sql.Composed, ...] = ()

    @property
    def cast(self) -> sql.Composable:
        """What turns a text into the column's type, as an assignment from it would."""
        return sql.SQL("::{}").format(sql.SQL(self.type))


@cached_fact
def find_target_column(context: Context, name: str, examples: tuple[str, ...] = ()) -> TargetColumn:
    """The column in the context's state. CouldNotAsk where it is not there or is computed, or where no row can be
    inserted, with any of the `examples` neither."""
    column = next((candidate for candidate in context.after.columns if candidate.name == name), None)
    if column is None:
        raise CouldNotAsk(f"the column {name} does not exist")
    if column.generated:
        raise CouldNotAsk(f"the column {name} is computed from others, so that no value can be sent to it")
    bare_name = column.bare_name
    checks = tuple(live_checks(context, column))
    query = sql.SQL("SELECT {} FROM {} LIMIT 0").format(identifier(bare_name), sql.SQL(column.table))
    with context.sandbox.rolled_back(context.after_state) as connection:
        type_, category, length = read_column_type(connection, query)
        own_constraints = frozenset(check.bare_name for check in checks)
        made = _accepted_row(connection, context, column, examples, own_constraints)
    row = made.values
    return TargetColumn(
        table=column.table,
        column=bare_name,
        type=type_,
        category=category,
        row={name: value for name, value in row.items() if name != bare_name},
        sample=client_text(row[bare_name]) if row.get(bare_name) is not None else None,
        length=length,
        checks=checks,
        parents=made.parents,
    )


def find_format_target(context: Context, declared: ColumnFormat) -> TargetColumn:
    """The column of a declared format, in a row with a value that is meant where no other goes in."""
    meaning = declared.meaning
    known = (one.value for one in meaning.corpus() if meaning.means(one.value))
    return find_target_column(context, declared.column, (*declared.accept, *islice(known, _EXAMPLES)))


def read_column_type(connection: psycopg.Connection, query: sql.Composed) -> tuple[str, str, int | None]:
    """Of the one column that a query gives: its type under any domain and without modifier, pg_type.typcategory, and
    the n of varchar(n). Without the modifier, because a cast to varchar(5) silently truncates what an INSERT refuses."""
    described = connection.execute(query).description
    assert described is not None
    row = connection.execute(
        "SELECT format_type(oid, -1), typcategory::text FROM pg_type WHERE oid = %s", [described[0].type_code]
    ).fetchone()
    assert row is not None
    return row[0], row[1], described[0].display_size


def live_checks(context: Context, column: Column) -> Iterator[Constraint]:
    """The live CHECKs that a value of the column must pass, its domain's included."""
    name = column.quoted_name
    domains = [data_type.name for data_type in context.after.types if data_type.is_type(column.type)]
    for constraint in context.after.constraints:
        if constraint.form != "check" or not constraint.enforced or constraint.definition is None:
            continue
        if constraint.table in domains or (
            constraint.table == column.table and mentions_column(constraint.definition, name)
        ):
            yield constraint


def mentions_column(expression: str, column: str) -> bool:
    """Whether an expression in the server's spelling names the column, itself spelled so, outside any literal."""
    words = (match[0] for match in _WORD.finditer(expression) if not match[0].endswith("'"))
    return column in words


def _accepted_row(
    connection: psycopg.Connection,
    context: Context,
    column: Column,
    examples: tuple[str, ...],
    own_constraints: frozenset[str],
) -> MadeRow:
    """A row that is accepted, or refused only for the column itself."""
    refusals = []
    bare_name = column.bare_name
    candidates = list(row_candidates(context, connection, column.table))
    with_examples = [
        replace(made, values={**made.values, bare_name: example}) for made in candidates for example in examples
    ]
    for made in (*candidates, *with_examples):
        try:
            with connection.transaction(force_rollback=True):
                values = [as_text(value) for value in made.values.values()]
                connection.execute(insert_statement(column.table, made.values), values)
        except psycopg.Error as error:
            refusal = read_refusal(error)
            is_own_fault = (
                refusal.constraint in own_constraints
                or error.diag.column_name == bare_name
                or refusal.sqlstate[:2] == "22"
            )
            if not is_own_fault:
                refusals.append(str(refusal))
                continue
        return made
    raise CouldNotAsk(
        f"no test row can be inserted into {column.table}: {refusals[0]}; "
        "declare one that is accepted as the table's `sample`"
    )
