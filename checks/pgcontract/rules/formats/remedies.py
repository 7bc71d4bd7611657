"""What to type where a column does not hold its format: SQL with the table's, column's and constraint's own names."""

from __future__ import annotations

from typing import Final

from pgcontract.contract import ColumnFormat
from pgcontract.model.identifiers import quote_identifier
from pgcontract.probes.fuzzing.target_column import TargetColumn

_SQLSTATE_MEANINGS: Final = {
    "22001": "value too long for the column's type",
    "22003": "number out of range for the column's type",
    "22P02": "not a value of the column's type",
    "22007": "not a value of the column's type",
    "22008": "out of range for the column's type",
    "23502": "null value in a NOT NULL column",
}


def refuser_text(refused_by: str) -> str:
    """`violates constraint email_format (SQLSTATE 23514)`; what the SQLSTATE means where no constraint is named."""
    sqlstate, _, constraint = refused_by.partition(" ")
    if constraint:
        return f"violates constraint {quote_identifier(constraint)} (SQLSTATE {sqlstate})"
    meaning = _SQLSTATE_MEANINGS.get(sqlstate)
    return f"{meaning} (SQLSTATE {sqlstate})" if meaning else f"SQLSTATE {sqlstate}"


def tighten(declared: ColumnFormat, target: TargetColumn) -> str:
    """Replaces the column's CHECK, or adds one where it has none."""
    return (
        f"Tighten the constraint, or name a wider standard or dialect under [format.{declared.name}]: "
        f"{_replace_check(declared, target)}"
    )


def widen(declared: ColumnFormat, target: TargetColumn, refused_by: str) -> str:
    """Changes what rejected the value: the CHECK, the type, or else a trigger."""
    sqlstate, _, constraint = refused_by.partition(" ")
    narrower = f"name a narrower standard under [format.{declared.name}]"
    if constraint:
        return f"Widen the constraint, or {narrower}: {_replace_check(declared, target, constraint)}"
    if sqlstate == "22001":
        alter = f"ALTER TABLE {target.table} ALTER COLUMN {quote_identifier(target.column)} TYPE text;"
        return f"Lift the limit, or {narrower}: {alter}"
    column = quote_identifier(target.column)
    return f"Change the type or trigger that raises SQLSTATE {sqlstate} for {column}, or {narrower}."


def keep_unchanged(target: TargetColumn) -> str:
    """Stores what was sent, or rejects what cannot be stored so."""
    alter = f"ALTER TABLE {target.table} ALTER COLUMN {quote_identifier(target.column)} TYPE"
    if target.type == "jsonb":
        return f"Store the text as it was sent: {alter} json; or reject such documents before the INSERT."
    if target.category == "S" and target.length:
        limit = f"ADD CHECK (char_length({quote_identifier(target.column)}) <= {target.length})"
        return f"Store the text as it was sent and reject what is too long: {alter} text, {limit};"
    return "Reject what cannot be stored unchanged; or change the type or the trigger that changes it."


def _replace_check(declared: ColumnFormat, target: TargetColumn, constraint: str | None = None) -> str:
    names = {check.quoted_name: check.table for check in target.checks}
    name = quote_identifier(constraint) if constraint else next(iter(names), "")
    if not name:
        added = quote_identifier(f"{target.column}_{declared.standard}")
        return f"ALTER TABLE {target.table} ADD CONSTRAINT {added} CHECK (…);"
    owner = names.get(name, target.table)
    if owner != target.table:
        return f"ALTER DOMAIN {owner} DROP CONSTRAINT {name}; ALTER DOMAIN {owner} ADD CONSTRAINT {name} CHECK (…);"
    return f"ALTER TABLE {owner} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK (…);"
