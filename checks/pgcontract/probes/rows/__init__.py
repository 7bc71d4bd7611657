"""Writes on one row, each rolled back: what the server does with them, as SQL that anyone can paste."""

from __future__ import annotations

from pgcontract.probes.rows.alternative_values import other_values
from pgcontract.probes.rows.probe_row import (
    ColumnValues,
    ProbeRow,
    any_value,
    attempt,
    find_probe_row,
    reproduction_script,
)
from pgcontract.probes.rows.second_row import insert_second_row
from pgcontract.probes.rows.state_matrix import StateMatrix, TransitionResult, probe_state_matrix, values_for_state

__all__ = [
    "ColumnValues",
    "ProbeRow",
    "StateMatrix",
    "TransitionResult",
    "any_value",
    "attempt",
    "find_probe_row",
    "insert_second_row",
    "other_values",
    "probe_state_matrix",
    "reproduction_script",
    "values_for_state",
]
