"""Costs of the application's writes on loaded tables: each step of each flow, at every size."""

from __future__ import annotations

from pgcontract.performance.writes.write_costs import measured_writes
from pgcontract.performance.writes.write_figures import SizeFigures, StepWrites
