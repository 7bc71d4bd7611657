"""What the application's writes cost on loaded tables: each step of each flow, at every size."""

from __future__ import annotations

from pgcontract.measure.writes.figures import SizeFigures, StepWrites, Writes, writes

__all__ = ["SizeFigures", "StepWrites", "Writes", "writes"]
