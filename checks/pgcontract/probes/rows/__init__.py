"""Writes on one row, each rolled back: what the server does with them, as SQL that anyone can paste."""

from __future__ import annotations

from pgcontract.probes.rows.alternative_values import other_values
from pgcontract.probes.rows.probe_row import (
    ColumnValues,
    ProbeRow,
    attempt,
    find_probe_row,
    reproduction_script,
)
from pgcontract.probes.rows.second_row import insert_second_row
from pgcontract.probes.rows.state_matrix import (
    StateMatrices,
    StateMatrix,
    TransitionResult,
    probe_state_matrices,
    probe_state_matrix,
    values_for_state,
)
from pgcontract.probes.rows.state_writes import StateWrite, StateWrites, later_declaration, probe_state_writes
from pgcontract.probes.sample_rows import any_value

__all__ = [
    "ColumnValues",
    "ProbeRow",
    "StateMatrices",
    "StateMatrix",
    "StateWrite",
    "StateWrites",
    "TransitionResult",
    "any_value",
    "attempt",
    "find_probe_row",
    "insert_second_row",
    "later_declaration",
    "other_values",
    "probe_state_matrices",
    "probe_state_matrix",
    "probe_state_writes",
    "reproduction_script",
    "values_for_state",
]
