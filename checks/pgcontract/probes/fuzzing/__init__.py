"""Values put to a column's constraints by real INSERTs: which are tried, who refuses them, the smallest that tell."""

from __future__ import annotations

from pgcontract.probes.fuzzing.insert_batches import Judge, Judgement, judging, sendable
from pgcontract.probes.fuzzing.target_column import Place, place_of

__all__ = ["Judge", "Judgement", "Place", "judging", "place_of", "sendable"]
