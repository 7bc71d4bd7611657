"""Writes on one row, each rolled back: what the server does with them, as SQL that anyone can paste.

A promise of rows is asked wherever a way round it can hide: at each of `write_targets`, with a row that `find_probe_row`
finds for it; by each kind of statement (`inserting`, `updating`, `copy_row`); with the `values_to_try` of other columns,
which `read_rule_texts` finds in triggers, functions and CHECKs, as `single_changes`, `changes_to_and_fro` and
`paired_changes`. `make_attempts` tries many `Attempt`s in a round trip (after `prepare_trials`) and gives what an
expression says of the rows before and after. Ask facts that open a transaction of their own first: its ROLLBACK ends any
other.
"""

from __future__ import annotations

from pgcontract.probes.row_generation.made_row import NoRowAccepted
from pgcontract.probes.row_generation.simple_values import any_value
from pgcontract.probes.rows.alternative_values import other_values
from pgcontract.probes.rows.attempts import (
    Attempt,
    Change,
    changes_to_and_fro,
    make_attempts,
    paired_changes,
    single_changes,
)
from pgcontract.probes.rows.column_values import values_to_try
from pgcontract.probes.rows.probe_row import (
    ColumnValues,
    ProbeRow,
    attempt,
    find_probe_row,
    reproduction_script,
)
from pgcontract.probes.rows.rule_texts import read_rule_texts
from pgcontract.probes.rows.second_row import insert_second_row, second_row
from pgcontract.probes.rows.state_matrix import (
    StateMatrices,
    StateMatrix,
    TransitionResult,
    probe_state_matrices,
    probe_state_matrix,
    values_for_state,
)
from pgcontract.probes.rows.state_writes import StateWrite, StateWrites, later_declaration, probe_state_writes
from pgcontract.probes.rows.statement_kinds import copy_row, inserting, moved, updating
from pgcontract.probes.rows.write_targets import WriteTarget, write_targets
from pgcontract.probes.rows.write_trials import prepare_trials

__all__ = [
    "Attempt",
    "Change",
    "ColumnValues",
    "NoRowAccepted",
    "ProbeRow",
    "StateMatrices",
    "StateMatrix",
    "StateWrite",
    "StateWrites",
    "TransitionResult",
    "WriteTarget",
    "any_value",
    "attempt",
    "changes_to_and_fro",
    "copy_row",
    "find_probe_row",
    "insert_second_row",
    "inserting",
    "later_declaration",
    "make_attempts",
    "moved",
    "other_values",
    "paired_changes",
    "prepare_trials",
    "probe_state_matrices",
    "probe_state_matrix",
    "probe_state_writes",
    "read_rule_texts",
    "reproduction_script",
    "second_row",
    "single_changes",
    "updating",
    "values_for_state",
    "values_to_try",
    "write_targets",
]
