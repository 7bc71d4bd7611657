"""A data set that breaks a rule of its table: which row, which constraint, and where the data set declares it."""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import ContractError
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.row_generation.row_query import fits, number_series, rows_query, with_dependencies
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import Key

_MAX_CHARS = 60


def refusal_error(
    connection: psycopg.Connection, table_plan: TablePlan, error: psycopg.Error, first: int, last: int
) -> ContractError:
    """The server's refusal of some rows, as a ContractError."""
    refusal = read_refusal(error)
    named = refusal.constraint or error.diag.constraint_name
    key = next((candidate for candidate in table_plan.table.keys if candidate.name == named), None)
    if key is not None and key.unique:
        what = f"{key.name} is unique, and an earlier row has the same {', '.join(key.keys)}"
        return dataset_error(connection, table_plan, _first_duplicate(connection, table_plan, key), what, key.columns)
    check = next((candidate for candidate in table_plan.table.checks if candidate.name == named), None)
    columns = check.columns if check else [error.diag.column_name] if error.diag.column_name else ()
    number = _first_refused_row(connection, table_plan, first, last)
    return dataset_error(
        connection, table_plan, number, refusal.message, columns or _failing_columns(connection, table_plan, number)
    )


def check_foreign_keys(reader: psycopg.Connection, connection: psycopg.Connection, table_plan: TablePlan) -> None:
    """Raises ContractError for the first row that refers to a row which is not there; `reader` bypasses row security."""
    for reference in table_plan.table.references:
        pairs = zip(reference.columns, reference.parent_columns, strict=True)
        alike = sql.SQL(" AND ").join(
            sql.SQL("pgcontract_parent.{} = pgcontract_child.{}").format(
                identifier(parent_column), identifier(child_column)
            )
            for child_column, parent_column in pairs
        )
        set_ = sql.SQL(" AND ").join(
            sql.SQL("pgcontract_child.{} IS NOT NULL").format(identifier(column)) for column in reference.columns
        )
        wanting = sql.SQL("{} AND NOT EXISTS (SELECT FROM {} AS pgcontract_parent WHERE {})").format(
            set_, sql.SQL(reference.parent), alike
        )
        query = sql.SQL("SELECT FROM {} AS pgcontract_child WHERE {} LIMIT 1").format(
            sql.SQL(table_plan.table.name), wanting
        )
        if reader.execute(query).fetchone() is not None:
            numbered = sql.SQL("SELECT pgcontract_n FROM ({}) AS pgcontract_child WHERE {} ORDER BY 1 LIMIT 1").format(
                table_plan.query(1, table_plan.rows, number=True), wanting
            )
            row = connection.execute(numbered).fetchone()
            what = f"the foreign key {reference.name} refers to a row of {reference.parent} that is not there"
            raise dataset_error(connection, table_plan, int(row[0]) if row else None, what, reference.columns)


def dataset_error(
    connection: psycopg.Connection, table_plan: TablePlan, number: int | None, what: str, columns: Collection[str]
) -> ContractError:
    """One line: the row, its values, long ones cut, and what was said of it; its place that of one of the columns."""
    said = [
        generator.origin
        for generator in table_plan.generators.values()
        if generator.origin and generator.column.name in columns
    ]
    origin = said[0] if said else table_plan.origin
    row = f"row {number} of {table_plan.table.name}" if number is not None else f"a row of {table_plan.table.name}"
    return ContractError(
        f"the data set breaks a rule: {row}{_values_text(connection, table_plan, number)}: {what}. "
        "Change what it says of these columns, or the rule",
        file=origin.file if origin else None,
        line=origin.line if origin else None,
    )


def _values_text(connection: psycopg.Connection, table_plan: TablePlan, number: int | None) -> str:
    if number is None:
        return ""
    query = rows_query(table_plan.generators.values(), number_series(number, number))
    try:
        row = connection.execute(
            sql.SQL("SELECT {} FROM ({}) AS pgcontract_row").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(name)) for name in table_plan.generators), query
            )
        ).fetchone()
    except psycopg.Error:
        return ""
    said = (
        f"{name} = {'null' if value is None else repr(value if len(value) <= _MAX_CHARS else value[:_MAX_CHARS] + '…')}"
        for name, value in zip(table_plan.generators, row or (), strict=False)
    )
    return f" ({', '.join(said)})"


def _first_duplicate(connection: psycopg.Connection, table_plan: TablePlan, key: Key) -> int | None:
    """The first row whose key an earlier one has."""
    where = sql.SQL("WHERE {}").format(sql.SQL(key.predicate)) if key.predicate else sql.SQL("")
    if key.nulls_distinct:
        not_null = sql.SQL(" AND ").join(
            sql.SQL("({}) IS NOT NULL").format(sql.SQL(expression)) for expression in key.keys
        )
        where = sql.SQL("{} {}").format(where, sql.SQL("AND {}" if key.predicate else "WHERE {}").format(not_null))
    query = sql.SQL(
        "SELECT pgcontract_n FROM (SELECT pgcontract_n, pg_catalog.row_number() OVER (PARTITION BY {} "
        "ORDER BY pgcontract_n) AS place FROM ({}) AS pgcontract_all {}) AS pgcontract_placed "
        "WHERE place = 2 ORDER BY 1 LIMIT 1"
    ).format(sql.SQL(", ").join(map(sql.SQL, key.keys)), table_plan.query(1, table_plan.rows, number=True), where)
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else None


def _first_refused_row(connection: psycopg.Connection, table_plan: TablePlan, first: int, last: int) -> int | None:
    """The first row of the range that is refused by itself, found by bisection."""
    while first < last:
        middle = (first + last) // 2
        if _is_accepted(connection, table_plan, first, middle):
            first = middle + 1
        else:
            last = middle
    return None if _is_accepted(connection, table_plan, first, last) else first


def _is_accepted(connection: psycopg.Connection, table_plan: TablePlan, first: int, last: int) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(table_plan.insert(first, last))
    except psycopg.Error:
        return False
    return True


def _failing_columns(connection: psycopg.Connection, table_plan: TablePlan, number: int | None) -> list[str]:
    """The declared columns whose values cannot be computed, or are too long."""
    names = []
    for name, generator in table_plan.generators.items():
        if generator.origin is None or number is None:
            continue
        row = rows_query(with_dependencies(table_plan.generators, [name]), number_series(number, number))
        try:
            with connection.transaction(force_rollback=True):
                query = sql.SQL("SELECT {} FROM ({}) AS pgcontract_one").format(fits(generator.column), row)
                fitting = connection.execute(query).fetchone() == (True,)
        except psycopg.Error:
            fitting = False
        if not fitting:
            names.append(name)
    return names
