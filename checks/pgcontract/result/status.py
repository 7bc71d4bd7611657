"""How a check ended, and how much a broken promise matters."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """How a check ended. UNKNOWN should have worked and did not: it is never a pass."""

    KEPT = "kept"
    NOTED = "noted"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    BROKEN = "broken"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Worse is greater: a subject with several findings has the status of the worst."""
        return list(Status).index(self)


class Severity(Enum):
    """How much a broken promise matters; `critical` is data lost or exposed."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Acceptance(Enum):
    """What a WAIVED finding is accepted by: a waiver in a contract, the baseline, or a comment at its statement."""

    WAIVER = "waiver"
    BASELINE = "baseline"
    COMMENT = "comment"
