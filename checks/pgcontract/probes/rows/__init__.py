"""Writes on one row, each undone: what the server makes of it, as SQL that anyone can paste."""

from __future__ import annotations

from pgcontract.probes.rows.alternative_values import another_values
from pgcontract.probes.rows.probe_row import Specimen, Values, attempt, identifier, simplest_value, specimen_of, told
from pgcontract.probes.rows.second_row import beside
from pgcontract.probes.rows.state_matrix import Outcome, Sweep, entry, sweep

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
