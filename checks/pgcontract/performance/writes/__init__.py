"""Costs of the application's writes on loaded tables: each step of each flow, at every size."""

from __future__ import annotations

from pgcontract.performance.writes.write_costs import SizeFigures, StepWrites, Writes, measured_writes

__all__ = ["SizeFigures", "StepWrites", "Writes", "measured_writes"]
