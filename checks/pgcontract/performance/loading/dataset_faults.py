"""A data set that breaks a rule of its table: which row, which rule, and where the data set says it."""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from pgcontract.errors import ContractError
from pgcontract.performance.loading.row_query import closure, counted, fits, identifier, rows_query
from pgcontract.performance.loading.table_plan import Filling
from pgcontract.performance.loading.target_tables import Key
from pgcontract.postgres.script_execution import refusal_of

_LONGEST = 60


def explained(
    connection: psycopg.Connection, filling: Filling, error: psycopg.Error, first: int, last: int
) -> ContractError:
    """The server's refusal of some rows, as the owner's mistake."""
    refusal = refusal_of(error)
    named = refusal.constraint or error.diag.constraint_name
    key = next((each for each in filling.table.keys if each.name == named), None)
    if key is not None and key.unique:
        what = f"{key.name} is unique, and an earlier row has the same {', '.join(key.keys)}"
        return told(connection, filling, _repeated(connection, filling, key), what, key.columns)
    check = next((each for each in filling.table.checks if each.name == named), None)
    columns = check.columns if check else [error.diag.column_name] if error.diag.column_name else ()
    number = _refused(connection, filling, first, last)
    return told(connection, filling, number, refusal.message, columns or _failing(connection, filling, number))


def orphan(reader: psycopg.Connection, connection: psycopg.Connection, filling: Filling) -> None:
    """Raises ContractError for the first row that refers to a row which is not there; `reader` sees past policies."""
    for each in filling.table.references:
        pairs = zip(each.columns, each.parent_columns, strict=True)
        alike = sql.SQL(" AND ").join(
            sql.SQL("pgcontract_parent.{} = pgcontract_child.{}").format(identifier(theirs), identifier(ours))
            for ours, theirs in pairs
        )
        set_ = sql.SQL(" AND ").join(
            sql.SQL("pgcontract_child.{} IS NOT NULL").format(identifier(ours)) for ours in each.columns
        )
        wanting = sql.SQL("{} AND NOT EXISTS (SELECT FROM {} AS pgcontract_parent WHERE {})").format(
            set_, sql.SQL(each.parent), alike
        )
        query = sql.SQL("SELECT FROM {} AS pgcontract_child WHERE {} LIMIT 1").format(
            sql.SQL(filling.table.name), wanting
        )
        if reader.execute(query).fetchone() is not None:
            numbered = sql.SQL("SELECT pgcontract_n FROM ({}) AS pgcontract_child WHERE {} ORDER BY 1 LIMIT 1").format(
                filling.query(1, filling.rows, number=True), wanting
            )
            row = connection.execute(numbered).fetchone()
            what = f"the foreign key {each.name} refers to a row of {each.parent} that is not there"
            raise told(connection, filling, int(row[0]) if row else None, what, each.columns)


def told(
    connection: psycopg.Connection, filling: Filling, number: int | None, what: str, columns: Collection[str]
) -> ContractError:
    """One line: the row, its values, long ones cut, and what was said of it; its place that of one of the columns."""
    said = [each.origin for each in filling.makers.values() if each.origin and each.column.name in columns]
    origin = said[0] if said else filling.origin
    row = f"row {number} of {filling.table.name}" if number is not None else f"a row of {filling.table.name}"
    return ContractError(
        f"the data set breaks a rule: {row}{_values(connection, filling, number)}: {what}. Change what it says of these "
        "columns, or the rule",
        file=origin.file if origin else None,
        line=origin.line if origin else None,
    )


def _values(connection: psycopg.Connection, filling: Filling, number: int | None) -> str:
    if number is None:
        return ""
    query = rows_query(filling.makers.values(), counted(number, number))
    try:
        row = connection.execute(
            sql.SQL("SELECT {} FROM ({}) AS pgcontract_row").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(name)) for name in filling.makers), query
            )
        ).fetchone()
    except psycopg.Error:
        return ""
    said = (
        f"{name} = {'null' if value is None else repr(value if len(value) <= _LONGEST else value[:_LONGEST] + '…')}"
        for name, value in zip(filling.makers, row or (), strict=False)
    )
    return f" ({', '.join(said)})"


def _repeated(connection: psycopg.Connection, filling: Filling, key: Key) -> int | None:
    """The first row whose key an earlier one has."""
    where = sql.SQL("WHERE {}").format(sql.SQL(key.predicate)) if key.predicate else sql.SQL("")
    if key.nulls_distinct:
        there = sql.SQL(" AND ").join(sql.SQL("({}) IS NOT NULL").format(sql.SQL(each)) for each in key.keys)
        where = sql.SQL("{} {}").format(where, sql.SQL("AND {}" if key.predicate else "WHERE {}").format(there))
    query = sql.SQL(
        "SELECT pgcontract_n FROM (SELECT pgcontract_n, pg_catalog.row_number() OVER (PARTITION BY {} "
        "ORDER BY pgcontract_n) AS place FROM ({}) AS pgcontract_all {}) AS pgcontract_placed "
        "WHERE place = 2 ORDER BY 1 LIMIT 1"
    ).format(sql.SQL(", ").join(map(sql.SQL, key.keys)), filling.query(1, filling.rows, number=True), where)
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else None


def _refused(connection: psycopg.Connection, filling: Filling, first: int, last: int) -> int | None:
    """The first row of the stretch that is refused by itself, by halves."""
    while first < last:
        middle = (first + last) // 2
        if _goes_in(connection, filling, first, middle):
            first = middle + 1
        else:
            last = middle
    return None if _goes_in(connection, filling, first, last) else first


def _goes_in(connection: psycopg.Connection, filling: Filling, first: int, last: int) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(filling.insert(first, last))
    except psycopg.Error:
        return False
    return True


def _failing(connection: psycopg.Connection, filling: Filling, number: int | None) -> list[str]:
    """The columns that a data set speaks of whose values cannot be worked out, or are too long for them."""
    found = []
    for name, maker in filling.makers.items():
        if maker.origin is None or number is None:
            continue
        row = rows_query(closure(filling.makers, [name]), counted(number, number))
        try:
            with connection.transaction(force_rollback=True):
                query = sql.SQL("SELECT {} FROM ({}) AS pgcontract_one").format(fits(maker.column), row)
                fitting = connection.execute(query).fetchone() == (True,)
        except psycopg.Error:
            fitting = False
        if not fitting:
            found.append(name)
    return found
