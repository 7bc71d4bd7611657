"""Where a value is tried: one column, the type it is cast to, and the rest of a row that the server accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract.column_formats import as_sent
from pgcontract.contract.identifiers import bare
from pgcontract.model.schema import Column, Constraint
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.sample_rows import as_text, insert_statement, simplest_row

_WORD: Final = re.compile(r"""[Ee]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d][\w$]*""", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Place:
    """`column` is the bare name; `row` are the other columns' values; `type` has no modifier and is no domain;
    `category` is pg_type.typcategory (S: a string type, N: a number); `sample` is what the row had in the
    column, `length` the most characters that varchar(n) and the like allow; `checks` are the CHECKs that the column
    takes part in."""

    table: str
    column: str
    type: str
    category: str
    row: Mapping[str, Any]
    sample: str | None = None
    length: int | None = None
    checks: tuple[Constraint, ...] = ()

    @property
    def cast(self) -> sql.Composable:
        """What turns a text into the column's type, as an assignment from it would."""
        return sql.SQL("::{}").format(sql.SQL(self.type))


def place_of(trial: Trial, name: str) -> Place:
    """The place of a column in the trial's state. CouldNotAsk where it is not there, or where no row goes in."""
    column = next((each for each in trial.after.columns if each.name == name), None)
    if column is None:
        raise CouldNotAsk(f"the column {name} is not there")
    bare_name = bare(last_part(column.name, column.table))
    checks = tuple(checks_of(trial, column))
    query = sql.SQL("SELECT {} FROM {} LIMIT 0").format(sql.Identifier(bare_name), sql.SQL(column.table))
    with trial.workbench.rolled_back(trial.after_state) as connection:
        type_, category, length = type_of(connection, query)
        own = frozenset(bare(last_part(each.name, each.table)) for each in checks)
        row = _row(connection, trial, column, bare_name, own)
    return Place(
        table=column.table,
        column=bare_name,
        type=type_,
        category=category,
        row={name: value for name, value in row.items() if name != bare_name},
        sample=as_sent(row[bare_name]) if row.get(bare_name) is not None else None,
        length=length,
        checks=checks,
    )


def type_of(connection: psycopg.Connection, query: sql.Composed) -> tuple[str, str, int | None]:
    """Of the one column that a query gives: its type under any domain and without modifier, pg_type.typcategory, and
    the n of varchar(n). Without the modifier, because a cast to varchar(5) cuts in silence what an INSERT refuses."""
    described = connection.execute(query).description
    assert described is not None
    found = connection.execute(
        "SELECT format_type(oid, -1), typcategory::text FROM pg_type WHERE oid = %s", [described[0].type_code]
    ).fetchone()
    assert found is not None
    return found[0], found[1], described[0].display_size


def checks_of(trial: Trial, column: Column) -> Iterator[Constraint]:
    """The live CHECKs that a value of the column must pass, its domain's included."""
    name = last_part(column.name, column.table)
    domain = (column.type, f"public.{column.type}")
    for each in trial.after.constraints:
        if each.form != "check" or not each.enforced or each.definition is None:
            continue
        if each.table in domain or (each.table == column.table and mentions(each.definition, name)):
            yield each


def mentions(expression: str, column: str) -> bool:
    """Whether an expression in the server's spelling names the column, itself spelled so, outside any literal."""
    words = (found[0] for found in _WORD.finditer(expression) if not found[0].endswith("'"))
    return column in words


def _row(
    connection: psycopg.Connection, trial: Trial, column: Column, bare_name: str, own: frozenset[str]
) -> Mapping[str, Any]:
    """A row that goes in, or that only the column itself keeps out: the promise's sample, else the head's, else any."""
    promise = trial.promise
    head = promise.project.shape(promise.project.head.stem).samples
    rows = [each[column.table] for each in (promise.samples, head) if column.table in each]
    refusals = []
    for row in rows or [simplest_row(trial.after, column.table)]:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(insert_statement(column.table, row), [as_text(value) for value in row.values()])
        except psycopg.Error as error:
            refusal = refusal_of(error)
            mine = refusal.constraint in own or error.diag.column_name == bare_name or refusal.sqlstate[:2] == "22"
            if not mine:
                refusals.append(str(refusal))
                continue
        return row
    raise CouldNotAsk(
        f"no row goes into {column.table} to try values in: {refusals[-1]}; give the table a `sample` that does"
    )
