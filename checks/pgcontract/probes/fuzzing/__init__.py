"""Values tried on a column's constraints by real INSERTs: which ones, what refuses them, counterexamples."""

from __future__ import annotations

from pgcontract.probes.fuzzing.insert_batches import InsertResult, batch_insert, sendable
from pgcontract.probes.fuzzing.target_column import TargetColumn, find_target_column
