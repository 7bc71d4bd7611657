"""Writes on one row, each undone: what the server makes of it, as SQL that anyone can paste."""

from __future__ import annotations

from pgcontract.writes.another import another_values
from pgcontract.writes.beside import beside
from pgcontract.writes.specimen import Specimen, Values, attempt, identifier, simplest_value, specimen_of, told
from pgcontract.writes.states import Outcome, Sweep, entry, sweep

__all__ = [
    "Outcome",
    "Specimen",
    "Sweep",
    "Values",
    "another_values",
    "attempt",
    "beside",
    "entry",
    "identifier",
    "simplest_value",
    "specimen_of",
    "sweep",
    "told",
]
