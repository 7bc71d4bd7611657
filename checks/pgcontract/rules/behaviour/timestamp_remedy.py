"""The trigger to type where the database does not set a timestamp as declared."""

from __future__ import annotations

from pgcontract.contract import Timestamp
from pgcontract.model.identifiers import quote_identifier


def set_by_trigger(timestamp: Timestamp) -> str:
    """The trigger's events and the assignment in its function, of this very column."""
    column = quote_identifier(timestamp.bare_column)
    clock = "pg_catalog.clock_timestamp()"
    if timestamp.increasing:
        value = f"greatest({clock}, OLD.{column} + interval '1 microsecond')"
    elif timestamp.set_on == ("insert",):
        value = f"CASE TG_OP WHEN 'INSERT' THEN {clock} ELSE OLD.{column} END"
    else:
        value = clock
    events = "UPDATE" if timestamp.set_on == ("update",) else "INSERT OR UPDATE"
    return f"In a trigger BEFORE {events} ON {timestamp.table} FOR EACH ROW: NEW.{column} := {value};"
