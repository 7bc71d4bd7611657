"""Writes on one row, each rolled back: what the server does with them, as SQL that anyone can paste.

A promise of rows is asked wherever a way round it can hide: at each of `write_targets`, with a row that
`find_probe_row` finds for it, by the ways of one `WriteMatrix`: each kind of statement, and the values of
`OtherColumns`, which `read_rule_texts` finds in triggers, functions and CHECKs. `Attempts` tries many in a round trip
(after `prepare_trials`) and gives what an expression says of the rows before and after. Ask facts that open a
transaction of their own first: its ROLLBACK ends any other.
"""

from __future__ import annotations

from pgcontract.probes.row_generation.simple_values import any_value
from pgcontract.probes.rows.attempts import Attempt, Attempts, Sent
from pgcontract.probes.rows.other_columns import OtherColumns, find_other_columns
from pgcontract.probes.rows.places import Places
from pgcontract.probes.rows.probe_row import (
    ColumnValues,
    ProbeRow,
    attempt,
    find_probe_row,
    reproduction_script,
)
from pgcontract.probes.rows.rule_texts import read_rule_texts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.state_matrix import (
    StateMatrices,
    StateMatrix,
    probe_state_matrices,
    probe_state_matrix,
    values_for_state,
)
from pgcontract.probes.rows.state_writes import StateWrite, StateWrites, later_declaration, probe_state_writes
from pgcontract.probes.rows.write_matrix import WriteMatrix
from pgcontract.probes.rows.write_targets import WriteTarget
