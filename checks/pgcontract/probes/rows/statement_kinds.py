"""The kinds of statement by which a client inserts a row or changes one: the same values, by each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow, assignments
from pgcontract.probes.rows.write_trials import TrialResult


def copy_row(
    connection: psycopg.Connection, row: ProbeRow, values: ColumnValues, look: sql.Composed
) -> tuple[tuple[str, ...], TrialResult]:
    """COPY of the row with these values, undone: its lines as psql reads them, and what `look` then finds. COPY takes no
    expressions, so they are computed first."""
    texts: dict[str, str | None] = {name: None if text is None else str(text) for name, text in row.row.items()}
    lines: tuple[str, ...] = ()
    try:
        with connection.transaction(force_rollback=True):
            if values:
                casts = sql.SQL(", ").join(sql.SQL("({})::pg_catalog.text").format(value) for value in values.values())
                computed = connection.execute(sql.SQL("SELECT {}").format(casts)).fetchone()
                texts |= dict(zip(values, computed or (), strict=True))
            names = sql.SQL(", ").join(map(identifier, texts))
            copy_in = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.SQL(row.inserts_into or row.table), names)
            lines = (f"{copy_in.as_string()};", "\t".join(map(_copy_text, texts.values())), "\\.")
            with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
                copy.write_row([*texts.values()])
            found = tuple(record[0] for record in connection.execute(look).fetchall())
            return lines, TrialResult(rows=(found,))
    except psycopg.Error as error:
        return lines, TrialResult(refusal=read_refusal(error))


def _copy_text(text: str | None) -> str:
    r"""A value in COPY's text format: \N for null, and backslash, tab and line breaks escaped."""
    if text is None:
        return r"\N"
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def moved(row: ProbeRow, values: Mapping[str, Any]) -> ProbeRow:
    """The row as it is found again when these values (as they are sent) are written: by its new key."""
    new = {name: value for name, value in values.items() if name in row.key}
    return replace(row, row={**row.row, **new}) if new else row


def upsert(row: ProbeRow, proposed: ColumnValues, values: ColumnValues) -> sql.Composed:
    """INSERT of the row with the values `proposed`; if it is there, UPDATE of it to the others."""
    key = sql.SQL(", ").join(map(identifier, row.key))
    return sql.SQL("{} ON CONFLICT ({}) DO UPDATE SET {}").format(row.insert(proposed), key, assignments(values))


def merge_insert(row: ProbeRow, values: ColumnValues) -> sql.Composed:
    """MERGE with the INSERT's own columns and values, behind WHEN NOT MATCHED."""
    return sql.SQL("MERGE INTO {} USING (SELECT 1) AS source ON false WHEN NOT MATCHED THEN INSERT{}").format(
        sql.SQL(row.inserts_into or row.table), row.given(row.values(values))
    )


def merge_update(row: ProbeRow, values: ColumnValues) -> sql.Composed:
    """MERGE that finds the row by its key."""
    return sql.SQL("MERGE INTO {} USING (SELECT 1) AS source ON {} WHEN MATCHED THEN UPDATE SET {}").format(
        sql.SQL(row.table), row.condition, assignments(values)
    )


def insert_both(row: ProbeRow, first: ColumnValues, second: ProbeRow, last: ColumnValues) -> sql.Composed:
    """One INSERT of both; a value that only one of them has is DEFAULT in the other."""
    return sql.SQL("INSERT INTO {}{}").format(
        sql.SQL(row.inserts_into or row.table), row.given(row.values(first), second.values(last))
    )


def update_both(row: ProbeRow, first: ColumnValues, second: ProbeRow, last: ColumnValues) -> sql.Composed:
    """One UPDATE of both, of each to its own values."""
    changes = {
        name: sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(
            row.condition, first.get(name, identifier(name)), last.get(name, identifier(name))
        )
        for name in dict.fromkeys((*first, *last))
    }
    return sql.SQL("UPDATE {} SET {} WHERE {} OR {}").format(
        sql.SQL(row.table), assignments(first if first is last else changes), row.condition, second.condition
    )
